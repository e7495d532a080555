// Applies a message of the live stream to the cache.

import { type InfiniteData, notifyManager, type QueryClient } from "@tanstack/react-query";
import type { Page } from "../api/client";
import type {
  Collisions,
  CoordinationLog,
  CoordinationUpdate,
  Fleet,
  LiveMessage,
  LogEntry,
  PermissionRequest,
  ProgressUpdate,
  SpecTask,
  TaskDetail,
  TaskProgress,
  TaskUpdate,
  WorkSessionUpdate,
} from "../api/types";
import { withEvent } from "../model/coordination";
import { withChecklist, withSession } from "../model/fleet";
import { type Inbox, withUpdate } from "../model/inbox";
import { hasGap, type Log, mergeLog } from "../model/log";
import { keys } from "./keys";
import type { Refresh } from "./refresher";

type TaskPages = InfiniteData<Page<SpecTask[]>>;

/**
 * How long what changes with nearly everything that happens rests until it is asked for again, in milliseconds: what
 * happened last, the chart of who worked when, the lines of both sides of a collision.
 */
const LOW_PRIORITY_DELAY_MS = 10_000;

/** Writes messages into the cache, in their order; observers are notified once. */
export function apply(client: QueryClient, messages: readonly LiveMessage[], refresh: Refresh): void {
  const logs = new Map<string, LogEntry[]>();
  notifyManager.batch(() => {
    for (const message of messages) {
      if (message.type !== "session.event") applyNews(client, message, refresh);
      else if (message.id) {
        const entries = logs.get(message.id) ?? [];
        entries.push(message.data);
        logs.set(message.id, entries);
      }
    }
    for (const [session, entries] of logs) applyLogEntries(client, session, entries, refresh);
  });
}

function applyNews(
  client: QueryClient,
  { type, data }: Exclude<LiveMessage, { type: "session.event" }>,
  refresh: Refresh,
): void {
  switch (type) {
    case "task.updated":
      applyTask(client, data, refresh);
      return;
    case "work_session.updated":
      applySession(client, data, refresh);
      return;
    case "coordination":
      applyCoordination(client, data, refresh);
      return;
    case "progress":
      applyProgress(client, data);
      return;
    case "review": {
      const id = data.spec_task_id;
      for (const key of [
        keys.specs(id),
        keys.reviews(id),
        keys.lint(id),
        keys.documents(id),
        keys.diff(id),
        keys.secrets(id),
        keys.heldSecrets(id),
      ])
        refresh(key);
      return;
    }
    case "usage": {
      const { spec_task_id: id, usage } = data;
      patchTask(client, id, (task) => ({ ...task, usage }));
      return;
    }
    case "inbox":
      client.setQueryData<Inbox>(keys.inbox, (inbox) => inbox && withUpdate(inbox, data));
      refresh(keys.inbox, LOW_PRIORITY_DELAY_MS);
      if (data.item.kind === "permission") refresh(keys.permissions);
      return;
    case "instance.updated":
      refresh(keys.instance(data.spec_task_id));
      refresh(keys.permissions);
      return;
  }
}

function applyTask(client: QueryClient, news: TaskUpdate, refresh: Refresh): void {
  const before = client.getQueryData<TaskDetail>(keys.task(news.id));
  const listed = listedTasks(client, news.id);
  patchTask(client, news.id, (task) => (isNewer(news, task) ? { ...task, ...news } : task));
  // Which lists a task belongs to, and where in them, is the server's to say; what it shows there is known.
  if (listed.length === 0) applyUnlisted(client, news, refresh);
  else if (listed.some(({ task, sort }) => movesInList(task, news, sort))) refresh(keys.lists);
  if (before && before.status !== news.status) {
    for (const key of [
      keys.task(news.id),
      keys.progress(news.id),
      keys.instance(news.id),
      keys.diff(news.id),
      keys.timeline(news.id),
      // The plan's tasks get their sessions when the implementation starts.
      keys.plannedTasks(news.id),
    ])
      refresh(key);
  } else if (before) {
    refresh(keys.activity(news.id), LOW_PRIORITY_DELAY_MS);
  }
  if (news.status === "spec_review" || before?.spec_revision_count !== news.spec_revision_count) {
    refresh(keys.specs(news.id));
    refresh(keys.reviews(news.id));
  }
  client.setQueryData<Fleet>(keys.fleet, (fleet) =>
    fleet?.agents.some((agent) => agent.task_id === news.id)
      ? {
          ...fleet,
          agents: fleet.agents.map((agent) =>
            agent.task_id === news.id ? { ...agent, task_name: news.name } : agent,
          ),
        }
      : fleet,
  );
}

