// The network as tests play it: a server's answers, in the shapes of the API's document.

import { setupServer } from "msw/node";
import { createOpenApiHttp } from "openapi-msw";
import type { paths } from "../api/schema";

// In a browser an address is relative to the page; here a request has to be told.
globalThis.Request = class extends Request {
  constructor(input: RequestInfo | URL, init?: RequestInit) {
    super(typeof input === "string" ? new URL(input, window.location.href) : input, init);
  }
};

export const http = createOpenApiHttp<paths>();

/** It answers what a test says, and nothing else. */
export const server = setupServer();
server.listen({ onUnhandledRequest: "error" });
