// What stands beside a page's content and stays in view while that is scrolled; below or above it where there is no room.

import { Box, type BoxProps } from "@mui/material";

export function Aside({ sx, ...props }: BoxProps) {
  return (
    <Box
      {...props}
      sx={[
        {
          position: { lg: "sticky" },
          top: 16,
          maxHeight: { lg: "calc(100dvh - 32px)" },
          overflowY: { lg: "auto" },
          minWidth: 0,
          // Paper has no scroll bar.
          "@media print": { position: "static !important", maxHeight: "none !important" },
        },
        ...(Array.isArray(sx) ? sx : [sx]),
      ]}
    />
  );
}
