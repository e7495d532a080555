// The fleet's cards: where an agent is in its list, and how a checklist that moved changes that.

import type { Checklist, FleetAgent, FleetItem, WorkSession } from "../api/types";

/** How many items are shown before and after the present one. */
export const AROUND = 3;

/** A session's items around the one that is in progress; where none is, those before and after what comes next. */
export function around(list: FleetItem[]): Pick<FleetAgent, "current_task" | "tasks_before" | "tasks_after"> {
  const working = list.findIndex((item) => item.status === "in_progress");
  const next = list.findIndex((item) => item.status === "pending");
  const at = working >= 0 ? working : next;
  const split = at >= 0 ? at : list.length;
  const after = working >= 0 ? split + 1 : split;
  return {
    current_task: list[working] ?? null,
    tasks_before: list.slice(Math.max(0, split - AROUND), split),
    tasks_after: list.slice(after, after + AROUND),
  };
}

/** A card after its session changed. How much of a session is done is counted by the server alone. */
export function withSession(
  agent: FleetAgent,
  news: Pick<WorkSession, "queue_reason" | "waits_until" | "progress">,
): FleetAgent {
  const { queue_reason, waits_until, progress } = news;
  // The progress of a planning session is that of its steps, which only the card has.
  return {
    ...agent,
    queue_reason,
    waits_until,
    progress: agent.phase === "planning" ? agent.progress : progress,
  };
}

/** A card after its task's checklist moved; the news of its session bring the progress. */
export function withChecklist(agent: FleetAgent, checklist: Checklist, at: string): FleetAgent {
  // A planning session's steps are no part of any checklist.
  if (agent.phase === "planning") return agent;
  const byIndex = new Map(checklist.tasks.map((item) => [item.index, item]));
  const list = agent.task_list.map((item) => {
    const now = byIndex.get(item.index);
    // Steps and entries of an agent's own plan are no items of the checklist.
    if (!now || now.description !== item.description || now.status === item.status) return item;
    return { ...item, status: now.status, started_at: now.status === "in_progress" ? at : null };
  });
  return { ...agent, task_list: list, ...around(list), last_update: at };
}

/** Whether an agent works, rather than waiting for a permission, a retry or a merge. */
export function isAtWork(agent: FleetAgent, asking: ReadonlySet<string>): boolean {
  return !asking.has(agent.work_session_id) && !agent.queue_reason;
}

/** How many agents are at work, how many wait for a permission, and how many for something else, in sentences. */
export function fleetLead(
  agents: readonly FleetAgent[],
  asking: ReadonlySet<string>,
  isLive: boolean,
): string {
  const working = agents.filter((agent) => isAtWork(agent, asking));
  const asks = agents.filter((agent) => asking.has(agent.work_session_id)).length;
  const queued = agents.length - working.length - asks;
  const tasks = new Set(working.map((agent) => agent.task_id)).size;
  const be = working.length === 1 ? (isLive ? "is" : "was") : isLive ? "are" : "were";
  const sentences = [];
  if (working.length > 0)
    sentences.push(`${count(working.length, "agent")} ${be} at work on ${count(tasks, "task")}.`);
  const wait = (of: number, what: string) => {
    if (of === 0) return;
    const who = sentences.length === 0 ? count(of, "agent") : String(of);
    sentences.push(`${who} ${of === 1 ? "waits" : "wait"}${what}.`);
  };
  wait(asks, " for your permission");
  wait(queued, " to continue");
  return sentences.join(" ");
}

const count = (of: number, what: string) => (of === 1 ? `1 ${what}` : `${of} ${what}s`);
