// A session's name, its state, and what can be done with it.

import { Box, Stack, Typography, useMediaQuery } from "@mui/material";
import { useTheme } from "@mui/material/styles";
import type { TaskDetail, WorkSession } from "../../api/types";
import { TextLink } from "../../components/links";
import { Collisions } from "../crew/Collisions";
import { Conflict } from "../crew/Conflict";
import { SessionActions } from "../crew/SessionActions";
import { SessionLine, SessionState } from "../crew/SessionLine";
import { Previews } from "./Previews";

export function SessionHead({ task, session }: { task: TaskDetail; session: WorkSession }) {
  const isNarrow = useMediaQuery(useTheme().breakpoints.down("sm"));
  return (
    <Box component="header" sx={{ mb: 1 }}>
      <Typography
        variant="caption"
        color="textSecondary"
        component="p"
        sx={{ mb: 0.75, overflowWrap: "anywhere" }}
      >
        <TextLink to="/tasks" color="inherit" underline="hover">
          Tasks
        </TextLink>
        {" / "}
        <TextLink to="/tasks/$taskId" params={{ taskId: task.id }} color="inherit" underline="hover">
          {task.short_id} <bdi>{task.name}</bdi>
        </TextLink>
        {" / "}
        <TextLink
          to="/tasks/$taskId"
          params={{ taskId: task.id }}
          search={{ tab: "sessions" }}
          color="inherit"
          underline="hover"
        >
          Sessions
        </TextLink>
      </Typography>
      <Stack direction="row" sx={{ gap: 2, alignItems: "flex-start", justifyContent: "space-between" }}>
        <Box sx={{ minWidth: 0 }}>
          <Stack direction="row" sx={{ gap: 1.5, alignItems: "center", flexWrap: "wrap" }}>
            <Typography variant="h1" dir="auto" sx={{ overflowWrap: "anywhere", textAlign: "left" }}>
              {session.name}
            </Typography>
            <SessionState session={session} />
          </Stack>
          <SessionLine session={session} all={task.work_sessions} />
          <Previews session={session} />
        </Box>
        <Stack direction="row" sx={{ gap: 1, flexShrink: 0, alignItems: "center" }}>
          <SessionActions session={session} task={task} room={isNarrow ? "pane" : "page"} />
        </Stack>
      </Stack>
      <Box sx={{ mt: 1.5 }}>
        <Conflict session={session} />
        <Collisions task={task} session={session.id} />
      </Box>
    </Box>
  );
}
