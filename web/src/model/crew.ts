// The actions on the sessions of a crew, and their consequences.

import type { SpecTask, WorkSession } from "../api/types";

/** The agent that a session was given to; what else its configuration has is open. */
export function agentOf({ agent_config: config }: Pick<WorkSession, "agent_config">): string | undefined {
  const agent = typeof config === "object" && config !== null && "agent" in config ? config.agent : undefined;
  return typeof agent === "string" ? agent : undefined;
}

export type SessionMove = "spawn" | "branch" | "choose" | "retry" | "retry_with" | "skip" | "cancel";

/** The actions of a person on a session as it is; the server decides. */
export function movesOf(session: WorkSession, task: Pick<SpecTask, "status">): SessionMove[] {
  const isCrew = session.phase !== "planning";
  const isOver = task.status === "done" || task.status === "cancelled";
  if (isOver) return [];
  const { status } = session;
  const isStuck = status === "failed" || status === "cancelled";
  const isOpen = status === "active" || status === "pending" || status === "blocked";
  const moves: SessionMove[] = [];
  if (isCrew && session.alternatives.length > 1) moves.push("choose");
  if (isStuck) moves.push("retry", "retry_with");
  if (isCrew && status === "active") moves.push("spawn");
  if (isCrew && (status === "active" || status === "completed" || status === "failed")) moves.push("branch");
  if (status === "failed" || (isCrew && (status === "pending" || status === "blocked"))) moves.push("skip");
  if (isOpen) moves.push("cancel");
  return moves;
}

/** The sessions that can spawn others now. */
export function parentsOf(sessions: readonly WorkSession[]): WorkSession[] {
  return sessions.filter((session) => session.status === "active" && session.phase !== "planning");
}

export interface Suggestion {
  label: string;
  name: string;
  description: string;
}

/** Work that is often split off, worded for a parent. */
export function suggestionsFor(parent: Pick<WorkSession, "name">): Suggestion[] {
  const { name } = parent;
  return [
    {
      label: "Tests",
      name: `Tests for ${name}`,
      description: `Write tests for what “${name}” makes: the ordinary way, the limits, and what has to be refused. Change its code only where a test shows a fault.`,
    },
    {
      label: "Security audit",
      name: `Security audit of ${name}`,
      description: `Look through what “${name}” makes for what an attacker could use: input that is not checked, missing permission checks, secrets that leak. Fix what you find, and list what you looked at.`,
    },
    {
      label: "Performance",
      name: `Performance of ${name}`,
      description: `Measure what “${name}” makes under load, find what costs most, and make it quicker. Keep the figures before and after.`,
    },
    {
      label: "Documentation",
      name: `Documentation of ${name}`,
      description: `Write for users what “${name}” makes possible, with an example of each use, where this project keeps its documentation.`,
    },
  ];
}

/** The consequences of spawning a session, in sentences. */
export function spawnPreview(
  parent: Pick<WorkSession, "id" | "name">,
  sessions: readonly WorkSession[],
): string[] {
  const others = sessions.filter(
    (session) => session.status === "active" && session.phase !== "planning",
  ).length;
  const siblings = sessions.filter((session) => session.parent_work_session_id === parent.id).length;
  const coordination =
    others > 1
      ? `It can coordinate with the ${others} sessions at work.`
      : `It can coordinate with “${parent.name}”.`;
  return [
    "A new thread in the agent process of this task.",
    `It begins where the branch of “${parent.name}” stands; what is not committed by then is not in it.`,
    `It is merged after “${parent.name}”.`,
    siblings > 0
      ? `${coordination} ${siblings === 1 ? "One session was" : `${siblings} sessions were`} spawned here before.`
      : coordination,
  ];
}
