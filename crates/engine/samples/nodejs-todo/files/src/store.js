// The todos in their JSON file. Every change is written before it is answered.

import { readFile, rename, writeFile } from "node:fs/promises";
import { changeTodo, createTodo } from "./todo.js";

export class TodoStore {
  #path;
  #todos;
  #now;

  constructor(path, todos, now) {
    this.#path = path;
    this.#todos = todos;
    this.#now = now;
  }

  /** Reads the file; one that does not exist is an empty list. */
  static async open(path, { now = () => new Date() } = {}) {
    let text = "[]";
    try {
      text = await readFile(path, "utf8");
    } catch (error) {
      if (error.code !== "ENOENT") throw error;
    }
    return new TodoStore(path, JSON.parse(text), now);
  }

  list() {
    return [...this.#todos];
  }

  get(id) {
    return this.#todos.find((todo) => todo.id === id);
  }

  async add(input) {
    const id = this.#todos.reduce((highest, todo) => Math.max(highest, todo.id), 0) + 1;
    const todo = createTodo(input, { id, now: this.#now() });
    await this.#save([...this.#todos, todo]);
    return todo;
  }

  async change(id, changes) {
    const todo = this.get(id);
    if (!todo) return undefined;
    const changed = changeTodo(todo, changes);
    await this.#save(this.#todos.map((one) => (one.id === id ? changed : one)));
    return changed;
  }

  async remove(id) {
    const rest = this.#todos.filter((todo) => todo.id !== id);
    const isKnown = rest.length < this.#todos.length;
    if (isKnown) await this.#save(rest);
    return isKnown;
  }

  async #save(todos) {
    const draft = `${this.#path}.draft`;
    await writeFile(draft, `${JSON.stringify(todos, null, 2)}\n`);
    await rename(draft, this.#path);
    this.#todos = todos;
  }
}
