// A task without a plan: its conversation first, then what it changed.

import { Box, Stack, Tab } from "@mui/material";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import type { TaskDetail } from "../../api/types";
import { PartTabs } from "../../components/PartTabs";
import { Empty } from "../../components/States";
import { useTitle } from "../../components/title";
import { isLive } from "../../model/status";
import type { TaskTab } from "../../model/tabs";
import { oneOf } from "../../model/words";
import { Callout } from "../task/Callout";
import { ChangeTab } from "../task/ChangeTab";
import { Header } from "../task/Header";
import { Overview } from "../task/Overview";
import { SessionPane } from "../task/SessionPane";
import { SessionsTab } from "../task/SessionsTab";
import { AddSession } from "./AddSession";
import { CloseTask } from "./CloseTask";

const TABS: TaskTab[] = ["sessions", "change", "overview"];

export function PlainTask({ task }: { task: TaskDetail }) {
  useTitle(`${task.short_id} ${task.name}`);
  const search = useSearch({ from: "/app/tasks/$taskId" });
  const navigate = useNavigate({ from: "/tasks/$taskId" });
  // Chosen once: a task that moves on must not take the page away from its reader.
  const [first] = useState<TaskTab>(task.status === "implementation_review" ? "change" : "sessions");
  const tab = oneOf(TABS, search.tab) ?? first;
  const open = (to: TaskTab) => void navigate({ search: { tab: to } });
  const isTalk = task.type === "interactive";
  const canAdd = ["implementation", "implementation_queued", "implementation_review"].includes(task.status);

  return (
    <>
      <Header task={task} />
      <Stack
        direction="row"
        sx={{
          alignItems: "center",
          justifyContent: "space-between",
          columnGap: 2,
          borderBottom: 1,
          borderColor: "divider",
          mt: 2,
          mb: 2.5,
        }}
      >
        <PartTabs
          value={tab}
          onChange={open}
          aria-label="Parts of the task"
          sx={{ mb: 0, borderBottom: 0, minWidth: 0 }}
        >
          <Tab value="sessions" label={isTalk ? "Conversation" : "Sessions"} />
          <Tab value="change" label="Change" />
          <Tab value="overview" label="About" />
        </PartTabs>
        <Stack direction="row" sx={{ gap: 1, flexShrink: 0, py: 0.75 }}>
          {canAdd && <AddSession task={task} />}
          {isTalk && isLive(task.status) && <CloseTask task={task} onReview={() => open("change")} />}
        </Stack>
      </Stack>
      {!task.waits_for_person && <Callout task={task} tab={tab} onOpen={open} />}
      <Box role="tabpanel" aria-label={tab}>
        {tab === "sessions" && <Conversations task={task} chosen={search.session} />}
        {tab === "change" && <ChangeTab task={task} />}
        {tab === "overview" && <Overview task={task} />}
      </Box>
    </>
  );
}

/** One conversation has the whole page; several stand beside their list. */
function Conversations({ task, chosen }: { task: TaskDetail; chosen?: string }) {
  const [only, ...more] = task.work_sessions;
  if (!only) {
    return (
      <Empty title="No messages yet">
        {task.status === "backlog"
          ? "An agent begins when the task is started."
          : "An agent starts as soon as a slot is free."}
      </Empty>
    );
  }
  if (more.length > 0) return <SessionsTab task={task} chosen={chosen} />;
  return (
    <Box sx={{ maxWidth: 980, mx: "auto" }}>
      <SessionPane key={only.id} session={only} task={task} />
    </Box>
  );
}
