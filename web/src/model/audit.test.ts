import { expect, test } from "vitest";
import { actionLabel, detailsOf, momentsOf, objectKind, wayLabel } from "./audit";

test("a range of days covers the whole of its last day", () => {
  const { since, until } = momentsOf("2026-03-01", "2026-03-01");
  expect(Date.parse(until ?? "") - Date.parse(since ?? "")).toBe(24 * 60 * 60 * 1000);
  expect(new Date(since ?? "").getHours()).toBe(0);
  expect(momentsOf(undefined, undefined)).toEqual({ since: undefined, until: undefined });
});

test("an object is known by the prefix of its id", () => {
  expect(["spt_1", "prj_1", "tok_1", "usr_owner", "owner/book.git"].map(objectKind)).toEqual([
    "task",
    "project",
    "token",
    "user",
    null,
  ]);
});

test("details leave out what is empty", () => {
  expect(detailsOf({ data: { decision: "approve", comments: "", changes: [], count: 2, by: null } })).toEqual(
    ["Decision: approve", "Count: 2"],
  );
  expect(detailsOf({ data: null })).toEqual([]);
});

test("a way that this page does not know is shown by its own word", () => {
  expect([wayLabel("command_line"), wayLabel("carrier_pigeon")]).toEqual(["Command line", "Carrier pigeon"]);
});

test("a review says what was decided", () => {
  const label = (action: string, data: unknown) => actionLabel({ action, data });
  expect(label("review_specs", { decision: "approve" })).toBe("Review specs · approved");
  expect(label("review_implementation", { decision: "request_changes" })).toBe(
    "Review implementation · changes requested",
  );
  expect(label("review_specs", { decision: "reject" })).toBe("Review specs · rejected");
  expect([label("review_specs", null), label("decide_secret", { decision: "keep" })]).toEqual([
    "Review specs",
    "Decide secret",
  ]);
});
