import { expect, test } from "vitest";
import { changeSize, mayHaveChange, sizeLine } from "./change";

const file = (path: string, additions: number, deletions: number) => ({ path, additions, deletions });
const FILES = [
  file("src/todo.js", 10, 2),
  file("specs/spt_1/tasks.md", 40, 0),
  file("specs/spt_2/a.md", 1, 0),
];

test("the documents of a task are distinguished from the files of its change", () => {
  const size = changeSize("spt_1", { total_files: 3, additions: 51, deletions: 2 }, FILES);
  expect(size).toEqual({ files: 2, additions: 11, deletions: 2, documents: 1 });
  expect(sizeLine(size)).toBe("2 files, +11 −2 · 1 spec document");
});

test("while files are missing, all are counted together, and the label says so", () => {
  const size = changeSize("spt_1", { total_files: 70, additions: 500, deletions: 20 }, FILES);
  expect(sizeLine(size)).toBe("70 files, +500 −20 · spec documents included");
});

test("a change of documents alone has no lines to count", () => {
  const size = changeSize("spt_1", { total_files: 1, additions: 40, deletions: 0 }, FILES.slice(1, 2));
  expect(sizeLine(size)).toBe("No files · 1 spec document");
});

test("a change without documents says nothing of them", () => {
  const size = changeSize("spt_3", { total_files: 1, additions: 1, deletions: 0 }, FILES.slice(2));
  expect(sizeLine(size)).toBe("1 file, +1 −0");
});

test("a task without a plan may have a change once it is started, whatever its type", () => {
  const task = { planned: false, status: "implementation", spec_approved_at: null } as const;
  expect(mayHaveChange(task)).toBe(true);
  expect(mayHaveChange({ ...task, status: "backlog" })).toBe(false);
  expect(mayHaveChange({ ...task, planned: true })).toBe(false);
  expect(mayHaveChange({ ...task, planned: true, spec_approved_at: "2026-11-22T11:00:00Z" })).toBe(true);
});
