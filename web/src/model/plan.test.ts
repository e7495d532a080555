import { expect, test } from "vitest";
import { aPlanTask } from "../testing/fixtures";
import { changeOf, draftOf, misfit, moveOf, namedTasks, outcomeOf, placeAfter, placeBefore } from "./plan";

const task = aPlanTask({ number: "2", title: "Build", details: ["Write it"], dependencies: ["1"] });

test("what is typed and not changed is no operation", () => {
  expect(changeOf(task, draftOf(task))).toBeUndefined();
  expect(changeOf(task, { ...draftOf(task), details: "Write it\n\n", dependencies: " 1," })).toBeUndefined();
});

test("an operation has the changed fields alone", () => {
  const draft = { ...draftOf(task), title: " Build it ", dependencies: "", effort: "large" as const };
  expect(changeOf(task, draft)).toEqual({
    op: "change",
    task: "2",
    title: "Build it",
    effort: "large",
    dependencies: [],
  });
});

test("a task takes the place of the one it is dropped on", () => {
  const tasks = [aPlanTask({ number: "1" }), task, aPlanTask({ number: "3" })];
  expect(moveOf(tasks, 2, 0)).toEqual({ op: "move", task: "3", before: "1" });
  expect(moveOf(tasks, 0, 1)).toEqual({ op: "move", task: "1", after: "2" });
  expect(moveOf(tasks, 1, 1)).toBeUndefined();
});

const FOUR = ["1", "2", "3", "4"].map((number) => aPlanTask({ number, title: `T${number}` }));

test("an operation leads to the task that it is about, or to its neighbour", () => {
  expect(placeAfter({ op: "change", task: "2" }, FOUR, 4)).toBe(1);
  expect(placeAfter({ op: "move", task: "1", after: "3" }, FOUR, 4)).toBe(2);
  expect(placeAfter({ op: "move", task: "1", before: "3" }, FOUR, 4)).toBe(1);
  expect(placeAfter({ op: "move", task: "4", before: "1" }, FOUR, 4)).toBe(0);
  expect(placeAfter({ op: "merge", task: "1", into: "3" }, FOUR, 3)).toBe(1);
  expect(placeAfter({ op: "merge", task: "4", into: "2" }, FOUR, 3)).toBe(1);
  expect(placeAfter({ op: "remove", task: "4" }, FOUR, 3)).toBe(2);
  expect(placeAfter({ op: "add", title: "New", after: "2" }, FOUR, 5)).toBe(2);
  expect(placeAfter({ op: "add", title: "New", before: "2" }, FOUR, 5)).toBe(1);
  expect(placeAfter({ op: "add", title: "New" }, FOUR, 5)).toBe(4);
  expect(placeBefore({ op: "add", title: "New", after: "2" }, FOUR)).toBe(1);
});

test("an outcome names the task by its title, and its place", () => {
  expect(outcomeOf({ op: "move", task: "3", before: "2" }, FOUR, 4)).toBe(
    "Task 3, T3, moved to position 2 of 4.",
  );
});

test("an operation fits another plan while the tasks that it names are the same", () => {
  const edit = { op: "change" as const, task: "2", title: "New", dependencies: ["1"] };
  const named = namedTasks(edit, FOUR);
  const swap = (at: number, more: object) =>
    FOUR.map((task, place) => (place === at ? { ...task, ...more } : task));
  expect(misfit(edit, named, FOUR)).toBeUndefined();
  // Its place in the document and what is done of it do not matter.
  expect(misfit(edit, named, swap(1, { line: 9, done: true, dependencies: ["1"] }))).toBeUndefined();
  expect(misfit(edit, named, swap(1, { details: ["More"] }))).toBe("2");
  expect(misfit(edit, named, swap(0, { title: "Other" }))).toBe("1");
  expect(misfit(edit, named, FOUR.slice(0, 1))).toBe("2");
  expect(misfit(edit, undefined, FOUR)).toBe("2");
});
