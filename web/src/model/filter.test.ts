import * as v from "valibot";
import { expect, test } from "vitest";
import { day, entry } from "./address";
import { filterOf, tasksSearch } from "./filter";

test("an address narrows the task list down", () => {
  const asked = { status: "needs_you", type: "bug", q: 42, priority: "high", sort: "name", archived: "true" };
  expect(v.parse(tasksSearch, asked)).toEqual({ ...asked, q: "42", archived: true });
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
  expect(v.parse(tasksSearch, wrong)).toEqual({});
  expect(filterOf(v.parse(tasksSearch, wrong))).toEqual(filterOf({}));
  expect(v.parse(day, "2026-02-28")).toBe("2026-02-28");
  for (const none of ["2026-02-31", "2026-13-01", "today", 7, undefined])
    expect(v.parse(day, none)).toBeUndefined();
  expect([v.parse(entry, "7"), v.parse(entry, 0), v.parse(entry, "x"), v.parse(entry, undefined)]).toEqual([
    7,
    undefined,
    undefined,
    undefined,
  ]);
});
