// The agent instance of a task: whether it runs, and how to stop it.

import { Box, Skeleton, Stack, Typography } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useStopInstance } from "../../api/actions";
import { instanceQuery } from "../../api/queries";
import type { TaskDetail, ZedInstance } from "../../api/types";
import { ActionButton } from "../../components/Action";
import { Ago } from "../../components/Ago";
import { Confirm } from "../../components/Confirm";
import { Status } from "../../components/Glyph";
import { Section } from "../../components/Page";
import { Failed } from "../../components/States";
import { isPaused, type Tone } from "../../model/status";
import { duration } from "../../model/time";

const STATUS: Record<string, [Tone, string]> = {
  not_created: ["waiting", "Not started"],
  pending: ["waiting", "Starting"],
  active: ["working", "Running"],
  disconnected: ["attention", "Disconnected"],
  completed: ["stopped", "Ended"],
  failed: ["failed", "Failed"],
};

/** Of a paused task: a process that ended because of that is not missed. */
const PAUSED: [Tone, string] = ["stopped", "Stopped"];

/** A process that runs while no session works. */
const IDLE: [Tone, string] = ["waiting", "Idle"];

export function Instance({ task }: { task: TaskDetail }) {
  const query = useQuery(instanceQuery(task.id));
  const [isStopping, setStopping] = useState(false);
  const stop = useStopInstance(task.id);
  const instance = query.data;
  if (query.isError && !instance) return <Failed error={query.error} retry={() => void query.refetch()} />;
  const status = instance?.status ?? "not_created";
  const isIdle = status === "active" && instance?.active_threads === 0;
  const isStopped = status === "disconnected" && isPaused(task);
  const [tone, label] = isStopped ? PAUSED : isIdle ? IDLE : (STATUS[status] ?? ["waiting", status]);
  return (
    <Section title="Agent process">
      <Box
        sx={{
          border: 1,
          borderColor: "divider",
          borderRadius: 1,
          px: 1.75,
          py: 1.25,
          bgcolor: "background.paper",
        }}
      >
        <Stack direction="row" sx={{ alignItems: "center", justifyContent: "space-between", minHeight: 32 }}>
          {query.isPending ? <Skeleton width={90} /> : <Status tone={tone} label={label} />}
          {instance?.status === "active" && (
            <ActionButton variant="text" color="inherit" size="small" onClick={() => setStopping(true)}>
              Stop
            </ActionButton>
          )}
        </Stack>
        {instance && instance.status !== "not_created" && <Details instance={instance} />}
      </Box>
      <Confirm
        open={isStopping}
        title="Stop the agent?"
        action="Stop"
        busy={stop.isPending}
        error={stop.error}
        onClose={() => setStopping(false)}
        onConfirm={() => stop.mutate(undefined, { onSuccess: () => setStopping(false) })}
      >
        It ends with everything it started, and the task is paused. Resume it to continue.
      </Confirm>
    </Section>
  );
}

function Details({ instance }: { instance: ZedInstance }) {
  const agent = [instance.agent.name, instance.agent.version].filter(Boolean).join(" ");
  const lines = [
    agent,
    `${instance.thread_count === 1 ? "1 session" : `${instance.thread_count} sessions`}, ${instance.active_threads === 0 ? "none" : instance.active_threads} active`,
    instance.status === "active"
      ? `up ${duration(instance.uptime_seconds)}${instance.pid ? `, process ${instance.pid}` : ""}`
      : "",
    instance.restarts > 0
      ? `restarted ${instance.restarts === 1 ? "once" : `${instance.restarts} times`}`
      : "",
    instance.sandbox ? `sandbox ${instance.sandbox.level}, network ${instance.sandbox.network}` : "",
  ].filter(Boolean);
  return (
    <Box sx={{ mt: 0.5 }}>
      {lines.map((line) => (
        <Typography key={line} variant="caption" color="textSecondary" component="p">
          {line}
        </Typography>
      ))}
      {instance.last_activity && (
        <Typography variant="caption" color="textSecondary" component="p">
          last activity <Ago at={instance.last_activity} />
        </Typography>
      )}
    </Box>
  );
}
