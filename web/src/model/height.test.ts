import { expect, test } from "vitest";
import { heightOf } from "./height";
import type { Block } from "./transcript";

const said = (text: string): Block => ({
  block: "agent",
  seq: 1,
  at: "2026-01-01T00:00:00.000Z",
  text,
  files: [],
});

test("a text is as high as the lines that it takes", () => {
  const words = "a word ".repeat(60);
  expect(heightOf(said("Yes."), 820)).toBeLessThan(heightOf(said(words), 820));
  expect(heightOf(said(words), 340)).toBeGreaterThan(2 * heightOf(said(words), 820) - 60);
});

test("lines of a paragraph are one; lines of code and items of a list are their own", () => {
  const paragraph = heightOf(said("one\ntwo\nthree"), 820);
  expect(paragraph).toBe(heightOf(said("one two three"), 820));
  expect(heightOf(said("- one\n- two\n- three"), 820)).toBeGreaterThan(paragraph + 40);
  expect(heightOf(said("```\none\ntwo\nthree\n```"), 820)).toBeGreaterThan(paragraph + 60);
});

test("a column without a width has no endless rows", () => {
  expect(heightOf(said("a word ".repeat(60)), 0)).toBeLessThan(2000);
});
