// The lines of a diff with their numbers.

import { Box } from "@mui/material";
import { memo } from "react";
import type { Line } from "../model/diff";
import { MONO } from "../theme";

const SIGN = { add: "+", remove: "−", same: " ", hunk: " " } as const;
const TINT = {
  add: "color-mix(in srgb, var(--mui-palette-success-main) 12%, transparent)",
  remove: "color-mix(in srgb, var(--mui-palette-error-main) 11%, transparent)",
  same: undefined,
  hunk: "var(--mui-palette-sunken)",
} as const;

export const DiffLines = memo(function DiffLines({ lines, label }: { lines: Line[]; label: string }) {
  return (
    <Box
      role="region"
      aria-label={label}
      tabIndex={0}
      sx={{ overflowX: "auto", fontFamily: MONO, fontSize: "0.78rem", lineHeight: 1.55 }}
    >
      <Box sx={{ display: "table", minWidth: "100%" }}>
        {lines.map((line, at) => (
          <Box
            // biome-ignore lint/suspicious/noArrayIndexKey: the lines of a diff never move
            key={at}
            sx={{
              display: "table-row",
              backgroundColor: TINT[line.kind],
              color: line.kind === "hunk" ? "text.secondary" : undefined,
            }}
          >
            <LineNumber value={line.old} />
            <LineNumber value={line.new} />
            <Box sx={{ display: "table-cell", pr: 2, whiteSpace: "pre" }}>
              <Box
                component="span"
                sx={{
                  display: "inline-block",
                  width: "1.6em",
                  pl: "0.4em",
                  userSelect: "none",
                  color:
                    line.kind === "add"
                      ? "success.main"
                      : line.kind === "remove"
                        ? "error.main"
                        : "text.disabled",
                }}
              >
                {SIGN[line.kind]}
              </Box>
              {line.text}
            </Box>
          </Box>
        ))}
      </Box>
    </Box>
  );
});

function LineNumber({ value }: { value: number | null }) {
  return (
    <Box
      sx={{
        display: { xs: "none", sm: "table-cell" },
        width: "1%",
        minWidth: "3.4em",
        px: 0.75,
        textAlign: "right",
        color: "text.disabled",
        userSelect: "none",
      }}
    >
      {value ?? ""}
    </Box>
  );
}
