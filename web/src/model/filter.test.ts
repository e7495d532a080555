import { expect, test } from "vitest";
import { day, entry } from "./address";
import { filterOf, tasksSearch } from "./filter";

test("an address narrows the task list down", () => {
  const asked = { status: "needs_you", type: "bug", q: 42, priority: "high", sort: "name", archived: "true" };
  expect(tasksSearch(asked)).toEqual({ ...asked, q: "42", archived: true });
});

test("what an address asks for and is not there is not asked for", () => {
  const wrong = {
    status: "nope",
    type: "toString",
    q: "",
    project: 7,
    priority: "urgent",
    sort: "-name",
    archived: "yes",
    create: 1,
  };
  expect(tasksSearch(wrong)).toEqual({});
  expect(filterOf(tasksSearch(wrong))).toEqual(filterOf({}));
  expect(day("2026-02-28")).toBe("2026-02-28");
  for (const none of ["2026-02-31", "2026-13-01", "today", 7, undefined]) expect(day(none)).toBeUndefined();
  expect([entry("7"), entry(0), entry("x"), entry(undefined)]).toEqual([7, undefined, undefined, undefined]);
});
