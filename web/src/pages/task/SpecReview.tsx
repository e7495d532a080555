// The decision about the documents: approve, send back with what was said, or reject.

import { TextField, Typography } from "@mui/material";
import { useTaskAction } from "../../api/actions";
import type { Comment, Specs, TaskDetail } from "../../api/types";
import { useKept } from "../../model/drafts";
import { ReviewBox } from "./ReviewBox";

interface Props {
  task: TaskDetail;
  specs: Specs;
  comments: Comment[];
}

export function SpecReview({ task, specs, comments }: Props) {
  const decide = useTaskAction(task.id);
  const [whole, setWhole] = useKept(`spectask-comment-${task.id}`, "");
  const open = comments.filter((comment) => !comment.resolved && comment.kind !== "praise");
  const blocking = open.filter((comment) => comment.kind === "blocking").length;

  const send = (approved: boolean) =>
    decide.mutate(
      {
        do: "approve-specs",
        approved,
        comments: whole.trim(),
        changes: [],
        content_hash: specs.content_hash,
      },
      { onSuccess: () => setWhole("") },
    );

  return (
    <ReviewBox
      title={
        <>
          Your review
          {specs.round !== undefined && (
            <Typography component="span" variant="caption" color="textSecondary" sx={{ ml: 1 }}>
              round {specs.round}
            </Typography>
          )}
        </>
      }
      note="Select words in a document to comment on them."
      approve="Approve and start"
      asks={whole.trim() !== "" || open.length > 0}
      count={open.length}
      hint="To request changes, comment on the documents or say what should be different."
      doubt={
        open.length === 0
          ? undefined
          : `${open.length === 1 ? "A comment is" : `${open.length} comments are`} still open${
              blocking > 0 ? `, ${blocking} of them blocking` : ""
            }. The planning agent does not see them once you approve.`
      }
      busy={decide.isPending}
      error={decide.error}
      onApprove={() => send(true)}
      onRequest={() => send(false)}
      reject={{
        title: "Reject the specification?",
        action: "Reject and cancel",
        text: "The task is cancelled. Its documents stay on record.",
        onReject: (done) => decide.mutate({ do: "cancel" }, { onSuccess: done }),
      }}
    >
      <TextField
        multiline
        minRows={3}
        maxRows={10}
        label="Comment on the whole"
        value={whole}
        onChange={(event) => setWhole(event.target.value)}
      />
    </ReviewBox>
  );
}
