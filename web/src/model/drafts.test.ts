import { expect, test } from "vitest";
import { unsentLine } from "./drafts";

test.each([
  [0, 0, ""],
  [1, 0, "1 comment is not sent"],
  [0, 2, "2 replies are not sent"],
  [1, 1, "1 comment and 1 reply are not sent"],
])("%i comments and %i replies", (comments, replies, line) => {
  expect(unsentLine(comments, replies)).toBe(line);
});
