// Said where a task would have no agent: what to install, and the built-in one by name.

import { Alert, Box, Button, Typography } from "@mui/material";
import type { Agent } from "../../api/types";
import { Inline } from "../../components/Inline";
import { TextLink } from "../../components/links";

/** How many agents are suggested. */
const SUGGESTED = 3;

export function NoAgent({ agents, onBuiltIn }: { agents: Agent[]; onBuiltIn: (id: string) => void }) {
  const builtIn = agents.find((agent) => agent.kind === "built_in");
  return (
    <Alert severity="warning" variant="outlined" sx={{ alignItems: "flex-start" }}>
      <Typography variant="body2" sx={{ fontWeight: 600 }}>
        No coding agent is installed
      </Typography>
      <Box component="ul" sx={{ m: 0, mt: 0.5, pl: 2.25 }}>
        {agents
          .filter((agent) => agent.kind === "known")
          .slice(0, SUGGESTED)
          .map((agent) => (
            <Typography key={agent.id} component="li" variant="caption" sx={{ overflowWrap: "anywhere" }}>
              <b>{agent.name}</b>: <Inline text={agent.how_to_install} />
            </Typography>
          ))}
      </Box>
      <Typography variant="caption" component="p" sx={{ mt: 0.75 }}>
        <TextLink to="/agents">All agents</TextLink>
        {builtIn && (
          <>
            {" · "}
            To try the workflow without an AI model, use the built-in demo agent: it replays scripted
            scenarios and writes filler documents here.{" "}
            <Button
              size="small"
              variant="outlined"
              color="inherit"
              onClick={() => onBuiltIn(builtIn.id)}
              sx={{ mt: 0.5 }}
            >
              Use {builtIn.name}
            </Button>
          </>
        )}
      </Typography>
    </Alert>
  );
}

/** Whether a task in a repository that is no sample has an agent without naming one. */
export function hasDefaultAgents(agents: Agent[], isPlanned: boolean): boolean {
  const has = (part: Agent["default_for"][number]) =>
    agents.some((agent) => agent.default_for.includes(part));
  return has("implementation") && (!isPlanned || has("planning"));
}
