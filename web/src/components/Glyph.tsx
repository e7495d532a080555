// Where something stands, as a sign that reads without its colour.

import type { Tone } from "../model/status";
import css from "./Glyph.module.css";

interface GlyphProps {
  tone: Tone;
  size?: number;
}

/** It stands still: a page may have hundreds. */
export function Glyph({ tone, size = 14 }: GlyphProps) {
  return (
    <svg
      viewBox="0 0 14 14"
      width={size}
      height={size}
      aria-hidden="true"
      className={`${css.glyph} ${css[tone]}`}
    >
      {shape(tone)}
    </svg>
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
    case "stopped":
      return (
        <>
          {ring}
          <path d="M4.6 7h4.8" stroke="currentColor" strokeWidth="1.5" strokeLinecap="round" />
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
  const isCalm = tone === "waiting" || tone === "stopped" || tone === "done";
  return (
    <span className={`${css.status} ${isCalm ? css.calm : css[tone]} ${strong ? css.strong : ""}`}>
      <Glyph tone={tone} />
      {label}
    </span>
  );
}
