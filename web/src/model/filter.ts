// What the task list shows, from the words of its address.

import type { TaskFilter } from "../api/queries";
import type { Priority } from "../api/types";
import { flag, oneOf, sought, word } from "./address";
import {
  PRIORITIES,
  STATUS_FILTERS,
  type StatusFilter,
  statusesOf,
  TYPE_FILTERS,
  type TypeFilter,
  typesOf,
} from "./status";

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

type Sort = (typeof SORTS)[number][0];

export interface TasksSearch {
  status?: StatusFilter;
  type?: TypeFilter;
  q?: string;
  project?: string;
  priority?: Priority;
  sort?: Sort;
  archived?: boolean;
  create?: boolean;
}

export function tasksSearch(asked: Record<string, unknown>): TasksSearch {
  return {
    status: oneOf(STATUS_FILTERS, asked.status),
    type: oneOf(TYPE_FILTERS, asked.type),
    q: sought(asked.q),
    project: word(asked.project),
    priority: oneOf(PRIORITIES, asked.priority),
    sort: SORTS.find(([sort]) => sort === asked.sort)?.[0],
    archived: flag(asked.archived),
    create: flag(asked.create),
  };
}

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
