import { expect, test } from "vitest";
import type { CoordinationEvent, CoordinationLog, WorkSession } from "../api/types";
import { addressee, isUnanswered, reach, teller, withEvent } from "./coordination";
import { movesOf, parentsOf, spawnPreview, suggestionsFor } from "./crew";

const session = (more: Partial<WorkSession>) =>
  ({
    id: "a",
    name: "A",
    phase: "implementation",
    status: "active",
    alternatives: [],
    parent_work_session_id: null,
    ...more,
  }) as WorkSession;

const at = (status: WorkSession["status"], more: Partial<WorkSession> = {}) =>
  movesOf(session({ status, ...more }), { status: "implementation" });

test("what can be done with a session follows from its state", () => {
  expect(at("active")).toEqual(["spawn", "branch", "cancel"]);
  expect(at("pending")).toEqual(["skip", "cancel"]);
  expect(at("blocked")).toEqual(["skip", "cancel"]);
  expect(at("failed")).toEqual(["retry", "retry_with", "branch", "skip"]);
  expect(at("cancelled")).toEqual(["retry", "retry_with"]);
  expect(at("completed")).toEqual(["branch"]);
  expect(at("completed", { alternatives: ["a", "b"] })).toEqual(["choose", "branch"]);
});

test("a planning session can only be ended and tried again, a task that is over not at all", () => {
  expect(at("active", { phase: "planning" })).toEqual(["cancel"]);
  expect(at("failed", { phase: "planning" })).toEqual(["retry", "retry_with", "skip"]);
  expect(movesOf(session({}), { status: "done" })).toEqual([]);
});

test("only sessions at work spawn others", () => {
  const all = [
    session({ id: "p", phase: "planning" }),
    session({ id: "a" }),
    session({ id: "b", status: "blocked" }),
  ];
  expect(parentsOf(all).map(({ id }) => id)).toEqual(["a"]);
});

test("suggestions and the preview name the parent, and the preview counts", () => {
  const parent = session({});
  for (const { name, description } of suggestionsFor(parent)) {
    expect(name).toContain("A");
    expect(description).toContain("“A”");
  }
  const alone = spawnPreview(parent, [parent]);
  expect(alone.at(-1)).toBe("It can coordinate with “A”.");
  const crew = [parent, session({ id: "b", parent_work_session_id: "a" })];
  expect(spawnPreview(parent, crew).at(-1)).toBe(
    "It can coordinate with the 2 sessions at work. One session was spawned here before.",
  );
});

const event = (more: Partial<CoordinationEvent>): CoordinationEvent => ({
  id: "evt_1",
  from_session_id: null,
  to_session_id: null,
  event_type: "request",
  message: "?",
  data: {},
  by: null,
  timestamp: "2026-01-01T00:00:00Z",
  acknowledged: false,
  acknowledged_at: null,
  response: null,
  deliveries: [],
  ...more,
});
const log: CoordinationLog = {
  spec_task_id: "spt_1",
  total_events: 0,
  filtered_events: 0,
  events_by_type: {},
  events: [],
  active_sessions: 0,
  completed_sessions: 0,
  last_activity: null,
};

test("an event is counted once, and takes the place of what was known of it", () => {
  const once = withEvent(log, event({}));
  expect(once).toMatchObject({ total_events: 1, events_by_type: { request: 1 } });
  const twice = withEvent(once, event({ acknowledged: true }));
  expect(twice).toMatchObject({ total_events: 1, events_by_type: { request: 1 } });
  expect(twice.events).toMatchObject([{ acknowledged: true }]);
  expect(withEvent(twice, event({ id: "evt_2" })).events.map(({ id }) => id)).toEqual(["evt_1", "evt_2"]);
});

test("who tells whom: sessions by name, then the person, then SpecTask", () => {
  const all = [session({})];
  expect(teller({ from_session_id: "a", by: "ada" }, all)).toBe("A");
  expect(teller({ from_session_id: null, by: "ada" }, all)).toBe("ada");
  expect(teller({ from_session_id: null, by: null }, all)).toBe("SpecTask");
  expect(addressee({ to_session_id: null }, all)).toBe("all");
  expect(addressee({ to_session_id: "gone" }, all)).toBe("gone");
});

test("the delivery state of an event has a label", () => {
  const to = (...read: boolean[]) =>
    event({
      deliveries: read.map((is, index) => ({
        to_session_id: `s${index}`,
        turn_id: is ? "t" : null,
        at: is ? "2026-01-01T00:00:00Z" : null,
      })),
    });
  expect(reach(to()).label).toBe("Not delivered (no sessions left)");
  expect(reach(to(false))).toEqual({ label: "waits for its next turn", isOpen: true });
  expect(reach(to(false, false)).label).toBe("waits for their next turns");
  expect(reach(to(true, false)).label).toBe("read by 1 of 2");
  const ended = [{ id: "s0", status: "completed" as const }];
  expect(reach(to(false), ended)).toEqual({ label: "Not delivered (no sessions left)", isOpen: false });
  expect(reach(to(false, false), ended)).toEqual({ label: "waits for their next turns", isOpen: true });
  expect(reach(to(true, true))).toEqual({ label: "Read", isOpen: false });
  expect(isUnanswered(event({}))).toBe(true);
  expect(isUnanswered(event({ event_type: "handoff" }))).toBe(false);
});
