// A todo: what it consists of, how one is made and how it changes.

/** What a person sent cannot be used; the message says why. */
export class InvalidInput extends Error {}

const TITLE_LIMIT = 200;

/** Makes a todo from what a person sent. */
export function createTodo(input, { id, now }) {
  return {
    id,
    title: readTitle(input.title),
    done: false,
    createdAt: now.toISOString(),
  };
}

/** A copy of the todo with the changes a person sent. */
export function changeTodo(todo, changes) {
  const changed = { ...todo };
  if ("title" in changes) changed.title = readTitle(changes.title);
  if ("done" in changes) changed.done = readDone(changes.done);
  return changed;
}

function readTitle(value) {
  const title = typeof value === "string" ? value.trim() : "";
  if (title === "") throw new InvalidInput("a todo needs a title");
  if (title.length > TITLE_LIMIT) throw new InvalidInput(`a title has at most ${TITLE_LIMIT} characters`);
  return title;
}

function readDone(value) {
  if (typeof value !== "boolean") throw new InvalidInput("done is true or false");
  return value;
}
