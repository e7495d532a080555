import { expect, test } from "vitest";
import type { CoordinationEvent } from "../api/types";
import { countKinds, kindLabel, shownKind } from "./coordination";

const event = (event_type: CoordinationEvent["event_type"], data: unknown = {}) =>
  ({ event_type, data }) as CoordinationEvent;
const COLLISION = event("blocking", { collision: { with: "stws_1", files: ["a.txt"] } });

test("the notice of a collision is shown as such, what blocks and other notices by their kind", () => {
  expect(kindLabel(shownKind(COLLISION))).toBe("Collision");
  expect(shownKind(event("blocking"))).toBe("blocking");
  expect(shownKind(event("blocking", null))).toBe("blocking");
  expect(shownKind(event("notification", { collision: { with: "stws_1", files: [] } }))).toBe("notification");
});

test("collisions are counted apart from what blocks", () => {
  const log = {
    events: [event("handoff"), event("blocking"), COLLISION],
    events_by_type: { handoff: 1, blocking: 2 },
  };
  expect(countKinds(log)).toEqual([
    { kind: "handoff", count: 1 },
    { kind: "blocking", count: 1 },
    { kind: "collision", count: 1 },
  ]);
});
