import { expect, test } from "vitest";
import { ago, duration, remaining, took } from "./time";

const NOW = Date.parse("2026-05-20T12:00:00Z");
const before = (seconds: number) => new Date(NOW - seconds * 1000).toISOString();

test.each([
  [0, "just now"],
  [44, "just now"],
  [46, "1 min ago"],
  [60 * 59, "59 min ago"],
  [60 * 60, "1 h ago"],
  [60 * 60 * 23, "23 h ago"],
  [60 * 60 * 24, "1 d ago"],
  [60 * 60 * 24 * 6, "6 d ago"],
])("%i seconds ago is %s", (seconds, text) => {
  expect(ago(before(seconds), NOW)).toBe(text);
});

test("a clock that is a little ahead is now", () => {
  expect(ago(before(-20), NOW)).toBe("just now");
});

test("after a week it is the date, with the year where it is another one", () => {
  expect(ago(before(60 * 60 * 24 * 10), NOW)).toContain("10");
  expect(ago("2024-02-03T00:00:00Z", NOW)).toContain("2024");
});

test("what is no time is nothing", () => {
  expect(ago("soon", NOW)).toBe("");
});

test("durations have their two largest units", () => {
  expect([0, 42, 185, 8100, 3600, 100_000].map(duration)).toEqual([
    "0s",
    "42s",
    "3m 5s",
    "2h 15m",
    "1h",
    "1d 3h",
  ]);
  expect([140, 3240, 65_000].map(took)).toEqual(["140ms", "3.2s", "1m 5s"]);
});

test.each([
  [840.2, "15 min"],
  [60, "1 min"],
  [39.5, "40 s"],
  [-3, "0 s"],
])("%s seconds remain as %s", (seconds, text) => {
  expect(remaining(seconds)).toBe(text);
});
