// Text as a machine wrote it, in a box that scrolls.

import { Box } from "@mui/material";
import { MONO } from "../theme";

export function Code({ text, maxHeight = 320 }: { text: string; maxHeight?: number }) {
  return (
    <Box
      component="pre"
      tabIndex={0}
      sx={{
        m: 0,
        p: 1.25,
        maxHeight,
        overflow: "auto",
        fontFamily: MONO,
        fontSize: "0.78rem",
        lineHeight: 1.5,
        whiteSpace: "pre-wrap",
        overflowWrap: "anywhere",
        bgcolor: "sunken",
        border: 1,
        borderColor: "divider",
        borderRadius: 1,
      }}
    >
      {text}
    </Box>
  );
}

/** A short piece of code within a sentence. */
export function Mono({ children }: { children: string }) {
  return (
    <Box component="code" sx={{ fontFamily: MONO, fontSize: "0.86em", overflowWrap: "anywhere" }}>
      {children}
    </Box>
  );
}
