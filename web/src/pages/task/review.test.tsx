// The decisions about a specification and about a change.

import { screen, waitFor, within } from "@testing-library/react";
import { expect, test } from "vitest";
import type { ChangeReviewBody, Comment, ReviewBody, TaskDetail } from "../../api/types";
import { aComment, aDiff, aReview, aTaskDetail, theSpecs } from "../../testing/fixtures";
import { having, http, noLive, refusal, server } from "../../testing/network";
import { fill, open } from "../../testing/page";

/** A specification under review, and the decisions that are sent about it. */
function specification(...comments: Comment[]) {
  const task = aTaskDetail({ status: "spec_review", needs_person: true });
  const sent: ReviewBody[] = [];
  server.use(
    http.get("/api/v1/spec-tasks/{id}/specs", ({ response }) => response(200).json(theSpecs())),
    http.get("/api/v1/spec-tasks/{id}/reviews", ({ response }) =>
      response(200).json([aReview({ comments })]),
    ),
    http.post("/api/v1/spec-tasks/{id}/approve-specs", async ({ request, response }) => {
      sent.push(await request.json());
      return response(200).json({ ...task, status: "spec_approved", version: 2 });
    }),
    ...having(task),
  );
  return sent;
}

/** A change under review, and the decisions that are sent about it. */
function change(more: Partial<TaskDetail> = {}) {
  const task = aTaskDetail({
    status: "implementation_review",
    needs_person: true,
    spec_approved_at: "2026-01-05T10:00:00Z",
    change: {
      approved_by: null,
      checks: [],
      head: "0123456789abcdef",
      is_empty: false,
      items: [],
      repairs: [],
    },
    ...more,
  });
  const sent: ChangeReviewBody[] = [];
  server.use(
    ...having(task),
    http.get("/api/v1/spec-tasks/{id}/diff", ({ response }) => response(200).json(aDiff())),
    http.get("/api/v1/spec-tasks/{id}/secret-findings", ({ response }) => response(200).json([])),
    http.get("/api/v1/spec-tasks/{id}/pending-review", ({ response }) =>
      response(200).json({ line_comments: [] }),
    ),
    http.post("/api/v1/spec-tasks/{id}/approve-implementation", async ({ request, response }) => {
      sent.push(await request.json());
      return response(200).json({ ...task, change: task.change && { ...task.change, approved_by: "owner" } });
    }),
  );
  return sent;
}

const decision = async () => within(await screen.findByRole("region", { name: "Decision" }));
const button = async (name: RegExp) => (await decision()).findByRole("button", { name });
/** Waits until what is decided about is loaded, and so the buttons can be used. */
const ready = (name: RegExp) =>
  waitFor(async () => {
    const found = await button(name);
    expect(found.getAttribute("aria-disabled")).toBeNull();
    return found;
  });
const confirmation = async (name: string) => within(await screen.findByRole("dialog", { name }));

test("a specification without open comments is approved at once, as it was read", async () => {
  const sent = specification();
  const person = await open("/tasks/spt_1");
  await person.click(await ready(/^Approve spec/));
  await waitFor(() => expect(sent).toHaveLength(1));
  expect(sent[0]).toMatchObject({ approved: true, decision: "approve", content_hash: "hash-1" });
});

test("nothing can be approved before the comments are there", async () => {
  specification();
  let answer = () => {};
  const held = new Promise<void>((done) => {
    answer = done;
  });
  server.use(
    http.get("/api/v1/spec-tasks/{id}/reviews", async ({ response }) => {
      await held;
      return response(200).json([aReview()]);
    }),
  );
  await open("/tasks/spt_1");
  expect((await button(/^Approve spec/)).getAttribute("aria-disabled")).toBe("true");
  answer();
  await ready(/^Approve spec/);
});

