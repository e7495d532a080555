// What each test in a page begins and ends with, and what a browser has that jsdom has not.

import { cleanup, configure } from "@testing-library/react";
import { afterEach } from "vitest";
import { server } from "./network";

// Computing visibility is slow in jsdom, so queries include hidden elements; tests name the dialog they look into.
configure({ asyncUtilTimeout: 20_000, defaultHidden: true });

class NoObserver {
  observe() {}
  unobserve() {}
  disconnect() {}
}
globalThis.ResizeObserver = NoObserver;
// Nothing is drawn here, and reading the styles of every component would take most of the time.
HTMLStyleElement.prototype.appendChild = (node) => node;
window.scrollTo = () => undefined;
Element.prototype.scrollIntoView = () => undefined;

afterEach(() => {
  cleanup();
  server.resetHandlers();
  localStorage.clear();
  sessionStorage.clear();
});
