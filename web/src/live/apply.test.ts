import { QueryClient } from "@tanstack/react-query";
import { beforeEach, expect, test } from "vitest";
import { nextCursor, type Page } from "../api/client";
import type {
  Checklist,
  CoordinationEvent,
  Fleet,
  LiveData,
  LiveMessage,
  LogEntry,
  SpecTask,
  TaskDetail,
  TaskProgress,
} from "../api/types";
import type { Log } from "../model/log";
import { aSessionUpdate, aTask, aTaskUpdate } from "../testing/fixtures";
import { apply } from "./apply";
import { keys } from "./keys";

let client: QueryClient;
let asked: string[];
let rests: (number | undefined)[];
beforeEach(() => {
  client = new QueryClient();
  asked = [];
  rests = [];
});

function receive<Type extends LiveMessage["type"]>(type: Type, data: LiveData<Type>, session?: string) {
  const place = { seq: 1, topic: session ? "session" : "fleet", id: session };
  const message = { ...place, type, data } as LiveMessage;
  apply(client, [message], (key, rest) => {
    asked.push(key.join("/"));
    rests.push(rest);
  });
}

const task = (more: Partial<SpecTask>) => aTask({ name: "A", status: "spec_review", version: 3, ...more });
const detail = () => client.getQueryData<TaskDetail>(keys.task("spt_1"));

test("a task is updated wherever it is shown, without losing what the news leaves out", () => {
  const pages = {
    pages: [{ items: [task({ technical_design: "D" })], total: 1, next: null }],
    pageParams: [undefined],
  };
  client.setQueryData(keys.taskPages({}), pages);
  client.setQueryData(keys.task("spt_1"), {
    ...task({ technical_design: "D" }),
    work_sessions: [],
    zed_threads: [],
  });
  receive("task.updated", aTaskUpdate({ name: "A", status: "implementation", version: 4 }));
  expect(detail()).toMatchObject({ status: "implementation", technical_design: "D", version: 4 });
  const shown = client.getQueryData<{ pages: Page<SpecTask[]>[] }>(keys.taskPages({}));
  expect(shown?.pages[0]?.items[0]).toMatchObject({ status: "implementation", technical_design: "D" });
  expect(asked).toContain("tasks");
  expect(asked).toContain("task/spt_1");
});

test("old news of a task changes nothing", () => {
  client.setQueryData(keys.task("spt_1"), { ...task({}), work_sessions: [], zed_threads: [] });
  receive("task.updated", aTaskUpdate({ status: "backlog", version: 2 }));
  expect(detail()).toMatchObject({ status: "spec_review", version: 3 });
});

test("a session is merged into its task; an unknown one is asked for", () => {
  const session = { id: "stws_1", status: "active", progress: 0.5, updated_at: "2026-01-01T00:00:00.000Z" };
  const workspace_path = "/worktrees/1";
  client.setQueryData(keys.task("spt_1"), {
    ...task({}),
    work_sessions: [{ ...session, workspace_path }],
    zed_threads: [],
  });
  receive("work_session.updated", aSessionUpdate({ name: "B", updated_at: "2026-01-02T00:00:00.000Z" }));
  expect(detail()?.work_sessions).toMatchObject([{ id: "stws_1", name: "B", workspace_path }]);
  receive("work_session.updated", aSessionUpdate({ id: "stws_2", status: "pending" }));
  expect(detail()?.work_sessions).toHaveLength(1);
  expect(asked).toContain("task/spt_1");
});

