// Where something stands, as a sign that reads without its colour.

import { keyframes } from "@emotion/react";
import { Box } from "@mui/material";
import type { Tone } from "../model/status";

const COLORS: Record<Tone, string> = {
  waiting: "text.disabled",
  working: "info.main",
  attention: "warning.main",
  done: "success.main",
  failed: "error.main",
};

const breathe = keyframes`0%, 100% { opacity: 1 } 50% { opacity: 0.45 }`;

export function Glyph({ tone, size = 14, still = false }: { tone: Tone; size?: number; still?: boolean }) {
  return (
    <Box
      component="svg"
      viewBox="0 0 14 14"
      aria-hidden
      sx={{
        width: size,
        height: size,
        flexShrink: 0,
        color: COLORS[tone],
        animation: tone === "working" && !still ? `${breathe} 2.4s ease-in-out infinite` : undefined,
      }}
    >
      {shape(tone)}
    </Box>
  );
}

function shape(tone: Tone) {
  const ring = <circle cx="7" cy="7" r="5.4" fill="none" stroke="currentColor" strokeWidth="1.5" />;
  const paper = "var(--mui-palette-background-paper)";
  switch (tone) {
    case "waiting":
      return (
        <circle
          cx="7"
          cy="7"
          r="5.4"
          fill="none"
          stroke="currentColor"
          strokeWidth="1.4"
          strokeDasharray="2.3 1.94"
        />
      );
    case "working":
      return (
        <>
          {ring}
          <path d="M7 3.7a3.3 3.3 0 0 1 0 6.6z" fill="currentColor" />
        </>
      );
    case "attention":
      return (
        <>
          {ring}
          <circle cx="7" cy="7" r="2.7" fill="currentColor" />
        </>
      );
    case "done":
      return (
        <>
          <circle cx="7" cy="7" r="6.2" fill="currentColor" />
          <path
            d="m4.2 7.2 2 2 3.7-4.3"
            fill="none"
            stroke={paper}
            strokeWidth="1.5"
            strokeLinecap="round"
            strokeLinejoin="round"
          />
        </>
      );
    case "failed":
      return (
        <>
          <circle cx="7" cy="7" r="6.2" fill="currentColor" />
          <path d="m5 5 4 4m0-4-4 4" stroke={paper} strokeWidth="1.5" strokeLinecap="round" />
        </>
      );
  }
}

/** The sign with its word. */
export function Status({ tone, label, strong = false }: { tone: Tone; label: string; strong?: boolean }) {
  const isCalm = tone === "waiting" || tone === "done";
  return (
    <Box
      component="span"
      sx={{
        display: "inline-flex",
        alignItems: "center",
        gap: 0.75,
        fontSize: "0.8125rem",
        fontWeight: strong ? 600 : 500,
        whiteSpace: "nowrap",
        color: isCalm ? "text.secondary" : COLORS[tone],
      }}
    >
      <Glyph tone={tone} />
      {label}
    </Box>
  );
}
