// A session's log as it is gathered: pages from the API and entries from the live stream, in any order.

import type { LogEntry } from "../api/types";

/** Both logs as one: in order, each entry once. */
export function mergeLog(known: readonly LogEntry[], more: readonly LogEntry[]): LogEntry[] {
  if (more.length === 0) return known as LogEntry[];
  const last = known.at(-1)?.seq ?? 0;
  const isNext = more.every((entry, at) => entry.seq === last + at + 1);
  if (isNext) return [...known, ...more];
  const bySeq = new Map(known.map((entry) => [entry.seq, entry]));
  for (const entry of more) bySeq.set(entry.seq, entry);
  return [...bySeq.values()].sort((a, b) => a.seq - b.seq);
}

/** The number up to which a log has no gap. */
export function unbrokenTo(log: readonly LogEntry[]): number {
  let seq = 0;
  for (const entry of log) {
    if (entry.seq !== seq + 1) break;
    seq = entry.seq;
  }
  return seq;
}
