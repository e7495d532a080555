// A task at a glance: what was asked, what is done of it, who works on it.

import { Box, Button, Stack, Typography } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { attachmentsQuery, plannedTasksQuery, progressQuery } from "../../api/queries";
import type { TaskDetail } from "../../api/types";
import { Attachments } from "../../components/Attachments";
import { TextLink } from "../../components/links";
import { Markdown } from "../../components/Markdown";
import { Section } from "../../components/Page";
import { ProgressBar } from "../../components/ProgressBar";
import { Failed, Paragraphs } from "../../components/States";
import { failedNumbers } from "../../model/checklist";
import { Collisions } from "../crew/Collisions";
import { ActivityList } from "./ActivityList";
import { ChecklistView } from "./ChecklistView";
import { Facts } from "./Facts";
import { Instance } from "./Instance";
import { PermissionGrants } from "./PermissionGrants";
import { SessionTree } from "./SessionTree";

export function Overview({ task }: { task: TaskDetail }) {
  const progress = useQuery(progressQuery(task.id));
  const checklist = progress.data?.checklist;
  const hasFailures = task.planned && task.work_sessions.some((session) => session.status === "failed");
  const planned = useQuery({ ...plannedTasksQuery(task.id), enabled: hasFailures }).data;
  const failed = failedNumbers(planned ?? [], task.work_sessions);
  return (
    <Box
      sx={{
        display: "grid",
        columnGap: 5,
        gridTemplateColumns: { xs: "minmax(0, 1fr)", md: "minmax(0, 1fr) 320px" },
      }}
    >
      <Box sx={{ minWidth: 0 }}>
        <Section title="Prompt">
          <Prompt text={task.original_prompt} />
        </Section>
        <Files task={task.id} />
        {progress.isPending ? (
          <Paragraphs />
        ) : progress.isError && !progress.data ? (
          <Failed error={progress.error} retry={() => void progress.refetch()} />
        ) : (
          checklist &&
          checklist.total_tasks > 0 && (
            <Section
              title="Checklist"
              aside={
                <Stack direction="row" sx={{ alignItems: "center", gap: 1.5 }}>
                  <Typography
                    variant="caption"
                    color="textSecondary"
                    sx={{ fontVariantNumeric: "tabular-nums" }}
                  >
                    {checklist.completed_tasks} of {checklist.total_tasks} done
                  </Typography>
                  <Box sx={{ width: 140 }}>
                    <ProgressBar
                      value={checklist.completed_tasks / checklist.total_tasks}
                      label="Checklist"
                    />
                  </Box>
                </Stack>
              }
            >
              <ChecklistView
                checklist={checklist}
                failed={failed}
                isAtWork={task.work_sessions.some((session) => session.status === "active")}
              />
            </Section>
          )
        )}
        <Collisions task={task} />
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
            <SessionTree task={task} leads />
          </Section>
        )}
      </Box>
      <Box>
        <Instance task={task} />
        <Facts task={task} />
        <PermissionGrants task={task.id} />
        {progress.data && progress.data.recent_activity.length > 0 && (
          <ActivityList activity={progress.data.recent_activity} sessions={task.work_sessions} />
        )}
      </Box>
    </Box>
  );
}

/** The most files of agents that are shown at once: the newest. */
const MAX_SENT = 12;

/** The files of the prompt and of messages, and those that agents sent. */
function Files({ task }: { task: string }) {
  const files = useQuery(attachmentsQuery(task));
  if (files.isError && !files.data) return <Failed error={files.error} retry={() => void files.refetch()} />;
  if (!files.data || files.data.length === 0) return null;
  const attached = files.data.filter((file) => file.purpose !== "agent");
  const sent = files.data.filter((file) => file.purpose === "agent");
  return (
    <>
      {attached.length > 0 && (
        <Section title="Attached files">
          <Attachments task={task} files={attached} />
        </Section>
      )}
      {sent.length > 0 && (
        <Section
          title={
            sent.length > MAX_SENT
              ? `Files of agents (newest ${MAX_SENT} of ${sent.length})`
              : "Files of agents"
          }
        >
          <Attachments task={task} files={sent.slice(-MAX_SENT).reverse()} label="Files of agents" />
        </Section>
      )}
    </>
  );
}

/** How long a prompt may be before its end is folded, in letters. */
const LONG = 1500;

function Prompt({ text }: { text: string }) {
  const [isWhole, setWhole] = useState(text.length <= LONG);
  return (
    <>
      <Box sx={{ pl: 2, borderLeft: 3, borderColor: "divider" }}>
        <Markdown text={isWhole ? text : `${text.slice(0, LONG)}…`} />
      </Box>
      {!isWhole && (
        <Button variant="text" color="inherit" onClick={() => setWhole(true)} sx={{ mt: 0.5 }}>
          Show all of it
        </Button>
      )}
    </>
  );
}
