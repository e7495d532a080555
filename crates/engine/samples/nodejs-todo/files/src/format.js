// Todos as text, for the command line.

/** One line: its box, its number and its title. */
export function formatTodo(todo) {
  const box = todo.done ? "[x]" : "[ ]";
  const parts = [box, String(todo.id).padStart(3), todo.title];
  return parts.join(" ");
}

/** A line for each todo, or a sentence when there is none. */
export function formatList(todos) {
  if (todos.length === 0) return "Nothing to show.";
  return todos.map((todo) => formatTodo(todo)).join("\n");
}
