// The HTTP API, over a real socket.

import assert from "node:assert/strict";
import { mkdtemp } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createApp } from "../src/app.js";
import { TodoStore } from "../src/store.js";

async function serve(t) {
  const store = await TodoStore.open(join(await mkdtemp(join(tmpdir(), "todo-")), "todos.json"));
  const server = createServer(createApp({ store }));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const base = `http://127.0.0.1:${server.address().port}`;
  return async (method, path, body) => {
    const response = await fetch(base + path, { method, body: body && JSON.stringify(body) });
    const text = await response.text();
    return { status: response.status, body: text && JSON.parse(text) };
  };
}

test("a todo is made, changed and removed", async (t) => {
  const call = await serve(t);
  const made = await call("POST", "/todos", { title: "Buy milk" });
  assert.equal(made.status, 201);
  assert.equal((await call("PATCH", `/todos/${made.body.id}`, { done: true })).body.done, true);
  assert.equal((await call("GET", "/todos?state=open")).body.length, 0);
  assert.equal((await call("DELETE", `/todos/${made.body.id}`)).status, 204);
  assert.equal((await call("GET", `/todos/${made.body.id}`)).status, 404);
});

test("what is wrong with a request is said", async (t) => {
  const call = await serve(t);
  assert.deepEqual(await call("POST", "/todos", { title: "" }), {
    status: 400,
    body: { error: "a todo needs a title" },
  });
  assert.equal((await call("POST", "/todos", [])).status, 400);
  assert.equal((await call("GET", "/todos?state=lost")).status, 400);
  assert.equal((await call("PUT", "/todos", {})).status, 405);
});
