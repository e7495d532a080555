// Which todos are listed, and in which order.

import { InvalidInput } from "./todo.js";

const STATES = {
  all: () => true,
  open: (todo) => !todo.done,
  done: (todo) => todo.done,
};

/** The todos in a state: `all`, `open` or `done`. */
export function selectTodos(todos, { state = "all" } = {}) {
  if (!Object.hasOwn(STATES, state)) {
    throw new InvalidInput(`state is one of ${Object.keys(STATES).join(", ")}`);
  }
  return todos.filter(STATES[state]);
}
