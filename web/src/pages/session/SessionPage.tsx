// One session of a task on a page of its own: its log, changes, commands and details.

import { Box, Tab, Typography, useMediaQuery } from "@mui/material";
import { useTheme } from "@mui/material/styles";
import { useLocation, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useRef } from "react";
import type { TaskDetail, WorkSession } from "../../api/types";
import { Aside } from "../../components/Aside";
import { LinkButton } from "../../components/links";
import { PartTabs } from "../../components/PartTabs";
import { Empty } from "../../components/States";
import { useTitle } from "../../components/title";
import type { SessionView } from "../../model/tabs";
import { Crew } from "../task/BlockView";
import { Speaking } from "../task/Composer";
import { Conversation } from "../task/Conversation";
import { useTop } from "../task/SessionPane";
import { Talking, useTalk } from "../task/Talking";
import { TaskFrame } from "../task/TaskFrame";
import { Commands, CommandsLabel } from "./Commands";
import { SessionChanges } from "./SessionChanges";
import { SessionDetails } from "./SessionDetails";
import { SessionHead } from "./SessionHead";
import { Terminal } from "./Terminal";

export function SessionPage() {
  const { taskId, sessionId } = useParams({ from: "/app/tasks/$taskId/sessions/$sessionId" });
  return (
    <TaskFrame
      taskId={taskId}
      below={{ xs: 9, md: 3 }}
      missing={
        <Empty
          isPage
          title="Session not found"
          action={
            <LinkButton
              variant="outlined"
              color="inherit"
              to="/tasks/$taskId"
              params={{ taskId }}
              search={{ tab: "sessions" }}
            >
              Go to the task
            </LinkButton>
          }
        >
          It may belong to another task, or the link may be broken.
        </Empty>
      }
    >
      {(task) => {
        const session = task.work_sessions.find((each) => each.id === sessionId);
        return session ? <Session key={sessionId} task={task} session={session} /> : null;
      }}
    </TaskFrame>
  );
}

function Session({ task, session }: { task: TaskDetail; session: WorkSession }) {
  useTitle(`${session.name} · ${task.name}`);
  const search = useSearch({ from: "/app/tasks/$taskId/sessions/$sessionId" });
  const navigate = useNavigate({ from: "/tasks/$taskId/sessions/$sessionId" });
  const hash = Number(useLocation({ select: (location) => location.hash }));
  const at = search.at ?? (Number.isSafeInteger(hash) && hash > 0 ? hash : undefined);
  const isWide = useMediaQuery(useTheme().breakpoints.up("lg"));
  const asked = search.view ?? "conversation";
  // On a wide screen the details stand beside every part.
  const view = isWide && asked === "details" ? "conversation" : asked;
  const pane = useRef<HTMLElement>(null);
  const top = useTop(pane);
  const details = <SessionDetails task={task} session={session} />;

  return (
    <Talking session={session}>
      <SessionHead task={task} session={session} />
      <PartTabs
        value={view}
        onChange={(to: SessionView) => void navigate({ search: { view: to } })}
        aria-label="Parts of the session"
        sx={{ mb: 2 }}
      >
        <Tab value="conversation" label="Conversation" />
        <Tab value="changes" label="Changes" />
        <Tab value="commands" label={<CommandsLabel />} />
        <Tab value="terminal" label="Terminal" />
        {!isWide && <Tab value="details" label="Details" />}
      </PartTabs>
      <Box
        sx={{
          display: "grid",
          columnGap: 4,
          gridTemplateColumns: { xs: "minmax(0, 1fr)", lg: "minmax(0, 1fr) 320px" },
          alignItems: "start",
        }}
      >
        <Box role="tabpanel" aria-label={view} sx={{ minWidth: 0 }}>
          {view === "conversation" && (
            <Box
              component="section"
              ref={pane}
              aria-label={session.name}
              sx={{
                display: "flex",
                flexDirection: "column",
                minHeight: 320,
                height: {
                  xs: `max(320px, calc(100dvh - ${top + 70}px))`,
                  md: `max(420px, calc(100dvh - ${top + 24}px))`,
                },
                border: 1,
                borderColor: "divider",
                borderRadius: 1.25,
                bgcolor: "background.paper",
                overflow: "hidden",
              }}
            >
              <Crew.Provider value={task.work_sessions}>
                <Conversation session={session} at={at} />
              </Crew.Provider>
              <Speaking session={session} />
            </Box>
          )}
          {view === "changes" && <SessionChanges session={session} />}
          {view === "commands" && <Commands />}
          {view === "terminal" && <Terminal session={session} />}
          {view === "details" && details}
          {view !== "conversation" && <Unread />}
        </Box>
        {isWide && <Aside component="aside">{details}</Aside>}
      </Box>
    </Talking>
  );
}

function Unread() {
  const { log } = useTalk();
  if (!log.isError || log.data) return null;
  return (
    <Typography variant="caption" color="error">
      The conversation cannot be read now.
    </Typography>
  );
}
