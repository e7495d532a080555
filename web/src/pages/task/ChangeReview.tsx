// The decision about the change: approve and merge, request changes, or reject.

import { Box, Button, Stack, TextField, Typography } from "@mui/material";
import { useState } from "react";
import { useTaskAction } from "../../api/actions";
import type { ReviewDecision, TaskDetail } from "../../api/types";
import { Mono } from "../../components/Code";
import { Confirm } from "../../components/Confirm";
import { ActionError } from "../../components/States";
import { useKept } from "../../model/drafts";

export function ChangeReview({ task }: { task: TaskDetail }) {
  const decide = useTaskAction(task.id);
  const [comments, setComments] = useKept(`spectask-change-comment-${task.id}`, "");
  const [isRejecting, setRejecting] = useState(false);
  const failing = task.change?.checks.filter((check) => !check.passed).length ?? 0;
  const send = (decision: ReviewDecision) =>
    decide.mutate(
      { do: "approve-implementation", decision, comments: comments.trim() },
      {
        onSuccess: () => {
          setComments("");
          setRejecting(false);
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
      </Typography>
      <Typography variant="caption" color="textSecondary" component="p" sx={{ mb: 1.5 }}>
        Approving merges it into <Mono>{task.base_branch}</Mono>.
      </Typography>
      <Stack sx={{ gap: 1.25 }}>
        <TextField
          multiline
          minRows={3}
          maxRows={10}
          label="Comment"
          value={comments}
          onChange={(event) => setComments(event.target.value)}
        />
        {failing > 0 && (
          <Typography variant="caption" color="error">
            {failing === 1 ? "A check fails." : `${failing} checks fail.`} You can approve all the same.
          </Typography>
        )}
        <ActionError error={isRejecting ? null : decide.error} />
        <Button variant="contained" size="medium" loading={decide.isPending} onClick={() => send("approve")}>
          Approve and merge
        </Button>
        <Stack direction="row" sx={{ gap: 1 }}>
          <Button
            variant="outlined"
            color="inherit"
            fullWidth
            disabled={!comments.trim() || decide.isPending}
            onClick={() => send("request_changes")}
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
        {!comments.trim() && (
          <Typography variant="caption" color="textSecondary">
            To request changes, say what should be different; an agent gets your words.
          </Typography>
        )}
      </Stack>
      <Confirm
        open={isRejecting}
        title="Reject the change?"
        action="Reject"
        busy={decide.isPending}
        error={decide.error}
        onClose={() => setRejecting(false)}
        onConfirm={() => send("reject")}
      >
        It is not merged and the task ends. Its branch stays.
      </Confirm>
    </Box>
  );
}
