import { screen, within } from "@testing-library/react";
import { expect, test } from "vitest";
import type { Project } from "../../api/types";
import { aProject } from "../../testing/fixtures";
import { http, refusal, server } from "../../testing/network";
import { open } from "../../testing/page";

const file = (more: Partial<Project["settings_file"]>): Project["settings_file"] => ({
  ...aProject().settings_file,
  ...more,
});

const untrusted = file({
  state: "untrusted",
  hash: "abc123",
  content: 'checks = ["make test"]\nnetwork = "open"\n',
  changes: [
    { setting: "checks", kind: "command", before: null, after: ["make test"] },
    { setting: "network", kind: "loosened", before: "none", after: "open" },
  ],
});

const having = (project: Project) =>
  http.get("/api/v1/projects", ({ response }) => response(200).json([project]));

test("an untrusted file is read, and trusted by the hash of what was shown", async () => {
  let project = aProject({ settings_file: untrusted });
  let sent: unknown;
  server.use(
    http.get("/api/v1/projects", ({ response }) => response(200).json([project])),
    http.post("/api/v1/projects/{id}/trust-settings", async ({ request, response }) => {
      sent = await request.json();
      project = aProject({ settings_file: file({ state: "trusted", hash: "abc123" }) });
      return response(200).json(project);
    }),
  );
  const person = await open("/projects");
  await person.click(await screen.findByRole("button", { name: "Review the settings file of todo" }));
  const dialog = within(await screen.findByRole("dialog", { name: "Trust the settings of todo?" }));
  expect(dialog.getByText(/^checks = \["make test"\]/)).toBeTruthy();
  expect(dialog.getByText("Limits that become less strict")).toBeTruthy();
  await person.click(dialog.getByRole("button", { name: "Trust and use" }));
  await expect.poll(() => screen.queryByRole("button", { name: /Review the settings/ })).toBeNull();
  expect(sent).toEqual({ hash: "abc123" });
});

test("a content that changed meanwhile is refused in the server's words", async () => {
  server.use(
    having(aProject({ settings_file: untrusted })),
    http.post("/api/v1/projects/{id}/trust-settings", ({ response }) =>
      response.untyped(refusal(409, "It is not what was read.")),
    ),
  );
  const person = await open("/projects");
  await person.click(await screen.findByRole("button", { name: "Review the settings file of todo" }));
  await person.click(await screen.findByRole("button", { name: "Trust and use" }));
  expect(await screen.findByText("It is not what was read.")).toBeTruthy();
});

test("a file that cannot be used says why", async () => {
  const error = ".spectask/project.toml on main cannot be used: line 1: unknown field `check`.";
  server.use(having(aProject({ settings_file: file({ state: "invalid", error }) })));
  await open("/projects");
  expect((await screen.findByRole("alert")).textContent).toContain("unknown field check");
  expect(screen.queryByRole("button", { name: /Review the settings/ })).toBeNull();
});

test("only changed settings become the project's own", async () => {
  let sent: { settings?: unknown } = {};
  server.use(
    having(aProject({ settings_file: file({ state: "trusted" }) })),
    http.put("/api/v1/projects/{id}", async ({ request, response }) => {
      sent = (await request.json()) as typeof sent;
      return response(200).json(aProject());
    }),
  );
  const person = await open("/projects");
  await person.click(await screen.findByRole("button", { name: "Settings of todo" }));
  const dialog = within(await screen.findByRole("dialog"));
  expect(dialog.getByText(/which you trusted/)).toBeTruthy();
  await person.click(dialog.getByLabelText("Setup command"));
  await person.paste("make setup");
  await person.click(dialog.getByRole("button", { name: "Save" }));
  await expect.poll(() => sent.settings).toEqual({ setup_command: "make setup" });
});