/** A task as the lists show it, with what each is sorted by. */
function listedTasks(client: QueryClient, id: string): { task: SpecTask; sort: unknown }[] {
  return client.getQueriesData<TaskPages>({ queryKey: keys.pages }).flatMap(([key, pages]) => {
    const sort = (key[keys.pages.length] as { sort?: unknown } | undefined)?.sort;
    const found = pages?.pages.flatMap((page) => page.items.filter((task) => task.id === id)) ?? [];
    return found.map((task) => ({ task, sort }));
  });
}

/** The fields that decide which lists a task is in, and where. */
const LIST_SORT_FIELDS = ["status", "needs_person", "name", "priority", "archived", "project_id"] as const;

function movesInList(task: SpecTask, news: TaskUpdate, sort: unknown): boolean {
  return isByChange(sort) || isPlacedElsewhere(task, news);
}

type Placed = Pick<TaskUpdate, (typeof LIST_SORT_FIELDS)[number]>;

function isPlacedElsewhere(before: Placed, now: Placed): boolean {
  return LIST_SORT_FIELDS.some((field) => now[field] !== before[field]);
}

/** Where the last news placed tasks, for those that no list shows. */
const placed = new WeakMap<QueryClient, Map<string, Placed>>();

/** Lists and counts may change by a task that none of the lists shows, when its place is another than it was. */
function applyUnlisted(client: QueryClient, news: TaskUpdate, refresh: Refresh): void {
  const known = placed.get(client) ?? new Map<string, Placed>();
  placed.set(client, known);
  const before = known.get(news.id);
  const { status, needs_person, name, priority, archived, project_id } = news;
  known.set(news.id, { status, needs_person, name, priority, archived, project_id });
  const shown = client.getQueryCache().findAll({ queryKey: keys.pages, type: "active" });
  if (before === undefined) {
    // Nothing says whether anything is different. Where only those that need a person are counted, there is time.
    refresh(keys.lists, shown.length > 0 || news.needs_person ? undefined : LOW_PRIORITY_DELAY_MS);
    return;
  }
  // It may come into the part of a list that is shown.
  const comesUp = shown.some(({ queryKey }) =>
    isByChange((queryKey[keys.pages.length] as { sort?: unknown })?.sort),
  );
  if (isPlacedElsewhere(before, news) || comesUp) refresh(keys.lists);
}

function isByChange(sort: unknown): boolean {
  return typeof sort === "string" && sort.endsWith("updated_at");
}

function isNewer(news: TaskUpdate, task: SpecTask): boolean {
  return news.version >= task.version;
}

/** Changes a task wherever it is shown. */
function patchTask(client: QueryClient, id: string, change: <T extends SpecTask>(task: T) => T): void {
  client.setQueryData<TaskDetail>(keys.task(id), (task) => task && change(task));
  client.setQueryData<TaskProgress>(
    keys.progress(id),
    (progress) => progress && { ...progress, spec_task: change(progress.spec_task) },
  );
  client.setQueriesData<TaskPages>({ queryKey: keys.pages }, (pages) => {
    if (!pages?.pages.some((page) => page.items.some((task) => task.id === id))) return pages;
    const changed = (task: SpecTask) => (task.id === id ? change(task) : task);
    return { ...pages, pages: pages.pages.map((page) => ({ ...page, items: page.items.map(changed) })) };
  });
}