test("crew messages and colliding files come whole; colliding lines are fetched", () => {
  const log = { events: [], events_by_type: {}, total_events: 0, filtered_events: 0 };
  client.setQueryData(keys.coordination("spt_1"), log);
  const event: CoordinationEvent = {
    id: "evt_1",
    event_type: "handoff",
    message: "Ready",
    timestamp: "2026-01-01T00:00:00Z",
    data: {},
    by: null,
    from_session_id: "stws_1",
    to_session_id: null,
    acknowledged: false,
    acknowledged_at: null,
    response: null,
    deliveries: [],
  };
  receive("coordination", { spec_task_id: "spt_1", ...event });
  expect(client.getQueryData(keys.coordination("spt_1"))).toMatchObject({
    events: [event],
    total_events: 1,
    events_by_type: { handoff: 1 },
  });
  expect(asked).toEqual(["timeline/spt_1"]);
  client.setQueryData(keys.collisions("spt_1"), { collisions: [], checked_at: "" });
  const collisions = [{ sessions: ["stws_1", "stws_2"], files: [], total_files: 0, since: "" }];
  asked = [];
  receive("coordination", { spec_task_id: "spt_1", event: "collisions", at: 0, collisions });
  expect(client.getQueryData(keys.coordination("spt_1"))).toMatchObject({ total_events: 1 });
  expect(client.getQueryData(keys.collisions("spt_1"))).toEqual({ collisions, checked_at: "" });
  expect(asked).toEqual(["collision-sides/spt_1"]);
  receive("work_session.updated", aSessionUpdate({ status: "completed" }));
  expect(asked).toContain("collisions/spt_1");
});

test("what an agent wrote shows in the change of its session", () => {
  receive("session.event", { seq: 1, at: "", kind: "agent_message", text: "Hm." }, "stws_1");
  expect(asked).toEqual([]);
  receive("session.event", { seq: 1, at: "", kind: "tool_call", status: "completed" }, "stws_1");
  expect(asked).toEqual(["session-diff/stws_1"]);
});

const fleet = (): Fleet => ({
  timestamp: "",
  agents: [
    {
      agent: "a",
      queue_reason: null,
      waits_until: null,
      agent_id: "zi_1",
      task_id: "spt_1",
      task_short_id: "SPEC-1",
      task_name: "A",
      phase: "implementation",
      work_session_id: "stws_1",
      session_name: "S",
      current_task: { index: 0, description: "x", number: null, started_at: null, status: "in_progress" },
      task_list: [
        { index: 0, number: null, started_at: null, description: "x", status: "in_progress" },
        { index: 1, number: null, started_at: null, description: "y", status: "pending" },
      ],
      tasks_before: [],
      tasks_after: [],
      progress: 0,
      last_update: "",
    },
  ],
});

test("a checklist moves the cards of its task and its progress at once", () => {
  client.setQueryData(keys.fleet, fleet());
  client.setQueryData(keys.progress("spt_1"), { checklist: { tasks: [] } });
  const checklist: Checklist = {
    tasks: [
      { index: 0, description: "x", status: "completed", depth: 0 },
      { index: 1, description: "y", status: "in_progress", depth: 0 },
    ],
    completed_tasks: 1,
    total_tasks: 2,
    progress_pct: 50,
  };
  const at = "2026-01-01T00:00:05.000Z";
  receive("progress", { spec_task_id: "spt_1", commit: "3f1c0a9", checklist, at });
  expect(client.getQueryData<Fleet>(keys.fleet)?.agents[0]).toMatchObject({
    current_task: { index: 1 },
    last_update: at,
    progress: 0,
  });
  receive("work_session.updated", aSessionUpdate({ progress: 1 / 3 }));
  expect(client.getQueryData<Fleet>(keys.fleet)?.agents[0]?.progress).toBe(1 / 3);
  expect(client.getQueryData<TaskProgress>(keys.progress("spt_1"))?.checklist.completed_tasks).toBe(1);
});

test("an agent whose session ended leaves the fleet; one that begins is asked for", () => {
  client.setQueryData(keys.fleet, fleet());
  receive("work_session.updated", aSessionUpdate({ status: "completed" }));
  expect(client.getQueryData<Fleet>(keys.fleet)?.agents).toEqual([]);
  expect(asked).not.toContain("fleet");
  receive("work_session.updated", aSessionUpdate({ id: "stws_2" }));
  expect(asked).toContain("fleet");
});

