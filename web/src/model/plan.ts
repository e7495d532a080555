// The plan while a person edits it: what each field of a task reads as, what an edit changes, and where it leaves tasks.

import type { PlanOperation, PlanTask } from "../api/types";

/** The fields of a planned task as a person types them. */
export interface TaskDraft {
  title: string;
  details: string;
  acceptance: string;
  effort: "" | "small" | "medium" | "large";
  optional: boolean;
  requirements: string;
  boundary: string;
  resources: string;
  dependencies: string;
}

const list = (text: string) =>
  text
    .split(",")
    .map((entry) => entry.trim())
    .filter(Boolean);

const lines = (text: string) =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);

const isSame = (one: readonly string[], other: readonly string[]) =>
  one.length === other.length && one.every((value, at) => value === other[at]);

/** The lines of a text that a person typed. */
export const linesOf = lines;

/** The fields of a task, to type in. */
export function draftOf(task: PlanTask): TaskDraft {
  return {
    title: task.title,
    details: task.details.join("\n"),
    acceptance: task.acceptance.join("\n"),
    effort: task.effort ?? "",
    optional: task.optional,
    requirements: task.requirements.join(", "),
    boundary: task.boundary.join(", "),
    resources: task.resources.join(", "),
    dependencies: task.dependencies.join(", "),
  };
}

/** The operation that makes a task what was typed; none where it is that already. */
export function changeOf(task: PlanTask, draft: TaskDraft): PlanOperation | undefined {
  const change: Extract<PlanOperation, { op: "change" }> = { op: "change", task: task.number };
  if (draft.title.trim() !== task.title) change.title = draft.title.trim();
  if (draft.effort !== "" && draft.effort !== task.effort) change.effort = draft.effort;
  if (draft.optional !== task.optional) change.optional = draft.optional;
  for (const field of ["details", "acceptance"] as const) {
    if (!isSame(lines(draft[field]), task[field])) change[field] = lines(draft[field]);
  }
  for (const field of ["requirements", "boundary", "resources", "dependencies"] as const) {
    if (!isSame(list(draft[field]), task[field])) change[field] = list(draft[field]);
  }
  return Object.keys(change).length > 2 ? change : undefined;
}

/** The operation that moves a task to the place of another one. */
export function moveOf(tasks: readonly PlanTask[], from: number, to: number): PlanOperation | undefined {
  const [moved, target] = [tasks[from], tasks[to]];
  if (!moved || !target || from === to) return undefined;
  return from < to
    ? { op: "move", task: moved.number, after: target.number }
    : { op: "move", task: moved.number, before: target.number };
}

/** The place of a task in a list, or -1. */
const placeOf = (tasks: readonly PlanTask[], number: string | null | undefined) =>
  tasks.findIndex((task) => task.number === number);

/** The place of the task that an operation is about, in the plan before it: the neighbour of one that it adds. */
export function placeBefore(operation: PlanOperation, before: readonly PlanTask[]): number {
  if (operation.op !== "add") return Math.max(0, placeOf(before, operation.task));
  const neighbour = placeOf(before, operation.after ?? operation.before);
  return neighbour < 0 ? Math.max(0, before.length - 1) : neighbour;
}

/** The place of the task that an operation was about, in the plan after it: the neighbour of one that it removed. */
export function placeAfter(operation: PlanOperation, before: readonly PlanTask[], count: number): number {
  const at = placeBefore(operation, before);
  switch (operation.op) {
    case "change":
    case "split":
      return at;
    case "merge": {
      const into = placeOf(before, operation.into);
      return at < into ? into - 1 : into;
    }
    case "move": {
      const target = placeOf(before, operation.after ?? operation.before);
      const left = at < target ? target - 1 : target;
      return typeof operation.after === "string" ? left + 1 : left;
    }
    case "remove":
      return Math.max(0, Math.min(at, count - 1));
    case "add": {
      const isNeighbour = typeof (operation.after ?? operation.before) === "string";
      if (!isNeighbour) return Math.max(0, count - 1);
      return typeof operation.after === "string" ? at + 1 : at;
    }
  }
}

/** A task as it is named in a sentence. */
export const taskName = (task: PlanTask | undefined): string =>
  task ? `Task ${task.number}, ${task.title},` : "The task";

/** A place of a list, as it is said. */
export const position = (at: number, count: number): string => `position ${at + 1} of ${count}`;

/** What an operation did, in a sentence. */
export function outcomeOf(operation: PlanOperation, before: readonly PlanTask[], count: number): string {
  const task = operation.op === "add" ? undefined : before[placeBefore(operation, before)];
  const place = position(placeAfter(operation, before, count), count);
  switch (operation.op) {
    case "change":
      return `${taskName(task)} is changed.`;
    case "split":
      return `${taskName(task)} is split into ${operation.parts.length} tasks.`;
    case "merge": {
      const into = before[placeOf(before, operation.into)];
      return `${taskName(task)} is merged into task ${operation.into}${into ? `, ${into.title}` : ""}.`;
    }
    case "move":
      return `${taskName(task)} moved to ${place}.`;
    case "remove":
      return `${taskName(task)} is removed.`;
    case "add":
      return `${operation.title} is added at ${place}.`;
  }
}

/** The tasks that an operation names, as they were when a person chose it. */
export type NamedTasks = Record<string, string>;

const titleOnly = (task: PlanTask) => task.title;

/** What a person sees of a task, without its number and those of others, which change with its place. */
const content = ({ number, line, dependencies, dependencies_written, done, ...rest }: PlanTask) =>
  JSON.stringify(rest);

/** The numbers that an operation names, each with what must be the same for it to mean the same task. */
function namedBy(operation: PlanOperation): [string, (task: PlanTask) => string][] {
  const named: [string | null | undefined, (task: PlanTask) => string][] = [];
  if (operation.op !== "add") named.push([operation.task, operation.op === "move" ? titleOnly : content]);
  if (operation.op === "merge") named.push([operation.into, content]);
  if (operation.op === "add" || operation.op === "move")
    named.push([operation.before, titleOnly], [operation.after, titleOnly]);
  if (operation.op === "change")
    for (const number of operation.dependencies ?? []) named.push([number, titleOnly]);
  return named.filter((each): each is [string, (task: PlanTask) => string] => typeof each[0] === "string");
}

/** The tasks that an operation names in a plan. */
export function namedTasks(operation: PlanOperation, tasks: readonly PlanTask[]): NamedTasks {
  return Object.fromEntries(
    namedBy(operation).flatMap(([number, read]) => {
      const task = tasks[placeOf(tasks, number)];
      return task ? [[number, read(task)]] : [];
    }),
  );
}

/** The number of a task that an operation names and that is another one in a plan; none where the operation fits. */
export function misfit(
  operation: PlanOperation,
  named: NamedTasks | undefined,
  tasks: readonly PlanTask[],
): string | undefined {
  const present = namedTasks(operation, tasks);
  return namedBy(operation)
    .map(([number]) => number)
    .find((number) => present[number] === undefined || present[number] !== named?.[number]);
}
