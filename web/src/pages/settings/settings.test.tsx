// The forms of a project's settings and of access tokens.

import { screen, waitFor, within } from "@testing-library/react";
import { expect, test } from "vitest";
import type { NewToken, ProjectEdit, WebhookDelivery } from "../../api/types";
import { aProject, aSecret, aToken } from "../../testing/fixtures";
import { http, refusal, server } from "../../testing/network";
import { fill, open } from "../../testing/page";

/** A server with a project that has settings, and what is sent to change it. */
function project() {
  const settings = {
    checks: ["npm test"],
    permissions: "ask",
    network: "allowlist",
    network_allow: ["a.test"],
  };
  const sent: ProjectEdit[] = [];
  server.use(
    http.get("/api/v1/projects", ({ response }) => response(200).json([aProject({ settings })])),
    http.put("/api/v1/projects/{id}", async ({ request, response }) => {
      sent.push(await request.json());
      return response(200).json(aProject());
    }),
  );
  return sent;
}

async function projectSettings() {
  const person = await open("/projects");
  await person.click(await screen.findByRole("button", { name: "Settings of todo" }));
  return { person, form: within(await screen.findByRole("dialog", { name: "Settings of todo" })) };
}

test("a project's settings are shown as they are, and sent with what was changed", async () => {
  const sent = project();
  const { person, form } = await projectSettings();
  expect(form.getByRole("combobox", { name: "Permission requests" }).textContent).toBe("Ask me");
  expect(form.getByLabelText<HTMLTextAreaElement>("Allowed hosts").value).toBe("a.test");
  await fill(person, form.getByLabelText("Checks"), "\nnpm run lint\n");
  await person.click(form.getByRole("combobox", { name: "Network" }));
  await person.click(await screen.findByRole("option", { name: "Open" }));
  expect(form.queryByLabelText("Allowed hosts")).toBeNull();
  await person.click(form.getByRole("button", { name: "Save" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(sent).toEqual([
    { name: "todo", settings: { checks: ["npm test", "npm run lint"], network: "open" } },
  ]);
  expect(sent[0]).not.toHaveProperty("default_branch");
});

test("a setting that the server refuses says why, and the dialog stays", async () => {
  project();
  server.use(
    http.put("/api/v1/projects/{id}", ({ response }) =>
      response.untyped(
        refusal(422, "No.", [{ field: "settings.network_allow", message: "“a b” is no host." }]),
      ),
    ),
  );
  const { person, form } = await projectSettings();
  await person.click(form.getByRole("button", { name: "Save" }));
  await form.findByText("“a b” is no host.");
  expect(form.getByLabelText("Allowed hosts").getAttribute("aria-invalid")).toBe("true");
});

test("what was typed is not lost without a question", async () => {
  const sent = project();
  const { person, form } = await projectSettings();
  await fill(person, form.getByLabelText("Name"), "s");
  await person.keyboard("{Escape}");
  const asked = within(await screen.findByRole("dialog", { name: "Discard what you typed?" }));
  await person.click(asked.getByRole("button", { name: "Keep editing" }));
  await waitFor(() => expect(screen.queryByRole("dialog", { name: "Discard what you typed?" })).toBeNull());
  expect(form.getByLabelText<HTMLInputElement>("Name").value).toBe("todos");
  await person.click(form.getByRole("button", { name: "Cancel" }));
  await person.click(await screen.findByRole("button", { name: "Discard" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(sent).toEqual([]);
});

test("variables, resources and secrets of a project are set", async () => {
  const sent = project();
  const put: unknown[] = [];
  server.use(
    http.get("/api/v1/secrets", ({ response }) => response(200).json([aSecret()])),
    http.put("/api/v1/secrets/{name}", async ({ request, params, query, response }) => {
      put.push([params.name, query.get("project_id"), await request.json()]);
      return response(200).json(aSecret({ name: "API_KEY", project_id: "prj_1" }));
    }),
  );
  const { person, form } = await projectSettings();
  await form.findByText("NPM_TOKEN");
  await fill(person, form.getByLabelText("Variables"), "NODE_ENV=test\nEMPTY=");
  await fill(person, form.getByLabelText("Resources"), "simulator\ngpu=2");
  await person.click(form.getByRole("button", { name: "Set secret" }));
  const dialog = within(await screen.findByRole("dialog", { name: "Set secret" }));
  await fill(person, dialog.getByLabelText("Name"), "API_KEY");
  await fill(person, dialog.getByLabelText("Value"), "a long value");
  await person.click(dialog.getByRole("button", { name: "Set secret" }));
  await waitFor(() => expect(screen.queryByRole("dialog", { name: "Set secret" })).toBeNull());
  expect(put).toEqual([["API_KEY", "prj_1", { value: "a long value" }]]);
  await person.click(form.getByRole("button", { name: "Save" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(sent).toEqual([
    {
      name: "todo",
      settings: { env: { NODE_ENV: "test", EMPTY: "" }, resources: { simulator: 1, gpu: 2 } },
    },
  ]);
});

test("a secret is replaced without its name, and removed after a question", async () => {
  const done: unknown[] = [];
  server.use(
    http.get("/api/v1/secrets", ({ response }) =>
      response(200).json([aSecret(), aSecret({ project_id: "prj_1", readable: false })]),
    ),
    http.put("/api/v1/secrets/{name}", async ({ params, query, response }) => {
      done.push(["put", params.name, query.get("project_id")]);
      return response(200).json(aSecret());
    }),
    http.delete("/api/v1/secrets/{name}", ({ params, query, response }) => {
      done.push(["delete", params.name, query.get("project_id")]);
      return response(204).empty();
    }),
  );
  const person = await open("/settings?view=secrets");
  await screen.findByText(/Encrypted with another key/);
  await person.click(await screen.findByRole("button", { name: "Replace NPM_TOKEN, todo" }));
  const dialog = within(await screen.findByRole("dialog", { name: "Replace NPM_TOKEN" }));
  expect(dialog.queryByLabelText("Name")).toBeNull();
  await fill(person, dialog.getByLabelText("Value"), "another value");
  await person.click(dialog.getByRole("button", { name: "Replace" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  await person.click(screen.getByRole("button", { name: "Remove NPM_TOKEN, All projects" }));
  const asked = within(await screen.findByRole("dialog", { name: "Remove NPM_TOKEN?" }));
  await person.click(asked.getByRole("button", { name: "Remove" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(done).toEqual([
    ["put", "NPM_TOKEN", "prj_1"],
    ["delete", "NPM_TOKEN", null],
  ]);
});

/** A server with tokens, and those that are asked for. */
function tokens() {
  const sent: NewToken[] = [];
  server.use(
    http.get("/api/v1/tokens", ({ response }) =>
      response(200).json([aToken(), aToken({ id: "tok_2", name: "Old", status: "revoked" })]),
    ),
    http.post("/api/v1/tokens", async ({ request, response }) => {
      sent.push(await request.json());
      return response(201).json({ ...aToken({ name: "Build server" }), token: "sptk_secret" });
    }),
  );
  return sent;
}

test("a token for a project is created with its limits, and shown once", async () => {
  const sent = tokens();
  const person = await open("/settings");
  await person.click(await screen.findByRole("button", { name: "Create token" }));
  const form = within(await screen.findByRole("dialog", { name: "Create token" }));
  const create = form.getByRole<HTMLButtonElement>("button", { name: "Create token" });
  await fill(person, form.getByLabelText("Name"), "Build server");
  await person.click(form.getByRole("combobox", { name: "Scope" }));
  await person.click(await screen.findByRole("option", { name: "Project" }));
  // Without a project it would be limited to nothing.
  expect(create.disabled).toBe(true);
  await person.click(form.getByRole("combobox", { name: "Project" }));
  await person.click(await screen.findByRole("option", { name: "todo" }));
  await person.click(create);
  const shown = within(await screen.findByRole("dialog", { name: "Token created" }));
  expect(shown.getByLabelText<HTMLInputElement>("Token").value).toBe("sptk_secret");
  expect(sent).toEqual([
    { name: "Build server", scope: "project", project_id: "prj_1", can_decide: false, expires_in_days: 90 },
  ]);
  await person.click(shown.getByRole("button", { name: "Done" }));
  await waitFor(() => expect(screen.queryByDisplayValue("sptk_secret")).toBeNull());
});

test("a token is revoked after a question, which says what it ends", async () => {
  tokens();
  const revoked: string[] = [];
  server.use(
    http.delete("/api/v1/tokens/{id}", ({ params, response }) => {
      revoked.push(params.id);
      return response(204).empty();
    }),
  );
  const person = await open("/settings");
  await person.click(await screen.findByRole("button", { name: "Revoke Laptop" }));
  expect(screen.queryByRole("button", { name: "Revoke Old" })).toBeNull();
  const asked = within(await screen.findByRole("dialog", { name: "Revoke Laptop?" }));
  asked.getByText(/loses access at once/);
  expect(revoked).toEqual([]);
  await person.click(asked.getByRole("button", { name: "Revoke" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(revoked).toEqual(["tok_1"]);
});

const aDelivery = (more: Partial<WebhookDelivery> = {}): WebhookDelivery => ({
  attempts: 3,
  created_at: "2026-01-05T10:00:00Z",
  error: "the endpoint answered 500",
  event: "inbox.added",
  finished_at: null,
  id: 7,
  message_id: "msg_1",
  next_attempt_at: "2026-01-05T11:00:00Z",
  payload: "{}",
  state: "pending",
  status: 500,
  ...more,
});

test("webhooks are listed with what they were sent, which is sent again by a click", async () => {
  const sent: string[] = [];
  server.use(
    http.get("/api/v1/webhooks", ({ response }) =>
      response(200).json([
        {
          delivered: 4,
          events: ["inbox.added"],
          failed: 1,
          id: "ops",
          last_delivery: null,
          pending: 2,
          project_ids: [],
          url: "https://example.org/hooks",
        },
      ]),
    ),
    http.get("/api/v1/webhooks/{id}/deliveries", ({ response }) => response(200).json([aDelivery()])),
    http.post("/api/v1/webhooks/{id}/test", ({ params, response }) => {
      sent.push(`test ${params.id}`);
      return response(202).json({ id: 8 });
    }),
    http.post("/api/v1/webhooks/{id}/deliveries/{delivery}/redeliver", ({ params, response }) => {
      sent.push(`redeliver ${params.delivery}`);
      return response(202).json({ id: 7 });
    }),
  );
  const person = await open("/settings?view=webhooks");
  const endpoint = within(await screen.findByRole("region", { name: "ops" }));
  endpoint.getByText("2 pending · 4 delivered · 1 failed");
  await person.click(endpoint.getByRole("button", { name: "Send test" }));
  await endpoint.findByText("Pending: the endpoint answered 500");
  await person.click(endpoint.getByRole("button", { name: "Redeliver" }));
  await waitFor(() => expect(sent).toEqual(["test ops", "redeliver 7"]));
});

test("without webhooks the page says how to add one", async () => {
  server.use(http.get("/api/v1/webhooks", ({ response }) => response(200).json([])));
  await open("/settings?view=webhooks");
  await screen.findByText("No webhooks");
});
