// Wanted: due dates. Not built until this file passes.

import assert from "node:assert/strict";
import { mkdtemp, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createApp } from "../../src/app.js";
import { run } from "../../src/cli.js";
import { formatTodo } from "../../src/format.js";
import { selectTodos } from "../../src/query.js";
import { TodoStore } from "../../src/store.js";
import { changeTodo, createTodo, InvalidInput } from "../../src/todo.js";

const now = () => new Date("2025-03-10T09:00:00Z");
const today = "2025-03-10";
const todos = [
  { id: 1, title: "Later", done: false, due: "2025-04-01" },
  { id: 2, title: "Late", done: false, due: "2025-03-08" },
  { id: 3, title: "Whenever", done: false, due: null },
  { id: 4, title: "Today", done: false, due: "2025-03-10" },
  { id: 5, title: "Late but done", done: true, due: "2025-03-01" },
  { id: 6, title: "Late for longer", done: false, due: "2025-03-05" },
];
const ids = (list) => list.map(({ id }) => id);

async function emptyFile() {
  return join(await mkdtemp(join(tmpdir(), "todo-")), "todos.json");
}

test("model: a todo has the due date it is given, or none", () => {
  assert.equal(createTodo({ title: "a", due: "2025-03-31" }, { id: 1, now: now() }).due, "2025-03-31");
  assert.equal(createTodo({ title: "a" }, { id: 1, now: now() }).due, null);
});

test("model: a due date is changed and taken away", () => {
  const todo = createTodo({ title: "a", due: "2025-03-31" }, { id: 1, now: now() });
  assert.equal(changeTodo(todo, { due: "2025-04-02" }).due, "2025-04-02");
  assert.equal(changeTodo(todo, { due: null }).due, null);
  assert.equal(changeTodo(todo, { done: true }).due, "2025-03-31");
});

test("model: a day that does not exist is refused", () => {
  for (const due of ["tomorrow", "2025-02-30", "2025-13-01", "31.03.2025", 7, ""]) {
    assert.throws(() => createTodo({ title: "a", due }, { id: 1, now: now() }), InvalidInput, String(due));
  }
});

test("query: what is overdue is open and before today, earliest first", () => {
  assert.deepEqual(ids(selectTodos(todos, { due: "overdue", today })), [6, 2]);
});

test("query: what is due today, and in the seven days from today", () => {
  assert.deepEqual(ids(selectTodos(todos, { due: "today", today })), [4]);
  const week = [{ id: 8, done: false, due: "2025-03-16" }, { id: 9, done: false, due: "2025-03-17" }, ...todos];
  assert.deepEqual(ids(selectTodos(week, { due: "week", today })), [4, 8]);
});

test("query: a word that is no choice is refused", () => {
  assert.throws(() => selectTodos(todos, { due: "someday", today }), InvalidInput);
});

test("text: a line says when its todo is due", () => {
  assert.equal(formatTodo(todos[0], { today }), "[ ]   1 Later (due 2025-04-01)");
  assert.equal(formatTodo(todos[1], { today }), "[ ]   2 Late (overdue since 2025-03-08)");
  assert.equal(formatTodo(todos[2], { today }), "[ ]   3 Whenever");
  assert.equal(formatTodo(todos[3], { today }), "[ ]   4 Today (due today)");
  assert.equal(formatTodo(todos[4], { today }), "[x]   5 Late but done");
});

test("file: a list from before due dates is read", async () => {
  const path = await emptyFile();
  await writeFile(path, JSON.stringify([{ id: 1, title: "Old", done: false, createdAt: "2024-01-01T00:00:00.000Z" }]));
  const store = await TodoStore.open(path, { now });
  assert.equal(store.get(1).due, null);
});

test("file: a due date that cannot be read names the todo", async () => {
  const path = await emptyFile();
  await writeFile(path, JSON.stringify([{ id: 12, title: "Odd", done: false, due: "soon" }]));
  await assert.rejects(TodoStore.open(path, { now }), /todo 12/);
});

test("edges: the API takes a due date and lists by it", async (t) => {
  const store = await TodoStore.open(await emptyFile(), { now });
  const server = createServer(createApp({ store, now }));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const url = `http://127.0.0.1:${server.address().port}/todos`;
  const post = (todo) => fetch(url, { method: "POST", body: JSON.stringify(todo) });
  assert.equal((await post({ title: "Late", due: "2025-03-08" })).status, 201);
  assert.equal((await post({ title: "Later", due: "2025-04-01" })).status, 201);
  assert.equal((await post({ title: "Never", due: "never" })).status, 400);
  const overdue = await (await fetch(`${url}?due=overdue`)).json();
  assert.deepEqual(overdue.map(({ title }) => title), ["Late"]);
  assert.equal((await fetch(`${url}?due=someday`)).status, 400);
});

test("edges: the command line takes a due date and lists by it", async () => {
  const store = await TodoStore.open(await emptyFile(), { now });
  const todo = async (...args) => {
    const lines = [];
    const code = await run(args, { store, now, print: (line) => lines.push(line) });
    return { code, text: lines.join("\n") };
  };
  assert.equal((await todo("add", "Taxes", "--due", "2025-03-08")).text, "[ ]   1 Taxes (overdue since 2025-03-08)");
  assert.equal((await todo("add", "Trip", "--due", "2025-04-01")).text, "[ ]   2 Trip (due 2025-04-01)");
  assert.equal((await todo("list", "--due", "overdue")).text, "[ ]   1 Taxes (overdue since 2025-03-08)");
  assert.equal((await todo("add", "Oops", "--due", "soon")).code, 2);
});
