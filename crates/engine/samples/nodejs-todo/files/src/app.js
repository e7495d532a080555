// The HTTP API over a store.

import { selectTodos } from "./query.js";
import { InvalidInput } from "./todo.js";

const BODY_LIMIT = 64 * 1024;

/** A request listener for `http.createServer`. */
export function createApp({ store }) {
  return async (request, response) => {
    try {
      const url = new URL(request.url, "http://localhost");
      const [status, body] = await answer(request, url, store);
      send(response, status, body);
    } catch (error) {
      if (error instanceof InvalidInput) return send(response, 400, { error: error.message });
      send(response, 500, { error: "something went wrong" });
    }
  };
}

async function answer(request, url, store) {
  const notFound = [404, { error: "there is no such todo" }];
  if (url.pathname === "/todos") {
    if (request.method === "GET") return [200, listTodos(store, url.searchParams)];
    if (request.method === "POST") return [201, await store.add(await readBody(request))];
    return [405, { error: "use GET or POST" }];
  }
  const [, id] = url.pathname.match(/^\/todos\/(\d+)$/) ?? [];
  if (id === undefined) return [404, { error: "there is nothing here" }];
  if (request.method === "GET") {
    const todo = store.get(Number(id));
    return todo ? [200, todo] : notFound;
  }
  if (request.method === "PATCH") {
    const todo = await store.change(Number(id), await readBody(request));
    return todo ? [200, todo] : notFound;
  }
  if (request.method === "DELETE") return (await store.remove(Number(id))) ? [204] : notFound;
  return [405, { error: "use GET, PATCH or DELETE" }];
}

function listTodos(store, parameters) {
  return selectTodos(store.list(), { state: parameters.get("state") ?? "all" });
}

async function readBody(request) {
  let text = "";
  for await (const chunk of request) {
    text += chunk;
    if (text.length > BODY_LIMIT) throw new InvalidInput("the request is too long");
  }
  try {
    const body = JSON.parse(text);
    if (body !== null && typeof body === "object" && !Array.isArray(body)) return body;
  } catch {
    // Answered below, like every other body that is no object.
  }
  throw new InvalidInput("the request's body is no JSON object");
}

function send(response, status, body) {
  if (body === undefined) return response.writeHead(status).end();
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}
