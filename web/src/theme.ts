// The dashboard's own look: ink on paper, one blue for what is chosen, and four colours that mean something.

import { createTheme } from "@mui/material/styles";

const SANS =
  '"Inter Variable", "Inter Stand-in", ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", Arial, sans-serif';
/** It stands in fonts.css, for style sheets as well. */
export const MONO = "var(--mono)";
/** A window so low, or so far zoomed in, that bars fixed to its edges would leave no room to read. */
export const LOW = "@media (max-height: 500px)";

/** What is on the page to be used, and not to be read on paper. */
export const NO_PRINT = { "@media print": { display: "none !important" } } as const;

/** A control that cannot be used now, and can be focused to learn why. */
const UNAVAILABLE = {
  "&[aria-disabled=true]:not(.Mui-disabled)": { opacity: 0.5, cursor: "not-allowed" },
} as const;

declare module "@mui/material/styles" {
  interface Palette {
    /** Behind the page's frame, and behind code. */
    sunken: string;
    /** Text that is there and not in the way: done, or far ahead. */
    faded: string;
    /** Text in the colour of a warning, on a tinted ground. */
    warningText: string;
    /** Text in the colour of information, on a tinted ground. */
    infoText: string;
  }
  interface PaletteOptions {
    sunken?: string;
    faded?: string;
    warningText?: string;
    infoText?: string;
  }
}

