import { expect, test } from "vitest";
import type {
  Checklist,
  DiffHunk,
  FleetAgent,
  FleetItem,
  LogEntry,
  SpecTask,
  WorkSession,
} from "../api/types";
import { hunkLines, parseUnified, textChange } from "./diff";
import { around, fleetLead, isAtWork, withChecklist, withSession } from "./fleet";
import { countBefore, hasGap, mergeLog, unbrokenTo } from "./log";
import {
  isApproved,
  STEPS,
  sessionState,
  statusesOf,
  stepOf,
  TASK_TYPES,
  taskState,
  typesOf,
} from "./status";
import { commandOutput, toolContent, toolState } from "./tool";
import { sessionTree } from "./tree";

const entries = (...seqs: number[]): LogEntry[] =>
  seqs.map((seq) => ({ seq, at: "", kind: "notice", text: "" }));
const seqs = (log: readonly LogEntry[]) => log.map((entry) => entry.seq);

test("logs merge in order, each entry once", () => {
  expect(seqs(mergeLog(entries(1, 2), entries(3, 4)))).toEqual([1, 2, 3, 4]);
  expect(seqs(mergeLog(entries(1, 2, 5), entries(3, 4, 5)))).toEqual([1, 2, 3, 4, 5]);
  expect(seqs(mergeLog([], entries(7)))).toEqual([7]);
});

test("a log is whole up to its first gap", () => {
  expect(unbrokenTo([])).toBe(0);
  expect(unbrokenTo(entries(1, 2, 3))).toBe(3);
  expect(unbrokenTo(entries(1, 2, 4))).toBe(2);
  expect(unbrokenTo(entries(9, 10))).toBe(10);
  expect([hasGap(entries(9, 10)), hasGap(entries(9, 11)), hasGap([])]).toEqual([false, true, false]);
  expect([countBefore(entries(9, 10)), countBefore(entries(1)), countBefore([])]).toEqual([8, 0, 0]);
});

const items = (...statuses: FleetItem["status"][]): FleetItem[] =>
  statuses.map((status, index) => ({
    index,
    number: null,
    started_at: null,
    description: `item ${index}`,
    status,
  }));

test("a card shows three items on each side of the present one", () => {
  const list = items(
    "completed",
    "completed",
    "completed",
    "completed",
    "in_progress",
    "pending",
    "pending",
    "pending",
    "pending",
  );
  const shown = around(list);
  expect(shown.current_task?.index).toBe(4);
  expect(shown.tasks_before.map((item) => item.index)).toEqual([1, 2, 3]);
  expect(shown.tasks_after.map((item) => item.index)).toEqual([5, 6, 7]);
});

test("an item that was not begun is not the present one, but the next", () => {
  const shown = around(items("completed", "pending"));
  expect(shown.current_task).toBeNull();
  expect(shown.tasks_before.map((item) => item.index)).toEqual([0]);
  expect(shown.tasks_after.map((item) => item.index)).toEqual([1]);
  expect(around(items("completed", "completed"))).toMatchObject({ current_task: null });
  expect(around([])).toMatchObject({ current_task: null });
});

test("agents that wait for a permission are not at work", () => {
  const agents = ["a", "b", "c"].map((id) => ({ work_session_id: id, task_id: id }) as FleetAgent);
  expect(fleetLead(agents, new Set(["b"]), true)).toBe(
    "2 agents are at work on 2 tasks. 1 waits for your permission.",
  );
  expect(fleetLead(agents.slice(0, 1), new Set(), true)).toBe("1 agent is at work on 1 task.");
  expect(fleetLead(agents.slice(1, 2), new Set(["b"]), true)).toBe("1 agent waits for your permission.");
  expect(fleetLead(agents, new Set(), false)).toBe("3 agents were at work on 3 tasks.");
});

test("agents that wait for a retry are not at work", () => {
  const agents = ["a", "b", "c"].map((id) => ({ work_session_id: id, task_id: id }) as FleetAgent);
  const waiting = agents.map((agent, at) => (at === 0 ? { ...agent, queue_reason: "Waiting." } : agent));
  expect(waiting.filter((agent) => isAtWork(agent, new Set(["b"])))).toHaveLength(1);
  expect(fleetLead(waiting, new Set(["b"]), true)).toBe(
    "1 agent is at work on 1 task. 1 waits for your permission. 1 waits to continue.",
  );
  expect(fleetLead(waiting.slice(0, 1), new Set(), true)).toBe("1 agent waits to continue.");
});

