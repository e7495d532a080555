import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { refresher } from "./refresher";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("a burst is one question for each key, and a storm asks now and then", () => {
  const asked: unknown[] = [];
  const refresh = refresher((key) => asked.push(key[0]), 1000);
  refresh(["a"]);
  refresh(["a"]);
  refresh(["b"]);
  vi.advanceTimersByTime(300);
  expect(asked).toEqual(["a", "b"]);
  for (let at = 0; at < 20; at++) {
    refresh(["a"]);
    vi.advanceTimersByTime(100);
  }
  expect(asked.filter((key) => key === "a").length).toBe(3);
  vi.advanceTimersByTime(2000);
  refresh(["b"]);
  vi.advanceTimersByTime(300);
  expect(asked.filter((key) => key === "b").length).toBe(2);
});
