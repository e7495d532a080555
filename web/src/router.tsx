// Which page is at which address.

import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from "@tanstack/react-router";
import { ApiError } from "./api/client";
import { meQuery } from "./api/queries";
import type { Priority } from "./api/types";
import { client, whenLoggedOut } from "./cache";
import { NotFound, RouteError, Starting } from "./components/RouteStates";
import { Shell } from "./components/Shell";
import { PRIORITIES } from "./model/status";
import { LoginPage } from "./pages/LoginPage";

export interface TasksSearch {
  status?: string;
  q?: string;
  project?: string;
  priority?: Priority;
  sort?: string;
  archived?: boolean;
  create?: boolean;
}

export const TASK_TABS = ["overview", "specification", "sessions", "change"] as const;
export type TaskTab = (typeof TASK_TABS)[number];

export interface TaskSearch {
  tab?: TaskTab;
  session?: string;
}

const word = (value: unknown) => (typeof value === "string" && value !== "" ? value : undefined);
const flag = (value: unknown) => (value === true || value === "true" || undefined) as true | undefined;

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
  validateSearch: (search): TasksSearch => ({
    status: word(search.status),
    q: search.q === undefined ? undefined : String(search.q) || undefined,
    project: word(search.project),
    priority: PRIORITIES.find((priority) => priority === search.priority),
    sort: word(search.sort),
    archived: flag(search.archived),
    create: flag(search.create),
  }),
});

const task = createRoute({
  getParentRoute: () => app,
  path: "/tasks/$taskId",
  component: lazyRouteComponent(() => import("./pages/task/TaskPage"), "TaskPage"),
  validateSearch: (search): TaskSearch => ({
    tab: TASK_TABS.find((tab) => tab === search.tab),
    session: word(search.session),
  }),
});

const fleet = createRoute({
  getParentRoute: () => app,
  path: "/fleet",
  component: lazyRouteComponent(() => import("./pages/FleetPage"), "FleetPage"),
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
  routeTree: root.addChildren([login, app.addChildren([index, tasks, task, fleet, projects, agents])]),
  defaultErrorComponent: RouteError,
  scrollRestoration: true,
});

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
