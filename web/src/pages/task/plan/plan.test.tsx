// The plan, edited task by task.

import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import type { PlanEdits, PlanTask } from "../../../api/types";
import { aPlanTask, aReview, aTaskDetail, theSpecs } from "../../../testing/fixtures";
import { having, http, refusal, server, tell } from "../../../testing/network";
import { fill, open } from "../../../testing/page";

const TASKS = [
  aPlanTask({ number: "1", title: "Store due dates" }),
  aPlanTask({ number: "2", title: "Show due dates", dependencies: ["1"], dependencies_written: true }),
];

const planOf = (tasks: PlanTask[], hash = "h1") => ({ findings: [], hash, not_editable: null, tasks });

/** Tasks with these titles, numbered in their order. */
const titled = (...titles: string[]) => titles.map((title, at) => aPlanTask({ number: `${at + 1}`, title }));

afterEach(() => void vi.restoreAllMocks());

/** A plan under review, and the edits that are sent of it. */
function plan(...answers: PlanTask[][]) {
  const sent: PlanEdits[] = [];
  server.use(
    http.get("/api/v1/spec-tasks/{id}/specs", ({ response }) => response(200).json(theSpecs())),
    http.get("/api/v1/spec-tasks/{id}/reviews", ({ response }) => response(200).json([aReview()])),
    http.get("/api/v1/spec-tasks/{id}/plan", ({ response }) => response(200).json(planOf(TASKS))),
    http.post("/api/v1/spec-tasks/{id}/plan-edits", async ({ request, response }) => {
      const edits = await request.json();
      sent.push(edits);
      return response(200).json({
        ...planOf(answers[edits.operations.length - 1] ?? TASKS, edits.expected_hash),
        approval_void: false,
        commit: "c1",
        content: "",
        message: "",
        saved: !edits.dry_run,
        status: "spec_review",
      });
    }),
    ...having(aTaskDetail({ status: "spec_review", needs_person: true })),
  );
  return sent;
}

async function openPlan() {
  const person = await open("/tasks/spt_1?tab=specification");
  await person.click(await screen.findByRole("tab", { name: "Plan" }));
  await person.click(await screen.findByRole("button", { name: "Edit the plan task by task" }));
  await screen.findByRole("list", { name: "Planned tasks" }, { timeout: 5000 });
  return person;
}

const focused = () => document.activeElement?.getAttribute("aria-label");
const said = () => screen.getByRole("status", { name: "Last edit" }).textContent;

const choose = async (person: Awaited<ReturnType<typeof openPlan>>, task: string, action: string) => {
  await person.click(screen.getByRole("button", { name: `Change task ${task}` }));
  await person.click(await screen.findByRole("menuitem", { name: action }));
};

test("a task is edited, tried and saved as a new version", async () => {
  const sent = plan([TASKS[0] as PlanTask, aPlanTask({ number: "2", title: "Show all due dates" })]);
  const person = await openPlan();
  await choose(person, "2 Show due dates", "Edit");
  const dialog = within(await screen.findByRole("dialog", { name: "Edit task 2" }));
  const title = dialog.getByRole("textbox", { name: "Title" });
  await person.clear(title);
  await fill(person, title, "Show all due dates");
  await person.click(dialog.getByRole("button", { name: "Apply" }));
  await screen.findByRole("button", { name: "Change task 2 Show all due dates" });
  await person.click(screen.getByRole("button", { name: "Save plan" }));
  await screen.findByText("The plan is saved as a new version.");
  const operations = [{ op: "change", task: "2", title: "Show all due dates" }];
  expect(sent).toEqual([
    { expected_hash: "h1", operations, dry_run: true },
    { expected_hash: "h1", operations, dry_run: false },
  ]);
});

test("a change is taken back before it is saved", async () => {
  plan([TASKS[0] as PlanTask]);
  const person = await openPlan();
  await choose(person, "2 Show due dates", "Remove");
  await waitFor(() => expect(screen.queryByRole("button", { name: /^Change task 2/ })).toBeNull());
  await person.click(screen.getByRole("button", { name: "Undo" }));
  await screen.findByRole("button", { name: "Change task 2 Show due dates" });
});

