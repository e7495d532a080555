// What the task list shows, from the words of its address.

import type { TaskFilter } from "../api/queries";
import type { TasksSearch } from "../router";
import { statusesOf, typesOf } from "./status";

export const NEWEST = "-created_at";

export function filterOf(search: TasksSearch): TaskFilter {
  return {
    statuses: statusesOf(search.status),
    types: typesOf(search.type),
    project: search.project,
    priority: search.priority,
    q: search.q,
    sort: search.sort ?? NEWEST,
    archived: search.archived ?? false,
  };
}
