import { screen, waitFor, within } from "@testing-library/react";
import { HttpResponse } from "msw";
import { expect, test, vi } from "vitest";
import type { InboxItem } from "../api/types";
import { anInboxItem } from "../testing/fixtures";
import { http, refusal, server, tell, total } from "../testing/network";
import { address, open } from "../testing/page";

/** What waits on the server now. */
let left: InboxItem[] = [];

/** Something begins or ceases to wait, by another client. */
function change(event: "added" | "resolved", item: InboxItem) {
  left = [...left.filter(({ id }) => id !== item.id), ...(event === "added" ? [item] : [])];
  tell("inbox", { event, item });
}

/** A server with these items; what is answered is gone. The answers that were given, in order. */
function waiting(...items: InboxItem[]) {
  const answers: unknown[] = [];
  left = items;
  const gone = (is: (item: InboxItem) => boolean) => {
    left = left.filter((item) => !is(item));
    return HttpResponse.json({});
  };
  server.use(
    http.get("/api/v1/inbox", ({ response }) => response(200).json(left, total(left.length))),
    http.post("/api/v1/permissions/{id}", async ({ params, request, response }) => {
      answers.push([params.id, await request.json()]);
      return response.untyped(gone(({ request_id }) => request_id === params.id));
    }),
    http.post("/api/v1/work-sessions/{id}/messages", async ({ params, request, response }) => {
      answers.push([params.id, await request.json()]);
      return response.untyped(gone(({ kind }) => kind === "message"));
    }),
    http.post("/api/v1/spec-tasks/{id}/retry", ({ params, response }) => {
      answers.push(["retry", params.id]);
      return response.untyped(gone(({ kind }) => kind === "failure"));
    }),
  );
  return answers;
}

const failure = anInboxItem({
  id: "inb_2",
  kind: "failure",
  title: "Planning failed",
  summary: "The agent ended early.",
  work_session: null,
  request_id: null,
  deadline: null,
  actions: ["retry", "open"],
});
const review = anInboxItem({
  id: "inb_3",
  kind: "spec_review",
  title: "Review the specification",
  work_session: null,
  request_id: null,
  deadline: null,
  actions: ["open", "approve", "request_changes"],
});
const message = anInboxItem({
  id: "inb_4",
  kind: "message",
  title: "Reply to the agent",
  request_id: null,
  deadline: null,
  actions: ["reply", "open"],
});

const link = (name: string) => screen.findByRole("link", { name });

test("the dashboard opens with the inbox while something waits, and else with the tasks", async () => {
  waiting(anInboxItem());
  await open("/");
  await link("Allow a command");
  expect(address()).toBe("/inbox");
  expect(document.title).toBe("(1) Inbox · SpecTask");
});

test("without anything that waits it opens with the tasks", async () => {
  waiting();
  await open("/");
  await waitFor(() => expect(address()).toBe("/tasks"));
});

test("a permission is allowed with its command in view, and the focus goes to what waits next", async () => {
  const answers = waiting(anInboxItem(), failure);
  const person = await open("/inbox");
  expect((await screen.findByText("rm -r build")).tagName).toBe("CODE");
  await person.click(screen.getByRole("button", { name: "Allow" }));
  await waitFor(() => expect(screen.queryByText("rm -r build")).toBeNull());
  expect(answers).toEqual([["perm_1", { answer: "allow" }]]);
  expect(document.activeElement?.textContent).toBe("Planning failed");
});

test("the keyboard moves through the items and answers the one that is focused", async () => {
  const answers = waiting(anInboxItem(), failure);
  const person = await open("/inbox");
  await link("Allow a command");
  await person.keyboard("a");
  expect(answers).toEqual([]);
  await person.keyboard("j");
  expect(document.activeElement?.textContent).toBe("Allow a command");
  await person.keyboard("j");
  await person.keyboard("t");
  await waitFor(() => expect(answers).toEqual([["retry", "spt_1"]]));
  await person.keyboard("k");
  await person.keyboard("w");
  await waitFor(() => expect(answers[1]).toEqual(["perm_1", { answer: "allow_always" }]));
  await screen.findByText("Nothing needs you");
});

test("a review has no answer in the list, and opens with what is to be read", async () => {
  waiting(review);
  await open("/inbox");
  const found = await link("Review the specification");
  expect(found.getAttribute("href")).toBe("/tasks/spt_1?tab=specification");
  const item = found.closest("li");
  expect(item && within(item).queryAllByRole("button")).toEqual([]);
});

test("a conversation is replied to in the list", async () => {
  const answers = waiting(message);
  const person = await open("/inbox");
  await person.click(await screen.findByRole("button", { name: "Reply" }));
  await person.type(screen.getByRole("textbox", { name: "Reply" }), "Use the library.");
  await person.keyboard("{Control>}{Enter}{/Control}");
  await waitFor(() => expect(answers).toEqual([["stws_1", { content: "Use the library.", mode: "queue" }]]));
  await screen.findByText("Nothing needs you");
});

