// What failed, and trying it again.

import { screen, waitFor, within } from "@testing-library/react";
import { expect, test } from "vitest";
import { anAgent, aSession, aTask, aTaskDetail } from "../../testing/fixtures";
import { having, http, refusal, server } from "../../testing/network";
import { open } from "../../testing/page";

const AT = "2026-01-05T10:00:00Z";
const failed = aTaskDetail({
  status: "spec_failed",
  needs_person: true,
  last_error: { at: AT, code: "agent_crashed", message: "The agent ended with `exit 1`." },
});

test("a failed task says why, and is tried again", async () => {
  let retries = 0;
  server.use(
    ...having(failed),
    http.post("/api/v1/spec-tasks/{id}/retry", ({ response }) => {
      retries += 1;
      const task = { ...failed, status: "spec_generation" as const, last_error: null, version: 2 };
      server.use(...having(task));
      return response(200).json(task);
    }),
  );
  const person = await open("/tasks/spt_1");
  const alert = await screen.findByRole("alert");
  expect(alert.textContent).toContain("Agent crashed: The agent ended with exit 1.");
  await person.click(screen.getByRole("button", { name: "Retry" }));
  await screen.findAllByText("Planning");
  expect(screen.queryByRole("alert")).toBeNull();
  expect(screen.queryByRole("button", { name: "Retry" })).toBeNull();
  expect(retries).toBe(1);
});

test("a retry that is refused says so, and can be asked for again", async () => {
  server.use(
    ...having(failed),
    http.post("/api/v1/spec-tasks/{id}/retry", ({ response }) =>
      response.untyped(refusal(409, "The limit of instances is reached.")),
    ),
  );
  const person = await open("/tasks/spt_1");
  await person.click(await screen.findByRole("button", { name: "Retry" }));
  await screen.findByText("The limit of instances is reached.");
  expect(screen.getByRole<HTMLButtonElement>("button", { name: "Retry" }).disabled).toBe(false);
});

test("a failed session is named on its task, and given to another agent", async () => {
  const session = aSession({
    status: "failed",
    last_error: { at: AT, code: "limit", message: "The budget is spent." },
  });
  const sent: unknown[] = [];
  server.use(
    ...having(aTaskDetail({ work_sessions: [session] })),
    http.get("/api/v1/agents", ({ response }) =>
      response(200).json([anAgent(), anAgent({ id: "codex", name: "Codex", default_for: [] })]),
    ),
    http.get("/api/v1/work-sessions/{id}/events", ({ response }) => response(200).json([])),
    http.put("/api/v1/work-sessions/{id}/agent", async ({ params, request, response }) => {
      sent.push([params.id, await request.json()]);
      return response(200).json(session);
    }),
    http.post("/api/v1/work-sessions/{id}/retry", ({ params, response }) => {
      sent.push([params.id, "retry"]);
      return response(200).json({ ...session, status: "pending" });
    }),
  );
  const person = await open("/tasks/spt_1");
  await screen.findByText(/The session “Store due dates” failed/);
  await person.click(screen.getByRole("button", { name: "Open sessions" }));
  const [menu] = await screen.findAllByRole("button", { name: "Actions of Store due dates" });
  if (menu) await person.click(menu);
  await person.click(await screen.findByRole("menuitem", { name: /^Retry with/ }));
  const dialog = within(await screen.findByRole("dialog", { name: "Retry with another agent" }));
  await person.click(dialog.getByRole("combobox", { name: "Agent" }));
  await person.click(await screen.findByRole("option", { name: "Codex" }));
  await person.click(dialog.getByRole("button", { name: "Retry" }));
  await waitFor(() =>
    expect(sent).toEqual([
      ["stws_1", { agent: "codex" }],
      ["stws_1", "retry"],
    ]),
  );
});

test("a task that does not exist is told apart from one that cannot be read", async () => {
  server.use(http.get("/api/v1/spec-tasks/{id}", ({ response }) => response.untyped(refusal(404, "No."))));
  await open("/tasks/spt_9");
  await screen.findByRole("heading", { name: "Task not found" });
});

test("a cancelled task is reopened", async () => {
  const task = aTaskDetail({ status: "cancelled" });
  let asked = "";
  server.use(
    ...having(task),
    http.post("/api/v1/spec-tasks/{id}/reopen", ({ params, response }) => {
      asked = params.id;
      return response(200).json(aTask({ version: 2 }));
    }),
  );
  const person = await open("/tasks/spt_1");
  await person.click(await screen.findByRole("button", { name: "Reopen" }));
  await waitFor(() => expect(asked).toBe("spt_1"));
});
