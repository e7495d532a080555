// One task: where it stands, its documents, its sessions, its change.

import { Box, Tab } from "@mui/material";
import { Navigate, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import type { TaskDetail } from "../../api/types";
import { Guide } from "../../components/Guide";
import { useHotkey } from "../../components/hotkeys";
import { LinkButton } from "../../components/links";
import { PartTabs } from "../../components/PartTabs";
import { Empty } from "../../components/States";
import { useTitle } from "../../components/title";
import type { DocumentPlace } from "../../model/documents";
import { TASK_TABS, type TaskTab } from "../../model/tabs";
import { CoordinationTab } from "../crew/CoordinationTab";
import { TimelineTab } from "../crew/TimelineTab";
import { PlainTask } from "../plain/PlainTask";
import { Callout } from "./Callout";
import { ChangeTab } from "./ChangeTab";
import { Header } from "./Header";
import { Overview } from "./Overview";
import { SessionsTab } from "./SessionsTab";
import { Specification } from "./Specification";
import { TaskFrame } from "./TaskFrame";
import { TaskStepper } from "./TaskStepper";

export function TaskPage() {
  const { taskId } = useParams({ from: "/app/tasks/$taskId" });
  return (
    <TaskFrame
      taskId={taskId}
      below={{ xs: 11, md: 5 }}
      missing={
        <Empty
          isPage
          title="Task not found"
          action={
            <LinkButton variant="outlined" color="inherit" to="/tasks">
              Go to tasks
            </LinkButton>
          }
        >
          It may belong to someone else, or the link may be broken.
        </Empty>
      }
    >
      {(task) => {
        // The address may have the short id.
        if (task.id !== taskId)
          return <Navigate to="/tasks/$taskId" params={{ taskId: task.id }} search={true} replace />;
        return task.planned ? <Task key={taskId} task={task} /> : <PlainTask key={taskId} task={task} />;
      }}
    </TaskFrame>
  );
}

/** The numbers open the parts of the task. */
const NUMBERS = TASK_TABS.map((_, at) => at + 1).join(" ");

/** Where a person most likely wants to look first. */
function firstTab(task: TaskDetail): TaskTab {
  if (task.status === "spec_review") return "specification";
  if (task.status === "implementation_review") return "change";
  return "overview";
}

function Task({ task }: { task: TaskDetail }) {
  useTitle(`${task.short_id} ${task.name}`);
  const search = useSearch({ from: "/app/tasks/$taskId" });
  const navigate = useNavigate({ from: "/tasks/$taskId" });
  // Chosen once: a task that moves on must not take the page away from its reader.
  const [first] = useState(() => firstTab(task));
  const tab = search.tab ?? first;
  const open = (to: TaskTab) => void navigate({ search: { tab: to } });
  useHotkey(NUMBERS, ({ key }) => {
    const tab = TASK_TABS[Number(key) - 1];
    if (tab) open(tab);
  });
  // Another object for each time that a place is asked for, also for the same one.
  const [asked, setAsked] = useState(0);
  const place = useMemo<DocumentPlace & { asked: number }>(
    () => ({ document: search.doc ?? "requirements", line: search.line, asked }),
    [search.doc, search.line, asked],
  );
  const show = ({ document, line }: DocumentPlace) => {
    setAsked(asked + 1);
    void navigate({ search: { tab: "specification", doc: document, line }, replace: true });
  };

  return (
    <>
      <Header task={task} />
      <TaskStepper task={task} />
      <Guide task={task} />
      <Callout task={task} tab={tab} onOpen={open} />
      <PartTabs value={tab} onChange={open} aria-label="Parts of the task">
        <Tab value="overview" label="Overview" />
        <Tab value="specification" label="Specification" />
        <Tab
          value="sessions"
          label={task.work_sessions.length > 0 ? `Sessions (${task.work_sessions.length})` : "Sessions"}
        />
        <Tab value="change" label="Change" />
        <Tab value="timeline" label="Timeline" />
        <Tab value="coordination" label="Coordination" />
      </PartTabs>
      <Box role="tabpanel" aria-label={tab}>
        {tab === "overview" && <Overview task={task} />}
        {tab === "specification" && <Specification task={task} place={place} onPlace={show} />}
        {tab === "sessions" && <SessionsTab task={task} chosen={search.session} />}
        {tab === "change" && <ChangeTab task={task} />}
        {tab === "timeline" && <TimelineTab task={task} />}
        {tab === "coordination" && <CoordinationTab task={task} />}
      </Box>
    </>
  );
}
