// A comment on a line of the change, which goes out with the review.

import CloseRounded from "@mui/icons-material/CloseRounded";
import { Box, IconButton, TextField } from "@mui/material";
import { useEffect, useState } from "react";
import { plainName } from "../../model/hidden";
import type { LineDraft } from "./useLineDrafts";

interface Props {
  draft: LineDraft;
  onChange: (comment: string) => void;
  onRemove: () => void;
}

export function LineComment({ draft, onChange, onRemove }: Props) {
  // The whole change is drawn again when a draft changes: not at every letter.
  const [text, setText] = useState(draft.comment);
  // A draft is saved after a pause, so that a reload loses none of it.
  useEffect(() => {
    if (text === draft.comment) return;
    const pause = setTimeout(() => onChange(text), 400);
    return () => clearTimeout(pause);
  }, [text, draft.comment, onChange]);
  return (
    <Box sx={{ display: "table-row" }}>
      <Box sx={{ display: { xs: "none", sm: "table-cell" } }} />
      <Box sx={{ display: "table-cell" }} />
      <Box sx={{ display: "table-cell", p: 1, fontFamily: "body1.fontFamily" }}>
        <Box
          sx={{
            display: "flex",
            alignItems: "flex-start",
            gap: 0.5,
            // As wide as what is seen of a wide diff.
            position: "sticky",
            left: 8,
            width: { xs: "calc(100cqw - 72px)", sm: "min(640px, 100cqw - 130px)" },
          }}
        >
          <TextField
            multiline
            fullWidth
            autoFocus={draft.comment === ""}
            maxRows={8}
            placeholder="What should be different here?"
            value={text}
            onChange={(event) => {
              const next = event.target.value;
              setText(next);
              if ((next.trim() === "") !== (draft.comment.trim() === "")) onChange(next);
            }}
            onBlur={() => text !== draft.comment && onChange(text)}
            slotProps={{
              htmlInput: { "aria-label": `Comment on ${plainName(draft.path)}, line ${draft.line}` },
            }}
          />
          <IconButton size="small" aria-label="Remove the comment" onClick={onRemove}>
            <CloseRounded sx={{ fontSize: 16 }} />
          </IconButton>
        </Box>
      </Box>
    </Box>
  );
}
