// The screen of a terminal, drawn by xterm.js.

import { Alert, Box, Button, Typography } from "@mui/material";
import { useColorScheme } from "@mui/material/styles";
import { FitAddon } from "@xterm/addon-fit";
import { Terminal as Xterm } from "@xterm/xterm";
import "@xterm/xterm/css/xterm.css";
import { useEffect, useRef, useState } from "react";
import { TerminalConnection, type TerminalState } from "../../terminal";
import { MONO } from "../../theme";

/** How many lines can be scrolled back to. */
const SCROLLBACK = 5000;
/** The contrast of text that a program colours, as WCAG AA asks for. */
const CONTRAST = 4.5;

export default function TerminalScreen({ session }: { session: string }) {
  const box = useRef<HTMLDivElement>(null);
  const leave = useRef<HTMLButtonElement>(null);
  const screen = useRef<Xterm>(null);
  const [state, setState] = useState<TerminalState>({ kind: "connecting" });
  const [attempt, setAttempt] = useState(0);
  const { colorScheme } = useColorScheme();

  // biome-ignore lint/correctness/useExhaustiveDependencies: each attempt opens the terminal again
  useEffect(() => {
    const place = box.current;
    if (!place) return;
    const { fontFamily } = getComputedStyle(place);
    const xterm = new Xterm({
      fontFamily,
      fontSize: 13,
      scrollback: SCROLLBACK,
      minimumContrastRatio: CONTRAST,
      screenReaderMode: true,
      theme: colours(place),
    });
    const fit = new FitAddon();
    xterm.loadAddon(fit);
    xterm.open(place);
    fit.fit();
    xterm.attachCustomKeyEventHandler((event) => {
      if (!(event.key === "Escape" && event.shiftKey)) return true;
      if (event.type === "keydown") leave.current?.focus();
      return false;
    });
    screen.current = xterm;
    setState({ kind: "connecting" });
    const connection = new TerminalConnection({
      session,
      screen: {
        size: () => ({ columns: xterm.cols, rows: xterm.rows }),
        write: (bytes, shown) => xterm.write(bytes, shown),
        reset: () => xterm.reset(),
      },
      state: (next) => {
        setState(next);
        if (next.kind === "open") xterm.focus();
      },
    });
    xterm.onData((text) => connection.type(text));
    xterm.onBinary((text) => connection.send(Uint8Array.from(text, (letter) => letter.charCodeAt(0))));
    xterm.onResize(({ cols, rows }) => connection.resize(cols, rows));
    const observer = new ResizeObserver(() => fit.fit());
    observer.observe(place);
    return () => {
      observer.disconnect();
      connection.close();
      xterm.dispose();
      screen.current = null;
    };
  }, [session, attempt]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the colours are those of the scheme
  useEffect(() => {
    if (box.current && screen.current) screen.current.options.theme = colours(box.current);
  }, [colorScheme]);

  return (
    <Box component="section" aria-label="Terminal in the worktree">
      {state.kind === "ended" && (
        <Alert
          severity="info"
          variant="outlined"
          sx={{ mb: 1 }}
          action={
            <Button color="inherit" size="small" onClick={() => setAttempt((count) => count + 1)}>
              Open terminal
            </Button>
          }
        >
          {state.detail}
        </Alert>
      )}
      {state.kind === "lost" && (
        <Alert severity="warning" variant="outlined" sx={{ mb: 1 }}>
          The connection broke off and is tried again. The terminal stays for a minute.
        </Alert>
      )}
      <Box
        ref={box}
        sx={{
          fontFamily: MONO,
          color: "text.primary",
          bgcolor: "background.paper",
          border: 1,
          borderColor: "divider",
          borderRadius: 1.25,
          p: 1,
          height: "max(280px, 60dvh)",
          overflow: "hidden",
          "& .xterm": { height: "100%" },
        }}
      />
      <Box sx={{ display: "flex", alignItems: "center", gap: 1, mt: 0.5, flexWrap: "wrap" }}>
        <Typography variant="caption" color="textSecondary" role="status">
          {state.kind === "connecting" ? "Opening the terminal…" : "Shift+Esc leaves the terminal."}
        </Typography>
        <Button ref={leave} size="small" color="inherit" onClick={() => screen.current?.focus()}>
          Focus terminal
        </Button>
      </Box>
    </Box>
  );
}

/** The colours of the page, as xterm.js takes them. */
function colours(place: HTMLElement) {
  const { color, backgroundColor } = getComputedStyle(place);
  return { foreground: color, background: backgroundColor, cursor: color, cursorAccent: backgroundColor };
}
