// The lines of a diff with their numbers.

import { Box, ButtonBase } from "@mui/material";
import { Fragment, memo, type ReactNode } from "react";
import type { Line } from "../model/diff";
import { MONO } from "../theme";

const SIGN = { add: "+", remove: "−", same: " ", hunk: " " } as const;
const TINT = {
  add: "color-mix(in srgb, var(--mui-palette-success-main) 12%, transparent)",
  remove: "color-mix(in srgb, var(--mui-palette-error-main) 11%, transparent)",
  same: undefined,
  hunk: "var(--mui-palette-sunken)",
} as const;

interface Props {
  lines: Line[];
  label: string;
  /** Called with a line whose number is clicked. */
  onPick?: (line: Line) => void;
  /** What is shown below a line. */
  below?: (line: Line) => ReactNode[];
}

export const DiffLines = memo(function DiffLines({ lines, label, onPick, below }: Props) {
  return (
    <Box
      role="region"
      aria-label={label}
      tabIndex={0}
      sx={{
        overflowX: "auto",
        "&:focus-visible": { outlineOffset: -2 },
        containerType: "inline-size",
        fontFamily: MONO,
        fontSize: "0.78rem",
        lineHeight: 1.55,
      }}
    >
      <Box sx={{ display: "table", minWidth: "100%" }}>
        {lines.map((line, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the lines of a diff never move
          <Fragment key={at}>
            <Box
              sx={{
                display: "table-row",
                backgroundColor: TINT[line.kind],
                color: line.kind === "hunk" ? "text.secondary" : undefined,
              }}
            >
              <LineNumber value={line.old} line={line} onPick={onPick} isFirst />
              <LineNumber value={line.new} line={line} onPick={onPick} />
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
            {below?.(line)}
          </Fragment>
        ))}
      </Box>
    </Box>
  );
});

interface NumberProps {
  value: number | null;
  line: Line;
  onPick?: (line: Line) => void;
  isFirst?: boolean;
}

function LineNumber({ value, line, onPick, isFirst = false }: NumberProps) {
  // On a narrow screen one number stands for the line.
  const isMain = (line.kind === "remove") === isFirst;
  return (
    <Box
      sx={{
        display: { xs: onPick && isMain ? "table-cell" : "none", sm: "table-cell" },
        width: "1%",
        minWidth: "3.4em",
        px: 0.75,
        textAlign: "right",
        verticalAlign: "top",
        color: "text.disabled",
        userSelect: "none",
      }}
    >
      {onPick && isMain && value !== null ? (
        <ButtonBase
          aria-label={`Comment on line ${value}`}
          onClick={() => onPick(line)}
          sx={{
            font: "inherit",
            color: "inherit",
            px: 0.5,
            borderRadius: 0.5,
            "&:hover, &:focus-visible": { color: "primary.contrastText", bgcolor: "primary.main" },
          }}
        >
          {value}
        </ButtonBase>
      ) : (
        (value ?? "")
      )}
    </Box>
  );
}