test("what another client answers leaves the list, and what begins to wait comes into it", async () => {
  waiting(failure);
  await open("/inbox");
  await link("Planning failed");
  await screen.findAllByText("Live");
  change("added", review);
  await link("Review the specification");
  change("resolved", failure);
  await waitFor(() => expect(screen.queryByRole("link", { name: "Planning failed" })).toBeNull());
});

test("an answer that is refused stays with its reason", async () => {
  waiting(anInboxItem());
  server.use(
    http.post("/api/v1/permissions/{id}", ({ response }) =>
      response.untyped(refusal(409, "The question is not open.")),
    ),
  );
  const person = await open("/inbox");
  await person.click(await screen.findByRole("button", { name: "Reject" }));
  expect((await screen.findByRole("alert")).textContent).toBe("The question is not open.");
});

test("a list that cannot be read says why", async () => {
  server.use(
    http.get("/api/v1/inbox", ({ response }) => response.untyped(refusal(422, "The limit is wrong."))),
  );
  await open("/inbox");
  expect((await screen.findByRole("alert")).textContent).toContain("The limit is wrong.");
});

test("notifications are asked for by a click alone, and shown while the page is not in front", async () => {
  const shown: { title: string; options?: NotificationOptions }[] = [];
  class Played {
    static permission: NotificationPermission = "default";
    static requestPermission = vi.fn(async () => {
      Played.permission = "granted";
      return Played.permission;
    });
    constructor(title: string, options?: NotificationOptions) {
      shown.push({ title, options });
    }
    close() {}
  }
  vi.stubGlobal("Notification", Played);
  vi.spyOn(document, "hasFocus").mockReturnValue(false);
  waiting(failure);
  const person = await open("/inbox");
  await link("Planning failed");
  await screen.findAllByText("Live");
  expect(Played.requestPermission).not.toHaveBeenCalled();
  await person.click(screen.getByRole("button", { name: "Turn on notifications" }));
  await waitFor(() => expect(screen.queryByRole("button", { name: "Turn on notifications" })).toBeNull());
  expect(shown).toEqual([]);
  change("added", review);
  await link("Review the specification");
  await waitFor(() => expect(shown.map(({ title }) => title)).toEqual(["Review the specification"]));
  expect(shown[0]?.options).toMatchObject({ body: "SPEC-1 Add due dates", tag: "inb_3" });
  vi.spyOn(document, "hasFocus").mockReturnValue(true);
  change("added", message);
  await link("Reply to the agent");
  expect(shown).toHaveLength(1);
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

test("a question of an agent is answered in its item", async () => {
  const question = {
    id: "evt_1",
    spec_task_id: "spt_1",
    task_short_id: "SPEC-1",
    task_name: "Add due dates",
    work_session_id: "stws_1",
    session_name: "Store the date",
    kind: "question" as const,
    message: "Which format?",
    choices: ["ISO 8601"],
    diff: null,
    asked_at: "2026-01-05T10:00:00Z",
    is_waiting: true,
  };
  const item = anInboxItem({ kind: "question", request_id: "evt_1", deadline: null, actions: ["open"] });
  waiting(item);
  const answers: unknown[] = [];
  server.use(
    http.get("/api/v1/questions", ({ response }) => response(200).json([question])),
    http.post("/api/v1/spec-tasks/{id}/questions/{question_id}/answer", async ({ request, response }) => {
      answers.push(await request.json());
      left = [];
      return response.untyped(HttpResponse.json({}));
    }),
  );
  const person = await open("/inbox");
  await person.click(await screen.findByRole("button", { name: "ISO 8601" }));
  await waitFor(() => expect(screen.queryByRole("button", { name: "ISO 8601" })).toBeNull());
  expect(answers).toEqual([{ answer: "ISO 8601" }]);
  // It is not asked above the list too.
  expect(screen.queryByRole("region", { name: "Questions of agents" })).toBeNull();
});

test("a question of an agent is read as Markdown, a command as it is", async () => {
  const question = anInboxItem({
    id: "inb_5",
    kind: "question",
    title: "Answer the agent",
    summary: "Use `a.ts` or **both**?",
    request_id: null,
    deadline: null,
    actions: ["open"],
  });
  waiting(question, anInboxItem({ summary: "rm **/*.log \u202e# safe" }));
  await open("/inbox");
  expect((await screen.findByText("both")).tagName).toBe("STRONG");
  expect(screen.getByText("a.ts").tagName).toBe("CODE");
  expect(screen.getByText(/^rm/, { selector: "code" }).textContent).toBe("rm **/*.log U+202E# safe");
});
