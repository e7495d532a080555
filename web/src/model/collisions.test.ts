import { expect, test } from "vitest";
import type { Collision } from "../api/types";
import { collisionSummary } from "./collisions";

const collision = (...states: Collision["files"][number]["state"][]) =>
  ({ files: states.map((state) => ({ state })) }) as Collision;

test("several collisions are one line that tells how many conflict", () => {
  const soft = collision("both_touch");
  const hard = collision("both_touch", "conflict");
  expect(collisionSummary([hard, soft, hard])).toBe("3 collisions, 2 with conflicts");
  expect(collisionSummary([hard, hard])).toBe("2 collisions, all with conflicts");
  expect(collisionSummary([soft, soft])).toBe("2 collisions, none with conflicts");
});