test("log entries are appended; a gap is asked for", () => {
  const entry = (seq: number): LogEntry => ({ seq, at: "", kind: "notice", text: "" });
  client.setQueryData<Log>(keys.log("stws_1"), { entries: [entry(41), entry(42)], isRead: true });
  receive("session.event", entry(43), "stws_1");
  expect(asked).toEqual([]);
  receive("session.event", entry(43), "stws_1");
  expect(client.getQueryData<Log>(keys.log("stws_1"))?.entries).toHaveLength(3);
  receive("session.event", entry(46), "stws_1");
  expect(asked).toEqual(["log/stws_1"]);
});

test("entries that come before the log is read wait for it", () => {
  receive("session.event", { seq: 812, at: "", kind: "notice", text: "" }, "stws_1");
  expect(client.getQueryData<Log>(keys.log("stws_1"))).toMatchObject({
    isRead: false,
    entries: [{ seq: 812 }],
  });
  expect(asked).toEqual([]);
});

test("a list is asked for again only when a task may have moved in it", () => {
  const pages = { pages: [{ items: [task({})], total: 1, next: null }], pageParams: [undefined] };
  client.setQueryData(keys.taskPages({}), pages);
  receive("task.updated", aTaskUpdate({ name: "A", status: "spec_review", progress: 0.5, version: 4 }));
  expect(asked).not.toContain("tasks");
  receive("task.updated", aTaskUpdate({ name: "A", status: "implementation", version: 5 }));
  expect(asked).toContain("tasks");
  asked = [];
  receive("task.updated", aTaskUpdate({ id: "spt_2", name: "B", status: "backlog", version: 1 }));
  expect(asked).toContain("tasks");
});

test("a task that no list shows counts when its place may be another, not with every message about it", () => {
  const listsAsked = () => asked.flatMap((key, at) => (key === "tasks" ? [rests[at]] : []));
  const news = aTaskUpdate({ name: "A", status: "implementation", needs_person: false });
  receive("task.updated", { ...news, version: 4 });
  expect(listsAsked()).toEqual([10_000]);
  receive("task.updated", { ...news, version: 5 });
  receive("task.updated", { ...news, progress: 0.5, version: 6 });
  expect(listsAsked()).toEqual([10_000]);
  receive("task.updated", { ...news, needs_person: true, version: 7 });
  expect(listsAsked()).toEqual([10_000, undefined]);
  // Older changes are fetched with low priority, what needs a person is not.
  receive("task.updated", { ...news, id: "spt_2", needs_person: true, version: 1 });
  expect(listsAsked()).toEqual([10_000, undefined, undefined]);
});

test("an agent that waits to retry is shown so in the fleet", () => {
  client.setQueryData(keys.fleet, fleet());
  const reason = () => client.getQueryData<Fleet>(keys.fleet)?.agents[0]?.queue_reason;
  const news = aSessionUpdate({ id: fleet().agents[0]?.work_session_id });
  receive("work_session.updated", { ...news, queue_reason: "Waiting to retry the turn: 429" });
  expect(reason()).toBe("Waiting to retry the turn: 429");
  receive("work_session.updated", { ...news, queue_reason: null });
  expect(reason()).toBeNull();
});

test("the questions of a session that ends are looked for again, others are let be", () => {
  client.setQueryData(keys.permissions, [{ id: "q", work_session_id: "stws_1" }]);
  receive("work_session.updated", aSessionUpdate({ id: "stws_2", status: "completed" }));
  expect(asked).not.toContain("permissions");
  receive("work_session.updated", aSessionUpdate({ status: "failed" }));
  expect(asked).toContain("permissions");
});

test("a question of an agent is looked for when its log has it", () => {
  receive("session.event", { seq: 1, at: "", kind: "permission_requested", request_id: "1" }, "stws_1");
  expect(asked).toContain("permissions");
});

test("the next page is found in the Link header", () => {
  expect(nextCursor('</api/v1/spec-tasks?status=done&cursor=100>; rel="next"')).toBe("100");
  expect(nextCursor('<http://h/x?cursor=1>; rel="prev", <http://h/x?cursor=3>; rel="next"')).toBe("3");
  expect(nextCursor(null)).toBeNull();
});
