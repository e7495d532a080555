import { expect, test } from "vitest";
import { isOpen } from "./comments";

test("a comment is open until it is resolved; praise never is", () => {
  expect(isOpen({ resolved: false, kind: "question" })).toBe(true);
  expect(isOpen({ resolved: true, kind: "blocking" })).toBe(false);
  expect(isOpen({ resolved: false, kind: "praise" })).toBe(false);
});