test("changes that are not saved are kept, and approving asks about them", async () => {
  plan([TASKS[0] as PlanTask]);
  const person = await openPlan();
  await choose(person, "2 Show due dates", "Remove");
  await waitFor(() => expect(screen.queryByRole("button", { name: /^Change task 2/ })).toBeNull());
  await person.click(screen.getByRole("tab", { name: "Overview" }));
  await person.click(screen.getByRole("tab", { name: "Specification" }));
  await screen.findByRole("button", { name: "Save plan" });
  expect(screen.queryByRole("button", { name: /^Change task 2/ })).toBeNull();
  await person.click(screen.getByRole("button", { name: /Approve spec/ }));
  await screen.findByText(/Edits of the plan are not saved/);
});

test("the focus stays with the task that was edited, split, merged, added or removed", async () => {
  plan(
    titled("Store due dates", "Show all due dates"),
    titled("Store due dates", "Show all", "Show some"),
    titled("Store due dates", "Show all", "Show some", "Sort"),
    titled("Store due dates", "Show some", "Sort"),
    titled("Store due dates", "Show some"),
  );
  const person = await openPlan();
  expect(focused()).toBe("Planned tasks");

  await choose(person, "2 Show due dates", "Edit");
  let dialog = within(await screen.findByRole("dialog", { name: "Edit task 2" }));
  await fill(person, dialog.getByRole("textbox", { name: "Title" }), "!");
  await person.click(dialog.getByRole("button", { name: "Apply" }));
  await waitFor(() => expect(focused()).toBe("Change task 2 Show all due dates"));
  expect(said()).toBe("Task 2, Show due dates, is changed.");

  await choose(person, "2 Show all due dates", "Split");
  dialog = within(await screen.findByRole("dialog", { name: "Split task 2" }));
  await fill(person, dialog.getByRole("textbox", { name: "Title 2" }), "Show some");
  await person.click(dialog.getByRole("button", { name: "Split" }));
  await waitFor(() => expect(focused()).toBe("Change task 2 Show all"));
  expect(said()).toBe("Task 2, Show all due dates, is split into 2 tasks.");

  await choose(person, "3 Show some", "Add a task below");
  dialog = within(await screen.findByRole("dialog", { name: "Add a task after 3" }));
  await fill(person, dialog.getByRole("textbox", { name: "Title" }), "Sort");
  await person.click(dialog.getByRole("button", { name: "Add" }));
  await waitFor(() => expect(focused()).toBe("Change task 4 Sort"));
  expect(said()).toBe("Sort is added at position 4 of 4.");

  await choose(person, "2 Show all", "Merge into another");
  dialog = within(await screen.findByRole("dialog", { name: "Merge task 2 into another" }));
  await person.click(dialog.getByRole("combobox", { name: "Into" }));
  await person.click(await screen.findByRole("option", { name: "3 Show some" }));
  await person.click(dialog.getByRole("button", { name: "Merge" }));
  await waitFor(() => expect(focused()).toBe("Change task 2 Show some"));
  expect(said()).toBe("Task 2, Show all, is merged into task 3, Show some.");

  // The last one is removed: its neighbour has the focus.
  await choose(person, "3 Sort", "Remove");
  await waitFor(() => expect(focused()).toBe("Change task 2 Show some"));
  expect(said()).toBe("Task 3, Sort, is removed.");
});

test("a dialog that is cancelled gives the focus back to its task", async () => {
  plan();
  const person = await openPlan();
  await choose(person, "2 Show due dates", "Edit");
  const dialog = within(await screen.findByRole("dialog", { name: "Edit task 2" }));
  await person.click(dialog.getByRole("button", { name: "Cancel" }));
  await waitFor(() => expect(focused()).toBe("Change task 2 Show due dates"));
});

