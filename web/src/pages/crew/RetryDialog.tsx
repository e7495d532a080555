// Trying again what failed, by another agent.

import { Typography } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useAssignAgent, useSessionAction, useTaskAction } from "../../api/actions";
import { agentsQuery } from "../../api/queries";
import type { WorkSession } from "../../api/types";
import { Field, FormDialog } from "../../components/FormDialog";
import { agentOf } from "../../model/crew";
import { AgentMenu } from "../tasks/AgentChoice";

interface Props {
  session: WorkSession;
  onClose: () => void;
}

export function RetryDialog({ session, onClose }: Props) {
  const isPlanning = session.phase === "planning";
  const present = agentOf(session);
  const [agent, setAgent] = useState(present ?? "");
  const agents = useQuery(agentsQuery).data ?? [];
  const assign = useAssignAgent(session.spec_task_id);
  const retrySession = useSessionAction(session);
  const retryTask = useTaskAction(session.spec_task_id);
  const retry = () => {
    // Planning is tried again as a step of the task.
    if (isPlanning) retryTask.mutate({ do: "retry" }, { onSuccess: onClose });
    else retrySession.mutate({ do: "retry" }, { onSuccess: onClose });
  };
  const send = () => {
    if (agent === present) retry();
    else assign.mutate({ session: session.id, agent }, { onSuccess: retry });
  };
  return (
    <FormDialog
      title="Retry with another agent"
      action="Retry"
      canSend={agent !== ""}
      sending={{
        isPending: assign.isPending || retrySession.isPending || retryTask.isPending,
        error: assign.error ?? retrySession.error ?? retryTask.error,
      }}
      onSend={send}
      onClose={onClose}
    >
      <Typography variant="body2" color="textSecondary" sx={{ mt: -1, overflowWrap: "anywhere" }}>
        {session.name}. The agent gets the conversation so far, and works on the same branch.
      </Typography>
      <Field field="agent" select autoFocus label="Agent" value={agent} onChange={setAgent}>
        {AgentMenu({ agents, part: isPlanning ? "planning" : "implementation" })}
      </Field>
    </FormDialog>
  );
}
