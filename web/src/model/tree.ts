// Work sessions as a tree: what was spawned stands below what spawned it.

import type { WorkSession } from "../api/types";

export interface Branch {
  session: WorkSession;
  depth: number;
}

const PHASES = ["planning", "implementation", "validation"];

/** The sessions in reading order: planning first, then by their place in the plan, children below parents. */
export function sessionTree(sessions: readonly WorkSession[]): Branch[] {
  const known = new Set(sessions.map((session) => session.id));
  const children = new Map<string, WorkSession[]>();
  for (const session of sessions) {
    const parent = session.parent_work_session_id;
    // A session whose parent is not in the list stands by itself.
    const key = parent && parent !== session.id && known.has(parent) ? parent : "";
    children.set(key, [...(children.get(key) ?? []), session]);
  }
  const out: Branch[] = [];
  const seen = new Set<string>();
  const walk = (key: string, depth: number) => {
    for (const session of (children.get(key) ?? []).sort(byPlace)) {
      if (seen.has(session.id)) continue;
      seen.add(session.id);
      out.push({ session, depth });
      walk(session.id, depth + 1);
    }
  };
  walk("", 0);
  // Parents that name each other would hide both.
  for (const session of sessions) if (!seen.has(session.id)) out.push({ session, depth: 0 });
  return out;
}

function byPlace(a: WorkSession, b: WorkSession): number {
  return (
    PHASES.indexOf(a.phase) - PHASES.indexOf(b.phase) ||
    (a.implementation_task_index ?? Number.MAX_SAFE_INTEGER) -
      (b.implementation_task_index ?? Number.MAX_SAFE_INTEGER) ||
    a.created_at.localeCompare(b.created_at) ||
    a.id.localeCompare(b.id)
  );
}
