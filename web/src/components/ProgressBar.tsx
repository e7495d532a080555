// A share as a thin bar with its number.

import { Box, LinearProgress, Typography } from "@mui/material";

interface Props {
  value: number;
  label: string;
  showNumber?: boolean;
  done?: boolean;
}

export function ProgressBar({ value, label, showNumber = true, done = false }: Props) {
  const percent = Math.round(Math.min(1, Math.max(0, value)) * 100);
  return (
    <Box sx={{ display: "flex", alignItems: "center", gap: 1, minWidth: 0, width: "100%" }}>
      <LinearProgress
        variant="determinate"
        value={percent}
        aria-label={label}
        color={done || percent === 100 ? "success" : "info"}
        sx={{ flex: 1 }}
      />
      {showNumber && (
        <Typography
          variant="caption"
          color="textSecondary"
          sx={{ width: 34, textAlign: "right", fontVariantNumeric: "tabular-nums" }}
        >
          {percent}%
        </Typography>
      )}
    </Box>
  );
}
