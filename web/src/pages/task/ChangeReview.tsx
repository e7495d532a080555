// The decision about the change: approve and merge, request changes, or reject.

import { TextField, Typography } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { useTaskAction } from "../../api/actions";
import { secretsQuery } from "../../api/queries";
import type { ReviewDecision, TaskDetail } from "../../api/types";
import { Mono } from "../../components/Code";
import { type LineDraft, useKept } from "../../model/drafts";
import { ReviewBox } from "./ReviewBox";
import { Secrets } from "./Secrets";

interface Props {
  task: TaskDetail;
  drafts: LineDraft[];
  onDrafts: (drafts: LineDraft[]) => void;
}

export function ChangeReview({ task, drafts, onDrafts }: Props) {
  const decide = useTaskAction(task.id);
  const [comments, setComments] = useKept(`spectask-change-comment-${task.id}`, "");
  const [acknowledged, setAcknowledged] = useKept<string[]>(`spectask-acknowledged-${task.id}`, []);
  const secrets = useQuery(secretsQuery(task.id));
  const failing = task.change?.checks.filter((check) => !check.passed).length ?? 0;
  const lines = drafts.filter((draft) => draft.comment.trim() !== "");
  const holding = (secrets.data ?? []).filter(
    (one) => one.sureness === "sure" && !acknowledged.includes(one.id),
  ).length;
  const doubts = [
    lines.length > 0 &&
      `${lines.length === 1 ? "A comment on a line is" : `${lines.length} comments on lines are`} not sent to anybody when you approve.`,
    holding > 0 &&
      `The merge is held while ${holding === 1 ? "a secret is" : `${holding} secrets are`} not acknowledged.`,
  ].filter(Boolean);

  const send = (decision: ReviewDecision, done?: () => void) =>
    decide.mutate(
      {
        do: "approve-implementation",
        decision,
        comments: comments.trim(),
        acknowledged_findings: decision === "approve" ? acknowledged : [],
        line_comments:
          decision === "request_changes"
            ? lines.map(({ path, side, line, quote, comment }) => ({
                path,
                side,
                line,
                quoted_text: quote,
                comment: comment.trim(),
              }))
            : [],
      },
      {
        onSuccess: () => {
          setComments("");
          if (decision === "request_changes") onDrafts([]);
          done?.();
        },
      },
    );

  return (
    <ReviewBox
      title="Your review"
      note={
        <>
          Approving merges it into <Mono>{task.base_branch}</Mono>. Click a line number to comment on the
          line.
        </>
      }
      approve="Approve and merge"
      asks={comments.trim() !== "" || lines.length > 0}
      count={lines.length}
      hint="To request changes, say what should be different; an agent gets your words."
      doubt={doubts.length > 0 ? doubts.join(" ") : undefined}
      busy={decide.isPending}
      error={decide.error}
      onApprove={() => send("approve")}
      onRequest={() => send("request_changes")}
      reject={{
        title: "Reject the change?",
        action: "Reject",
        text: "It is not merged and the task ends. Its branch stays.",
        onReject: (done) => send("reject", done),
      }}
    >
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
      {secrets.data && secrets.data.length > 0 && (
        <Secrets findings={secrets.data} acknowledged={acknowledged} onAcknowledged={setAcknowledged} />
      )}
    </ReviewBox>
  );
}
