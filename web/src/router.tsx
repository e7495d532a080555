// Which page is at which address.

import {
  type AnyRoute,
  type AnyRouteMatch,
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from "@tanstack/react-router";
import * as v from "valibot";
import { ApiError } from "./api/client";
import {
  firstTasksQuery,
  fleetQuery,
  inboxQuery,
  logQuery,
  meQuery,
  projectsQuery,
  type TaskFilter,
  taskQuery,
  tasksQuery,
} from "./api/queries";
import { client, whenLoggedOut } from "./cache";
import { NotFound, RouteError, Starting } from "./components/RouteStates";
import { Shell } from "./components/Shell";
import { day, entry, flag, oneOf, sought, word } from "./model/address";
import { DOCUMENTS } from "./model/documents";
import { filterOf, tasksSearch } from "./model/filter";
import { SEARCH_KINDS } from "./model/found";
import { SESSION_VIEWS, TASK_TABS } from "./model/tabs";
import { LoginPage } from "./pages/LoginPage";

const loginSearch = v.object({ next: word });

const taskSearch = v.object({
  tab: oneOf(TASK_TABS),
  session: word,
  /** The document that is shown, and the line of it that is looked for. */
  doc: oneOf(DOCUMENTS),
  line: entry,
});

export type TaskSearch = v.InferOutput<typeof taskSearch>;

const findSearch = v.object({ q: sought, kind: oneOf(SEARCH_KINDS), project: word, archived: flag });

export type FindSearch = v.InferOutput<typeof findSearch>;

const analyticsSearch = v.object({ from: day, to: day, project: word, bucket: oneOf(["day"]) });

export type AnalyticsSearch = v.InferOutput<typeof analyticsSearch>;

const SETTINGS_VIEWS = ["tokens", "secrets", "audit", "storage", "webhooks", "notifications"] as const;

export type SettingsView = (typeof SETTINGS_VIEWS)[number];

const settingsSearch = v.object({
  view: oneOf(SETTINGS_VIEWS),
  /** The filter of the audit log. */
  actor: word,
  way: word,
  action: word,
  object: sought,
  from: day,
  to: day,
});

export type SettingsSearch = v.InferOutput<typeof settingsSearch>;

const sessionSearch = v.object({
  view: oneOf(SESSION_VIEWS),
  /** The number of the log's entry that is looked for. */
  at: entry,
});

export type SessionSearch = v.InferOutput<typeof sessionSearch>;

/**
 * What the pages that are opened most show, asked for while their code is still on its way; the page itself says what
 * it waits for, and what went wrong.
 */
const ask = {
  tasks: (filter: TaskFilter) => {
    void client.prefetchInfiniteQuery(tasksQuery(filter));
    void client.prefetchQuery(projectsQuery);
  },
  task: (id: string, session?: string) => {
    void client.prefetchQuery(taskQuery(id));
    void client.prefetchQuery(projectsQuery);
    if (session !== undefined) void client.prefetchQuery(logQuery(client, session));
  },
  inbox: () => void client.prefetchQuery(inboxQuery),
  fleet: () => void client.prefetchQuery(fleetQuery),
};

const root = createRootRoute({ component: Outlet });

const login = createRoute({
  getParentRoute: () => root,
  path: "/login",
  component: LoginPage,
  validateSearch: loginSearch,
});

const app = createRoute({
  getParentRoute: () => root,
  id: "app",
  component: Shell,
  errorComponent: RouteError,
  pendingComponent: Starting,
  beforeLoad: async ({ location }) => {
    try {
      await client.ensureQueryData(meQuery);
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) {
        throw redirect({ to: "/login", search: { next: location.href === "/" ? undefined : location.href } });
      }
      throw error;
    }
  },
});

const index = createRoute({
  getParentRoute: () => app,
  path: "/",
  beforeLoad: async () => {
    const first = await firstOfDemo();
    if (first) throw redirect({ to: "/tasks/$taskId", params: { taskId: first } });
    throw redirect({ to: (await isSomethingWaiting()) ? "/inbox" : "/tasks" });
  },
});

/** Whether the dashboard opens with the inbox. */
async function isSomethingWaiting(): Promise<boolean> {
  const inbox = await client.ensureQueryData(inboxQuery).catch(() => undefined);
  return (inbox?.total ?? 0) > 0;
}

/** The task with which a demo begins, while there is no other. */
async function firstOfDemo(): Promise<string | undefined> {
  if (!(await client.ensureQueryData(meQuery)).demo) return undefined;
  const page = await client.fetchQuery(firstTasksQuery).catch(() => undefined);
  return page?.total === 1 ? page.items[0]?.id : undefined;
}

const inbox = createRoute({
  getParentRoute: () => app,
  path: "/inbox",
  component: lazyRouteComponent(() => import("./pages/InboxPage"), "InboxPage"),
  loader: ask.inbox,
});

