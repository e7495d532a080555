// The names of the states of tasks and sessions, who acts next in each, and their groups.

import type { Priority, SessionStatus, SpecTask, TaskStatus, TaskType, WorkSession } from "../api/types";
import { keysOf } from "./words";

/** Who acts next: none yet, an agent, a person; or how it ended. */
export type Tone = "waiting" | "working" | "attention" | "done" | "failed" | "stopped";

export interface Shown {
  label: string;
  tone: Tone;
}

const TASK: Record<TaskStatus, Shown> = {
  backlog: { label: "Backlog", tone: "waiting" },
  spec_generation: { label: "Planning", tone: "working" },
  spec_review: { label: "Review the spec", tone: "attention" },
  spec_revision: { label: "Revising the spec", tone: "working" },
  spec_approved: { label: "Spec approved", tone: "working" },
  implementation_queued: { label: "Queued", tone: "waiting" },
  implementation: { label: "Implementing", tone: "working" },
  implementation_review: { label: "Review the change", tone: "attention" },
  done: { label: "Done", tone: "done" },
  spec_failed: { label: "Planning failed", tone: "failed" },
  implementation_failed: { label: "Implementation failed", tone: "failed" },
  cancelled: { label: "Cancelled", tone: "stopped" },
};

const TASK_STATUSES = keysOf(TASK);

const SESSION: Record<SessionStatus, Shown> = {
  pending: { label: "Pending", tone: "waiting" },
  active: { label: "Active", tone: "working" },
  blocked: { label: "Blocked", tone: "waiting" },
  completed: { label: "Completed", tone: "done" },
  failed: { label: "Failed", tone: "failed" },
  cancelled: { label: "Cancelled", tone: "stopped" },
};

/** How a state is shown; one that this page does not know, by its own word. */
function shownBy<Status extends string>(known: Record<Status, Shown>): (status: Status) => Shown {
  return (status) => known[status] ?? { label: words(status), tone: "waiting" };
}

const taskStatus = shownBy(TASK);
export const sessionStatus = shownBy(SESSION);

/** Of a task that a person paused: no agent works on it. */
const PAUSED: Shown = { label: "Paused", tone: "stopped" };

const YOUR_TURN: Shown = { label: "Your turn", tone: "attention" };

/** Of a task or a session whose agent waits for a permission. */
export const ASKS_PERMISSION: Shown = { label: "Your turn · permission", tone: "attention" };

/** Of a task whose change is approved: it is being merged, or something holds the merge up. */
const MERGING: Shown = { label: "Approved · merging", tone: "working" };
const MERGE_WAITS: Shown = { label: "Approved · waiting to merge", tone: "waiting" };

/** Of a task whose change a person is to review although checks failed on it. */
const CHECKS_FAILED: Shown = { label: "Review the change · checks failed", tone: "attention" };

/**
 * What a task's state is called; a conversation in which a person is to speak is not at work, and neither is an agent
 * that asks for a permission, or one whose task is paused.
 */
export function taskState(
  task: Pick<SpecTask, "status" | "waits_for_person" | "paused_at" | "change" | "queue_reason">,
  asks = false,
): Shown {
  // A specification can be reviewed while its task is paused.
  if (isPaused(task) && task.status !== "spec_review") return PAUSED;
  if (asks) return ASKS_PERMISSION;
  if (isApproved(task)) return task.queue_reason ? MERGE_WAITS : MERGING;
  if (task.waits_for_person) return YOUR_TURN;
  if (task.status === "implementation_review" && failedChecks(task) > 0) return CHECKS_FAILED;
  return taskStatus(task.status);
}

/** Whether a person approved the change, and it is not merged yet. */
export function isApproved(task: Pick<SpecTask, "status" | "change">): boolean {
  return task.status === "implementation_review" && Boolean(task.change?.approved_by);
}

/** How many of the checks failed on the change. */
export function failedChecks(task: Pick<SpecTask, "change">): number {
  return task.change?.checks.filter((check) => !check.passed).length ?? 0;
}

/** The name of a session's state; one that waits for a message is not at work. */
export function sessionState(session: Pick<WorkSession, "status" | "waits_for_person">, asks = false): Shown {
  if (asks) return ASKS_PERMISSION;
  return session.waits_for_person ? YOUR_TURN : sessionStatus(session.status);
}

/** The filters of the task list that stand for several states. */
export const GROUPS = {
  // Whether a person is to act next is no matter of the state alone: a conversation waits while it is in progress.
  needs_you: { label: "Needs you", statuses: [] },
  active: {
    label: "In progress",
    statuses: [
      "spec_generation",
      "spec_revision",
      "spec_approved",
      "implementation_queued",
      "implementation",
    ],
  },
  backlog: { label: "Backlog", statuses: ["backlog"] },
  done: { label: "Done", statuses: ["done"] },
  cancelled: { label: "Cancelled", statuses: ["cancelled"] },
} as const satisfies Record<string, { label: string; statuses: TaskStatus[] }>;

