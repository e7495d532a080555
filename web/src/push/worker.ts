// The service worker: it shows push messages as notifications. It caches nothing and answers no request of a page.

import { onClick, onPush, type Scope } from "./show";

interface WorkerEvent extends Event {
  waitUntil: (work: Promise<unknown>) => void;
}

interface Worker extends Scope {
  addEventListener: <Event extends WorkerEvent>(type: string, act: (event: Event) => void) => void;
  skipWaiting: () => Promise<void>;
  clients: Scope["clients"] & { claim: () => Promise<void> };
}

const worker = self as unknown as Worker;
const { location, navigator, registration, clients } = worker;
const scope: Scope = {
  location,
  navigator,
  registration,
  clients,
  fetch: (path, init) => fetch(path, init),
  // Browsers without buttons say nothing of it.
  maxActions: (Notification as { maxActions?: number }).maxActions ?? 0,
};

worker.addEventListener("install", (event) => event.waitUntil(worker.skipWaiting()));
worker.addEventListener("activate", (event) => event.waitUntil(worker.clients.claim()));
worker.addEventListener<WorkerEvent & { data: { text: () => string } | null }>("push", (event) =>
  event.waitUntil(onPush(scope, event.data?.text() ?? "")),
);
worker.addEventListener<WorkerEvent & { notification: Notification; action: string }>(
  "notificationclick",
  (event) => event.waitUntil(onClick(scope, event.notification, event.action)),
);
