// The names under which answers of the API are cached.

export const keys = {
  me: ["me"] as const,
  /** Everything that depends on which tasks there are. */
  lists: ["tasks"] as const,
  pages: ["tasks", "pages"] as const,
  taskPages: (filter: object) => ["tasks", "pages", filter] as const,
  taskCount: (statuses: readonly string[]) => ["tasks", "count", statuses] as const,
  task: (id: string) => ["task", id] as const,
  progress: (id: string) => ["progress", id] as const,
  activity: (id: string) => ["progress", id] as const,
  specs: (id: string) => ["specs", id] as const,
  reviews: (id: string) => ["reviews", id] as const,
  lint: (id: string) => ["lint", id] as const,
  diff: (id: string) => ["diff", id] as const,
  instance: (id: string) => ["instance", id] as const,
  log: (session: string) => ["log", session] as const,
  fleet: ["fleet"] as const,
  agents: ["agents"] as const,
  projects: ["projects"] as const,
  samples: ["samples"] as const,
  permissions: ["permissions"] as const,
};
