// Short hints for the first task of the demo: what a person does at each of its stages.

import { Alert } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { meQuery } from "../api/queries";
import type { TaskDetail, TaskStatus } from "../api/types";
import { useDraft } from "../model/drafts";
import { isApproved } from "../model/status";

const HINTS: Partial<Record<TaskStatus, string>> = {
  spec_generation: "An agent is writing requirements, a design and a plan. You review them next.",
  spec_review:
    "Read the three documents. Select text to comment on it, then approve the spec or request changes below.",
  implementation:
    "A crew of agents carries out the plan, each session in its own worktree. Open a session to watch it, or Fleet to see all of them.",
  implementation_review:
    "Read the change. Click a line number to comment on it, then approve to merge it, or request changes.",
  done: "The change is merged. Create a task of your own with c, or add your repository under Projects.",
};

export function Guide({ task }: { task: TaskDetail }) {
  const isDemo = useQuery(meQuery).data?.demo;
  const [isHidden, setHidden] = useDraft("guide-hidden", false);
  const hint = HINTS[task.status];
  if (!isDemo || isHidden || !hint || isApproved(task)) return null;
  return (
    <Alert severity="info" variant="outlined" onClose={() => setHidden(true)} sx={{ mb: 2 }}>
      {hint}
    </Alert>
  );
}
