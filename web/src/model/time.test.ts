import { expect, test } from "vitest";
import { ago, duration, took } from "./time";

const NOW = Date.parse("2026-05-20T12:00:00Z");
const before = (seconds: number) => new Date(NOW - seconds * 1000).toISOString();

test.each([
  [0, "now"],
  [44, "now"],
  [46, "1m"],
  [60 * 59, "59m"],
  [60 * 60, "1h"],
  [60 * 60 * 23, "23h"],
  [60 * 60 * 24, "1d"],
  [60 * 60 * 24 * 6, "6d"],
])("%i seconds ago is %s", (seconds, text) => {
  expect(ago(before(seconds), NOW)).toBe(text);
});

test("a clock that is a little ahead is now", () => {
  expect(ago(before(-20), NOW)).toBe("now");
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
