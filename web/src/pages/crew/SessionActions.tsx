// What can be done with a session: the likely things as buttons, the others in a menu, with a question before what
// ends a session's work.

import MoreHorizRounded from "@mui/icons-material/MoreHorizRounded";
import { IconButton, Snackbar } from "@mui/material";
import { useState } from "react";
import { useSessionAction } from "../../api/actions";
import type { TaskDetail, WorkSession } from "../../api/types";
import { ActionButton, ActionItem } from "../../components/Action";
import { Confirm } from "../../components/Confirm";
import { PageMenu } from "../../components/PageMenu";
import { ActionError } from "../../components/States";
import { movesOf, type SessionMove } from "../../model/crew";
import { BranchDialog } from "./BranchDialog";
import { RetryDialog } from "./RetryDialog";
import { SpawnDialog } from "./SpawnDialog";

const LABELS: Record<SessionMove, string> = {
  spawn: "Add subtask",
  branch: "Fork session",
  choose: "Keep this version",
  retry: "Retry",
  retry_with: "Retry with…",
  skip: "Skip",
  cancel: "Cancel session",
};

/** The actions that have their own button where there is room; the rest is in the menu. */
const PROMINENT: Record<Room, SessionMove[]> = {
  row: [],
  pane: ["choose", "retry"],
  page: ["choose", "retry", "spawn"],
};

type Room = "row" | "pane" | "page";

type Asked = "skip" | "cancel" | "choose";

const QUESTIONS: Record<Asked, { title: string; says: string }> = {
  skip: {
    title: "Go on without this session?",
    says: "Its work is not merged. What depends on it starts without it.",
  },
  cancel: {
    title: "Cancel this session?",
    says: "Its agent is stopped. What depends on it stays blocked until it is retried or skipped.",
  },
  choose: {
    title: "Keep this version?",
    says: "Its alternatives end, with what was spawned from them. Their work stays in git under refs/spectask/saved.",
  },
};

interface Props {
  session: WorkSession;
  task: TaskDetail;
  room: Room;
}

export function SessionActions({ session, task, room }: Props) {
  const act = useSessionAction(session);
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  const [asked, setAsked] = useState<Asked | null>(null);
  const [opened, setOpened] = useState<"spawn" | "branch" | "retry_with" | null>(null);
  const moves = movesOf(session, task);
  if (moves.length === 0 && !asked && !opened) return null;

  const begin = (move: SessionMove) => {
    setAnchor(null);
    act.reset();
    if (move === "spawn" || move === "branch" || move === "retry_with") setOpened(move);
    else if (move === "retry") act.mutate({ do: "retry" });
    else setAsked(move);
  };
  const shown = moves.filter((move) => PROMINENT[room].includes(move));
  const folded = moves.filter((move) => !shown.includes(move));
  const question = asked && QUESTIONS[asked];
  return (
    <>
      {shown.map((move) => (
        <ActionButton
          key={move}
          variant={move === "spawn" ? "outlined" : "contained"}
          color={move === "spawn" ? "inherit" : "primary"}
          loading={act.isPending && move === "retry"}
          onClick={() => begin(move)}
        >
          {LABELS[move]}
        </ActionButton>
      ))}
      {folded.length > 0 && (
        <IconButton
          aria-label={`Actions of ${session.name}`}
          aria-haspopup="menu"
          aria-expanded={anchor !== null}
          onClick={(event) => setAnchor(event.currentTarget)}
        >
          <MoreHorizRounded fontSize="small" />
        </IconButton>
      )}
      <PageMenu
        label={`Actions of ${session.name}`}
        anchorEl={anchor}
        open={anchor !== null}
        onClose={() => setAnchor(null)}
      >
        {folded.map((move) => (
          <ActionItem
            key={move}
            onClick={() => begin(move)}
            sx={{ color: move === "cancel" ? "error.main" : undefined }}
          >
            {LABELS[move]}
            {(move === "spawn" || move === "branch" || move in QUESTIONS) && "…"}
          </ActionItem>
        ))}
      </PageMenu>
      <Confirm
        open={asked !== null}
        title={question?.title ?? ""}
        action={asked ? LABELS[asked] : ""}
        busy={act.isPending}
        error={act.error}
        onClose={() => setAsked(null)}
        onConfirm={() => asked && act.mutate({ do: asked }, { onSuccess: () => setAsked(null) })}
      >
        {question?.says}
      </Confirm>
      {opened === "spawn" && <SpawnDialog task={task} parent={session.id} onClose={() => setOpened(null)} />}
      {opened === "branch" && <BranchDialog session={session} onClose={() => setOpened(null)} />}
      {opened === "retry_with" && <RetryDialog session={session} onClose={() => setOpened(null)} />}
      <Snackbar open={!asked && act.isError} onClose={() => act.reset()}>
        <div>
          <ActionError error={asked ? null : act.error} />
        </div>
      </Snackbar>
    </>
  );
}
