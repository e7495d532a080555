// What the dashboard reads. Nothing here asks twice by the clock: the live stream says when something changed.

import {
  infiniteQueryOptions,
  keepPreviousData,
  type QueryClient,
  queryOptions,
} from "@tanstack/react-query";
import { keys } from "../live/keys";
import type { DocumentName } from "../model/documents";
import { countBefore, type Log, mergeLog, unbrokenTo } from "../model/log";
import type { OpenApi } from "../model/openapi";
import { confirmPush } from "../push/browser";
import { ApiError, get, getPage } from "./client";
import type { LogEntry, Priority, SearchKind, TaskSort, TaskStatus, TaskType } from "./types";

/** As many as a list gives at once: of these there are few. */
const WHOLE = { limit: 500 };

const PAGE = 100;
const LOG_PAGE = 500;
/** How many entries of a log are read at first: more than its reader sees at once. */
const LOG_END = 200;
const DIFF_PAGE = 50;
const FOUND_PAGE = 30;
const QUICK = 8;
const AUDIT_PAGE = 50;
const TASK_CHOICES = 20;
const DELIVERIES = 50;

export interface TaskFilter {
  statuses: TaskStatus[];
  /** Only those in which a person is to act next. */
  needsPerson?: boolean;
  types: TaskType[];
  project?: string;
  priority?: Priority;
  q?: string;
  sort: TaskSort;
  archived: boolean;
}

export const meQuery = queryOptions({
  queryKey: keys.me,
  queryFn: ({ signal }) => get("/api/v1/me", { signal }),
  // Asked whenever the live stream breaks off, which comes back by its own patience.
  retry: false,
});

/** The API's own description, which is the same for as long as the server runs. */
export const openapiQuery = queryOptions({
  queryKey: keys.openapi,
  queryFn: async ({ signal }) => (await get("/api/v1/openapi.json", { signal })) as OpenApi,
  staleTime: Number.POSITIVE_INFINITY,
});