function applySession(client: QueryClient, news: WorkSessionUpdate, refresh: Refresh): void {
  client.setQueryData<TaskDetail>(keys.task(news.spec_task_id), (task) => {
    if (!task) return task;
    const known = task.work_sessions.find((session) => session.id === news.id);
    if (!known) {
      // Only whole sessions are added; parts of one wait for the answer that the refresh below brings.
      refresh(keys.task(news.spec_task_id));
      return task;
    }
    const isOld = news.updated_at < known.updated_at;
    const merged = isOld ? known : { ...known, ...news };
    return {
      ...task,
      work_sessions: task.work_sessions.map((session) => (session.id === news.id ? merged : session)),
    };
  });
  refresh(keys.timeline(news.spec_task_id));
  refresh(keys.sessionDiff(news.id));
  // Being unblocked is not always told of: it follows from the end of another session.
  if (news.status === "completed" || news.status === "failed" || news.status === "cancelled") {
    refresh(keys.task(news.spec_task_id));
    // A session that has ended collides no more, and no message says so.
    refresh(keys.collisions(news.spec_task_id));
    refresh(keys.sides(news.spec_task_id));
  }
  const fleet = client.getQueryData<Fleet>(keys.fleet);
  const isShown = fleet?.agents.some((agent) => agent.work_session_id === news.id) ?? false;
  if (isShown && news.status !== "active") {
    client.setQueryData<Fleet>(
      keys.fleet,
      (present) =>
        present && {
          ...present,
          agents: present.agents.filter((agent) => agent.work_session_id !== news.id),
        },
    );
  } else if (!isShown && news.status === "active") {
    refresh(keys.fleet);
  } else if (isShown) {
    client.setQueryData<Fleet>(
      keys.fleet,
      (present) =>
        present && {
          ...present,
          agents: present.agents.map((agent) =>
            agent.work_session_id === news.id ? withSession(agent, news) : agent,
          ),
        },
    );
  }
  // The questions of a session end with it.
  const open = client.getQueryData<PermissionRequest[]>(keys.permissions);
  if (news.status !== "active" && open?.some((request) => request.work_session_id === news.id)) {
    refresh(keys.permissions);
  }
}

/** Crew messages come whole, and so do the files that collide; the views that show colliding lines fetch these. */
function applyCoordination(client: QueryClient, news: CoordinationUpdate, refresh: Refresh): void {
  if ("event" in news) {
    const { spec_task_id: task, collisions } = news;
    client.setQueryData<Collisions>(keys.collisions(task), (known) => known && { ...known, collisions });
    refresh(keys.sides(task), LOW_PRIORITY_DELAY_MS);
    return;
  }
  const { spec_task_id: task, ...event } = news;
  refresh(keys.timeline(task), LOW_PRIORITY_DELAY_MS);
  // What agents ask people, and the answers, are messages too.
  if (event.event_type === "request" || event.event_type === "response") refresh(keys.questions);
  client.setQueryData<CoordinationLog>(keys.coordination(task), (log) => log && withEvent(log, event));
}

function applyProgress(client: QueryClient, news: ProgressUpdate): void {
  const { spec_task_id: id, checklist, at } = news;
  client.setQueryData<TaskProgress>(keys.progress(id), (progress) => progress && { ...progress, checklist });
  client.setQueryData<Fleet>(keys.fleet, (fleet) => {
    if (!fleet?.agents.some((agent) => agent.task_id === id)) return fleet;
    const agents = fleet.agents.map((agent) =>
      agent.task_id === id ? withChecklist(agent, checklist, at) : agent,
    );
    return { ...fleet, agents };
  });
}

function applyLogEntries(client: QueryClient, session: string, entries: LogEntry[], refresh: Refresh): void {
  const key = keys.log(session);
  const before = client.getQueryData<Log>(key) ?? { entries: [], isRead: false };
  const after = { ...before, entries: mergeLog(before.entries, entries) };
  client.setQueryData<Log>(key, after);
  if (after.isRead && hasGap(after.entries)) refresh(key);
  if (entries.some((entry) => entry.kind.startsWith("permission"))) refresh(keys.permissions);
  // A tool that ended may have written files; a turn that ended has its work committed.
  if (entries.some(mayHaveWritten)) refresh(keys.sessionDiff(session));
}

function mayHaveWritten(entry: LogEntry): boolean {
  return entry.kind === "commit" || (entry.kind === "tool_call" && entry.status === "completed");
}