test("undo keeps the focus while there is more to undo, and then gives it to the task", async () => {
  plan(titled("Store due dates", "Show due dates", "Sort"), titled("Show due dates", "Sort"));
  const person = await openPlan();
  await choose(person, "2 Show due dates", "Add a task below");
  const dialog = within(await screen.findByRole("dialog", { name: "Add a task after 2" }));
  await fill(person, dialog.getByRole("textbox", { name: "Title" }), "Sort");
  await person.click(dialog.getByRole("button", { name: "Add" }));
  await waitFor(() => expect(focused()).toBe("Change task 3 Sort"));
  await choose(person, "1 Store due dates", "Remove");
  await waitFor(() => expect(focused()).toBe("Change task 1 Show due dates"));
  const undo = screen.getByRole("button", { name: "Undo" });
  await person.click(undo);
  expect(said()).toBe("Undone: Task 1, Store due dates, is removed.");
  expect(document.activeElement).toBe(undo);
  await person.click(undo);
  await waitFor(() => expect(focused()).toBe("Change task 2 Show due dates"));
});

test("a task that is moved by the keyboard keeps the focus, and its place is announced", async () => {
  const three = titled("Store", "Show", "Sort");
  const sent = plan(titled("Show", "Store", "Sort"));
  server.use(http.get("/api/v1/spec-tasks/{id}/plan", ({ response }) => response(200).json(planOf(three))));
  // Rows have places: nothing is laid out here.
  vi.spyOn(Element.prototype, "getBoundingClientRect").mockImplementation(function (this: Element) {
    const row = this.closest("ol[aria-label='Planned tasks'] > li");
    const at = row ? [...(row.parentElement?.children ?? [])].indexOf(row) : 0;
    return new DOMRect(0, at * 50, 300, 50);
  });
  await openPlan();
  const handle = screen.getByRole("button", { name: "Move task 1 Store" });
  handle.focus();
  fireEvent.keyDown(handle, { code: "Space" });
  await screen.findByText(/^Task 1, Store, (is|picked up) at position 1 of 3\.$/);
  // The library listens to further keys from the next task of the event loop on.
  await waitFor(() => {
    fireEvent.keyDown(handle, { code: "ArrowDown" });
    screen.getByText("Task 1, Store, is at position 2 of 3.");
  });
  fireEvent.keyDown(handle, { code: "Space" });
  await waitFor(() => expect(focused()).toBe("Move task 2 Store"));
  expect(said()).toBe("Task 1, Store, moved to position 2 of 3.");
  expect(sent.at(-1)?.operations).toEqual([{ op: "move", task: "1", after: "2" }]);
  const described = document.getElementById(handle.getAttribute("aria-describedby") ?? "");
  expect(described?.textContent).toMatch(/^Press Space to pick up the task/);
});

test("the boundary of a task is shown, with what its paths hide", async () => {
  plan();
  const bounded = { ...(TASKS[1] as PlanTask), boundary: ["src/\u202egpj.exe"] };
  server.use(
    http.get("/api/v1/spec-tasks/{id}/plan", ({ response }) => response(200).json(planOf([bounded]))),
  );
  await openPlan();
  screen.getByText("after 1 · within src/[U+202E]gpj.exe");
});

test("subtasks are read below their task", async () => {
  const subtasks = [
    { number: "2.1", title: "In the list", optional: false },
    { number: null, title: "In the calendar", optional: true },
  ];
  plan();
  server.use(
    http.get("/api/v1/spec-tasks/{id}/plan", ({ response }) =>
      response(200).json(planOf([TASKS[0] as PlanTask, { ...(TASKS[1] as PlanTask), subtasks }])),
    ),
  );
  await openPlan();
  const shown = within(screen.getByRole("list", { name: "Subtasks of task 2" })).getAllByRole("listitem");
  expect(shown.map((each) => each.textContent)).toEqual(["2.1 In the list", "In the calendar · optional"]);
  expect(screen.queryByRole("list", { name: "Subtasks of task 1" })).toBeNull();
});

