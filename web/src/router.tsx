// Which page is at which address.

import {
  type AnyRoute,
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from "@tanstack/react-router";
import { ApiError } from "./api/client";
import { fleetQuery, meQuery, projectsQuery, taskQuery, tasksQuery } from "./api/queries";
import type { SearchKind } from "./api/types";
import { client, whenLoggedOut } from "./cache";
import { NotFound, RouteError, Starting } from "./components/RouteStates";
import { Shell } from "./components/Shell";
import { day, entry, flag, oneOf, sought, word } from "./model/address";
import { filterOf, tasksSearch } from "./model/filter";
import { SEARCH_KINDS } from "./model/found";
import { SESSION_VIEWS, type SessionView, TASK_TABS, type TaskTab } from "./model/tabs";
import { LoginPage } from "./pages/LoginPage";

export interface TaskSearch {
  tab?: TaskTab;
  session?: string;
}

export interface FindSearch {
  q?: string;
  kind?: SearchKind;
  project?: string;
  archived?: boolean;
}

export interface AnalyticsSearch {
  from?: string;
  to?: string;
  project?: string;
  bucket?: "day";
}

export interface SessionSearch {
  view?: SessionView;
  /** The number of the log's entry that is looked for. */
  at?: number;
}

/** Asks while the page's code is still on its way; the page itself says what it waits for, and what went wrong. */
function begin(asked: Promise<void>, ...more: (typeof projectsQuery)[]): void {
  void asked;
  for (const query of more) void client.prefetchQuery(query);
}

const root = createRootRoute({ component: Outlet, notFoundComponent: NotFound });

const login = createRoute({
  getParentRoute: () => root,
  path: "/login",
  component: LoginPage,
  validateSearch: (search): { next?: string } => ({ next: word(search.next) }),
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
  beforeLoad: () => {
    throw redirect({ to: "/tasks" });
  },
});

const tasks = createRoute({
  getParentRoute: () => app,
  path: "/tasks",
  component: lazyRouteComponent(() => import("./pages/TasksPage"), "TasksPage"),
  validateSearch: tasksSearch,
  loaderDeps: ({ search }) => ({ filter: filterOf(search) }),
  loader: ({ deps }) => begin(client.prefetchInfiniteQuery(tasksQuery(deps.filter)), projectsQuery),
});

const task = createRoute({
  getParentRoute: () => app,
  path: "/tasks/$taskId",
  component: lazyRouteComponent(() => import("./pages/task/TaskPage"), "TaskPage"),
  loader: ({ params }) => begin(client.prefetchQuery(taskQuery(params.taskId)), projectsQuery),
  validateSearch: (search): TaskSearch => ({
    tab: oneOf(TASK_TABS, search.tab),
    session: word(search.session),
  }),
});

const find = createRoute({
  getParentRoute: () => app,
  path: "/search",
  component: lazyRouteComponent(() => import("./pages/SearchPage"), "SearchPage"),
  validateSearch: (search): FindSearch => ({
    q: sought(search.q),
    kind: oneOf(SEARCH_KINDS, search.kind),
    project: word(search.project),
    archived: flag(search.archived),
  }),
});

const analytics = createRoute({
  getParentRoute: () => app,
  path: "/analytics",
  component: lazyRouteComponent(() => import("./pages/AnalyticsPage"), "AnalyticsPage"),
  validateSearch: (search): AnalyticsSearch => ({
    from: day(search.from),
    to: day(search.to),
    project: word(search.project),
    bucket: oneOf(["day"] as const, search.bucket),
  }),
});

const session = createRoute({
  getParentRoute: () => app,
  path: "/tasks/$taskId/sessions/$sessionId",
  component: lazyRouteComponent(() => import("./pages/session/SessionPage"), "SessionPage"),
  loader: ({ params }) => begin(client.prefetchQuery(taskQuery(params.taskId))),
  validateSearch: (search): SessionSearch => ({
    view: oneOf(SESSION_VIEWS, search.view),
    at: entry(search.at),
  }),
});

const fleet = createRoute({
  getParentRoute: () => app,
  path: "/fleet",
  component: lazyRouteComponent(() => import("./pages/FleetPage"), "FleetPage"),
  loader: () => begin(client.prefetchQuery(fleetQuery)),
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

export const router = createRouter({
  routeTree: root.addChildren([
    login,
    app.addChildren([index, tasks, task, session, fleet, find, analytics, projects, agents]),
  ]),
  defaultErrorComponent: RouteError,
  scrollRestoration: true,
});

/**
 * Fetches the code of the page that is asked for while it is still found out who asks, then that of the others:
 * whoever goes to another page while the server is away finds it, with what is known.
 */
export async function fetchPages(): Promise<void> {
  const routes: Record<string, AnyRoute | undefined> = router.routesById;
  const asked = router.matchRoutes(router.latestLocation).map(({ routeId }) => routes[routeId]);
  for (const some of [asked, Object.values(routes)]) {
    // What cannot be fetched now is tried again when its page is opened, which then says what went wrong.
    await Promise.allSettled(some.map((route) => route && router.loadRouteChunk(route)));
  }
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
