// The decision about the change: approve and merge, request changes, or reject.

import { useQuery } from "@tanstack/react-query";
import { useTaskAction } from "../../api/actions";
import { secretsQuery } from "../../api/queries";
import type { Diff, ReviewDecision, TaskDetail } from "../../api/types";
import { Mono } from "../../components/Code";
import type { ChangeSize } from "../../model/change";
import { useDraft } from "../../model/drafts";
import { ChangeFacts, changeLine } from "./ChangeFacts";
import { ReviewBox } from "./ReviewBox";
import { Secrets } from "./Secrets";
import type { LineDraft } from "./useLineDrafts";

interface Props {
  task: TaskDetail;
  /** The change that is shown, once it is read. */
  diff: Diff | undefined;
  size: ChangeSize | undefined;
  drafts: LineDraft[];
  onDrafts: (drafts: LineDraft[]) => void;
}

export function ChangeReview({ task, diff, size, drafts, onDrafts }: Props) {
  const decide = useTaskAction(task.id);
  const [comments, setComments, forgetComments] = useDraft(`change-comment-${task.id}`, "");
  const [acknowledged, setAcknowledged] = useDraft<string[]>(`acknowledged-${task.id}`, []);
  const secrets = useQuery(secretsQuery(task.id));
  const lines = drafts.filter((draft) => draft.comment.trim() !== "");
  const holding = (secrets.data ?? []).filter(
    (one) => one.confidence === "sure" && !acknowledged.includes(one.id),
  ).length;
  const doubts = [
    task.change?.is_empty === true && "No session changed a file. Approving ends the task without a change.",
    lines.length > 0 &&
      `${lines.length === 1 ? "1 line comment is" : `${lines.length} line comments are`} not sent when you approve.`,
    holding > 0 &&
      `The merge is held until you acknowledge ${holding === 1 ? "the secret" : `${holding} secrets`} in it.`,
  ].filter((doubt) => doubt !== false);

  const send = (decision: ReviewDecision, done?: () => void) =>
    // The change may leave the review, and this box the page, before the answer is there.
    decide
      .mutateAsync({
        do: "approve-implementation",
        review: {
          // A decision is about the change that is shown, whatever became of the task meanwhile.
          commit: diff?.head ?? null,
          allow_empty: decision === "approve" && task.change?.is_empty === true,
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
      })
      .then(
        () => {
          forgetComments();
          if (decision === "request_changes") onDrafts([]);
          done?.();
        },
        () => undefined,
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
      facts={changeLine(task, size)}
      comment={{ label: "Overall comment", value: comments, onChange: setComments }}
      approve="Approve & merge"
      asks={comments.trim() !== "" || lines.length > 0}
      count={lines.length}
      hint="Describe the changes you want to request them."
      confirmation={<ChangeFacts task={task} size={size} doubts={doubts} />}
      busy={decide.isPending}
      unavailable={diff && !secrets.isPending ? undefined : "The change is not loaded yet."}
      error={decide.error}
      onApprove={(done) => send("approve", done)}
      onRequest={(done) => send("request_changes", done)}
      reject={{
        title: "Reject the change?",
        action: "Reject",
        text: "It is not merged and the task ends. Its branch stays, and you can reopen the task.",
        onReject: (done) => send("reject", done),
      }}
    >
      {secrets.data && secrets.data.length > 0 && (
        <Secrets findings={secrets.data} acknowledged={acknowledged} onAcknowledged={setAcknowledged} />
      )}
    </ReviewBox>
  );
}