export const tasksQuery = (filter: TaskFilter) =>
  infiniteQueryOptions({
    queryKey: keys.taskPages(filter),
    queryFn: ({ pageParam, signal }) =>
      getPage("/api/v1/spec-tasks", {
        params: {
          query: {
            status: filter.statuses,
            needs_person: filter.needsPerson,
            type: filter.types,
            project_id: filter.project,
            priority: filter.priority,
            q: filter.q,
            sort: filter.sort,
            archived: filter.archived ? true : undefined,
            limit: PAGE,
            cursor: pageParam,
          },
        },
        signal,
      }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next ?? undefined,
  });

/** How many tasks need a person. */
export const needsYouQuery = queryOptions({
  queryKey: keys.needsYou,
  queryFn: async ({ signal }) =>
    (await getPage("/api/v1/spec-tasks", { params: { query: { needs_person: true, limit: 1 } }, signal }))
      .total,
});

/** Whether there is a first task, and whether there are others. */
export const firstTasksQuery = queryOptions({
  queryKey: keys.firstTasks,
  queryFn: ({ signal }) => getPage("/api/v1/spec-tasks", { params: { query: { limit: 1 } }, signal }),
});

/** The project of the newest task. */
export const lastProjectQuery = queryOptions({
  queryKey: keys.lastProject,
  queryFn: async ({ signal }) =>
    (await get("/api/v1/spec-tasks", { params: { query: { limit: 1 } }, signal }))[0]?.project_id ?? null,
});

export const taskQuery = (id: string) =>
  queryOptions({
    queryKey: keys.task(id),
    queryFn: ({ signal }) => get("/api/v1/spec-tasks/{id}", { params: { path: { id } }, signal }),
  });

/** What the agent of a session offers; the revision changes with it. */
export const sessionOfferQuery = (id: string, revision: string) =>
  queryOptions({
    queryKey: keys.sessionOffer(id, revision),
    queryFn: async ({ signal }) =>
      (await get("/api/v1/work-sessions/{id}", { params: { path: { id } }, signal })).work_session,
  });

export const progressQuery = (id: string) =>
  queryOptions({
    queryKey: keys.progress(id),
    queryFn: ({ signal }) => get("/api/v1/spec-tasks/{id}/progress", { params: { path: { id } }, signal }),
  });

export const instanceQuery = (id: string) =>
  queryOptions({
    queryKey: keys.instance(id),
    queryFn: ({ signal }) =>
      orNull(get("/api/v1/spec-tasks/{id}/zed-instance", { params: { path: { id } }, signal })),
  });

/** The documents of a task, or null before there are any. */
export const specsQuery = (id: string) =>
  queryOptions({
    queryKey: keys.specs(id),
    queryFn: ({ signal }) =>
      orNull(get("/api/v1/spec-tasks/{id}/specs", { params: { path: { id } }, signal })),
  });

/** The planned tasks of the documents in force. */
export const plannedTasksQuery = (id: string) =>
  queryOptions({
    queryKey: keys.plannedTasks(id),
    queryFn: async ({ signal }) =>
      (await get("/api/v1/spec-tasks/{id}/implementation-tasks", { params: { path: { id } }, signal }))
        .implementation_tasks,
  });

/** Where the documents are on the server. */
export const documentsFolderQuery = (id: string) =>
  queryOptions({
    queryKey: keys.documentsFolder(id),
    queryFn: async ({ signal }) =>
      (await get("/api/v1/spec-tasks/{id}/design-docs", { params: { path: { id } }, signal })).path,
  });

export const reviewsQuery = (id: string) =>
  queryOptions({
    queryKey: keys.reviews(id),
    queryFn: ({ signal }) =>
      get("/api/v1/spec-tasks/{id}/reviews", { params: { path: { id }, query: WHOLE }, signal }),
  });

export const lintQuery = (id: string) =>
  queryOptions({
    queryKey: keys.lint(id),
    queryFn: async ({ signal }) =>
      (await orNull(
        get("/api/v1/spec-tasks/{id}/lint", { params: { path: { id }, query: WHOLE }, signal }),
      )) ?? [],
  });

/** A document as it stands on its branch, for an edit. */
export const documentQuery = (id: string, name: DocumentName) =>
  queryOptions({
    queryKey: keys.document(id, name),
    queryFn: ({ signal }) =>
      get("/api/v1/spec-tasks/{id}/documents/{doc}", { params: { path: { id, doc: name } }, signal }),
    staleTime: 0,
    gcTime: 0,
  });

/** The plan as it stands on its branch, task by task, for an edit. */
export const planQuery = (id: string) =>
  queryOptions({
    queryKey: keys.plan(id),
    queryFn: ({ signal }) => get("/api/v1/spec-tasks/{id}/plan", { params: { path: { id } }, signal }),
    staleTime: 0,
    gcTime: 0,
  });

/** The files of a task: of its prompt and of messages. */
export const attachmentsQuery = (id: string) =>
  queryOptions({
    queryKey: keys.attachments(id),
    queryFn: ({ signal }) => get("/api/v1/spec-tasks/{id}/attachments", { params: { path: { id } }, signal }),
  });

/** This person's unsent review of the change. */
export const pendingReviewQuery = (id: string) =>
  queryOptions({
    queryKey: keys.pendingReview(id),
    queryFn: ({ signal }) =>
      get("/api/v1/spec-tasks/{id}/pending-review", { params: { path: { id } }, signal }),
    // Another tab may have written more.
    staleTime: 0,
  });

/** The values that were redacted from the documents as secrets. */
export const heldSecretsQuery = (id: string) =>
  queryOptions({
    queryKey: keys.heldSecrets(id),
    queryFn: ({ signal }) =>
      get("/api/v1/spec-tasks/{id}/held-secrets", { params: { path: { id }, query: WHOLE }, signal }),
  });

/** The secrets in a change. */
export const secretsQuery = (id: string) =>
  queryOptions({
    queryKey: keys.secrets(id),
    queryFn: ({ signal }) =>
      get("/api/v1/spec-tasks/{id}/secret-findings", { params: { path: { id } }, signal }),
  });

export const diffQuery = (id: string) =>
  infiniteQueryOptions({
    queryKey: keys.diff(id),
    queryFn: ({ pageParam, signal }) =>
      getPage("/api/v1/spec-tasks/{id}/diff", {
        params: { path: { id }, query: { limit: DIFF_PAGE, cursor: pageParam } },
        signal,
      }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next ?? undefined,
  });

/** The last messages between the sessions of a task and people. */
export const coordinationQuery = (task: string) =>
  queryOptions({
    queryKey: keys.coordination(task),
    queryFn: ({ signal }) =>
      get("/api/v1/spec-tasks/{id}/coordination-log", {
        params: { path: { id: task }, query: WHOLE },
        signal,
      }),
  });

const collisions = (task: string, signal: AbortSignal) =>
  get("/api/v1/spec-tasks/{id}/collisions", { params: { path: { id: task } }, signal });

/** Which sessions of a task collide, in which files. */
export const collisionsQuery = (task: string) =>
  queryOptions({
    queryKey: keys.collisions(task),
    queryFn: ({ signal }) => collisions(task, signal),
  });

/** The same with the lines of both sides, for those who read them. */
export const sidesQuery = (task: string) =>
  queryOptions({
    queryKey: keys.sides(task),
    queryFn: ({ signal }) => collisions(task, signal),
  });

export const timelineQuery = (task: string) =>
  queryOptions({
    queryKey: keys.timeline(task),
    queryFn: ({ signal }) =>
      get("/api/v1/spec-tasks/{id}/timeline", { params: { path: { id: task } }, signal }),
  });

/** The changes of one session. */
export const sessionDiffQuery = (session: string) =>
  infiniteQueryOptions({
    queryKey: keys.sessionDiff(session),
    queryFn: ({ pageParam, signal }) =>
      getPage("/api/v1/work-sessions/{id}/diff", {
        params: { path: { id: session }, query: { limit: DIFF_PAGE, cursor: pageParam } },
        signal,
      }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next ?? undefined,
  });

/** The end of a session's log; asked for again, only what is missing after it is read. */
export const logQuery = (client: QueryClient, session: string) =>
  queryOptions({
    queryKey: keys.log(session),
    queryFn: ({ signal }) => readLog(client, session, signal),
    structuralSharing: false,
  });

async function logPage(session: string, after: number, limit: number, signal?: AbortSignal) {
  const params = { path: { id: session }, query: { after, limit } };
  return await getPage("/api/v1/work-sessions/{id}/events", { params, signal });
}

/** Reads the entries after one up to another; a page of large entries has fewer than were asked for. */
async function logRange(session: string, after: number, until: number): Promise<LogEntry[]> {
  const read: LogEntry[] = [];
  for (let reached = after; reached < until; ) {
    const { items } = await logPage(session, reached, until - reached);
    const last = items.at(-1);
    if (!last) break;
    read.push(...items);
    reached = last.seq;
  }
  return read;
}

async function readLog(client: QueryClient, session: string, signal: AbortSignal): Promise<Log> {
  const known = () => client.getQueryData<Log>(keys.log(session));
  const before = known();
  let after = before?.isRead ? unbrokenTo(before.entries) : null;
  if (after === null) {
    const { total } = await logPage(session, 0, 1, signal);
    after = Math.max(0, total - LOG_END);
  }
  let read: readonly LogEntry[] = [];
  for (;;) {
    const { items, total } = await logPage(session, after, LOG_PAGE, signal);
    read = [...read, ...items];
    const last = items.at(-1);
    if (!last || last.seq >= total) break;
    after = last.seq;
  }
  // Entries that the live stream brought meanwhile stay.
  return { entries: mergeLog(read, known()?.entries ?? []), isRead: true };
}

/** Reads the page of a log before what is known of it. */
export async function readEarlier(client: QueryClient, session: string): Promise<void> {
  const missing = countBefore(client.getQueryData<Log>(keys.log(session))?.entries ?? []);
  if (missing === 0) return;
  const items = await logRange(session, Math.max(0, missing - LOG_PAGE), missing);
  client.setQueryData<Log>(
    keys.log(session),
    (log) => log && { ...log, entries: mergeLog(items, log.entries) },
  );
}

/** How many entries before one that is looked for are read with it. */
const BEFORE = 100;

/** Reads a log back to an entry, its pages side by side. */
export async function readBackTo(client: QueryClient, session: string, seq: number): Promise<void> {
  const missing = countBefore(client.getQueryData<Log>(keys.log(session))?.entries ?? []);
  const from = Math.max(0, seq - BEFORE);
  if (missing <= from) return;
  const pages: Promise<LogEntry[]>[] = [];
  for (let after = from; after < missing; after += LOG_PAGE) {
    pages.push(logRange(session, after, Math.min(missing, after + LOG_PAGE)));
  }
  const earlier = (await Promise.all(pages)).flat();
  client.setQueryData<Log>(
    keys.log(session),
    (log) => log && { ...log, entries: mergeLog(earlier, log.entries) },
  );
}

export interface SearchFilter {
  q: string;
  kind?: SearchKind;
  project?: string;
  archived?: boolean;
}

const asked = ({ q, kind, project, archived }: SearchFilter) => ({
  q,
  kind,
  project_id: project,
  archived: archived ? true : undefined,
});

/** The search results of the loaded pages. */
export const searchQuery = (filter: SearchFilter) =>
  infiniteQueryOptions({
    queryKey: keys.search(filter),
    queryFn: ({ pageParam, signal }) =>
      getPage("/api/v1/search", {
        params: { query: { ...asked(filter), limit: FOUND_PAGE, cursor: pageParam } },
        signal,
      }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next ?? undefined,
    enabled: filter.q.trim() !== "",
    placeholderData: keepPreviousData,
    // New messages are found at once.
    staleTime: 0,
  });

/** The first of what was found. */
export const quickSearchQuery = (filter: SearchFilter) =>
  queryOptions({
    queryKey: keys.search({ ...filter, quick: true }),
    queryFn: ({ signal }) =>
      getPage("/api/v1/search", { params: { query: { ...asked(filter), limit: QUICK } }, signal }),
    enabled: filter.q.trim() !== "",
    placeholderData: keepPreviousData,
    staleTime: 0,
  });

export interface AnalyticsFilter {
  from: string;
  to: string;
  project?: string;
  bucket: "day" | "week";
}

export const analyticsQuery = ({ from, to, project, bucket }: AnalyticsFilter) =>
  queryOptions({
    queryKey: keys.analytics({ from, to, project, bucket }),
    queryFn: ({ signal }) =>
      get("/api/v1/analytics", { params: { query: { from, to, bucket, project_id: project } }, signal }),
    placeholderData: keepPreviousData,
    staleTime: 10_000,
  });

export const fleetQuery = queryOptions({
  queryKey: keys.fleet,
  queryFn: ({ signal }) => get("/api/v1/agents/fleet/live-progress", { signal }),
});

export const agentsQuery = queryOptions({
  queryKey: keys.agents,
  queryFn: ({ signal }) => get("/api/v1/agents", { params: { query: WHOLE }, signal }),
});

export const projectsQuery = queryOptions({
  queryKey: keys.projects,
  queryFn: ({ signal }) => get("/api/v1/projects", { params: { query: WHOLE }, signal }),
});

/** What a project used per day, and its daily budget. */
export const projectUsageQuery = (id: string) =>
  queryOptions({
    queryKey: keys.projectUsage(id),
    queryFn: ({ signal }) => get("/api/v1/projects/{id}/usage", { params: { path: { id } }, signal }),
    // The live stream says nothing of a project's use.
    staleTime: 0,
  });

/** The prompts to agents in a project, with the files of its repository that override them. */
export const projectPromptsQuery = (id: string) =>
  queryOptions({
    queryKey: keys.projectPrompts(id),
    queryFn: ({ signal }) => get("/api/v1/projects/{id}/prompts", { params: { path: { id } }, signal }),
  });

/** What carrying out a task's plan will probably use. */
export const forecastQuery = (id: string) =>
  queryOptions({
    queryKey: keys.forecast(id),
    queryFn: ({ signal }) => get("/api/v1/spec-tasks/{id}/forecast", { params: { path: { id } }, signal }),
  });

export const samplesQuery = queryOptions({
  queryKey: keys.samples,
  queryFn: ({ signal }) => get("/api/v1/demo-repos", { params: { query: WHOLE }, signal }),
  staleTime: Number.POSITIVE_INFINITY,
});

/** The templates of a project, its own first. */
export const templatesQuery = (project: string | undefined) =>
  queryOptions({
    queryKey: keys.templates(project),
    queryFn: ({ signal }) =>
      get("/api/v1/templates", { params: { query: { ...WHOLE, project_id: project } }, signal }),
  });

export const permissionsQuery = queryOptions({
  queryKey: keys.permissions,
  queryFn: ({ signal }) => get("/api/v1/permissions", { params: { query: WHOLE }, signal }),
});

/** The items that wait for the person, up to one page of the list. */
export const inboxQuery = queryOptions({
  queryKey: keys.inbox,
  queryFn: async ({ signal }) => {
    const { items, total } = await getPage("/api/v1/inbox", { params: { query: WHOLE }, signal });
    return { items, total };
  },
});

/** The permissions that a person granted for the rest of a task. */
export const permissionGrantsQuery = (id: string) =>
  queryOptions({
    queryKey: keys.permissionGrants(id),
    queryFn: ({ signal }) =>
      get("/api/v1/spec-tasks/{id}/permission-grants", { params: { path: { id }, query: WHOLE }, signal }),
  });

/** The endpoints that are sent messages. */
export const webhooksQuery = queryOptions({
  queryKey: keys.webhooks,
  queryFn: ({ signal }) => get("/api/v1/webhooks", { params: { query: WHOLE }, signal }),
  // The live stream says nothing of deliveries.
  staleTime: 0,
});

/** The last messages to an endpoint. */
export const webhookDeliveriesQuery = (id: string) =>
  queryOptions({
    queryKey: keys.webhookDeliveries(id),
    queryFn: ({ signal }) =>
      get("/api/v1/webhooks/{id}/deliveries", {
        params: { path: { id }, query: { limit: DELIVERIES } },
        signal,
      }),
    staleTime: 0,
  });

/** Whether this browser gets push messages; the first answer says to the server that it still does. */
export const pushHereQuery = queryOptions({
  queryKey: keys.pushHere,
  queryFn: confirmPush,
  // The page turns it on and off itself.
  staleTime: Number.POSITIVE_INFINITY,
  gcTime: Number.POSITIVE_INFINITY,
});

/** The browsers that get push messages. */
export const pushSubscriptionsQuery = queryOptions({
  queryKey: keys.pushSubscriptions,
  queryFn: ({ signal }) => get("/api/v1/push/subscriptions", { params: { query: WHOLE }, signal }),
  // The live stream says nothing of them.
  staleTime: 0,
});

/** The last messages to a browser. */
export const pushDeliveriesQuery = (id: string) =>
  queryOptions({
    queryKey: keys.pushDeliveries(id),
    queryFn: ({ signal }) =>
      get("/api/v1/push/subscriptions/{id}/deliveries", {
        params: { path: { id }, query: { limit: DELIVERIES } },
        signal,
      }),
    staleTime: 0,
  });

/** The questions of agents. */
export const questionsQuery = queryOptions({
  queryKey: keys.questions,
  queryFn: ({ signal }) => get("/api/v1/questions", { params: { query: WHOLE }, signal }),
});

/** The access tokens, with those that have ended. */
export const tokensQuery = queryOptions({
  queryKey: keys.tokens,
  queryFn: ({ signal }) => get("/api/v1/tokens", { params: { query: WHOLE }, signal }),
  // The live stream says nothing of tokens.
  staleTime: 0,
});

/** The stored secrets, without their values. */
export const storedSecretsQuery = queryOptions({
  queryKey: keys.storedSecrets,
  queryFn: ({ signal }) => get("/api/v1/secrets", { params: { query: WHOLE }, signal }),
  // The live stream says nothing of secrets.
  staleTime: 0,
});

export interface AuditFilter {
  actor?: string;
  way?: string;
  action?: string;
  subject?: string;
  since?: string;
  until?: string;
}

/** The audit log, newest first, as far as pages were asked for. */
export const auditQuery = (filter: AuditFilter) =>
  infiniteQueryOptions({
    queryKey: keys.auditPages(filter),
    queryFn: ({ pageParam, signal }) =>
      getPage("/api/v1/audit", {
        params: { query: { ...filter, limit: AUDIT_PAGE, cursor: pageParam } },
        signal,
      }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next ?? undefined,
    placeholderData: keepPreviousData,
    staleTime: 0,
  });

/** The values by which the audit log can be filtered. */
export const auditValuesQuery = queryOptions({
  queryKey: keys.auditValues,
  queryFn: ({ signal }) => get("/api/v1/audit/values", { signal }),
  staleTime: 0,
});

/** The server's stored data, and the removals of a run of maintenance. */
export const maintenanceQuery = queryOptions({
  queryKey: keys.maintenance,
  queryFn: ({ signal }) => get("/api/v1/maintenance", { signal }),
  // The live stream says nothing of storage.
  staleTime: 0,
});

/** The tasks that words fit, to choose one of. */
export const taskChoicesQuery = (q: string) =>
  queryOptions({
    queryKey: keys.taskChoices(q),
    queryFn: ({ signal }) =>
      get("/api/v1/spec-tasks", { params: { query: { q: q || undefined, limit: TASK_CHOICES } }, signal }),
    placeholderData: keepPreviousData,
  });

async function orNull<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}
