import { expect, test } from "vitest";
import { bucketLabel, lastDays, lastWeeks, money, tokens, usageCells } from "./figures";

test("days are counted with today, in UTC", () => {
  const now = Date.parse("2026-11-21T23:59:00Z");
  expect(lastDays(7, now)).toEqual({ from: "2026-11-15", to: "2026-11-21" });
  expect(bucketLabel("2026-11-09")).toContain("9");
});

test("weeks begin on a Monday", () => {
  const from = (day: string) => lastWeeks(12, Date.parse(`${day}T12:00:00Z`)).from;
  expect(["2026-11-16", "2026-11-21", "2026-11-22", "2026-11-23"].map(from)).toEqual([
    "2026-08-31",
    "2026-08-31",
    "2026-08-31",
    "2026-09-07",
  ]);
});

test("money has as many digits as matter", () => {
  expect([0, 0.0123, 4.5, 1234].map(money)).toEqual(["$0", "$0.0123", "$4.50", "$1,234"]);
});

test("usage that nobody reported is not shown as 0", () => {
  const none = { input_tokens: 0, output_tokens: 0, cached_tokens: 0, cost_usd: null };
  expect(tokens(none)).toBe("tokens not reported");
  expect(usageCells(none)).toEqual(["not reported", "not reported", "not reported"]);
  const some = { ...none, input_tokens: 950, cost_usd: 0.5 };
  expect(tokens(some)).toBe("950 tokens");
  expect(usageCells(some)).toEqual(["950", "0", "$0.50"]);
});
