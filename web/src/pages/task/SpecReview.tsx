// The decision about the documents: approve, request changes, or reject.

import { Typography } from "@mui/material";
import { useTaskAction } from "../../api/actions";
import type { Comment, ReviewDecision, Specs, TaskDetail } from "../../api/types";
import { countOf, isOpen } from "../../model/comments";
import { planDraft, unsentLine, useDraft, useHasDraft, useUnsentCount } from "../../model/drafts";
import { Forecast } from "./Forecast";
import { ReviewBox } from "./ReviewBox";

interface Props {
  task: TaskDetail;
  specs: Specs;
  /** The comments; none while they are not loaded. */
  comments: Comment[] | undefined;
  /** How many redacted values have no decision yet, once that is loaded. */
  undecided: number | undefined;
  /** Whether a comment on the documents is written and not sent. */
  isUnsent: boolean;
  onApproved: () => void;
}

export function SpecReview({ task, specs, isUnsent, onApproved, ...loaded }: Props) {
  const { comments = [], undecided = 0 } = loaded;
  const isLoaded = loaded.comments !== undefined && loaded.undecided !== undefined;
  const decide = useTaskAction(task.id);
  const [whole, setWhole, forgetWhole] = useDraft(`spec-comment-${task.id}`, "");
  const open = comments.filter(isOpen);
  const blocking = open.filter((comment) => comment.kind === "blocking").length;

  const replies = useUnsentCount(comments.map((comment) => `reply-${comment.id}`));
  const unsent = unsentLine(isUnsent ? 1 : 0, replies);

  const hasPlanEdits = useHasDraft(planDraft(task.id));

  const doubts = [
    hasPlanEdits && "Edits of the plan are not saved. Approving approves the plan without them.",
    unsent && `${unsent}.${isUnsent ? " Approving discards the comment." : ""}`,
    open.length > 0 &&
      `${countOf(open.length)} ${open.length === 1 ? "is" : "are"} still open${
        blocking > 0 ? `, ${blocking} of them blocking` : ""
      }. The planning agent does not see ${open.length === 1 ? "it" : "them"} once you approve.`,
    undecided > 0 &&
      `${undecided === 1 ? "A possible secret" : `${undecided} possible secrets`} in the documents ${
        undecided === 1 ? "stays" : "stay"
      } removed.`,
  ].filter(Boolean);

  const send = (decision: ReviewDecision, done?: () => void) =>
    // The documents may leave the review, and this box the page, before the answer is there.
    decide
      .mutateAsync({
        do: "approve-specs",
        review: {
          approved: decision === "approve",
          decision,
          comments: whole.trim(),
          changes: [],
          content_hash: specs.content_hash,
        },
      })
      .then(
        () => {
          forgetWhole();
          if (decision === "approve") onApproved();
          done?.();
        },
        () => undefined,
      );

  return (
    <ReviewBox
      title={
        <>
          Your review{" "}
          {specs.round !== undefined && (
            <Typography component="span" variant="caption" color="textSecondary" sx={{ ml: 1 }}>
              round {specs.round}
            </Typography>
          )}
        </>
      }
      note="Select text in a document to comment on it."
      facts={
        isLoaded &&
        (open.length === 0
          ? "Specification ready for review"
          : `Specification · ${countOf(open.length)} open`)
      }
      comment={{ label: "Overall comment", value: whole, onChange: setWhole }}
      approve="Approve spec & start"
      asks={whole.trim() !== "" || open.length > 0}
      count={open.length}
      hint="Describe the changes you want to request them, or comment on the documents."
      confirmation={doubts.length > 0 ? doubts.join(" ") : undefined}
      busy={decide.isPending}
      unavailable={isLoaded ? undefined : "The comments are not loaded yet."}
      error={decide.error}
      requestConfirmation={
        unsent ? `${unsent}, and the planning agent does not see that. It stays here as a draft.` : undefined
      }
      onApprove={(done) => send("approve", done)}
      onRequest={(done) => send("request_changes", done)}
      reject={{
        title: "Reject the specification?",
        action: "Reject and cancel",
        text: "The task is cancelled. Its documents stay on record, and you can reopen it.",
        onReject: (done) => send("reject", done),
      }}
    >
      <Forecast task={task.id} />
    </ReviewBox>
  );
}