/** Another person saves a version of the plan, and the live stream tells of it. */
function changeElsewhere(tasks: PlanTask[]) {
  server.use(
    http.get("/api/v1/spec-tasks/{id}/plan", ({ response }) => response(200).json(planOf(tasks, "h2"))),
  );
  tell("review", { spec_task_id: "spt_1", event: "documents_changed", status: "spec_review" });
}

test("a plan that changes meanwhile is said at once; the new one can be loaded", async () => {
  plan([TASKS[0] as PlanTask]);
  const person = await openPlan();
  await choose(person, "2 Show due dates", "Remove");
  await waitFor(() => expect(screen.queryByRole("button", { name: /^Change task 2/ })).toBeNull());
  changeElsewhere(titled("Store due dates", "Show due dates", "Sort by date"));
  const warning = within(await screen.findByRole("alert"));
  warning.getByText("The plan was changed meanwhile");
  warning.getByText(/discards your edit\./);
  expect(screen.getByRole("button", { name: "Save plan" }).getAttribute("aria-disabled")).toBe("true");
  await person.click(warning.getByRole("button", { name: "Load the new plan" }));
  await screen.findByRole("button", { name: "Change task 3 Sort by date" });
  expect(screen.queryByRole("alert")).toBeNull();
  expect(focused()).toBe("Planned tasks");
});

test("edits are kept by repeating them on the new plan", async () => {
  const sent = plan([TASKS[0] as PlanTask]);
  const person = await openPlan();
  await choose(person, "2 Show due dates", "Remove");
  await waitFor(() => expect(screen.queryByRole("button", { name: /^Change task 2/ })).toBeNull());
  changeElsewhere(titled("Store due dates", "Show due dates", "Sort by date"));
  await person.click(within(await screen.findByRole("alert")).getByRole("button", { name: "Keep my edits" }));
  await waitFor(() => expect(screen.queryByRole("alert")).toBeNull());
  expect(said()).toBe("Your edits are repeated on the new plan. They are not saved yet.");
  await person.click(screen.getByRole("button", { name: "Save plan" }));
  await screen.findByText("The plan is saved as a new version.");
  const operations = [{ op: "remove", task: "2" }];
  expect(sent.slice(1)).toEqual([
    { expected_hash: "h2", operations, dry_run: true },
    { expected_hash: "h2", operations, dry_run: false },
  ]);
});

test("edits of a task that is another one now are not repeated", async () => {
  const sent = plan([TASKS[0] as PlanTask]);
  const person = await openPlan();
  await choose(person, "2 Show due dates", "Remove");
  await waitFor(() => expect(screen.queryByRole("button", { name: /^Change task 2/ })).toBeNull());
  changeElsewhere(titled("Store due dates", "Sort by date"));
  const warning = await screen.findByText("The plan was changed meanwhile");
  await person.click(screen.getByRole("button", { name: "Keep my edits" }));
  await screen.findByText(/do not fit the new plan: its task 2 is another one or was changed too/);
  expect(warning.isConnected).toBe(true);
  expect(sent).toHaveLength(1);
});

test("a plan that changes before anything is edited is shown, with a note", async () => {
  plan();
  const person = await openPlan();
  changeElsewhere(titled("Store due dates", "Sort by date"));
  await screen.findByRole("button", { name: "Change task 2 Sort by date" });
  await person.click(within(await screen.findByRole("alert")).getByRole("button", { name: "Close" }));
  expect(screen.queryByText(/This is the new version/)).toBeNull();
});

test("a plan that somebody else changed is read again", async () => {
  plan();
  server.use(
    http.post("/api/v1/spec-tasks/{id}/plan-edits", ({ response }) =>
      response.untyped(refusal(409, "The plan was changed since you read it.")),
    ),
  );
  const person = await openPlan();
  await choose(person, "2 Show due dates", "Remove");
  await screen.findByText("The plan was changed since you read it.");
});
