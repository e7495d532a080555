// The agent that plays a part, or the default one, which is named.

import { MenuItem } from "@mui/material";
import type { Agent } from "../../api/types";
import { Field } from "../../components/FormDialog";

interface Props {
  field: string;
  label: string;
  part: AgentPart;
  value: string;
  agents: Agent[];
  disabled?: boolean;
  onChange: (value: string) => void;
}

type AgentPart = "planning" | "implementation";

export function AgentChoice({ part, agents, ...field }: Props) {
  const usual = agents.find((agent) => agent.default_for.includes(part));
  return (
    <Field select {...field} slotProps={{ select: { displayEmpty: true }, inputLabel: { shrink: true } }}>
      <MenuItem value="">Default{usual && ` (${usual.name})`}</MenuItem>
      {AgentMenu({ agents, part })}
    </Field>
  );
}

/** The agents that can play a part, as items of a menu. */
export function AgentMenu({ agents, part }: Pick<Props, "agents" | "part">) {
  const able = agents.filter((agent) => agent.roles.length === 0 || agent.roles.includes(part));
  return able.map((agent) => (
    <MenuItem key={agent.id} value={agent.id} disabled={!agent.installed}>
      {agent.name}
      {!agent.installed && " · not installed"}
    </MenuItem>
  ));
}
