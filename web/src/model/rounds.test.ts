import { expect, test } from "vitest";
import { roundNames } from "./rounds";

test("no two versions of the documents have the same name", () => {
  const names = roundNames([
    { id: "a", round: 1, edited_by: null },
    { id: "b", round: 2, edited_by: null },
    { id: "c", round: 2, edited_by: "owner" },
    { id: "d", round: 2, edited_by: "owner" },
  ]);
  expect(Object.fromEntries(names)).toEqual({
    a: "Round 1",
    b: "Round 2 · version 1",
    c: "Round 2 · version 2 · edited by owner",
    d: "Round 2 · version 3 · edited by owner",
  });
});
