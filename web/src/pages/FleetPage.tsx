// The fleet: what every agent is doing right now.

import { Box, Skeleton } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { agentsQuery, fleetQuery } from "../api/queries";
import { AgentLimit } from "../components/AgentLimit";
import { LinkButton } from "../components/links";
import { Page } from "../components/Page";
import { useAsking } from "../components/Permissions";
import { Empty, Failed } from "../components/States";
import { useIsOffline } from "../live/provider";
import { fleetLead } from "../model/fleet";
import { FleetCard } from "./fleet/FleetCard";

const GRID = {
  display: "grid",
  gap: 2,
  gridTemplateColumns: "repeat(auto-fill, minmax(min(100%, 330px), 1fr))",
} as const;

export function FleetPage() {
  const fleet = useQuery(fleetQuery);
  const agents = fleet.data?.agents ?? [];
  const limited = useQuery(agentsQuery).data?.filter((agent) => agent.limited_until) ?? [];
  const asking = useAsking().sessions;
  const isLive = !useIsOffline();
  return (
    <Page wide title="Fleet" lead={agents.length > 0 ? fleetLead(agents, asking, isLive) : undefined}>
      {limited.length > 0 && (
        <Box sx={{ mb: 2 }}>
          {limited.map((agent) => (
            <AgentLimit key={agent.id} agent={agent} />
          ))}
        </Box>
      )}
      {fleet.isPending ? (
        <Box sx={GRID} aria-busy="true" role="status" aria-label="Loading">
          {["a", "b", "c"].map((key) => (
            <Skeleton key={key} variant="rounded" height={280} sx={{ borderRadius: 1.25 }} />
          ))}
        </Box>
      ) : fleet.isError && !fleet.data ? (
        <Failed error={fleet.error} retry={() => void fleet.refetch()} />
      ) : agents.length === 0 ? (
        <Empty
          title="No agent is at work"
          action={
            <LinkButton variant="outlined" color="inherit" to="/tasks" search={{ create: true }}>
              New task
            </LinkButton>
          }
        >
          Agents appear here as they plan and implement, each with the item it is working on.
        </Empty>
      ) : (
        <Box component="ul" sx={{ ...GRID, listStyle: "none", m: 0, p: 0 }} aria-label="Agents at work">
          {agents.map((agent) => (
            <li key={agent.work_session_id} style={{ display: "grid", minWidth: 0 }}>
              <FleetCard agent={agent} asks={asking.has(agent.work_session_id)} />
            </li>
          ))}
        </Box>
      )}
    </Page>
  );
}
