// The change of one file.

import ChevronRightRounded from "@mui/icons-material/ChevronRightRounded";
import { Box, ButtonBase, Typography } from "@mui/material";
import { memo, useMemo, useState } from "react";
import type { FileDiff } from "../../api/types";
import { DiffLines } from "../../components/DiffLines";
import { FileName } from "../../components/FileName";
import { changeWithoutLines, hunkLines, modeNote } from "../../model/diff";
import { plainName } from "../../model/hidden";
import { MONO } from "../../theme";
import { LineComment } from "./LineComment";
import { type LineDraft, lineId } from "./useLineDrafts";

/** From how many lines on a file is folded at first. */
const LARGE = 600;

interface Props {
  file: FileDiff;
  startsFolded?: boolean;
  /** The comments on lines of the whole change; absent where it is not under review. */
  drafts?: LineDraft[];
  onDrafts?: (drafts: LineDraft[]) => void;
}

export const FileDiffCard = memo(function FileDiffCard(props: Props) {
  const { file, startsFolded = false, drafts = [], onDrafts } = props;
  const modes = modeNote(file);
  const own = drafts.filter((draft) => draft.path === file.path);
  const [isOpen, setOpen] = useState(!startsFolded && file.additions + file.deletions <= LARGE);
  const lines = useMemo(() => (isOpen ? hunkLines(file.hunks) : []), [isOpen, file.hunks]);
  return (
    <Box
      id={`file-${file.path}`}
      sx={{
        mb: 2,
        border: 1,
        borderColor: "divider",
        borderRadius: 1,
        bgcolor: "background.paper",
        scrollMarginTop: 16,
      }}
    >
      <ButtonBase
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
        sx={{
          width: "100%",
          justifyContent: "flex-start",
          gap: 0.75,
          px: 1,
          minHeight: 38,
          textAlign: "left",
          bgcolor: "sunken",
          borderRadius: "7px 7px 0 0",
        }}
      >
        <ChevronRightRounded
          sx={{ fontSize: 18, color: "text.secondary", transform: isOpen ? "rotate(90deg)" : "none" }}
        />
        <Box
          component="span"
          sx={{
            fontFamily: MONO,
            fontSize: "0.8rem",
            fontWeight: 560,
            flex: 1,
            minWidth: 0,
            overflowWrap: "anywhere",
          }}
        >
          {file.old_path && file.old_path !== file.path && (
            <>
              <FileName name={file.old_path} /> →{" "}
            </>
          )}
          <FileName name={file.path} />
        </Box>
        {file.status !== "modified" && (
          <Typography component="span" variant="caption" color="textSecondary">
            {file.status}
          </Typography>
        )}
        {modes && (
          <Typography component="span" variant="caption" sx={{ color: "warning.main", fontWeight: 560 }}>
            {modes}
          </Typography>
        )}
        <Typography
          component="span"
          variant="caption"
          sx={{ pr: 0.5, fontVariantNumeric: "tabular-nums", whiteSpace: "nowrap" }}
        >
          <Box component="span" sx={{ color: "success.main" }}>
            +{file.additions}
          </Box>{" "}
          <Box component="span" sx={{ color: "error.main" }}>
            −{file.deletions}
          </Box>
        </Typography>
      </ButtonBase>
      {isOpen && (
        <Box sx={{ borderTop: 1, borderColor: "divider" }}>
          {file.is_binary ? (
            <Note>A binary file.</Note>
          ) : lines.length === 0 ? (
            <Note>{changeWithoutLines(file)}</Note>
          ) : (
            <DiffLines
              lines={lines}
              label={`Changes of ${plainName(file.path)}`}
              onPick={
                onDrafts &&
                ((line) => {
                  const side = line.kind === "remove" ? "old" : "new";
                  const at = (side === "old" ? line.old : line.new) ?? 0;
                  if (own.some((draft) => draft.side === side && draft.line === at)) return;
                  const place = { path: file.path, side, line: at } as const;
                  onDrafts([...drafts, { ...place, id: lineId(place), quote: line.text, comment: "" }]);
                })
              }
              below={(line) =>
                own
                  .filter((draft) =>
                    draft.side === "old"
                      ? line.kind === "remove" && line.old === draft.line
                      : line.kind !== "remove" && line.new === draft.line,
                  )
                  .map((draft) => (
                    <LineComment
                      key={draft.id}
                      draft={draft}
                      onChange={(comment) =>
                        onDrafts?.(drafts.map((each) => (each.id === draft.id ? { ...each, comment } : each)))
                      }
                      onRemove={() => onDrafts?.(drafts.filter((each) => each.id !== draft.id))}
                    />
                  ))
              }
            />
          )}
        </Box>
      )}
    </Box>
  );
});

function Note({ children }: { children: string }) {
  return (
    <Typography variant="body2" color="textSecondary" sx={{ px: 2, py: 1.5 }}>
      {children}
    </Typography>
  );
}
