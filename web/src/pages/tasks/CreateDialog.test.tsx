import { screen, waitFor, within } from "@testing-library/react";
import { HttpResponse } from "msw";
import { expect, test } from "vitest";
import type { FromPrompt } from "../../api/types";
import { anAgent, aTask, aTaskDetail } from "../../testing/fixtures";
import { having, http, refusal, server } from "../../testing/network";
import { address, fill, open } from "../../testing/page";

const dialog = async () => within(await screen.findByRole("dialog", { name: "New task" }));
const PROMPT = "What should the agents do?";

/** Waits until it is known where the task is to be done. */
const begun = async () => {
  const form = await dialog();
  await form.findByText("todo");
  return form;
};

test("what is typed stays when the dialog is left with Esc", async () => {
  const person = await open("/tasks?create=true");
  await fill(person, (await begun()).getByLabelText(PROMPT), "Add due dates");
  await person.keyboard("{Escape}");
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(address()).toBe("/tasks");
  await person.click(screen.getByRole("link", { name: "New task" }));
  const again = await dialog();
  expect(again.getByLabelText<HTMLTextAreaElement>(PROMPT).value).toBe("Add due dates");
  await person.click(again.getByRole("button", { name: "Clear draft" }));
  expect(again.getByLabelText<HTMLTextAreaElement>(PROMPT).value).toBe("");
});

test("nothing is sent without a prompt", async () => {
  const person = await open("/tasks?create=true");
  const form = await begun();
  const send = form.getByRole<HTMLButtonElement>("button", { name: "Create and start" });
  expect(send.disabled).toBe(true);
  await person.type(form.getByLabelText(PROMPT), " ");
  expect(send.disabled).toBe(true);
  await person.type(form.getByLabelText(PROMPT), "x");
  expect(send.disabled).toBe(false);
});

test("without an agent that can do it there is nothing to send, and the page says so", async () => {
  server.use(
    http.get("/api/v1/agents", ({ response }) => response(200).json([anAgent({ default_for: [] })])),
  );
  const person = await open("/tasks?create=true");
  const form = await begun();
  await fill(person, form.getByLabelText(PROMPT), "Add due dates");
  await waitFor(() =>
    expect(form.getByRole<HTMLButtonElement>("button", { name: "Create and start" }).disabled).toBe(true),
  );
});

test("a task is made of what is filled in, and opened; the draft is over", async () => {
  const sent: FromPrompt[] = [];
  server.use(
    ...having(aTaskDetail()),
    http.post("/api/v1/spec-tasks/from-prompt", async ({ request, response }) => {
      sent.push(await request.json());
      return response(201).json(aTask());
    }),
  );
  const person = await open("/tasks?create=true");
  const form = await begun();
  await fill(person, form.getByLabelText(PROMPT), "Add due dates ");
  await person.click(form.getByRole("combobox", { name: "Priority" }));
  await person.click(await screen.findByRole("option", { name: "High" }));
  await person.click(form.getByRole("button", { name: "Create and start" }));
  await screen.findByRole("heading", { name: "Add due dates" });
  expect(address()).toBe("/tasks/spt_1");
  expect(sent).toEqual([
    {
      prompt: "Add due dates",
      project_id: "prj_1",
      type: "feature",
      priority: "high",
      complexity: "complex",
    },
  ]);
  expect(Object.keys(localStorage).filter((key) => key.includes("new-task"))).toEqual([]);
});

test("a refused field says what is wrong with it, beside it", async () => {
  server.use(
    http.post("/api/v1/spec-tasks/from-prompt", ({ response }) =>
      response.untyped(
        refusal(422, "It is not valid.", [{ field: "prompt", message: "The prompt is too long." }]),
      ),
    ),
  );
  const person = await open("/tasks?create=true");
  const form = await begun();
  await fill(person, form.getByLabelText(PROMPT), "Add due dates");
  await person.click(form.getByRole("button", { name: "Create and start" }));
  await form.findByText("The prompt is too long.");
  expect(form.getByLabelText(PROMPT).getAttribute("aria-invalid")).toBe("true");
  // What a field says is not said twice.
  expect(form.queryByRole("alert")).toBeNull();
});

test("what is sent again without an answer has the same key, so that one task comes of it", async () => {
  const keys: (string | null)[] = [];
  server.use(
    http.untyped.post("/api/v1/spec-tasks/from-prompt", ({ request }) => {
      keys.push(request.headers.get("idempotency-key"));
      return new HttpResponse("Bad Gateway", { status: 502 });
    }),
  );
  const person = await open("/tasks?create=true");
  const form = await begun();
  await fill(person, form.getByLabelText(PROMPT), "Add due dates");
  const send = form.getByRole("button", { name: "Create and start" });
  await person.click(send);
  await form.findByText(/The server does not answer/);
  await person.click(send);
  await waitFor(() => expect(keys).toHaveLength(2));
  await form.findByText(/The server does not answer/);
  await fill(person, form.getByLabelText(PROMPT), " soon");
  await person.click(send);
  await waitFor(() => expect(keys).toHaveLength(3));
  expect(keys[0]).toBeTruthy();
  expect(keys[1]).toBe(keys[0]);
  expect(keys[2]).not.toBe(keys[0]);
});

test("a task whose file was refused is completed by the next try", async () => {
  const made: boolean[] = [];
  const uploads: string[] = [];
  server.use(
    ...having(aTaskDetail()),
    http.post("/api/v1/spec-tasks/from-prompt", async ({ request, response }) => {
      made.push((await request.json()).start ?? true);
      return response(201).json(aTask());
    }),
    http.post("/api/v1/spec-tasks/{id}/attachments", ({ query, response }) => {
      const name = query.get("name") ?? "";
      uploads.push(name);
      return name === "large.bin"
        ? response.untyped(refusal(413, "The file is larger than 5 MiB."))
        : response(201).json({ id: `att_${name}`, name, media_type: "text/plain", size: 1 });
    }),
    http.post("/api/v1/spec-tasks/{id}/start", ({ response }) => response(200).json(aTask())),
  );
  const person = await open("/tasks?create=true");
  const form = await begun();
  await fill(person, form.getByLabelText(PROMPT), "Add due dates");
  const files = ["small.txt", "large.bin"].map((name) => new File(["x"], name, { type: "text/plain" }));
  await person.upload(form.getByLabelText("Files"), files);
  await person.click(form.getByRole("button", { name: "Create and start" }));
  await form.findByText("large.bin: The file is larger than 5 MiB.");
  await person.click(form.getByRole("button", { name: "Remove large.bin" }));
  await person.click(form.getByRole("button", { name: "Create and start" }));
  await screen.findByRole("heading", { name: "Add due dates" });
  expect(made).toEqual([false]);
  expect(uploads).toEqual(["small.txt", "large.bin", "small.txt"]);
});
