// The decision about the documents: approve, send back with comments, or reject.

import CloseRounded from "@mui/icons-material/CloseRounded";
import { Box, Button, IconButton, Stack, TextField, Typography } from "@mui/material";
import { useState } from "react";
import { useTaskAction } from "../../api/actions";
import type { Specs, TaskDetail } from "../../api/types";
import { Confirm } from "../../components/Confirm";
import { ActionError } from "../../components/States";
import { asChange, type Draft, useKept } from "../../model/drafts";

interface Props {
  task: TaskDetail;
  specs: Specs;
  drafts: Draft[];
  onDrafts: (drafts: Draft[]) => void;
}

export function SpecReview({ task, specs, drafts, onDrafts }: Props) {
  const decide = useTaskAction(task.id);
  const [comments, setComments] = useKept(`spectask-comment-${task.id}`, "");
  const [isRejecting, setRejecting] = useState(false);
  const said = drafts.filter((draft) => draft.comment.trim() !== "");
  const hasSomething = comments.trim() !== "" || said.length > 0;

  const send = (approved: boolean) =>
    decide.mutate(
      {
        do: "approve-specs",
        approved,
        comments: comments.trim(),
        changes: said.map(asChange),
        content_hash: specs.content_hash,
      },
      {
        onSuccess: () => {
          onDrafts([]);
          setComments("");
        },
      },
    );

  return (
    <Box
      component="section"
      aria-label="Your review"
      sx={{ mb: 3, p: 2, border: 1, borderColor: "divider", borderRadius: 1.25, bgcolor: "background.paper" }}
    >
      <Typography variant="h3" component="h2">
        Your review
        {specs.round !== undefined && (
          <Typography component="span" variant="caption" color="textSecondary" sx={{ ml: 1 }}>
            round {specs.round}
          </Typography>
        )}
      </Typography>
      <Typography variant="caption" color="textSecondary" component="p" sx={{ mb: 1.5 }}>
        Select words in a document to comment on them.
      </Typography>
      <Stack sx={{ gap: 1.25 }}>
        {drafts.map((draft) => (
          <DraftCard
            key={draft.id}
            draft={draft}
            onChange={(comment) =>
              onDrafts(drafts.map((each) => (each.id === draft.id ? { ...each, comment } : each)))
            }
            onRemove={() => onDrafts(drafts.filter((each) => each.id !== draft.id))}
          />
        ))}
        <TextField
          multiline
          minRows={3}
          maxRows={10}
          label="Comment on the whole"
          value={comments}
          onChange={(event) => setComments(event.target.value)}
        />
        <ActionError error={isRejecting ? null : decide.error} />
        <Button variant="contained" size="medium" loading={decide.isPending} onClick={() => send(true)}>
          Approve and start
        </Button>
        <Stack direction="row" sx={{ gap: 1 }}>
          <Button
            variant="outlined"
            color="inherit"
            fullWidth
            disabled={!hasSomething || decide.isPending}
            onClick={() => send(false)}
          >
            Request changes
          </Button>
          <Button
            variant="outlined"
            color="error"
            disabled={decide.isPending}
            onClick={() => setRejecting(true)}
          >
            Reject
          </Button>
        </Stack>
        {!hasSomething && (
          <Typography variant="caption" color="textSecondary">
            To request changes, say what should be different.
          </Typography>
        )}
      </Stack>
      <Confirm
        open={isRejecting}
        title="Reject the specification?"
        action="Reject and cancel"
        busy={decide.isPending}
        error={decide.error}
        onClose={() => setRejecting(false)}
        onConfirm={() => decide.mutate({ do: "cancel" }, { onSuccess: () => setRejecting(false) })}
      >
        The task is cancelled. Its documents stay on record.
      </Confirm>
    </Box>
  );
}

function DraftCard(props: { draft: Draft; onChange: (comment: string) => void; onRemove: () => void }) {
  const { draft } = props;
  return (
    <Box sx={{ p: 1.25, borderRadius: 1, bgcolor: "sunken", border: 1, borderColor: "divider" }}>
      <Stack direction="row" sx={{ alignItems: "flex-start", gap: 0.5 }}>
        <Typography variant="caption" color="textSecondary" sx={{ flex: 1, minWidth: 0, mb: 0.75 }}>
          {draft.document}.md
          {draft.quote && (
            <Box
              component="span"
              sx={{
                display: "-webkit-box",
                WebkitLineClamp: 3,
                WebkitBoxOrient: "vertical",
                overflow: "hidden",
                pl: 1,
                borderLeft: 2,
                borderColor: "warning.main",
                mt: 0.25,
              }}
            >
              {draft.quote}
            </Box>
          )}
        </Typography>
        <IconButton
          size="small"
          aria-label="Remove the comment"
          onClick={props.onRemove}
          sx={{ mt: -0.5, mr: -0.5 }}
        >
          <CloseRounded sx={{ fontSize: 16 }} />
        </IconButton>
      </Stack>
      <TextField
        multiline
        autoFocus={draft.comment === ""}
        maxRows={6}
        placeholder="What should be different?"
        value={draft.comment}
        onChange={(event) => props.onChange(event.target.value)}
        slotProps={{ htmlInput: { "aria-label": `Comment on ${draft.document}` } }}
      />
    </Box>
  );
}
