// Todos, how they are selected, and their file.

import assert from "node:assert/strict";
import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { selectTodos } from "../src/query.js";
import { TodoStore } from "../src/store.js";
import { changeTodo, createTodo, InvalidInput } from "../src/todo.js";

const now = new Date("2025-03-10T09:00:00Z");

test("a todo has a trimmed title and is open", () => {
  const todo = createTodo({ title: "  Buy milk " }, { id: 1, now });
  assert.equal(todo.title, "Buy milk");
  assert.equal(todo.done, false);
  assert.equal(todo.createdAt, "2025-03-10T09:00:00.000Z");
});

test("a todo without a usable title is refused", () => {
  for (const title of [undefined, 7, "", "   ", "x".repeat(201)]) {
    assert.throws(() => createTodo({ title }, { id: 1, now }), InvalidInput);
  }
});

test("a change leaves the rest as it is", () => {
  const todo = createTodo({ title: "Buy milk" }, { id: 1, now });
  assert.deepEqual(changeTodo(todo, { done: true }), { ...todo, done: true });
  assert.throws(() => changeTodo(todo, { done: "yes" }), InvalidInput);
});

test("todos are selected by state", () => {
  const todos = [{ id: 1, done: false }, { id: 2, done: true }];
  assert.deepEqual(selectTodos(todos).map(({ id }) => id), [1, 2]);
  assert.deepEqual(selectTodos(todos, { state: "open" }).map(({ id }) => id), [1]);
  assert.deepEqual(selectTodos(todos, { state: "done" }).map(({ id }) => id), [2]);
  assert.throws(() => selectTodos(todos, { state: "lost" }), InvalidInput);
});

test("the store keeps what it is given", async () => {
  const path = join(await mkdtemp(join(tmpdir(), "todo-")), "todos.json");
  const store = await TodoStore.open(path, { now: () => now });
  const milk = await store.add({ title: "Buy milk" });
  const bread = await store.add({ title: "Buy bread" });
  await store.change(milk.id, { done: true });
  await store.remove(bread.id);

  const again = await TodoStore.open(path);
  assert.deepEqual(again.list().map(({ title, done }) => [title, done]), [["Buy milk", true]]);
  assert.equal(JSON.parse(await readFile(path, "utf8")).length, 1);
});

test("the store says when a todo is unknown", async () => {
  const path = join(await mkdtemp(join(tmpdir(), "todo-")), "todos.json");
  const store = await TodoStore.open(path);
  assert.equal(store.get(7), undefined);
  assert.equal(await store.change(7, { done: true }), undefined);
  assert.equal(await store.remove(7), false);
});
