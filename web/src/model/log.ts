// A session's log as it is gathered: its end first, earlier pages when they are scrolled to, and entries from the
// live stream, in any order.

import type { LogEntry } from "../api/types";

/** The part of a log that is known. */
export interface Log {
  entries: readonly LogEntry[];
  /** Whether its end was read; before that there are only entries that the live stream happened to bring. */
  isRead: boolean;
}

/** Both logs as one: in order, each entry once. */
export function mergeLog(known: readonly LogEntry[], more: readonly LogEntry[]): readonly LogEntry[] {
  if (more.length === 0) return known;
  const last = known.at(-1)?.seq ?? 0;
  const isNext = known.length > 0 && more.every((entry, at) => entry.seq === last + at + 1);
  if (isNext) return [...known, ...more];
  const bySeq = new Map(known.map((entry) => [entry.seq, entry]));
  for (const entry of more) bySeq.set(entry.seq, entry);
  return [...bySeq.values()].sort((a, b) => a.seq - b.seq);
}

/** The number up to which a log has no gap, from its first known entry on. */
export function unbrokenTo(log: readonly LogEntry[]): number {
  let seq = (log[0]?.seq ?? 1) - 1;
  for (const entry of log) {
    if (entry.seq !== seq + 1) break;
    seq = entry.seq;
  }
  return seq;
}

/** Whether entries are missing between the known ones, or before those that follow them. */
export function hasGap(log: readonly LogEntry[]): boolean {
  return unbrokenTo(log) !== (log.at(-1)?.seq ?? 0);
}

/** How many entries there are before the first known one. */
export function countBefore(log: readonly LogEntry[]): number {
  return Math.max(0, (log[0]?.seq ?? 1) - 1);
}
