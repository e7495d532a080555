// What the dashboard reads. Nothing here asks twice by the clock: the live stream says when something changed.

import { infiniteQueryOptions, type QueryClient, queryOptions, skipToken } from "@tanstack/react-query";
import { keys } from "../live/keys";
import { mergeLog, unbrokenTo } from "../model/log";
import { ApiError, get, getPage, type Page } from "./client";
import type {
  Agent,
  DemoRepo,
  Diff,
  Finding,
  Fleet,
  LogEntry,
  Me,
  PermissionRequest,
  Priority,
  Project,
  Review,
  Specs,
  SpecTask,
  TaskDetail,
  TaskProgress,
  TaskStatus,
  ZedInstance,
} from "./types";

const PAGE = 100;
const LOG_PAGE = 500;
const DIFF_PAGE = 50;

export interface TaskFilter {
  statuses: TaskStatus[];
  project?: string;
  priority?: Priority;
  q?: string;
  sort: string;
  archived: boolean;
}

export const meQuery = queryOptions({
  queryKey: keys.me,
  queryFn: ({ signal }) => get<Me>("/me", {}, signal),
  // Asked whenever the live stream breaks off, which comes back by its own patience.
  retry: false,
});

export const tasksQuery = (filter: TaskFilter) =>
  infiniteQueryOptions({
    queryKey: keys.taskPages(filter),
    queryFn: ({ pageParam, signal }): Promise<Page<SpecTask[]>> =>
      getPage<SpecTask[]>(
        "/spec-tasks",
        {
          status: filter.statuses,
          project_id: filter.project,
          priority: filter.priority,
          q: filter.q,
          sort: filter.sort,
          archived: filter.archived ? true : undefined,
          limit: PAGE,
          cursor: pageParam,
        },
        signal,
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next ?? undefined,
  });

export const taskCountQuery = (statuses: readonly TaskStatus[]) =>
  queryOptions({
    queryKey: keys.taskCount(statuses),
    queryFn: async ({ signal }) =>
      (await getPage<SpecTask[]>("/spec-tasks", { status: [...statuses], limit: 1 }, signal)).total,
  });

export const taskQuery = (id: string) =>
  queryOptions({
    queryKey: keys.task(id),
    queryFn: ({ signal }) => get<TaskDetail>(`/spec-tasks/${id}`, {}, signal),
  });

export const progressQuery = (id: string) =>
  queryOptions({
    queryKey: keys.progress(id),
    queryFn: ({ signal }) => get<TaskProgress>(`/spec-tasks/${id}/progress`, {}, signal),
  });

export const instanceQuery = (id: string) =>
  queryOptions({
    queryKey: keys.instance(id),
    queryFn: ({ signal }) => orNull(get<ZedInstance>(`/spec-tasks/${id}/zed-instance`, {}, signal)),
  });

/** The documents of a task, or null before there are any. */
export const specsQuery = (id: string) =>
  queryOptions({
    queryKey: keys.specs(id),
    queryFn: ({ signal }) => orNull(get<Specs>(`/spec-tasks/${id}/specs`, {}, signal)),
  });

export const reviewsQuery = (id: string) =>
  queryOptions({
    queryKey: keys.reviews(id),
    queryFn: ({ signal }) => get<Review[]>(`/spec-tasks/${id}/reviews`, {}, signal),
  });

export const lintQuery = (id: string) =>
  queryOptions({
    queryKey: keys.lint(id),
    queryFn: async ({ signal }) => (await orNull(get<Finding[]>(`/spec-tasks/${id}/lint`, {}, signal))) ?? [],
  });

export const diffQuery = (id: string) =>
  infiniteQueryOptions({
    queryKey: keys.diff(id),
    queryFn: ({ pageParam, signal }) =>
      getPage<Diff>(`/spec-tasks/${id}/diff`, { limit: DIFF_PAGE, cursor: pageParam }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next ?? undefined,
  });

/** A session's whole log; asked for again, only what is missing at its end is read. */
export const logQuery = (client: QueryClient, session: string | null) =>
  queryOptions({
    queryKey: keys.log(session ?? ""),
    queryFn: session === null ? skipToken : ({ signal }) => readLog(client, session, signal),
    structuralSharing: false,
  });

async function readLog(client: QueryClient, session: string, signal: AbortSignal): Promise<LogEntry[]> {
  const known = () => client.getQueryData<LogEntry[]>(keys.log(session)) ?? [];
  let read: LogEntry[] = [];
  for (let after = unbrokenTo(known()); ; ) {
    const page = await get<LogEntry[]>(
      `/work-sessions/${session}/events`,
      { after, limit: LOG_PAGE },
      signal,
    );
    read = [...read, ...page];
    const last = page.at(-1);
    if (!last || page.length < LOG_PAGE) break;
    after = last.seq;
  }
  // Entries that the live stream brought meanwhile stay.
  return mergeLog(known(), read);
}

export const fleetQuery = queryOptions({
  queryKey: keys.fleet,
  queryFn: ({ signal }) => get<Fleet>("/agents/fleet/live-progress", {}, signal),
});

export const agentsQuery = queryOptions({
  queryKey: keys.agents,
  queryFn: ({ signal }) => get<Agent[]>("/agents", {}, signal),
});

export const projectsQuery = queryOptions({
  queryKey: keys.projects,
  queryFn: ({ signal }) => get<Project[]>("/projects", {}, signal),
});

export const samplesQuery = queryOptions({
  queryKey: keys.samples,
  queryFn: ({ signal }) => get<DemoRepo[]>("/demo-repos", {}, signal),
  staleTime: Number.POSITIVE_INFINITY,
});

export const permissionsQuery = queryOptions({
  queryKey: keys.permissions,
  queryFn: ({ signal }) => get<PermissionRequest[]>("/permissions", {}, signal),
});

async function orNull<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}
