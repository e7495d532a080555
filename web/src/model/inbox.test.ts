import { expect, test } from "vitest";
import { anInboxItem } from "../testing/fixtures";
import { answersOf, groupsOf, pageOf, withUpdate } from "./inbox";

const review = anInboxItem({ id: "inb_2", kind: "spec_review", actions: ["open", "approve"] });
const permission = anInboxItem({ id: "inb_1" });

test("an item comes into its place, is replaced by its own change, and leaves with its answer", () => {
  const first = withUpdate({ items: [review], total: 1 }, { event: "added", item: permission });
  expect(first.items.map(({ id }) => id)).toEqual(["inb_1", "inb_2"]);
  const changed = withUpdate(first, { event: "changed", item: { ...review, summary: "Round 2." } });
  expect([changed.total, changed.items[1]?.summary]).toEqual([2, "Round 2."]);
  const left = withUpdate(changed, { event: "resolved", item: permission });
  expect([left.total, left.items.map(({ id }) => id)]).toEqual([1, ["inb_2"]]);
  expect(withUpdate(left, { event: "resolved", item: permission }).total).toBe(1);
});

test("groups come by urgency, and empty ones do not come", () => {
  expect(groupsOf([review, permission]).map(({ label }) => label)).toEqual([
    "Permission requests",
    "Specifications to review",
  ]);
});

test("a review opens the page with what is to be read, and has no answer in the list", () => {
  expect(pageOf(review)).toMatchObject({ search: { tab: "specification" } });
  expect(answersOf(review)).toEqual([]);
  expect(pageOf(permission)).toMatchObject({ params: { sessionId: "stws_1" } });
  expect(answersOf(permission).map(({ action }) => action)).toEqual(["allow", "deny", "allow_always"]);
});
