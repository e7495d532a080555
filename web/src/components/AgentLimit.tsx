// A limit of an agent's account: what the agent said, how long it still holds, and the button that ends the wait.

import { Alert } from "@mui/material";
import { useResumeAgent } from "../api/actions";
import type { Agent } from "../api/types";
import { ActionButton } from "./Action";
import { Until } from "./Ago";

export function AgentLimit({ agent }: { agent: Agent }) {
  const resume = useResumeAgent();
  if (!agent.limited_until) return null;
  return (
    <Alert
      severity="warning"
      variant="outlined"
      sx={{ mt: 1, overflowWrap: "anywhere" }}
      action={
        <ActionButton
          color="inherit"
          size="small"
          loading={resume.isPending}
          aria-label={`Resume ${agent.name} now`}
          onClick={() => resume.mutate(agent.id)}
        >
          Resume now
        </ActionButton>
      }
    >
      {agent.name} reached a limit. Its sessions continue in <Until at={agent.limited_until} />.{" "}
      {agent.limit_message}
    </Alert>
  );
}
