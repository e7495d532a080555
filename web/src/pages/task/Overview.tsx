// A task at a glance: what was asked, what is done of it, who works on it.

import { Box, Stack, Typography } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { progressQuery } from "../../api/queries";
import type { TaskDetail } from "../../api/types";
import { TextLink } from "../../components/links";
import { Markdown } from "../../components/Markdown";
import { Section } from "../../components/Page";
import { ProgressBar } from "../../components/ProgressBar";
import { Failed, Paragraphs } from "../../components/States";
import { ActivityList } from "./ActivityList";
import { ChecklistView } from "./ChecklistView";
import { Facts } from "./Facts";
import { Instance } from "./Instance";
import { SessionTree } from "./SessionTree";

export function Overview({ task }: { task: TaskDetail }) {
  const progress = useQuery(progressQuery(task.id));
  const checklist = progress.data?.checklist;
  return (
    <Box
      sx={{
        display: "grid",
        columnGap: 5,
        gridTemplateColumns: { xs: "minmax(0, 1fr)", md: "minmax(0, 1fr) 320px" },
      }}
    >
      <Box sx={{ minWidth: 0 }}>
        <Section title="Asked for">
          <Box sx={{ pl: 2, borderLeft: 3, borderColor: "divider" }}>
            <Markdown text={task.original_prompt} />
          </Box>
        </Section>
        {progress.isPending ? (
          <Paragraphs />
        ) : progress.isError && !progress.data ? (
          <Failed error={progress.error} retry={() => void progress.refetch()} />
        ) : (
          <>
            <Phases phases={progress.data?.phase_progress ?? {}} />
            {checklist && checklist.total_tasks > 0 && (
              <Section
                title="Checklist"
                aside={
                  <Typography
                    variant="caption"
                    color="textSecondary"
                    sx={{ fontVariantNumeric: "tabular-nums" }}
                  >
                    {checklist.completed_tasks} of {checklist.total_tasks} done
                  </Typography>
                }
              >
                <ChecklistView checklist={checklist} />
              </Section>
            )}
          </>
        )}
        {task.work_sessions.length > 0 && (
          <Section
            title="Sessions"
            aside={
              <TextLink
                to="/tasks/$taskId"
                params={{ taskId: task.id }}
                search={{ tab: "sessions" }}
                variant="caption"
              >
                Open conversations
              </TextLink>
            }
          >
            <SessionTree sessions={task.work_sessions} taskId={task.id} />
          </Section>
        )}
      </Box>
      <Box>
        <Instance task={task} />
        <Facts task={task} />
        {progress.data && progress.data.recent_activity.length > 0 && (
          <ActivityList activity={progress.data.recent_activity} sessions={task.work_sessions} />
        )}
      </Box>
    </Box>
  );
}

function Phases({ phases }: { phases: Record<string, number> }) {
  const shown = [
    ["planning", "Planning"],
    ["implementation", "Implementation"],
    ["validation", "Validation"],
  ].filter(([name]) => phases[name ?? ""] !== undefined);
  if (shown.length === 0) return null;
  return (
    <Section title="Progress">
      <Stack direction={{ xs: "column", sm: "row" }} sx={{ gap: { xs: 1.25, sm: 3 } }}>
        {shown.map(([name = "", label = ""]) => (
          <Box key={name} sx={{ flex: 1 }}>
            <Typography variant="caption" color="textSecondary">
              {label}
            </Typography>
            <ProgressBar value={phases[name] ?? 0} label={label} />
          </Box>
        ))}
      </Stack>
    </Section>
  );
}
