import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { refresher } from "./refresher";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("a burst is one question for each key, and a storm asks now and then", () => {
  const asked: unknown[] = [];
  const refresh = refresher((key) => asked.push(key[0]));
  refresh(["a"]);
  refresh(["a"]);
  refresh(["b"]);
  vi.advanceTimersByTime(300);
  expect(asked).toEqual(["a", "b"]);
  for (let at = 0; at < 20; at++) {
    refresh(["a"]);
    vi.advanceTimersByTime(100);
  }
  expect(asked.filter((key) => key === "a").length).toBe(2);
  vi.advanceTimersByTime(2000);
  refresh(["b"]);
  vi.advanceTimersByTime(300);
  expect(asked.filter((key) => key === "b").length).toBe(2);
});

test("a low-priority fetch becomes immediate when it is needed", () => {
  const asked: number[] = [];
  const begun = Date.now();
  const refresh = refresher(() => asked.push(Date.now() - begun));
  refresh(["a"], 10_000);
  vi.advanceTimersByTime(250);
  refresh(["a"], 10_000);
  vi.advanceTimersByTime(5000);
  expect(asked).toEqual([250]);
  refresh(["a"]);
  vi.advanceTimersByTime(250);
  expect(asked).toEqual([250, 5500]);
  refresh(["a"], 10_000);
  vi.advanceTimersByTime(20_000);
  expect(asked).toEqual([250, 5500, 15_500]);
});
