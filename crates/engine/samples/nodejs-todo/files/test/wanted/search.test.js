// Wanted: a search. Not built until this file passes.

import assert from "node:assert/strict";
import { mkdtemp } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createApp } from "../../src/app.js";
import { run } from "../../src/cli.js";
import { TodoStore } from "../../src/store.js";

const searchTodos = async (...args) => (await import("../../src/search.js")).searchTodos(...args);

const todos = ["Buy milk", "Buy oat milk and bread", "Call Zoë", "Plan the milk round"].map((title, at) => ({
  id: at + 1,
  title,
  done: false,
}));
const ids = (list) => list.map(({ id }) => id);

async function filled() {
  const store = await TodoStore.open(join(await mkdtemp(join(tmpdir(), "todo-")), "todos.json"));
  for (const { title } of todos) await store.add({ title });
  return store;
}

test("words: every word has to be there, in any order and case", async () => {
  assert.deepEqual(ids(await searchTodos(todos, "MILK buy")), [1, 2]);
  assert.deepEqual(ids(await searchTodos(todos, "bread milk")), [2]);
  assert.deepEqual(ids(await searchTodos(todos, "cheese")), []);
});

test("words: the start of a word is enough, its middle is not", async () => {
  assert.deepEqual(ids(await searchTodos(todos, "bre")), [2]);
  assert.deepEqual(ids(await searchTodos(todos, "ilk")), []);
});

test("words: accents do not matter", async () => {
  assert.deepEqual(ids(await searchTodos(todos, "zoe")), [3]);
});

test("words: no words find everything", async () => {
  assert.deepEqual(ids(await searchTodos(todos, "  ")), [1, 2, 3, 4]);
  assert.deepEqual(ids(await searchTodos(todos, null)), [1, 2, 3, 4]);
});

test("api: q narrows the list, together with state", async (t) => {
  const store = await filled();
  await store.change(1, { done: true });
  const server = createServer(createApp({ store }));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const get = async (query) => {
    const response = await fetch(`http://127.0.0.1:${server.address().port}/todos?${query}`);
    return { status: response.status, body: await response.json() };
  };
  assert.deepEqual(ids((await get("q=buy+milk")).body), [1, 2]);
  assert.deepEqual(ids((await get("q=buy+milk&state=open")).body), [2]);
  assert.equal((await get(`q=${"x".repeat(201)}`)).status, 400);
});

test("command: search prints what it finds", async () => {
  const store = await filled();
  const todo = async (...args) => {
    const lines = [];
    const code = await run(args, { store, print: (line) => lines.push(line) });
    return { code, text: lines.join("\n") };
  };
  assert.deepEqual(await todo("search", "oat", "milk"), { code: 0, text: "[ ]   2 Buy oat milk and bread" });
  assert.deepEqual(await todo("search", "cheese"), { code: 1, text: "Nothing to show." });
  assert.equal((await todo("search")).code, 2);
});
