// The network as tests play it: a server's answers, in the shapes of the API's document.

import { HttpResponse, ws } from "msw";
import { setupServer } from "msw/node";
import { createOpenApiHttp } from "openapi-msw";
import type { paths } from "../api/schema";
import type { LiveData, LiveMessage, SpecTask, TaskDetail } from "../api/types";
import { anAgent, aProject, aUsage, thePrompts } from "./fixtures";

// In a browser an address is relative to the page; here a request has to be told.
globalThis.Request = class extends Request {
  constructor(input: RequestInfo | URL, init?: RequestInit) {
    super(typeof input === "string" ? new URL(input, window.location.href) : input, init);
  }
};

export const http = createOpenApiHttp<paths>();

const stream = ws.link("ws://localhost:3000/api/v1/ws");

/** A live stream that confirms what is subscribed to, and tells nothing by itself. */
const live = stream.addEventListener("connection", ({ client }) => {
  client.addEventListener("message", ({ data }) => {
    const { subscribe: topics } = JSON.parse(String(data));
    if (topics) client.send(JSON.stringify({ type: "subscribed", topics, after: 0 }));
  });
});

/** A live stream that cannot be kept open. */
export const noLive = stream.addEventListener("connection", ({ client }) => client.close());

/** Tells news to every page that is open. */
export function tell<Type extends LiveMessage["type"]>(type: Type, data: LiveData<Type>): void {
  stream.broadcast(JSON.stringify({ seq: 1, topic: "fleet", type, data }));
}

/** A server with one project, one agent and no task. It answers what a test adds, and nothing else. */
export const server = setupServer(
  live,
  http.get("/api/v1/me", ({ response }) =>
    response(200).json({ demo: false, id: "usr_1", name: "owner", roles: ["owner"] }),
  ),
  http.get("/api/v1/spec-tasks", ({ response }) => response(200).json([], total(0))),
  http.get("/api/v1/projects", ({ response }) => response(200).json([aProject()])),
  http.get("/api/v1/projects/{id}/usage", ({ response }) => response(200).json(aUsage())),
  http.get("/api/v1/projects/{id}/prompts", ({ response }) => response(200).json(thePrompts())),
  http.get("/api/v1/agents", ({ response }) => response(200).json([anAgent()])),
  http.get("/api/v1/agents/fleet/live-progress", ({ response }) =>
    response(200).json({ agents: [], timestamp: "2026-01-05T10:00:00Z" }),
  ),
  http.get("/api/v1/permissions", ({ response }) => response(200).json([])),
  http.get("/api/v1/inbox", ({ response }) => response(200).json([], total(0))),
  http.get("/api/v1/spec-tasks/{id}/attachments", ({ response }) => response(200).json([])),
  http.get("/api/v1/work-sessions/{id}/previews", ({ response }) => response(200).json({ previews: [] })),
  http.get("/api/v1/secrets", ({ response }) => response(200).json([])),
  http.get("/api/v1/questions", ({ response }) => response(200).json([])),
  http.get("/api/v1/demo-repos", ({ response }) => response(200).json([])),
  http.get("/api/v1/templates", ({ response }) => response(200).json([])),
);
server.listen({ onUnhandledRequest: "error" });

export const total = (count: number) => ({ headers: { "x-total-count": String(count) } });

/** The list of tasks, whatever is asked for. */
export const listing = (...tasks: SpecTask[]) =>
  http.get("/api/v1/spec-tasks", ({ response }) => response(200).json(tasks, total(tasks.length)));

/** A task, with nothing yet beside it. */
export const having = (task: TaskDetail) => [
  http.get("/api/v1/spec-tasks/{id}", ({ response }) => response(200).json(task)),
  http.get("/api/v1/spec-tasks/{id}/progress", ({ response }) =>
    response(200).json({
      active_work_sessions: [],
      checklist: { completed_tasks: 0, in_progress_task: null, progress_pct: 0, tasks: [], total_tasks: 0 },
      implementation_progress: {},
      overall_progress: 0,
      phase_progress: {},
      recent_activity: [],
      spec_task: task,
    }),
  ),
  http.get("/api/v1/spec-tasks/{id}/implementation-tasks", ({ response }) =>
    response(200).json({ implementation_tasks: [], total: 0 }),
  ),
  http.get("/api/v1/spec-tasks/{id}/specs", ({ response }) =>
    response.untyped(refusal(404, "There are no documents yet.")),
  ),
  http.get("/api/v1/spec-tasks/{id}/forecast", ({ response }) => response(200).json({ forecast: null })),
  http.get("/api/v1/spec-tasks/{id}/zed-instance", ({ response }) =>
    response.untyped(refusal(404, "It has no agent instance.")),
  ),
  http.get("/api/v1/spec-tasks/{id}/collisions", ({ response }) =>
    response(200).json({ checked_at: "2026-01-05T10:00:00Z", collisions: [] }),
  ),
  http.get("/api/v1/spec-tasks/{id}/permission-grants", ({ response }) => response(200).json([])),
  http.get("/api/v1/spec-tasks/{id}/lint", ({ response }) => response(200).json([])),
  http.get("/api/v1/spec-tasks/{id}/held-secrets", ({ response }) => response(200).json([])),
  http.get("/api/v1/spec-tasks/{id}/design-docs", ({ response }) =>
    response(200).json({
      branch: "helix-design-docs",
      commit: null,
      current_task_index: 0,
      design_md: null,
      path: "/srv/todo/.git-worktrees/helix-design-docs/specs/spt_1",
      progress_md: null,
      requirements_md: null,
      task_id: "spt_1",
      tasks_md: null,
    }),
  ),
];

/** An answer that is not a success, as every path may give it. */
export function refusal(status: number, detail: string, errors: { field: string; message: string }[] = []) {
  return HttpResponse.json(
    { type: "about:blank", title: "Refused", status, code: "refused", detail, errors },
    {
      status,
      headers: { "content-type": "application/problem+json" },
    },
  );
}