export const theme = createTheme({
  cssVariables: { colorSchemeSelector: "data-scheme" },
  focusVisible: true,
  colorSchemes: {
    light: {
      palette: {
        primary: { main: "#2a5db0", dark: "#1f488c", light: "#5f88ca", contrastText: "#ffffff" },
        info: { main: "#2a6fb8" },
        warning: { main: "#a35f00" },
        success: { main: "#2c7a4b" },
        error: { main: "#b5352c" },
        text: { primary: "#1e2024", secondary: "#5f646d", disabled: "#9a9ea6" },
        background: { default: "#fbfbf9", paper: "#ffffff" },
        divider: "#e5e5e0",
        sunken: "#f3f3ef",
        faded: "#696e77",
        warningText: "#8a4f00",
        infoText: "#1f5896",
        action: { hover: "rgba(30,32,36,0.04)", selected: "rgba(42,93,176,0.08)" },
      },
    },
    dark: {
      palette: {
        primary: { main: "#86aef0", dark: "#6a96e0", light: "#a9c6f6", contrastText: "#10151f" },
        info: { main: "#72aeea" },
        warning: { main: "#e0a64b" },
        success: { main: "#69b987" },
        error: { main: "#ee8377" },
        text: { primary: "#e7e7e3", secondary: "#a0a4ac", disabled: "#6b6f77" },
        background: { default: "#16171a", paper: "#1c1e22" },
        divider: "#2e3036",
        sunken: "#111215",
        faded: "#8f949d",
        warningText: "#e6b15f",
        infoText: "#72aeea",
        action: { hover: "rgba(255,255,255,0.045)", selected: "rgba(134,174,240,0.13)" },
      },
    },
  },
  shape: { borderRadius: 8 },
  typography: {
    fontFamily: SANS,
    fontSize: 14,
    htmlFontSize: 16,
    h1: { fontSize: "1.375rem", fontWeight: 640, letterSpacing: "-0.015em", lineHeight: 1.3 },
    h2: { fontSize: "1.0625rem", fontWeight: 620, letterSpacing: "-0.01em", lineHeight: 1.4 },
    h3: { fontSize: "0.9375rem", fontWeight: 620, letterSpacing: "-0.005em", lineHeight: 1.4 },
    subtitle2: { fontSize: "0.8125rem", fontWeight: 600, lineHeight: 1.4 },
    body1: { fontSize: "0.9375rem", lineHeight: 1.6 },
    body2: { fontSize: "0.875rem", lineHeight: 1.5 },
    caption: { fontSize: "0.78rem", lineHeight: 1.45 },
    button: { textTransform: "none", fontWeight: 560, fontSize: "0.875rem", letterSpacing: 0 },
  },
  components: {
    MuiCssBaseline: {
      styleOverrides: {
        // What is scrolled to by the keyboard is not behind the decision.
        html: { scrollPaddingBottom: "calc(var(--decision-room, 0px) + 16px)" },
        body: { WebkitFontSmoothing: "antialiased", textRendering: "optimizeLegibility" },
        // What is focused and not of the component library looks the same, unless it says otherwise.
        ":where(:focus-visible)": {
          outline: "2px solid var(--mui-palette-primary-main)",
          outlineOffset: 2,
        },
        "::selection": { background: "color-mix(in srgb, var(--mui-palette-primary-main) 25%, transparent)" },
        "@media (prefers-contrast: more)": {
          ":root[data-scheme]": {
            "--mui-palette-text-secondary": "var(--mui-palette-text-primary)",
            "--mui-palette-text-disabled": "var(--mui-palette-text-primary)",
            "--mui-palette-faded": "var(--mui-palette-text-primary)",
            "--mui-palette-divider":
              "color-mix(in srgb, var(--mui-palette-text-primary) 65%, var(--mui-palette-background-default))",
          },
        },
        // With forced colors backgrounds are not drawn: what is selected has an outline.
        "@media (forced-colors: active)": {
          ".MuiTabs-indicator": { forcedColorAdjust: "none", backgroundColor: "Highlight !important" },
          ".MuiButton-contained": { border: "1px solid ButtonText !important" },
          "[aria-current='page'], [aria-current='step'], [aria-current='true'], [aria-pressed='true'], .Mui-selected:not([role='tab'])":
            { outline: "2px solid Highlight !important", outlineOffset: "-2px !important" },
        },
        "@media (prefers-reduced-motion: reduce)": {
          ".MuiSkeleton-root, .MuiSkeleton-root::after": { animation: "none !important" },
          "*, *::before, *::after": {
            // One that runs for ever would run for ever quickly.
            animationDuration: "0.01ms !important",
            animationIterationCount: "1 !important",
            transitionDuration: "0.01ms !important",
          },
        },
      },
    },
    MuiButtonBase: {
      defaultProps: { disableRipple: true },
      styleOverrides: { root: { fontFamily: "inherit" } },
    },
    MuiButton: {
      defaultProps: { disableElevation: true, size: "small" },
      styleOverrides: {
        root: { borderRadius: 7, paddingInline: 12, minHeight: 32, whiteSpace: "nowrap", ...UNAVAILABLE },
        outlined: {
          borderColor: "var(--mui-palette-divider)",
          backgroundColor: "var(--mui-palette-background-paper)",
        },
      },
      variants: [
        {
          props: { variant: "contained", color: "primary" },
          style: {
            backgroundColor: "var(--mui-palette-text-primary)",
            color: "var(--mui-palette-background-default)",
            "&:hover": {
              backgroundColor: "color-mix(in srgb, var(--mui-palette-text-primary) 86%, transparent)",
            },
          },
        },
        {
          props: { variant: "outlined", color: "inherit" },
          style: { "&:hover": { backgroundColor: "var(--mui-palette-sunken)" } },
        },
      ],
    },
    MuiIconButton: {
      defaultProps: { size: "small" },
      styleOverrides: {
        root: { borderRadius: 7, color: "var(--mui-palette-text-secondary)", ...UNAVAILABLE },
      },
    },
    MuiPaper: {
      defaultProps: { elevation: 0 },
      styleOverrides: { root: { backgroundImage: "none" } },
    },
    MuiCard: { defaultProps: { variant: "outlined" } },
    MuiDialog: {
      styleOverrides: {
        paper: {
          borderRadius: 12,
          border: "1px solid var(--mui-palette-divider)",
          boxShadow: "0 16px 48px rgba(0,0,0,.18)",
        },
        paperFullScreen: { borderRadius: 0, border: 0 },
      },
    },
    MuiDialogTitle: {
      styleOverrides: { root: { fontSize: "1.0625rem", fontWeight: 620, padding: "18px 24px 8px" } },
    },
    MuiDialogActions: { styleOverrides: { root: { padding: "12px 24px 18px", gap: 4 } } },
    MuiMenu: {
      styleOverrides: {
        paper: {
          border: "1px solid var(--mui-palette-divider)",
          boxShadow: "0 8px 24px rgba(0,0,0,.12)",
          borderRadius: 10,
        },
      },
    },
    MuiMenuItem: { styleOverrides: { root: { fontSize: "0.875rem", minHeight: 34, ...UNAVAILABLE } } },
    MuiTextField: { defaultProps: { size: "small", fullWidth: true } },
    MuiFormControl: { defaultProps: { size: "small" } },
    MuiOutlinedInput: {
      styleOverrides: {
        root: {
          fontSize: "0.875rem",
          borderRadius: 7,
          backgroundColor: "var(--mui-palette-background-paper)",
        },
        notchedOutline: { borderColor: "var(--mui-palette-divider)" },
      },
    },
    MuiInputLabel: { styleOverrides: { root: { fontSize: "0.875rem" } } },
    MuiTab: {
      styleOverrides: {
        root: {
          minHeight: 40,
          padding: "8px 2px",
          marginRight: 20,
          "@media (max-width: 600px)": { marginRight: 13 },
          minWidth: 0,
          fontSize: "0.875rem",
          borderRadius: 4,
          // Within the tab, whose scroller would cut it off, and around its words.
          "&.Mui-focusVisible": { outlineOffset: -2 },
        },
      },
    },
    MuiTabs: { styleOverrides: { root: { minHeight: 40 }, indicator: { height: 2, borderRadius: 1 } } },
    MuiTooltip: {
      defaultProps: { enterDelay: 400 },
      styleOverrides: {
        tooltip: {
          fontSize: "0.75rem",
          backgroundColor: "var(--mui-palette-text-primary)",
          color: "var(--mui-palette-background-default)",
        },
      },
    },
    MuiAlert: { styleOverrides: { root: { borderRadius: 8, fontSize: "0.875rem", alignItems: "center" } } },
    MuiLinearProgress: {
      styleOverrides: { root: { height: 4, borderRadius: 2, backgroundColor: "var(--mui-palette-divider)" } },
    },
    MuiChip: {
      styleOverrides: {
        root: {
          borderRadius: 6,
          fontSize: "0.75rem",
          height: 22,
          color: "var(--mui-palette-text-secondary)",
        },
        outlined: { borderColor: "var(--mui-palette-divider)" },
      },
    },
    MuiToggleButton: {
      styleOverrides: {
        root: {
          textTransform: "none",
          padding: "4px 10px",
          fontSize: "0.8125rem",
          borderColor: "var(--mui-palette-divider)",
        },
      },
    },
    MuiSkeleton: { defaultProps: { animation: "wave" } },
  },
});
