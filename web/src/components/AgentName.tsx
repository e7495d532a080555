// The name of an agent: the API names agents by id, people by name.

import { useQuery } from "@tanstack/react-query";
import { agentsQuery } from "../api/queries";

/** Returns the name of the agent with an id; the id itself where the agent is not known. */
export function useAgentName(): (id: string) => string {
  const agents = useQuery(agentsQuery).data;
  return (id) => agents?.find((agent) => agent.id === id)?.name ?? id;
}

export function AgentName({ id }: { id: string }) {
  return <bdi>{useAgentName()(id)}</bdi>;
}