test("a checklist that moved moves the card of a session, not that of a planning", () => {
  const list = items("in_progress", "pending");
  const card = { phase: "implementation", task_list: list, ...around(list) } as FleetAgent;
  const checklist = {
    tasks: [
      { index: 0, description: "item 0", status: "completed", depth: 0 },
      { index: 1, description: "item 1", status: "in_progress", depth: 0 },
    ],
  } as Checklist;
  const moved = withChecklist(card, checklist, "2026-01-01T00:00:00Z");
  expect(moved.current_task).toMatchObject({ index: 1, started_at: "2026-01-01T00:00:00Z" });
  const planning: FleetAgent = { ...card, phase: "planning" };
  expect(withChecklist(planning, checklist, "")).toBe(planning);
});

const session = (id: string, more: Partial<WorkSession>) =>
  ({
    id,
    phase: "implementation",
    created_at: "",
    parent_work_session_id: null,
    implementation_task_index: null,
    ...more,
  }) as WorkSession;

test("the progress of a card is the figure of its session, not a count of the items shown", () => {
  const list = items("completed", "pending");
  const card = {
    phase: "implementation",
    queue_reason: null,
    waits_until: null,
    progress: 0,
    task_list: list,
  } as FleetAgent;
  // The planned task's own line counts as well.
  expect(withSession(card, { progress: 1 / 3, queue_reason: null, waits_until: null })).toEqual({
    ...card,
    progress: 1 / 3,
  });
  expect(withSession(card, { progress: 0, queue_reason: "Waiting.", waits_until: null })).toEqual({
    ...card,
    queue_reason: "Waiting.",
  });
  expect(
    withSession(
      { ...card, phase: "planning", progress: 0.5 },
      { progress: 0, queue_reason: null, waits_until: null },
    ).progress,
  ).toBe(0.5);
});

test("sessions are in the order of the plan, what was spawned below what spawned it", () => {
  const tree = sessionTree([
    session("spawned", { parent_work_session_id: "second" }),
    session("second", { implementation_task_index: 1 }),
    session("first", { implementation_task_index: 0 }),
    session("planning", { phase: "planning" }),
    session("orphan", { parent_work_session_id: "gone" }),
  ]);
  expect(tree.map(({ session: { id }, depth }) => `${depth} ${id}`)).toEqual([
    "0 planning",
    "0 first",
    "0 second",
    "1 spawned",
    "0 orphan",
  ]);
});

test("sessions that name each other as parents are shown all the same", () => {
  const tree = sessionTree([
    session("a", { parent_work_session_id: "b" }),
    session("b", { parent_work_session_id: "a" }),
  ]);
  expect(tree).toHaveLength(2);
});

test("a unified diff is numbered on both sides", () => {
  const text = "--- a\n+++ b\n@@ -3,2 +3,3 @@\n same\n-old\n+new\n+newer\n";
  const lines = hunkLines(parseUnified(text));
  expect(lines.map(({ kind, old, new: now }) => [kind, old, now])).toEqual([
    ["hunk", null, null],
    ["same", 3, 3],
    ["remove", 4, null],
    ["add", null, 4],
    ["add", null, 5],
  ]);
});

test("a hunk's header is made where only its place is given", () => {
  const hunk: DiffHunk = {
    header: "",
    old_start: 1,
    old_lines: 0,
    new_start: 1,
    new_lines: 1,
    lines: [{ kind: "+", text: "x\n" }],
  };
  expect(hunkLines([hunk]).map((line) => line.text)).toEqual(["@@ -1,0 +1,1 @@", "x"]);
});

test("two versions of a text differ between their common beginning and end", () => {
  const lines = textChange("a\nb\nc\nd\n", "a\nB\nc\nd\n", 1);
  expect(lines.map((line) => [line.kind, line.text])).toEqual([
    ["same", "a"],
    ["remove", "b"],
    ["add", "B"],
    ["same", "c"],
  ]);
  expect(textChange("a\n", "a\n")).toEqual([]);
  expect(textChange(null, "x\n").map((line) => line.kind)).toEqual(["add"]);
});

test("a tool call shows its content, and its raw input only without one", () => {
  const text = { type: "content", content: { type: "text", text: "```console\nok\n```" } };
  expect(toolContent({ content: [text], input: { a: 1 }, output: null })).toEqual([
    { kind: "text", text: "ok" },
  ]);
  const change = { type: "diff", path: "a.js", oldText: null, newText: "x" };
  expect(toolContent({ content: [change], input: null, output: null })).toEqual([
    { kind: "change", path: "a.js", before: null, after: "x" },
  ]);
  expect(toolContent({ content: [], input: { command: "ls" }, output: {} })).toEqual([
    { kind: "text", text: '{\n  "command": "ls"\n}' },
  ]);
});

