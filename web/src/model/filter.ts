// The filter of the task list, from the parameters of its address.

import * as v from "valibot";
import type { TaskFilter } from "../api/queries";
import { flag, oneOf, sought, word } from "./address";
import { PRIORITIES, STATUS_FILTERS, statusesOf, TYPE_FILTERS, typesOf } from "./status";

export const NEEDS_YOU_FIRST = "-attention";

export const SORTS = [
  [NEEDS_YOU_FIRST, "Needs you first"],
  ["-created_at", "Newest first"],
  ["-updated_at", "Last changed"],
  ["-priority", "Priority"],
  ["name", "Name"],
  ["status", "Status"],
  ["created_at", "Oldest first"],
] as const;

export const tasksSearch = v.object({
  status: oneOf(STATUS_FILTERS),
  type: oneOf(TYPE_FILTERS),
  q: sought,
  project: word,
  priority: oneOf(PRIORITIES),
  sort: oneOf(SORTS.map(([sort]) => sort)),
  archived: flag,
  create: flag,
});

export type TasksSearch = v.InferOutput<typeof tasksSearch>;

export function filterOf(search: TasksSearch): TaskFilter {
  return {
    statuses: statusesOf(search.status),
    needsPerson: search.status === "needs_you" || undefined,
    types: typesOf(search.type),
    project: search.project,
    priority: search.priority,
    q: search.q,
    sort: search.sort ?? NEEDS_YOU_FIRST,
    archived: search.archived ?? false,
  };
}
