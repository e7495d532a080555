import { expect, test } from "vitest";
import type { RetentionRule } from "../api/types";
import { ruleLabel, ruleValue, size } from "./storage";

test("sizes have units that people read", () => {
  expect([0, 1023, 1536, 5 * 1024 ** 2, 300 * 1024 ** 3].map(size)).toEqual([
    "0 B",
    "1023 B",
    "1.5 KiB",
    "5 MiB",
    "300 GiB",
  ]);
});

test("a setting of 0 keeps for ever", () => {
  const rule = (setting: string, value: number, unit: RetentionRule["unit"]) =>
    ruleValue({ setting, value, unit });
  expect(rule("retention.trash_days", 0, "days")).toBe("Kept forever");
  expect(rule("retention.trash_mb", 0, "MiB")).toBe("No limit");
  expect(rule("retention.trash_mb", 5120, "MiB")).toBe("Up to 5 GiB");
  expect(rule("retention.trash_days", 1, "days")).toBe("1 day");
  expect(rule("retention.idempotency_hours", 24, "hours")).toBe("24 hours");
  expect(ruleLabel({ setting: "retention.other" })).toBe("retention.other");
});
