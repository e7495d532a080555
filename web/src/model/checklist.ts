// The living checklist with what became of the sessions that carry it out.

import type { Checklist, PlannedTask, WorkSession } from "../api/types";
import type { Tone } from "./status";
import { oneOf } from "./words";

const STATUSES = ["pending", "in_progress", "completed"] as const;

/** The state of an item; one whose session ended without completing it is failed or stopped. */
export type ItemState = (typeof STATUSES)[number] | "stopped" | "failed";

export const ITEM_STATES: Record<ItemState, { label: string; tone: Tone }> = {
  pending: { label: "to do", tone: "waiting" },
  in_progress: { label: "in progress", tone: "working" },
  completed: { label: "done", tone: "done" },
  stopped: { label: "stopped", tone: "stopped" },
  failed: { label: "failed", tone: "failed" },
};

/** The numbers of the planned tasks whose sessions failed. */
export function failedNumbers(
  planned: readonly Pick<PlannedTask, "number" | "assigned_work_session_id">[],
  sessions: readonly Pick<WorkSession, "id" | "status">[],
): ReadonlySet<string> {
  const failed = new Set(sessions.filter(({ status }) => status === "failed").map(({ id }) => id));
  const isFailed = ({ assigned_work_session_id: id }: (typeof planned)[number]) =>
    id !== null && failed.has(id);
  return new Set(planned.filter(isFailed).map(({ number }) => number));
}

/**
 * The state of each item, in order. A planned task that failed is shown as failed, and what was begun of it as stopped;
 * without an active session, everything that was begun is stopped.
 */
export function itemStates(
  items: readonly Pick<Checklist["tasks"][number], "number" | "status" | "depth">[],
  failed: ReadonlySet<string>,
  isAtWork: boolean,
): ItemState[] {
  // The depth of the failed planned task that the items belong to.
  let failedDepth: number | null = null;
  return items.map(({ number, status: known, depth }) => {
    const status = oneOf(STATUSES, known) ?? "pending";
    if (failedDepth !== null && depth <= failedDepth) failedDepth = null;
    if (number && failed.has(number)) {
      failedDepth = depth;
      return status === "completed" ? status : "failed";
    }
    return status === "in_progress" && (failedDepth !== null || !isAtWork) ? "stopped" : status;
  });
}
