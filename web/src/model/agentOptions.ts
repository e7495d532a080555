// The options and commands of agents: when they may have changed, and which of them fit.

import type { Agent, AgentCommand, AgentOption, AgentOptionsRule, LogEntry } from "../api/types";

/** The values of options that are chosen, by the option's id. */
export type OptionValues = Record<string, string | boolean>;

const UPDATES = ["config_option_update", "current_mode_update", "available_commands_update"];

/** Whether an entry of a log can mean that the agent offers something else. */
function isChange(entry: LogEntry): boolean {
  switch (entry.kind) {
    case "turn_started":
    case "turn_ended":
    case "user_message":
      return true;
    case "notice":
      return Boolean(entry.agent_options);
    case "update": {
      const raw = entry.raw as { sessionUpdate?: string } | null | undefined;
      return UPDATES.includes(raw?.sessionUpdate ?? "");
    }
    default:
      return false;
  }
}

/** What differs whenever the options are to be read again: they are set before the agent says its first word of a turn. */
export function optionsRevision(entries: readonly LogEntry[]): string {
  const at = entries.findLastIndex(isChange);
  const isAnswered = entries
    .slice(at + 1)
    .some((entry) => entry.kind === "agent_message" || entry.kind === "tool_call");
  return `${entries[at]?.seq ?? 0}${isAnswered ? "+" : ""}`;
}

/** The commands that a message may begin with, while it is nothing but the beginning of one. */
export function commandsFor(text: string, commands: readonly AgentCommand[]): AgentCommand[] {
  const typed = /^\/(\S*)$/.exec(text)?.[1]?.toLowerCase();
  if (typed === undefined) return [];
  return commands.filter((command) => command.name.toLowerCase().startsWith(typed));
}

/** The agent that plays a part: the chosen one, else the default. */
export function agentFor(agents: readonly Agent[], part: Agent["default_for"][number], chosen: string) {
  return agents.find((agent) => (chosen ? agent.id === chosen : agent.default_for.includes(part)));
}

/** The options of an agent as a rule of a task; nothing where none are chosen that it offers. */
export function ruleOf(
  phase: AgentOptionsRule["phase"],
  agent: Agent | undefined,
  chosen: OptionValues,
): AgentOptionsRule[] {
  const known = Object.entries(chosen).filter(([id]) => agent?.options.some((option) => option.id === id));
  return agent && known.length > 0 ? [{ phase, agent: agent.id, options: Object.fromEntries(known) }] : [];
}

/** Whether an option can be chosen from a list. */
export function isListed(option: AgentOption): boolean {
  return option.type === "boolean" || (option.values ?? []).length > 0;
}