test("with a comment that is written and not sent, an approval asks whether to discard it", async () => {
  const sent = specification();
  const person = await open("/tasks/spt_1");
  await ready(/^Approve spec/);
  await person.click(screen.getByRole("button", { name: "Comment" }));
  await fill(person, await screen.findByLabelText("Comment on requirements"), "Not yet");
  await person.click(await ready(/^Approve spec/));
  const asked = await confirmation("Approve spec & start?");
  asked.getByText(/Approving discards the comment/);
  expect(sent).toEqual([]);
  await person.click(asked.getByRole("button", { name: "Back" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(sent).toEqual([]);
});

test("open comments are counted before an approval, the blocking ones apart", async () => {
  const sent = specification(
    aComment(),
    aComment({ id: "com_2", kind: "blocking" }),
    aComment({ id: "com_3", kind: "praise" }),
    aComment({ id: "com_4", resolved: true }),
  );
  const person = await open("/tasks/spt_1");
  await (await decision()).findByText("Specification · 2 comments open");
  await button(/^Request changes \(2\)/);
  await person.click(await ready(/^Approve spec/));
  const asked = await confirmation("Approve spec & start?");
  asked.getByText(/2 comments are still open, 1 of them blocking/);
  await person.click(asked.getByRole("button", { name: "Approve spec & start" }));
  await waitFor(() => expect(sent).toHaveLength(1));
});

test("changes are requested only with what should change", async () => {
  const sent = specification();
  const person = await open("/tasks/spt_1");
  await person.click(await ready(/^Request changes/));
  const field = screen.getByLabelText("Overall comment");
  expect(field.getAttribute("aria-invalid")).toBe("true");
  expect(document.activeElement).toBe(field);
  expect(sent).toEqual([]);
  await fill(person, field, "Dates need a zone.");
  await person.click(await ready(/^Request changes/));
  await waitFor(() => expect(sent).toHaveLength(1));
  expect(sent[0]).toMatchObject({
    approved: false,
    decision: "request_changes",
    comments: "Dates need a zone.",
  });
});

test("a specification that changed meanwhile is not approved, and the page says so", async () => {
  specification();
  server.use(
    http.post("/api/v1/spec-tasks/{id}/approve-specs", ({ response }) =>
      response.untyped(refusal(409, "The documents have changed since you read them.")),
    ),
  );
  const person = await open("/tasks/spt_1");
  await person.click(await ready(/^Approve spec/));
  expect((await (await decision()).findByRole("alert")).textContent).toContain("changed since you read them");
  await ready(/^Approve spec/);
});

test("a rejection is asked about, and its question can be left", async () => {
  const sent = specification();
  const person = await open("/tasks/spt_1");
  await person.click(await ready(/^Reject/));
  const asked = await confirmation("Reject the specification?");
  await person.click(asked.getByRole("button", { name: "Back" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(sent).toEqual([]);
  await person.click(await ready(/^Reject/));
  const again = await confirmation("Reject the specification?");
  await person.click(again.getByRole("button", { name: "Reject and cancel" }));
  await waitFor(() => expect(sent).toMatchObject([{ approved: false, decision: "reject" }]));
});

test("without a connection nothing can be decided", async () => {
  const sent = specification();
  server.use(noLive);
  const person = await open("/tasks/spt_1");
  await screen.findAllByText("Offline");
  const approve = await button(/^Approve spec/);
  expect(approve.getAttribute("aria-disabled")).toBe("true");
  await person.click(approve);
  await person.keyboard("a");
  expect(sent).toEqual([]);
});

test("a change is merged after a look at its facts, by the commit that was read", async () => {
  const sent = change();
  const person = await open("/tasks/spt_1");
  await person.click(await ready(/^Approve & merge/));
  const asked = await confirmation("Approve & merge?");
  asked.getByText("1 file, +2 −1");
  asked.getByText("None are configured");
  asked.getByText("0123456789");
  asked.getByText("main");
  expect(sent).toEqual([]);
  await person.click(asked.getByRole("button", { name: "Approve & merge" }));
  await waitFor(() => expect(sent).toHaveLength(1));
  expect(sent[0]).toMatchObject({ decision: "approve", commit: "0123456789abcdef", allow_empty: false });
});

test("failed checks and items without evidence stand in the question", async () => {
  const check = (command: string, passed: boolean) => ({
    at: "2026-01-05T10:00:00Z",
    command,
    exit_code: passed ? 0 : 1,
    output: "",
    passed,
    took_ms: 10,
    fails_on_base: false,
  });
  const checks = [check("npm test", false), check("npm run lint", true)];
  const evidence = { checks: [], commits: [], state: "claimed" as const };
  const items = [{ evidence, index: 0, number: "1", status: "completed" as const, title: "Store due dates" }];
  change({ change: { approved_by: null, checks, head: "0123456789abcdef", is_empty: false, items } });
  const person = await open("/tasks/spt_1");
  await (await decision()).findByText(/1 of 2 checks failed/);
  await person.click(await ready(/^Approve & merge/));
  const asked = await confirmation("Approve & merge?");
  asked.getByText("1 of 2 failed");
  asked.getByText("npm test");
  expect(asked.queryByText("npm run lint")).toBeNull();
  asked.getByText(/1 item has none: 1 Store due dates/);
});

test("an empty change says that nothing is merged, and is approved as such", async () => {
  const sent = change({
    change: {
      approved_by: null,
      checks: [],
      head: "0123456789abcdef",
      is_empty: true,
      items: [],
      repairs: [],
    },
  });
  const person = await open("/tasks/spt_1");
  await person.click(await ready(/^Approve & merge/));
  const asked = await confirmation("Approve & merge?");
  asked.getByText(/No session changed a file/);
  await person.click(asked.getByRole("button", { name: "Approve & merge" }));
  await waitFor(() => expect(sent).toMatchObject([{ allow_empty: true }]));
});

test("line comments that are not sent are named before a merge, and go with a request", async () => {
  const sent = change();
  const comment = { path: "src/todo.js", side: "new" as const, line: 3, quoted_text: "x", comment: "Why?" };
  server.use(
    http.get("/api/v1/spec-tasks/{id}/pending-review", ({ response }) =>
      response(200).json({ line_comments: [comment] }),
    ),
    http.put("/api/v1/spec-tasks/{id}/pending-review", async ({ request, response }) =>
      response(200).json(await request.json()),
    ),
  );
  const person = await open("/tasks/spt_1");
  await button(/^Request changes \(1\)/);
  await person.click(await ready(/^Approve & merge/));
  const asked = await confirmation("Approve & merge?");
  asked.getByText(/1 line comment is not sent when you approve/);
  await person.click(asked.getByRole("button", { name: "Back" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  await person.click(await ready(/^Request changes/));
  await waitFor(() =>
    expect(sent).toMatchObject([{ decision: "request_changes", line_comments: [comment] }]),
  );
});

test("a change that moved on is not merged, and the question says so", async () => {
  change();
  server.use(
    http.post("/api/v1/spec-tasks/{id}/approve-implementation", ({ response }) =>
      response.untyped(refusal(409, "The change has moved on to `fedcba98`.")),
    ),
  );
  const person = await open("/tasks/spt_1");
  await person.click(await ready(/^Approve & merge/));
  const asked = await confirmation("Approve & merge?");
  await person.click(asked.getByRole("button", { name: "Approve & merge" }));
  expect((await asked.findByText(/moved on to/)).textContent).toBe("The change has moved on to fedcba98.");
});

test("the review of a plan says what it will probably use, and from what that is known", async () => {
  specification();
  server.use(
    http.get("/api/v1/spec-tasks/{id}/forecast", ({ response }) =>
      response(200).json({
        forecast: {
          planned_tasks: 3,
          cost_usd: { low: 1.5, median: 2, high: 4, basis: 14 },
          tokens: null,
        },
      }),
    ),
  );
  await open("/tasks/spt_1");
  expect(
    await screen.findByText(
      "Carrying out this plan will probably use $1.50 to $4.00 (from 14 finished planned tasks).",
    ),
  ).toBeTruthy();
});

test("a plan without a forecast says what one needs", async () => {
  specification();
  await open("/tasks/spt_1");
  await screen.findByText(/^No forecast yet: it needs finished planned tasks of this project/);
});
