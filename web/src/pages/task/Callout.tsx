// The reason why the task waits, or its error, and the next step.

import { Alert, Button } from "@mui/material";
import type { ReactNode } from "react";
import type { TaskDetail } from "../../api/types";
import { Ago } from "../../components/Ago";
import { Inline } from "../../components/Inline";
import { failedChecks, hasFailed, isApproved, isPaused, words } from "../../model/status";
import type { TaskTab } from "../../model/tabs";

interface Props {
  task: TaskDetail;
  tab: TaskTab;
  onOpen: (tab: TaskTab) => void;
}

export function Callout({ task, tab, onOpen }: Props) {
  if (hasFailed(task.status) && task.last_error) {
    return (
      <Note severity="error">
        <b>{words(task.last_error.code)}:</b> <Inline text={task.last_error.message} /> (
        <Ago at={task.last_error.at} />)
      </Note>
    );
  }
  const failed = task.work_sessions.filter((session) => session.status === "failed");
  const [firstFailed] = failed;
  if (task.status === "implementation" && firstFailed && tab !== "sessions") {
    return (
      <Note severity="error" action={<Open label="Open sessions" onClick={() => onOpen("sessions")} />}>
        {failed.length === 1
          ? `The session “${firstFailed.name}” failed.`
          : `${failed.length} sessions failed.`}{" "}
        Retry or skip {failed.length === 1 ? "it" : "them"}; what does not depend on{" "}
        {failed.length === 1 ? "it" : "them"} continues.
      </Note>
    );
  }
  if (isApproved(task)) {
    return (
      <Note severity="info">
        Approved by <bdi>{task.change?.approved_by}</bdi>.{" "}
        {task.queue_reason ? (
          <>
            Waiting to merge: <Inline text={task.queue_reason} />
          </>
        ) : (
          `Merging into ${task.base_branch}.`
        )}
      </Note>
    );
  }
  if (task.status === "implementation_review" && task.last_error) {
    return (
      <Note
        severity="error"
        action={tab === "change" ? undefined : <Open label="Review" onClick={() => onOpen("change")} />}
      >
        <b>The merge failed:</b> <Inline text={task.last_error.message} /> (
        <Ago at={task.last_error.at} />)
      </Note>
    );
  }
  if (task.queue_reason) {
    return <Note severity="info">{isPaused(task) ? task.queue_reason : asWait(task.queue_reason)}</Note>;
  }
  if (task.status === "spec_review" && tab !== "specification") {
    return (
      <Note severity="warning" action={<Open label="Review" onClick={() => onOpen("specification")} />}>
        Specification ready for review
      </Note>
    );
  }
  if (task.status === "implementation_review" && tab !== "change") {
    const failing = failedChecks(task);
    return (
      <Note severity="warning" action={<Open label="Review" onClick={() => onOpen("change")} />}>
        Change ready for review.
        {failing > 0 && ` ${failing === 1 ? "One check failed" : `${failing} checks failed`}.`}
      </Note>
    );
  }
  return null;
}

function Note(props: { severity: "error" | "info" | "warning"; action?: ReactNode; children: ReactNode }) {
  return (
    <Alert
      severity={props.severity}
      variant="outlined"
      action={props.action}
      sx={{ mb: 2, overflowWrap: "anywhere" }}
    >
      {props.children}
    </Alert>
  );
}

function Open({ label, onClick }: { label: string; onClick: () => void }) {
  return (
    <Button color="inherit" onClick={onClick}>
      {label}
    </Button>
  );
}

/** A reason to wait as a sentence; some begin with the word already. */
function asWait(reason: string): string {
  return reason.startsWith("waiting ") ? `W${reason.slice(1)}` : `Waiting: ${reason}`;
}
