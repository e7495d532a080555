import { screen, within } from "@testing-library/react";
import { expect, test } from "vitest";
import { anAgent, aProject } from "../../testing/fixtures";
import { http, noLive, refusal, server } from "../../testing/network";
import { fill, open } from "../../testing/page";

const step = async (name: string) => {
  const heading = await screen.findByRole("heading", { name });
  const item = heading.closest("li");
  if (!item) throw new Error(`${name} is no step`);
  return within(item);
};

const found = {
  base_branch: "main",
  detection: {
    checks: ["npm test", "npm run lint"],
    languages: ["TypeScript"],
    setup_command: "npm ci",
    stacks: [],
    test_command: "npm test",
    unreadable_manifests: [{ path: "web/package.json", error: "expected `,` at line 3 column 5" }],
  },
  has_settings_file: false,
  project_id: null,
  proposed_file: "",
  repository_path: "/home/me/shop",
};

test("an agent and a repository that are there are ticked", async () => {
  await open("/tasks");
  expect((await step("Install a coding agent")).getByTitle("Done")).toBeTruthy();
  expect((await step("Add a repository")).getByText("/srv/todo")).toBeTruthy();
  expect((await step("Write a prompt")).getByTitle("To do")).toBeTruthy();
});

test("without an agent each has the command that installs it, to copy", async () => {
  server.use(
    http.get("/api/v1/agents", ({ response }) =>
      response(200).json([
        anAgent({
          installed: false,
          state: "not_installed",
          install_command: "npm install -g claude",
          default_for: [],
        }),
        anAgent({ id: "scripted", kind: "built_in", name: "Scripted agent" }),
      ]),
    ),
  );
  const person = await open("/tasks");
  const agents = await step("Install a coding agent");
  expect(agents.getByTitle("To do")).toBeTruthy();
  expect(agents.getByText("npm install -g claude")).toBeTruthy();
  await person.click(agents.getByRole("button", { name: "Copy the command that installs Claude" }));
  expect(await navigator.clipboard.readText()).toBe("npm install -g claude");
  await agents.findByRole("button", { name: "Copied" });
});

test("a repository is looked at by its path, then added with what was found", async () => {
  let isAdded = false;
  let sent: unknown;
  server.use(
    http.get("/api/v1/projects", ({ response }) => response(200).json(isAdded ? [aProject()] : [])),
    http.post("/api/v1/projects/detect", ({ response }) => response(200).json(found)),
    http.post("/api/v1/projects", async ({ request, response }) => {
      sent = await request.json();
      isAdded = true;
      return response(201).json(aProject());
    }),
  );
  const person = await open("/tasks");
  const repository = await step("Add a repository");
  await fill(person, repository.getByLabelText("Path of the repository"), "/home/me/shop/src");
  await person.keyboard("{Enter}");
  const status = within(await repository.findByRole("status", { name: "What was found" }));
  expect(status.getByText("npm ci")).toBeTruthy();
  expect(status.getByText("web/package.json: expected `,` at line 3 column 5")).toBeTruthy();
  await person.click(status.getByRole("button", { name: "Add this repository" }));
  await repository.findByText("/srv/todo");
  expect(sent).toEqual({
    repository_path: "/home/me/shop",
    default_branch: "main",
    settings: { setup_command: "npm ci", checks: ["npm test", "npm run lint"] },
  });
});

test("a path that is no repository is said so in the server's words", async () => {
  server.use(
    http.get("/api/v1/projects", ({ response }) => response(200).json([])),
    http.post("/api/v1/projects/detect", ({ response }) =>
      response.untyped(refusal(422, "/tmp is not a git repository.")),
    ),
  );
  const person = await open("/tasks");
  const repository = await step("Add a repository");
  await fill(person, repository.getByLabelText("Path of the repository"), "/tmp");
  await person.click(repository.getByRole("button", { name: "Look at it" }));
  expect((await repository.findByRole("alert")).textContent).toContain("is not a git repository");
});

test("agents that cannot be listed are an error with a way on", async () => {
  server.use(
    noLive,
    http.get("/api/v1/agents", ({ response }) => response.untyped(refusal(500, "The disk is full."))),
  );
  await open("/tasks");
  const alert = await screen.findByRole("alert");
  expect(alert.textContent).toContain("The disk is full.");
  expect(within(alert).getByRole("button", { name: "Try again" })).toBeTruthy();
});
