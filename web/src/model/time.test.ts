import { expect, test } from "vitest";
import { ago, duration, durationTicks, remaining, timeOfDay, took } from "./time";

const NOW = Date.parse("2026-05-20T12:00:00Z");
const before = (seconds: number) => new Date(NOW - seconds * 1000).toISOString();

test.each([
  [0, "just now"],
  [59, "just now"],
  [60, "1 min ago"],
  [119, "1 min ago"],
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
    "0 s",
    "42 s",
    "3 min 5 s",
    "2 h 15 min",
    "1 h",
    "1 d 3 h",
  ]);
  expect([140, 3240, 65_000].map(took)).toEqual(["140 ms", "3.2 s", "1 min 5 s"]);
});

test.each([
  [840.2, "15 min"],
  [60, "1 min"],
  [39.5, "40 s"],
  [-3, "0 s"],
])("%s seconds remain as %s", (seconds, text) => {
  expect(remaining(seconds)).toBe(text);
});

test("the time since a request and the time left of it add up to its whole", () => {
  const whole = 15 * 60;
  for (let since = 60; since < whole - 60; since += 7) {
    const minutes = [ago(before(since), NOW), remaining(whole - since)].map((text) =>
      Number.parseInt(text, 10),
    );
    expect(minutes.reduce((sum, each) => sum + each)).toBe(15);
  }
});

test("times of day have two digits for their hours", () => {
  expect(timeOfDay(new Date(2026, 4, 20, 9, 5, 3).getTime())).toMatch(/^09:05:03/);
});

test("the ticks of an axis of durations read differently, and reach its end", () => {
  expect(durationTicks(2.3)).toEqual([0, 1, 2, 3]);
  expect(durationTicks(0.2)).toEqual([0, 1]);
  expect(durationTicks(3600)).toEqual([0, 900, 1800, 2700, 3600]);
  for (let most = 0.1; most < 1e8; most *= 1.3) {
    const ticks = durationTicks(most);
    expect(ticks.length).toBeLessThanOrEqual(5);
    expect(ticks.at(-1)).toBeGreaterThanOrEqual(most);
    expect(new Set(ticks.map(duration)).size).toBe(ticks.length);
  }
});
