import type { Palette } from "@mui/material/styles";
import { expect, test } from "vitest";
import { theme } from "./theme";

/** The theme's own type leaves its schemes out. */
interface Schemes {
  colorSchemes: Record<"light" | "dark", { palette: Palette }>;
}

type Color = [number, number, number];

const parsed = (hex: string): Color =>
  [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)) as Color;

/** A colour over another one, by its opacity. */
const over = (color: Color, ground: Color, opacity: number): Color =>
  color.map((part, at) => part * opacity + (ground[at] ?? 0) * (1 - opacity)) as Color;

/** The relative luminance by WCAG. */
function luminance(color: Color): number {
  const [red, green, blue] = color.map((part) => {
    const share = part / 255;
    return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as Color;
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(a: Color, b: Color): number {
  const [darker = 0, lighter = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (lighter + 0.05) / (darker + 0.05);
}

test.each(["light", "dark"] as const)("badges can be read on their own tint, %s", (scheme) => {
  const palette = (theme as unknown as Schemes).colorSchemes[scheme].palette;
  const ink: Color = scheme === "light" ? [30, 32, 36] : [255, 255, 255];
  for (const text of [palette.warningText, palette.infoText].map(parsed)) {
    for (const ground of [palette.sunken, palette.background.paper].map(parsed)) {
      const hovered = over(ink, ground, 0.045);
      expect(contrast(text, over(text, ground, 0.1))).toBeGreaterThanOrEqual(4.5);
      expect(contrast(text, over(text, hovered, 0.1))).toBeGreaterThanOrEqual(4.5);
    }
  }
});
