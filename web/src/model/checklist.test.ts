import { expect, test } from "vitest";
import type { Checklist } from "../api/types";
import { failedNumbers, itemStates } from "./checklist";

const item = (number: string, status: Checklist["tasks"][number]["status"]) => ({
  number,
  status,
  depth: number.split(".").length - 1,
});

test("a planned task is failed when the session that carries it out is", () => {
  const planned = [
    { number: "1", assigned_work_session_id: "a" },
    { number: "2", assigned_work_session_id: "b" },
    { number: "3", assigned_work_session_id: null },
  ];
  const sessions = [
    { id: "a", status: "failed" },
    { id: "b", status: "active" },
  ] as const;
  expect([...failedNumbers(planned, sessions)]).toEqual(["1"]);
});

test("a failed planned task is shown as failed, and its parts as far as they came", () => {
  const items = [
    item("1", "pending"),
    item("1.1", "completed"),
    item("1.2", "in_progress"),
    item("1.3", "pending"),
    item("2", "in_progress"),
    item("3", "completed"),
  ];
  const states = itemStates(items, new Set(["1", "3"]), true);
  expect(states).toEqual(["failed", "completed", "stopped", "pending", "in_progress", "completed"]);
});

test("without an active session nothing is in progress", () => {
  expect(itemStates([item("1", "in_progress"), item("2", "pending")], new Set(), false)).toEqual([
    "stopped",
    "pending",
  ]);
});
