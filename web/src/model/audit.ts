// The audit log: what the words of its entries mean, and which moments a range of days covers.

import type { AuditEntry } from "../api/types";
import { words } from "./status";
import { keysOf, oneOf } from "./words";

const WAY_LABELS: Record<string, string> = {
  page: "Dashboard",
  command_line: "Command line",
  api: "API",
  git: "Git",
  instance: "Agent instance",
  agent_process: "Agent process",
  start: "Server start",
};

export const wayLabel = (way: string): string => WAY_LABELS[way] ?? words(way);

/** The kind of an entry's object, by the prefix of its id. */
export function objectKind(id: string): "task" | "project" | "token" | "user" | null {
  const kinds = { spt: "task", prj: "project", tok: "token", usr: "user" } as const;
  const prefix = oneOf(keysOf(kinds), id.split("_", 1)[0]);
  return prefix ? kinds[prefix] : null;
}

const DECISIONS: Record<string, string> = {
  approve: "approved",
  request_changes: "changes requested",
  reject: "rejected",
};

/** The action of an entry, with the decision where it was a review. */
export function actionLabel({ action, data }: Pick<AuditEntry, "action" | "data">): string {
  const decision = typeof data === "object" && data !== null && "decision" in data && data.decision;
  const known = action.startsWith("review_") && typeof decision === "string" && DECISIONS[decision];
  return known ? `${words(action)} · ${known}` : words(action);
}

/** The details that an action came with, as lines of `name: value`. */
export function detailsOf({ data }: Pick<AuditEntry, "data">): string[] {
  if (typeof data !== "object" || data === null) return [];
  return Object.entries(data)
    .filter(([, value]) => value !== null && value !== "" && !(Array.isArray(value) && value.length === 0))
    .map(([name, value]) => `${words(name)}: ${typeof value === "string" ? value : JSON.stringify(value)}`);
}

/** A range of days as moments: from the first day's start up to the start of the day after the last, in local time. */
export function momentsOf(
  from: string | undefined,
  to: string | undefined,
): { since?: string; until?: string } {
  return {
    since: from && new Date(`${from}T00:00:00`).toISOString(),
    until: to && nextDay(to).toISOString(),
  };
}

function nextDay(day: string): Date {
  const date = new Date(`${day}T00:00:00`);
  date.setDate(date.getDate() + 1);
  return date;
}
