// One session: what it is, what can be done with it, and its conversation.

import { Box, Stack, Typography } from "@mui/material";
import { type RefObject, useLayoutEffect, useRef, useState } from "react";
import type { TaskDetail, WorkSession } from "../../api/types";
import { LinkButton } from "../../components/links";
import { SessionActions } from "../crew/SessionActions";
import { SessionLine, SessionState } from "../crew/SessionLine";
import { Crew } from "./BlockView";
import { Speaking } from "./Composer";
import { Conversation } from "./Conversation";
import { Talking } from "./Talking";

export function SessionPane({ session, task }: { session: WorkSession; task: TaskDetail }) {
  const pane = useRef<HTMLElement>(null);
  const top = useTop(pane);
  return (
    <Box
      component="section"
      ref={pane}
      aria-label={session.name}
      sx={{
        display: "flex",
        flexDirection: "column",
        minWidth: 0,
        height: { xs: "calc(100dvh - 130px)", md: `max(420px, calc(100dvh - ${top + 24}px))` },
        border: 1,
        borderColor: "divider",
        borderRadius: 1.25,
        bgcolor: "background.paper",
        overflow: "hidden",
      }}
    >
      <Head session={session} task={task} />
      <Crew.Provider value={task.work_sessions}>
        <Talking session={session}>
          <Conversation session={session} />
        </Talking>
      </Crew.Provider>
      <Speaking session={session} />
    </Box>
  );
}

/** How far an element is from the top of the page, so that it can end where the window does. */
export function useTop(element: RefObject<HTMLElement | null>): number {
  const [top, setTop] = useState(0);
  useLayoutEffect(() => {
    const measure = () => {
      if (element.current) setTop(Math.round(element.current.getBoundingClientRect().top + window.scrollY));
    };
    measure();
    // What stands above may grow or go: a banner, a question, a longer name.
    const observer = new ResizeObserver(measure);
    observer.observe(document.body);
    return () => observer.disconnect();
  }, [element]);
  return top;
}

function Head({ session, task }: { session: WorkSession; task: TaskDetail }) {
  return (
    <Box sx={{ px: 2, py: 1.25, borderBottom: 1, borderColor: "divider" }}>
      <Stack direction="row" sx={{ alignItems: "flex-start", gap: 1.5, justifyContent: "space-between" }}>
        <Stack
          direction="row"
          sx={{ alignItems: "center", columnGap: 1.5, flexWrap: "wrap", minWidth: 0, minHeight: 34 }}
        >
          <Typography
            variant="h3"
            component="h2"
            dir="auto"
            sx={{ minWidth: 0, overflowWrap: "anywhere", textAlign: "left" }}
          >
            {session.name}
          </Typography>
          <SessionState session={session} />
        </Stack>
        <Stack direction="row" sx={{ alignItems: "center", gap: 1, flexShrink: 0 }}>
          <LinkButton
            variant="text"
            color="inherit"
            to="/tasks/$taskId/sessions/$sessionId"
            params={{ taskId: task.id, sessionId: session.id }}
          >
            Open
          </LinkButton>
          <SessionActions session={session} task={task} room="pane" />
        </Stack>
      </Stack>
      <SessionLine session={session} all={task.work_sessions} />
    </Box>
  );
}
