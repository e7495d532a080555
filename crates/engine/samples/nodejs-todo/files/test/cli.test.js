// The command line, without a process of its own.

import assert from "node:assert/strict";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { run } from "../src/cli.js";
import { TodoStore } from "../src/store.js";

async function terminal() {
  const store = await TodoStore.open(join(await mkdtemp(join(tmpdir(), "todo-")), "todos.json"));
  return async (...args) => {
    const lines = [];
    const code = await run(args, { store, print: (line) => lines.push(line) });
    return { code, text: lines.join("\n") };
  };
}

test("todos are added, done and listed", async () => {
  const todo = await terminal();
  assert.deepEqual(await todo("add", "Buy", "milk"), { code: 0, text: "[ ]   1 Buy milk" });
  assert.deepEqual(await todo("done", "1"), { code: 0, text: "[x]   1 Buy milk" });
  assert.equal((await todo("list", "--state", "open")).text, "Nothing to show.");
  assert.equal((await todo("list")).text, "[x]   1 Buy milk");
});

test("misuse is answered with a sentence and its own exit code", async () => {
  const todo = await terminal();
  assert.equal((await todo("add")).code, 2);
  assert.equal((await todo("list", "--colour")).code, 2);
  assert.equal((await todo("list", "--state", "lost")).code, 2);
  assert.equal((await todo("done", "9")).code, 1);
  assert.match((await todo()).text, /^Usage:/);
});
