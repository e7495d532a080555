#!/usr/bin/env node
// The program: the command line, or with `serve` the HTTP API.

import { createServer } from "node:http";
import { createApp } from "../src/app.js";
import { run } from "../src/cli.js";
import { TodoStore } from "../src/store.js";

const store = await TodoStore.open(process.env.TODO_FILE ?? "todos.json");
const args = process.argv.slice(2);

if (args[0] === "serve") {
  const port = Number(process.env.PORT ?? 3000);
  createServer(createApp({ store })).listen(port, "127.0.0.1", () => {
    console.log(`listening on http://127.0.0.1:${port}`);
  });
} else {
  process.exitCode = await run(args, { store, print: console.log });
}
