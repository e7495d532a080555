// The messages of a crew, in words and in order.

import type { CoordinationEvent, CoordinationKind, CoordinationLog, WorkSession } from "../api/types";
import { keysOf } from "./words";

/** The kinds of events, with what each says. */
export const KINDS: Record<CoordinationKind, { label: string; says: string }> = {
  handoff: { label: "Handoff", says: "work is ready for you" },
  blocking: { label: "Blocking", says: "something is in the way" },
  notification: { label: "Notification", says: "something to know" },
  request: { label: "Request", says: "an answer is wanted" },
  response: { label: "Response", says: "the answer to a request" },
  broadcast: { label: "Broadcast", says: "something for all sessions" },
  completion: { label: "Completion", says: "work is merged" },
  spawn: { label: "Spawn", says: "a session joined" },
};

const ALL_KINDS = keysOf(KINDS);

/** The displayed kinds of events: their kind, or a reported collision, which blocks no session. */
export type ShownKind = CoordinationKind | "collision";

export function shownKind(event: Pick<CoordinationEvent, "event_type" | "data">): ShownKind {
  const { event_type: kind, data } = event;
  const isCollision = typeof data === "object" && data !== null && "collision" in data;
  return kind === "blocking" && isCollision ? "collision" : kind;
}

export function kindLabel(kind: ShownKind): string {
  return kind === "collision" ? "Collision" : (KINDS[kind]?.label ?? kind);
}

/** How many events there are of each kind that is shown, in order; collisions come after what blocks. */
export function countKinds(
  log: Pick<CoordinationLog, "events" | "events_by_type">,
): { kind: ShownKind; count: number }[] {
  const collisions = log.events.filter((event) => shownKind(event) === "collision").length;
  const counts = ALL_KINDS.flatMap((kind): { kind: ShownKind; count: number }[] => {
    const count = log.events_by_type[kind] ?? 0;
    if (kind !== "blocking") return [{ kind, count }];
    return [
      { kind, count: count - collisions },
      { kind: "collision", count: collisions },
    ];
  });
  return counts.filter(({ count }) => count > 0);
}

/** A log after an event was sent, delivered or answered. */
export function withEvent(log: CoordinationLog, event: CoordinationEvent): CoordinationLog {
  const isKnown = log.events.some((known) => known.id === event.id);
  if (isKnown) return { ...log, events: log.events.map((known) => (known.id === event.id ? event : known)) };
  const kind = event.event_type;
  return {
    ...log,
    events: [...log.events, event],
    total_events: log.total_events + 1,
    filtered_events: log.filtered_events + 1,
    events_by_type: { ...log.events_by_type, [kind]: (log.events_by_type[kind] ?? 0) + 1 },
    last_activity: event.timestamp,
  };
}

/** The sender: a session, a person, or SpecTask itself. */
export function teller(
  event: Pick<CoordinationEvent, "from_session_id" | "by">,
  sessions: readonly WorkSession[],
): string {
  return nameOf(event.from_session_id, sessions) ?? event.by ?? "SpecTask";
}

/** For whom it is. */
export function addressee(
  event: Pick<CoordinationEvent, "to_session_id">,
  sessions: readonly WorkSession[],
): string {
  return nameOf(event.to_session_id, sessions) ?? "all";
}

function nameOf(id: string | null, sessions: readonly WorkSession[]): string | null {
  return id === null ? null : (sessions.find((session) => session.id === id)?.name ?? id);
}

/** How far an event has come: how many of those it is for have read it. */
export function reach(
  event: CoordinationEvent,
  sessions: readonly Pick<WorkSession, "id" | "status">[] = [],
): { label: string; isOpen: boolean } {
  const { deliveries } = event;
  if (deliveries.length === 0) return { label: "Not delivered (no sessions left)", isOpen: false };
  const read = deliveries.filter((delivery) => delivery.at !== null).length;
  if (read === deliveries.length) return { label: "Read", isOpen: false };
  const over = new Set(sessions.filter(({ status }) => status === "completed").map(({ id }) => id));
  if (deliveries.every(({ at, to_session_id }) => at !== null || over.has(to_session_id)))
    return {
      label: read === 0 ? "Not delivered (no sessions left)" : waiting(read, deliveries.length),
      isOpen: false,
    };
  return {
    label: waiting(read, deliveries.length),
    isOpen: true,
  };
}

function waiting(read: number, all: number): string {
  if (all === 1) return "waits for its next turn";
  return read === 0 ? "waits for their next turns" : `read by ${read} of ${all}`;
}

/** Whether a request still waits for its answer. */
export function isUnanswered(event: CoordinationEvent): boolean {
  return event.event_type === "request" && event.response === null;
}