const tasks = createRoute({
  getParentRoute: () => app,
  path: "/tasks",
  component: lazyRouteComponent(() => import("./pages/TasksPage"), "TasksPage"),
  validateSearch: tasksSearch,
  loaderDeps: ({ search }) => ({ filter: filterOf(search) }),
  loader: ({ deps }) => ask.tasks(deps.filter),
});

const task = createRoute({
  getParentRoute: () => app,
  path: "/tasks/$taskId",
  component: lazyRouteComponent(() => import("./pages/task/TaskPage"), "TaskPage"),
  loader: ({ params }) => ask.task(params.taskId),
  validateSearch: taskSearch,
});

const find = createRoute({
  getParentRoute: () => app,
  path: "/search",
  component: lazyRouteComponent(() => import("./pages/SearchPage"), "SearchPage"),
  validateSearch: findSearch,
});

const analytics = createRoute({
  getParentRoute: () => app,
  path: "/analytics",
  component: lazyRouteComponent(() => import("./pages/AnalyticsPage"), "AnalyticsPage"),
  validateSearch: analyticsSearch,
});

const session = createRoute({
  getParentRoute: () => app,
  path: "/tasks/$taskId/sessions/$sessionId",
  component: lazyRouteComponent(() => import("./pages/session/SessionPage"), "SessionPage"),
  loader: ({ params }) => ask.task(params.taskId, params.sessionId),
  validateSearch: sessionSearch,
});

const fleet = createRoute({
  getParentRoute: () => app,
  path: "/fleet",
  component: lazyRouteComponent(() => import("./pages/FleetPage"), "FleetPage"),
  loader: ask.fleet,
});

const projects = createRoute({
  getParentRoute: () => app,
  path: "/projects",
  component: lazyRouteComponent(() => import("./pages/ProjectsPage"), "ProjectsPage"),
});

const agents = createRoute({
  getParentRoute: () => app,
  path: "/agents",
  component: lazyRouteComponent(() => import("./pages/AgentsPage"), "AgentsPage"),
});

const settings = createRoute({
  getParentRoute: () => app,
  path: "/settings",
  component: lazyRouteComponent(() => import("./pages/SettingsPage"), "SettingsPage"),
  validateSearch: settingsSearch,
});

const docs = createRoute({
  getParentRoute: () => app,
  path: "/docs",
  component: lazyRouteComponent(() => import("./pages/DocsPage"), "DocsPage"),
});

/** Any other address, within the frame of the pages that there are. */
const missing = createRoute({ getParentRoute: () => app, path: "$", component: NotFound });

export const router = createRouter({
  routeTree: root.addChildren([
    login,
    app.addChildren([
      index,
      inbox,
      tasks,
      task,
      session,
      fleet,
      find,
      analytics,
      projects,
      agents,
      settings,
      docs,
      missing,
    ]),
  ]),
  defaultErrorComponent: RouteError,
  scrollRestoration: true,
});

/**
 * Fetches the code of the page that is asked for, and what it shows, while it is still found out who asks; then, when
 * there is time, the code of the others: another page opens while the server is away, with what is
 * known.
 */
export async function fetchPages(): Promise<void> {
  const routes: Record<string, AnyRoute | undefined> = router.routesById;
  const asked = router.matchRoutes(router.latestLocation);
  // What cannot be fetched now is tried again when its page is opened, which then says what went wrong.
  const fetched = (some: (AnyRoute | undefined)[]) =>
    Promise.allSettled(some.map((route) => route && router.loadRouteChunk(route)));
  const first = fetched(asked.map(({ routeId }) => routes[routeId]));
  askFor(asked.at(-1));
  await first;
  await idle();
  await fetched(Object.values(routes));
}

function askFor(page: AnyRouteMatch | undefined): void {
  if (!page || page.routeId === login.id) return;
  void client.prefetchQuery(meQuery);
  const { params, search } = page;
  if (page.routeId === tasks.id) ask.tasks(filterOf(search));
  else if (page.routeId === task.id) ask.task(params.taskId, search.session);
  else if (page.routeId === session.id) ask.task(params.taskId, params.sessionId);
  else if (page.routeId === inbox.id) ask.inbox();
  else if (page.routeId === fleet.id) ask.fleet();
}

/** How long a page that is busy keeps what can wait, in milliseconds. */
const PATIENCE = 5000;

function idle(): Promise<void> {
  return new Promise((done) => {
    // Not every browser says when it has nothing to do.
    if (typeof requestIdleCallback === "function") requestIdleCallback(() => done(), { timeout: PATIENCE });
    else setTimeout(done, PATIENCE / 2);
  });
}

whenLoggedOut(() => {
  const here = router.state.location;
  if (here.pathname === "/login") return;
  client.removeQueries({ queryKey: meQuery.queryKey });
  void router.navigate({ to: "/login", search: { next: here.href } });
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
