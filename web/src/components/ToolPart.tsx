// A text of a tool call, or a change of a file.

import { Box, Typography } from "@mui/material";
import { textChange } from "../model/diff";
import { plainName } from "../model/hidden";
import type { ToolContent } from "../model/tool";
import { MONO } from "../theme";
import { Code } from "./Code";
import { DiffLines } from "./DiffLines";
import { FileName } from "./FileName";

export function ToolPart({ part }: { part: ToolContent }) {
  if (part.kind === "text") return <Code text={part.text} />;
  const lines = textChange(part.before, part.after);
  return (
    <Box sx={{ border: 1, borderColor: "divider", borderRadius: 1, overflow: "hidden" }}>
      <Typography
        component="p"
        sx={{
          fontFamily: MONO,
          overflowWrap: "anywhere",
          fontSize: "0.75rem",
          px: 1.25,
          py: 0.5,
          bgcolor: "sunken",
          color: "text.secondary",
        }}
      >
        <FileName name={part.path} />
      </Typography>
      {lines.length > 0 && (
        <Box sx={{ maxHeight: 360, overflowY: "auto" }}>
          <DiffLines lines={lines} label={`Change of ${plainName(part.path)}`} />
        </Box>
      )}
    </Box>
  );
}