test("filters stand for states: a group's, one's own, or all", () => {
  expect(statusesOf(undefined)).toEqual([]);
  expect(statusesOf("spec_review")).toEqual(["spec_review"]);
  expect(statusesOf("done")).toEqual(["done"]);
  expect(statusesOf("needs_you")).toEqual([]);
});

test("types of a filter are one or several, and the two groups of types are all", () => {
  expect(typesOf(undefined)).toEqual([]);
  expect(typesOf("batch")).toEqual(["batch"]);
  expect([...typesOf("planned"), ...typesOf("plain")].sort()).toEqual([...TASK_TYPES].sort());
});

const STATE = { waits_for_person: false, paused_at: null, change: null, queue_reason: null } as const;

const change = (approved_by: string | null, ...passed: boolean[]) =>
  ({ approved_by, checks: passed.map((each) => ({ passed: each })) }) as SpecTask["change"];

test("an approved change is not shown as one to be reviewed, and says whether its merge waits", () => {
  const task = { ...STATE, status: "implementation_review", change: change("ada") } as const;
  expect(isApproved(task)).toBe(true);
  expect(taskState(task)).toEqual({ label: "Approved · merging", tone: "working" });
  expect(taskState({ ...task, queue_reason: "The checkout of main has uncommitted files." })).toEqual({
    label: "Approved · waiting to merge",
    tone: "waiting",
  });
  expect(isApproved({ ...task, change: change(null) })).toBe(false);
  expect(taskState({ ...task, change: change(null) }).label).toBe("Review the change");
  expect(taskState({ ...task, status: "done" }).label).toBe("Done");
});

test("a change whose checks failed says so", () => {
  const task = { ...STATE, status: "implementation_review", change: change(null, true, false) } as const;
  expect(taskState(task)).toEqual({ label: "Review the change · checks failed", tone: "attention" });
  expect(taskState({ ...task, change: change(null, true) }).label).toBe("Review the change");
});

test("a conversation that waits for a person is not shown as running", () => {
  const task = { ...STATE, status: "implementation" } as const;
  expect(taskState({ ...task, waits_for_person: true }).tone).toBe("attention");
  expect(taskState(task).tone).toBe("working");
  const paused = { ...task, paused_at: "2026-11-22T10:41:07Z" };
  expect(taskState(paused)).toEqual({ label: "Paused", tone: "stopped" });
  expect(taskState({ ...paused, status: "cancelled" }).label).toBe("Cancelled");
  expect(taskState({ ...paused, status: "spec_review" }).tone).toBe("attention");
  expect(taskState(task, true)).toEqual({
    label: "Your turn · permission",
    tone: "attention",
  });
  expect(sessionState({ status: "active", waits_for_person: true }).label).toBe("Your turn");
});

test("a command that ended with another code than 0 failed, and its raw output is text", () => {
  const call = { content: null, input: { command: "exit 3" }, status: "completed" };
  expect(toolState({ ...call, output: { exitCode: 3, output: "" } })).toEqual({
    tone: "failed",
    label: "Exit 3",
  });
  expect(toolState({ ...call, output: { exit_code: 0 } }).tone).toBe("done");
  expect(toolState({ status: "cancelled", output: null }).tone).toBe("stopped");
  expect(commandOutput({ ...call, output: { exitCode: 3, output: "" } })).toBe("");
  expect(commandOutput({ ...call, output: { exitCode: 1, stdout: "a", stderr: "b" } })).toBe("a\nb");
  expect(commandOutput({ ...call, output: "plain" })).toBe("plain");
});

test("a cancelled task stands at the step that it had come to", () => {
  const task = {
    status: "cancelled",
    planned: true,
    started_at: "2026-11-22T10:41:07Z",
    spec_approved_at: null,
    requirements_spec: null,
  } as const;
  expect(STEPS[stepOf({ ...task, started_at: null })]).toBe("Backlog");
  expect(STEPS[stepOf(task)]).toBe("Planning");
  expect(STEPS[stepOf({ ...task, requirements_spec: "# Requirements" })]).toBe("Spec review");
  expect(STEPS[stepOf({ ...task, spec_approved_at: "2026-11-22T11:00:00Z" })]).toBe("Implementation");
  expect(STEPS[stepOf({ ...task, planned: false })]).toBe("Implementation");
});
