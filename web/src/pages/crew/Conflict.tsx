// A session whose work does not go together with what was merged before it: where, and both sides' lines.

import { Box, Typography } from "@mui/material";
import type { WorkSession } from "../../api/types";
import { FileName } from "../../components/FileName";
import { Fold } from "../../components/Fold";
import { Markdown } from "../../components/Markdown";
import { Notice } from "./Notice";

export function Conflict({ session }: { session: WorkSession }) {
  const { conflict } = session;
  if (!conflict) return null;
  const [first] = conflict.files;
  const where =
    first !== undefined && conflict.files.length === 1 ? (
      <FileName name={first} />
    ) : (
      `${conflict.files.length} files`
    );
  const isOver = session.status === "failed";
  return (
    <Notice severity={isOver ? "error" : "warning"}>
      <Typography variant="body2" sx={{ overflowWrap: "anywhere" }}>
        {isOver ? (
          <>In {where}: first what was merged before, then this session's work.</>
        ) : (
          <>Conflicts with what was merged before it in {where}. Its agent is asked to resolve it.</>
        )}
      </Typography>
      <Fold label="Show both sides" quiet startOpen={isOver}>
        <Box sx={{ maxHeight: 420, overflowY: "auto", pr: 1, mb: 1 }}>
          <Markdown text={conflict.details} compact />
        </Box>
      </Fold>
    </Notice>
  );
}
