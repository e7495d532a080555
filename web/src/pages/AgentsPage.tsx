// The agents that can be chosen, and how to get the ones that are not there.

import { Box, Chip, Stack, Typography } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { agentsQuery } from "../api/queries";
import type { Agent } from "../api/types";
import { AgentLimit } from "../components/AgentLimit";
import { Mono } from "../components/Code";
import { Status } from "../components/Glyph";
import { Inline } from "../components/Inline";
import { Page, Section } from "../components/Page";
import { Empty, Failed, Rows } from "../components/States";
import { words } from "../model/status";

export function AgentsPage() {
  const query = useQuery(agentsQuery);
  const agents = query.data ?? [];
  const installed = agents.filter((agent) => agent.installed);
  const others = agents.filter((agent) => !agent.installed);
  return (
    <Page
      title="Agents"
      lead="Every agent that speaks the Agent Client Protocol can plan and implement here."
    >
      {query.isPending ? (
        <Rows count={5} height={72} />
      ) : query.isError && !query.data ? (
        <Failed error={query.error} retry={() => void query.refetch()} />
      ) : agents.length === 0 ? (
        <Empty title="No agents are known">
          Name one under <Mono>agents</Mono> in the server's configuration file.
        </Empty>
      ) : (
        <>
          {installed.length > 0 && <Group title="Ready" agents={installed} />}
          {others.length > 0 && <Group title="Not installed" agents={others} />}
        </>
      )}
    </Page>
  );
}

function Group({ title, agents }: { title: string; agents: Agent[] }) {
  return (
    <Section title={title}>
      <Stack
        role="list"
        sx={{ border: 1, borderColor: "divider", borderRadius: 1, bgcolor: "background.paper" }}
      >
        {agents.map((agent) => (
          <Row key={agent.id} agent={agent} />
        ))}
      </Stack>
    </Section>
  );
}

function Row({ agent }: { agent: Agent }) {
  return (
    <Box role="listitem" sx={{ px: 2, py: 1.5, "& + &": { borderTop: 1, borderColor: "divider" } }}>
      <Stack direction="row" sx={{ alignItems: "center", gap: 1.25, flexWrap: "wrap" }}>
        <Typography variant="body2" sx={{ fontWeight: 600 }}>
          {agent.name}
        </Typography>
        {agent.version && (
          <Typography variant="caption" color="textSecondary">
            {agent.version}
          </Typography>
        )}
        {agent.roles.map((role) => (
          <Chip key={role} label={words(role)} size="small" variant="outlined" />
        ))}
        <Box sx={{ flex: 1 }} />
        {agent.auth_needed ? (
          <Status tone="attention" label="Needs a login" />
        ) : agent.installed ? (
          <Status tone="done" label={agent.kind === "built_in" ? "Built in" : "Installed"} />
        ) : (
          <Status tone="waiting" label="Not installed" />
        )}
      </Stack>
      <Typography variant="caption" color="textSecondary" component="p" sx={{ mt: 0.25 }}>
        <Mono>{agent.command}</Mono>
      </Typography>
      <AgentLimit agent={agent} />
      {agent.how_to_install && (!agent.installed || agent.kind === "built_in") && (
        <Typography
          variant="body2"
          color={agent.installed ? "textSecondary" : "textPrimary"}
          sx={{ mt: 0.75, overflowWrap: "anywhere" }}
        >
          <Inline text={agent.how_to_install} />
        </Typography>
      )}
    </Box>
  );
}
