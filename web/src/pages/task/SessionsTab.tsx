// The sessions of a task beside the conversation of the chosen one.

import ArrowBackRounded from "@mui/icons-material/ArrowBackRounded";
import { Box, useMediaQuery } from "@mui/material";
import { useTheme } from "@mui/material/styles";
import type { TaskDetail, WorkSession } from "../../api/types";
import { LinkButton } from "../../components/links";
import { Empty } from "../../components/States";
import { sessionTree } from "../../model/tree";
import { Collisions } from "../crew/Collisions";
import { SpawnButton } from "../crew/SpawnButton";
import { SessionPane } from "./SessionPane";
import { SessionTree } from "./SessionTree";

export function SessionsTab({ task, chosen }: { task: TaskDetail; chosen?: string }) {
  const isNarrow = useMediaQuery(useTheme().breakpoints.down("md"));
  const session =
    task.work_sessions.find((each) => each.id === chosen) ??
    (isNarrow ? undefined : mostTelling(task.work_sessions));
  if (task.work_sessions.length === 0) {
    return <Empty title="No sessions yet">They appear as soon as an agent begins to work on the task.</Empty>;
  }
  if (isNarrow && session) {
    return (
      <>
        <LinkButton
          variant="text"
          color="inherit"
          startIcon={<ArrowBackRounded />}
          to="/tasks/$taskId"
          params={{ taskId: task.id }}
          search={{ tab: "sessions" }}
          sx={{ mb: 1, ml: -1 }}
        >
          All sessions
        </LinkButton>
        <SessionPane key={session.id} session={session} task={task} />
      </>
    );
  }
  return (
    <Box
      sx={{
        display: "grid",
        gap: { xs: 3, md: 2, lg: 3 },
        gridTemplateColumns: { xs: "minmax(0, 1fr)", md: "236px minmax(0, 1fr)", lg: "300px minmax(0, 1fr)" },
      }}
    >
      <Box
        sx={{
          minWidth: 0,
          maxHeight: { md: "calc(100dvh - 120px)" },
          overflowY: { md: "auto" },
          // Room for the outlines of what is focused.
          m: -0.5,
          p: 0.5,
        }}
      >
        <Collisions task={task} />
        <SessionTree task={task} chosen={session?.id} />
        <SpawnButton task={task} />
      </Box>
      {session && <SessionPane key={session.id} session={session} task={task} />}
    </Box>
  );
}

/** The session that a person most likely wants to see: at work, else in trouble, else the last one. */
function mostTelling(sessions: WorkSession[]): WorkSession | undefined {
  const order = sessionTree(sessions).map((branch) => branch.session);
  return (
    order.find((session) => session.status === "active") ??
    order.find((session) => session.status === "failed") ??
    order.findLast((session) => session.status === "completed") ??
    order[0]
  );
}
