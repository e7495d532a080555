// The fleet: what every agent is doing right now.

import { Box, Skeleton } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { fleetQuery } from "../api/queries";
import { LinkButton } from "../components/links";
import { Page } from "../components/Page";
import { Empty, Failed } from "../components/States";
import { FleetCard } from "./fleet/FleetCard";

const GRID = {
  display: "grid",
  gap: 2,
  gridTemplateColumns: "repeat(auto-fill, minmax(min(100%, 330px), 1fr))",
} as const;

export function FleetPage() {
  const fleet = useQuery(fleetQuery);
  const agents = fleet.data?.agents ?? [];
  return (
    <Page
      wide
      title="Fleet"
      lead={
        agents.length > 0
          ? `${agents.length === 1 ? "One agent is" : `${agents.length} agents are`} at work.`
          : undefined
      }
    >
      {fleet.isPending ? (
        <Box sx={GRID} aria-busy="true" role="status" aria-label="Loading">
          {["a", "b", "c"].map((key) => (
            <Skeleton key={key} variant="rounded" height={264} />
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
        <Box sx={GRID} role="list" aria-label="Agents at work">
          {agents.map((agent) => (
            <FleetCard key={agent.work_session_id} agent={agent} />
          ))}
        </Box>
      )}
    </Page>
  );
}
