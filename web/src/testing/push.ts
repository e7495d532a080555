// Push messages of a browser, as tests play them: jsdom has none.

import { vi } from "vitest";

interface Played {
  permission?: NotificationPermission;
  /** Whether the person allows notifications when they are asked. */
  allows?: boolean;
  /** The address of the subscription that is there at first. */
  subscribed?: string;
  /** The key of the server that it is for, which is {@link KEY} when absent. */
  key?: string;
  isSecure?: boolean;
}

/** The server's key, and the address that a new subscription gets. */
export const KEY = "BKey";
export const ADDRESS = "https://push.test/send/1";

/** Gives the page a browser with push messages. */
export function playPush({
  permission = "default",
  allows = true,
  subscribed,
  key = KEY,
  isSecure = true,
}: Played = {}) {
  const listeners = new Set<(event: MessageEvent) => void>();
  const registered: string[] = [];
  const unsubscribed: string[] = [];
  const closed: string[] = [];
  let current: object | null = null;
  const subscribe = (endpoint: string, key = KEY) => {
    const own = {
      endpoint,
      options: { applicationServerKey: Uint8Array.from(atob(key), (letter) => letter.charCodeAt(0)).buffer },
      toJSON: () => ({ endpoint, keys: { p256dh: "BPublic", auth: "secret" } }),
      unsubscribe: async () => {
        unsubscribed.push(endpoint);
        current = null;
        return true;
      },
    };
    current = own;
    return own;
  };
  if (subscribed !== undefined) subscribe(subscribed, key);
  const registration = {
    pushManager: { getSubscription: async () => current, subscribe: vi.fn(async () => subscribe(ADDRESS)) },
    getNotifications: async () =>
      ["inb_1", "inb_9", "test"].map((tag) => ({ tag, close: () => closed.push(tag) })),
  };
  const playedNotification = {
    permission,
    requestPermission: async () => {
      playedNotification.permission = allows ? "granted" : "denied";
      return playedNotification.permission;
    },
  };
  vi.stubGlobal("Notification", playedNotification);
  vi.stubGlobal("PushManager", class {});
  vi.stubGlobal("isSecureContext", isSecure);
  Object.defineProperty(navigator, "serviceWorker", {
    configurable: true,
    value: {
      register: async (script: string) => {
        registered.push(script);
        return registration;
      },
      ready: Promise.resolve(registration),
      getRegistration: async () => registration,
      addEventListener: (_: string, listener: (event: MessageEvent) => void) => listeners.add(listener),
      removeEventListener: (_: string, listener: (event: MessageEvent) => void) => listeners.delete(listener),
    },
  });
  let last: Promise<unknown> = Promise.resolve();
  Object.defineProperty(navigator, "locks", {
    configurable: true,
    value: {
      request: (_: string, act: () => Promise<unknown>) => {
        const next = last.then(act, act);
        last = next;
        return next;
      },
    },
  });
  const tell = (data: unknown) => {
    for (const listener of listeners) listener(new MessageEvent("message", { data }));
  };
  return { registered, unsubscribed, closed, registration, tell };
}

/** Takes the browser's push messages away again. */
export function endPush(): void {
  vi.unstubAllGlobals();
  Reflect.deleteProperty(navigator, "serviceWorker");
  Reflect.deleteProperty(navigator, "locks");
}

/** The id of a subscription with an address. */
export async function idOf(address: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(address));
  return `psh_${Buffer.from(hash).toString("hex").slice(0, 24)}`;
}
