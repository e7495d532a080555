// How the documents came about: by which agent, in what time, for how many tokens.

import { Typography } from "@mui/material";
import type { TaskDetail } from "../../api/types";
import { useAgentName } from "../../components/AgentName";
import { duration } from "../../model/time";
import { isReported, used } from "./Facts";

export function Generation({ task }: { task: TaskDetail }) {
  const nameOf = useAgentName();
  const session = task.work_sessions.find(({ phase }) => phase === "planning");
  if (!session?.started_at) return null;
  const until = session.completed_at ?? session.updated_at;
  const seconds = (Date.parse(until) - Date.parse(session.started_at)) / 1000;
  const { usage } = session;
  const facts = [
    `Planned by ${nameOf(task.spec_agent)}`,
    `in ${duration(seconds)}`,
    isReported(usage) && used(usage),
  ];
  return (
    <Typography variant="caption" color="textSecondary" component="p" sx={{ mb: 1.5 }}>
      {facts.filter(Boolean).join(" · ")}
    </Typography>
  );
}
