// The command line: what its words mean.

import { parseArgs } from "node:util";
import { formatList, formatTodo } from "./format.js";
import { selectTodos } from "./query.js";
import { InvalidInput } from "./todo.js";

const USAGE = `Usage:
  todo add TITLE
  todo list [--state all|open|done]
  todo done NUMBER
  todo remove NUMBER
  todo serve`;

const OPTIONS = {
  state: { type: "string", default: "all" },
};

/** Carries out a command line and gives the exit code. */
export async function run(args, { store, print }) {
  try {
    const { values, positionals } = parseArgs({ args, options: OPTIONS, allowPositionals: true });
    return await carryOut(positionals, values, { store, print });
  } catch (error) {
    const isMisuse = error instanceof InvalidInput || error.code?.startsWith("ERR_PARSE_ARGS");
    if (!isMisuse) throw error;
    print(error.message);
    return 2;
  }
}

async function carryOut([command, ...words], options, { store, print }) {
  switch (command) {
    case "add":
      print(formatTodo(await store.add({ title: words.join(" ") })));
      return 0;
    case "list":
      print(formatList(selectTodos(store.list(), { state: options.state })));
      return 0;
    case "done": {
      const todo = await store.change(Number(words[0]), { done: true });
      print(todo ? formatTodo(todo) : "There is no such todo.");
      return todo ? 0 : 1;
    }
    case "remove": {
      const isRemoved = await store.remove(Number(words[0]));
      print(isRemoved ? "Removed." : "There is no such todo.");
      return isRemoved ? 0 : 1;
    }
    default:
      print(USAGE);
      return 2;
  }
}
