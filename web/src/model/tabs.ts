// The parts of a task and of a session, in the order in which they are shown.

export const TASK_TABS = [
  "overview",
  "specification",
  "sessions",
  "change",
  "timeline",
  "coordination",
] as const;
export type TaskTab = (typeof TASK_TABS)[number];

export const SESSION_VIEWS = ["conversation", "changes", "commands", "terminal", "details"] as const;
export type SessionView = (typeof SESSION_VIEWS)[number];
