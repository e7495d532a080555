// A comment on a place of the documents, while it is written.

import { Box, Button, Stack, TextField, ToggleButton, ToggleButtonGroup, Typography } from "@mui/material";
import { useComment } from "../../api/actions";
import { useOnce } from "../../api/once";
import type { Comment, CommentKind } from "../../api/types";
import { ActionButton } from "../../components/Action";
import { focusSoon } from "../../components/focus";
import { ActionError } from "../../components/States";
import { useIsOffline } from "../../live/provider";
import type { Selected } from "../../model/selection";

const KINDS: [CommentKind, string][] = [
  ["suggestion", "Suggestion"],
  ["question", "Question"],
  ["blocking", "Blocking"],
  ["praise", "Praise"],
];

export interface CommentDraft {
  kind: CommentKind;
  text: string;
}

export const NO_COMMENT: CommentDraft = { kind: "suggestion", text: "" };

interface Props {
  task: string;
  review: string;
  about: Selected;
  draft: CommentDraft;
  onDraft: (draft: CommentDraft) => void;
  /** Whether the documents are no longer under review, so that it cannot be sent. */
  isLocked: boolean;
  /** Forgets the draft. */
  onClose: () => void;
}

export function CommentComposer({ task, review, about, draft, onDraft, isLocked, onClose }: Props) {
  const { kind, text } = draft;
  const add = useComment(task, review);
  const keyOf = useOnce(add);
  const isOffline = useIsOffline();
  const canSend = text.trim() !== "" && !isLocked && !isOffline;
  const submit = () => {
    const body = {
      document: about.document,
      quoted_text: about.text,
      start_line: about.start,
      end_line: about.end,
      kind,
      comment: text.trim(),
    };
    const onSuccess = ({ id }: Comment) => {
      onClose();
      focusSoon(`comment-${id}`);
    };
    add.mutate({ ...body, key: keyOf(body) }, { onSuccess });
  };
  return (
    <Box
      component="form"
      aria-label="Comment"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
      sx={{
        mb: 2,
        p: 1.5,
        borderRadius: 1.25,
        border: 1,
        borderColor: "primary.main",
        bgcolor: "background.paper",
      }}
    >
      <Typography variant="caption" color="textSecondary" component="p" sx={{ mb: 0.75 }}>
        {about.document}.md{about.start !== null && `, line ${about.start}`}
      </Typography>
      {about.text && <Quote>{about.text}</Quote>}
      <ToggleButtonGroup
        exclusive
        fullWidth
        size="small"
        value={kind}
        aria-label="What the comment is"
        disabled={isLocked}
        onChange={(_, to: CommentKind | null) => to && onDraft({ kind: to, text })}
        sx={{ mb: 1 }}
      >
        {KINDS.map(([value, label]) => (
          <ToggleButton
            key={value}
            value={value}
            sx={{ py: 0.25, px: 0.5, fontSize: "0.75rem", textTransform: "none" }}
          >
            {label}
          </ToggleButton>
        ))}
      </ToggleButtonGroup>
      <TextField
        multiline
        autoFocus={!isLocked}
        fullWidth
        minRows={2}
        maxRows={10}
        placeholder={kind === "praise" ? "What is good?" : "What should be different?"}
        value={text}
        onChange={(event) => onDraft({ kind, text: event.target.value })}
        onKeyDown={(event) => {
          if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && canSend) submit();
          if (event.key === "Escape" && !text.trim()) onClose();
        }}
        slotProps={{ htmlInput: { "aria-label": `Comment on ${about.document}`, readOnly: isLocked } }}
      />
      {isLocked && (
        <Typography variant="caption" color="warning" component="p" sx={{ mt: 0.75 }}>
          This comment is not sent: the documents are not under review now.
        </Typography>
      )}
      <ActionError error={add.error} />
      <Stack direction="row" sx={{ gap: 1, mt: 1 }}>
        <ActionButton
          type="submit"
          variant="contained"
          disabled={!text.trim() || isLocked}
          loading={add.isPending}
        >
          Comment
        </ActionButton>
        <Button variant="text" color="inherit" onClick={onClose}>
          Discard
        </Button>
      </Stack>
    </Box>
  );
}

/** Words of a document that a comment is about. */
export function Quote({ children }: { children: string }) {
  return (
    <Typography
      variant="caption"
      color="textSecondary"
      component="p"
      sx={{
        display: "-webkit-box",
        WebkitLineClamp: 3,
        WebkitBoxOrient: "vertical",
        overflow: "hidden",
        overflowWrap: "anywhere",
        pl: 1,
        mb: 1,
        borderLeft: 2,
        borderColor: "warning.main",
      }}
    >
      {children}
    </Typography>
  );
}