export type Group = keyof typeof GROUPS;

export const GROUP_NAMES = keysOf(GROUPS);

/** A group of states, or one; a group that has a state's name stands for that state alone. */
export type StatusFilter = Group | TaskStatus;
export const isGroup = (filter: StatusFilter): filter is Group => filter in GROUPS;
export const STATUS_FILTERS: StatusFilter[] = [
  ...GROUP_NAMES,
  ...TASK_STATUSES.filter((status) => !isGroup(status)),
];

export function statusFilterLabel(filter: StatusFilter): string {
  return isGroup(filter) ? GROUPS[filter].label : taskStatus(filter).label;
}

/** The states that a filter stands for; nothing stands for all. */
export function statusesOf(filter: StatusFilter | undefined): TaskStatus[] {
  if (!filter) return [];
  return isGroup(filter) ? [...GROUPS[filter].statuses] : [filter];
}

/** The group that a task is listed in. */
export function groupOf(task: Pick<SpecTask, "status" | "needs_person">): Group {
  if (task.needs_person) return "needs_you";
  if (task.status === "backlog" || task.status === "done" || task.status === "cancelled") return task.status;
  return "active";
}

export const STEPS = [
  "Backlog",
  "Planning",
  "Spec review",
  "Implementation",
  "Change review",
  "Done",
] as const;

/** Where a task is on its way; what a task without a plan skips is left out. */
export function stepOf(
  task: Pick<SpecTask, "status" | "planned" | "spec_approved_at" | "started_at" | "requirements_spec">,
): number {
  const at: Record<TaskStatus, number> = {
    backlog: 0,
    spec_generation: 1,
    spec_revision: 1,
    spec_failed: 1,
    spec_review: 2,
    spec_approved: 3,
    implementation_queued: 3,
    implementation: 3,
    implementation_failed: 3,
    implementation_review: 4,
    done: 5,
    cancelled: cancelledAt(task),
  };
  return at[task.status] ?? 0;
}

/** The step at which a task was cancelled, by what it had come to. */
function cancelledAt(task: Parameters<typeof stepOf>[0]): number {
  if (task.started_at === null) return 0;
  if (task.spec_approved_at !== null || !task.planned) return 3;
  return task.requirements_spec === null ? 1 : 2;
}

const ENDED: TaskStatus[] = ["done", "cancelled"];

export function isLive(status: TaskStatus): boolean {
  return !ENDED.includes(status);
}

export function isPaused(task: Pick<SpecTask, "status" | "paused_at">): boolean {
  return task.paused_at !== null && isLive(task.status);
}

export function hasFailed(status: TaskStatus): boolean {
  return status === "spec_failed" || status === "implementation_failed";
}

/** Whether tasks of a type can have a planning phase; whether a task has one is its field `planned`. */
export function canBePlanned(type: TaskType): boolean {
  return !["interactive", "batch", "coding_session"].includes(type);
}

/** The name of a task without a plan: its type, unless tasks of that type usually have a plan. */
export function withoutPlan(type: TaskType): string {
  return canBePlanned(type) ? `${words(type)} without a plan` : words(type);
}

export const PRIORITIES: Priority[] = ["low", "medium", "high", "critical"];
export const TASK_TYPES: TaskType[] = [
  "feature",
  "bug",
  "refactor",
  "interactive",
  "batch",
  "coding_session",
];

/** The filters of the task list that stand for several types. */
const KINDS = {
  planned: { label: "Feature, bug or refactor", types: TASK_TYPES.filter(canBePlanned) },
  plain: {
    label: "Interactive, batch or coding session",
    types: TASK_TYPES.filter((type) => !canBePlanned(type)),
  },
} as const satisfies Record<string, { label: string; types: TaskType[] }>;

type Kind = keyof typeof KINDS;
const KIND_NAMES = keysOf(KINDS);

export type TypeFilter = Kind | TaskType;
export const TYPE_FILTERS: TypeFilter[] = [...KIND_NAMES, ...TASK_TYPES];

const isKind = (filter: TypeFilter): filter is Kind => filter in KINDS;

export function typeFilterLabel(filter: TypeFilter): string {
  return isKind(filter) ? KINDS[filter].label : words(filter);
}

/** The types that a filter stands for; nothing stands for all. */
export function typesOf(filter: TypeFilter | undefined): TaskType[] {
  if (!filter) return [];
  return isKind(filter) ? [...KINDS[filter].types] : [filter];
}

/** The sessions that a session still waits for, by name. */
export function blockersOf(session: WorkSession, all: readonly WorkSession[]): string[] {
  return session.blocked_by.map((id) => all.find((other) => other.id === id)?.name ?? id);
}

/** A word of the API as people read it. */
export function words(word: string): string {
  const spaced = word.replaceAll("_", " ");
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}
