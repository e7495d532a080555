// The decision about the documents: approve, send back with what was said, or reject.

import { Typography } from "@mui/material";
import { useTaskAction } from "../../api/actions";
import type { Comment, Specs, TaskDetail } from "../../api/types";
import { useDraft } from "../../model/drafts";
import { ReviewBox } from "./ReviewBox";

interface Props {
  task: TaskDetail;
  specs: Specs;
  comments: Comment[];
  /** How many values that were taken out as secrets nobody decided about. */
  undecided: number;
}

export function SpecReview({ task, specs, comments, undecided }: Props) {
  const decide = useTaskAction(task.id);
  const [whole, setWhole, forgetWhole] = useDraft(`spec-comment-${task.id}`, "");
  const open = comments.filter((comment) => !comment.resolved && comment.kind !== "praise");
  const blocking = open.filter((comment) => comment.kind === "blocking").length;

  const doubts = [
    open.length > 0 &&
      `${countOf(open.length)} ${open.length === 1 ? "is" : "are"} still open${
        blocking > 0 ? `, ${blocking} of them blocking` : ""
      }. The planning agent does not see ${open.length === 1 ? "it" : "them"} once you approve.`,
    undecided > 0 &&
      `${undecided === 1 ? "A possible secret" : `${undecided} possible secrets`} in the documents ${
        undecided === 1 ? "stays" : "stay"
      } removed.`,
  ].filter((doubt) => doubt !== false);

  const send = (approved: boolean, done?: () => void) =>
    decide.mutate(
      {
        do: "approve-specs",
        approved,
        comments: whole.trim(),
        changes: [],
        content_hash: specs.content_hash,
      },
      {
        onSuccess: () => {
          forgetWhole();
          done?.();
        },
      },
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
      note="Select text in a document to comment on it."
      facts={
        open.length === 0 ? "Specification ready for review" : `Specification · ${countOf(open.length)} open`
      }
      comment={{ label: "Overall comment", value: whole, onChange: setWhole }}
      approve="Approve spec & start"
      asks={whole.trim() !== "" || open.length > 0}
      count={open.length}
      hint="Describe the changes you want to request them, or comment on the documents."
      confirmation={doubts.length > 0 ? doubts.join(" ") : undefined}
      busy={decide.isPending}
      error={decide.error}
      onApprove={(done) => send(true, done)}
      onRequest={() => send(false)}
      reject={{
        title: "Reject the specification?",
        action: "Reject and cancel",
        text: "The task is cancelled. Its documents stay on record, and you can reopen it.",
        onReject: (done) => decide.mutate({ do: "cancel" }, { onSuccess: done }),
      }}
    />
  );
}

const countOf = (comments: number) => (comments === 1 ? "1 comment" : `${comments} comments`);
