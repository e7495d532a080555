import { screen, waitFor, within } from "@testing-library/react";
import { HttpResponse } from "msw";
import { expect, test } from "vitest";
import { aTask, aTaskUpdate } from "../testing/fixtures";
import { http, listing, noLive, refusal, server, tell, total } from "../testing/network";
import { address, fill, open } from "../testing/page";

const rows = () => screen.findAllByRole("link", { name: /Implementing|Review|Done|failed/ });

test("without a task the page says how to make the first one", async () => {
  const person = await open("/tasks");
  await person.click(await screen.findByRole("link", { name: "Create the first task" }));
  await screen.findByRole("dialog", { name: "New task" });
  expect(address()).toBe("/tasks?create=true");
});

test("tasks are placeholders until the server has answered", async () => {
  let answer = () => {};
  const held = new Promise<void>((done) => {
    answer = done;
  });
  server.use(
    http.get("/api/v1/spec-tasks", async ({ response }) => {
      await held;
      return response(200).json([aTask()], total(1));
    }),
  );
  await open("/tasks");
  expect((await screen.findByLabelText("Loading")).getAttribute("aria-busy")).toBe("true");
  answer();
  await rows();
  expect(screen.queryByLabelText("Loading")).toBeNull();
});

test("an error is told in the server's words, and the list asked for again", async () => {
  // The live stream would ask again by itself.
  server.use(
    noLive,
    http.get("/api/v1/spec-tasks", ({ response }) => response.untyped(refusal(500, "The disk is full."))),
  );
  const person = await open("/tasks");
  const alert = await screen.findByRole("alert");
  expect(alert.textContent).toContain("The disk is full.");
  server.use(listing(aTask()));
  await person.click(within(alert).getByRole("button", { name: "Try again" }));
  await rows();
  expect(screen.queryByRole("alert")).toBeNull();
});

test("a server that cannot be reached is told apart from one that refuses", async () => {
  server.use(
    noLive,
    http.untyped.get("/api/v1/spec-tasks", () => new HttpResponse("Bad Gateway", { status: 502 })),
  );
  await open("/tasks");
  expect((await screen.findByRole("alert")).textContent).toContain("The server does not answer.");
  expect(await screen.findAllByText("Offline")).not.toHaveLength(0);
});

test("what needs a person stands first, under its own heading, with its reason", async () => {
  server.use(
    listing(
      aTask({
        id: "spt_2",
        name: "Fix login",
        status: "spec_failed",
        needs_person: true,
        last_error: { at: "2026-01-05T10:00:00Z", code: "agent_crashed", message: "The agent crashed." },
      }),
      aTask(),
    ),
  );
  await open("/tasks");
  const [first, second] = await rows();
  expect(first?.textContent).toContain("Fix login");
  expect(first?.textContent).toContain("The agent crashed.");
  expect(second?.textContent).toContain("Add due dates");
  const needs = screen.getByRole("heading", { name: /Needs you/ });
  const active = screen.getByRole("heading", { name: /In progress/ });
  expect(first?.compareDocumentPosition(needs)).toBe(Node.DOCUMENT_POSITION_PRECEDING);
  expect(first?.compareDocumentPosition(active)).toBe(Node.DOCUMENT_POSITION_FOLLOWING);
  expect(screen.getByText("2 tasks").getAttribute("role")).toBe("status");
});

test("a filter is asked of the server, and cleared where nothing matches", async () => {
  server.use(
    http.get("/api/v1/spec-tasks", ({ query, response }) => {
      const tasks = query.getAll("status").includes("done") ? [] : [aTask()];
      return response(200).json(tasks, total(tasks.length));
    }),
  );
  const person = await open("/tasks");
  await rows();
  await person.click(screen.getByRole("button", { name: "Done" }));
  await screen.findByText("No matching tasks");
  expect(address()).toBe("/tasks?status=done");
  expect(screen.getByRole("button", { name: "Done" }).getAttribute("aria-pressed")).toBe("true");
  await person.click(screen.getByRole("button", { name: "Clear the filters" }));
  await rows();
  expect(address()).toBe("/tasks");
});

test("the address says what is asked for: states, priority, words and order", async () => {
  let asked = new URLSearchParams();
  server.use(
    http.get("/api/v1/spec-tasks", ({ request, query, response }) => {
      if (query.get("limit") === "100") asked = new URL(request.url).searchParams;
      return response(200).json([aTask()], total(1));
    }),
  );
  await open("/tasks?status=active&priority=high&q=due&sort=name");
  await rows();
  expect(asked.getAll("status")).toContain("implementation");
  expect(asked.getAll("status")).not.toContain("done");
  expect(Object.fromEntries(asked)).toMatchObject({ priority: "high", q: "due", sort: "name" });
});

test("words that are typed narrow the list down", async () => {
  server.use(
    http.get("/api/v1/spec-tasks", ({ query, response }) => {
      const all = [aTask(), aTask({ id: "spt_2", name: "Fix login" })];
      const found = all.filter(({ name }) => name.includes(query.get("q") ?? ""));
      return response(200).json(found, total(found.length));
    }),
  );
  const person = await open("/tasks");
  expect(await rows()).toHaveLength(2);
  await fill(person, screen.getByLabelText("Search tasks"), "login");
  await waitFor(async () => expect(await rows()).toHaveLength(1));
  expect(address()).toBe("/tasks?q=login");
});

test("news of the live stream change a row at once", async () => {
  server.use(listing(aTask()));
  await open("/tasks");
  await screen.findAllByText("Live");
  expect((await rows())[0]?.textContent).toContain("Implementing");
  tell("task.updated", aTaskUpdate({ status: "implementation_review", needs_person: true, version: 2 }));
  await screen.findByText("Review the change");
});
