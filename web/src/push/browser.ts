// Push messages to this browser: whether it gets them, and how they are turned on and off.

import { get, post, remove } from "../api/client";

/** Why this browser gets push messages, or does not. */
export type PushState =
  /** The page is not served over a secure connection. */
  | "insecure"
  | "unsupported"
  /** The person refused notifications of this site in the browser. */
  | "denied"
  | "off"
  | "on";

export interface PushHere {
  state: PushState;
  /** The subscription's id on the server, while it is on. */
  id: string | null;
}

const WORKER = "/sw.js";
const SCOPE = "/";
/** How many digits of the hash of its address the id of a subscription has, as the server says. */
const ID_DIGITS = 24;

function supported(): PushState | null {
  if (!window.isSecureContext) return "insecure";
  const has = "serviceWorker" in navigator && "PushManager" in window && typeof Notification !== "undefined";
  return has ? null : "unsupported";
}

async function subscription(): Promise<PushSubscription | null> {
  const registration = await navigator.serviceWorker.getRegistration(SCOPE);
  return (await registration?.pushManager.getSubscription()) ?? null;
}

/** Whether this browser gets push messages. */
export async function pushHere(): Promise<PushHere> {
  const why = supported();
  if (why) return { state: why, id: null };
  if (Notification.permission === "denied") return { state: "denied", id: null };
  const own = await subscription();
  if (!own || Notification.permission !== "granted") return { state: "off", id: null };
  return { state: "on", id: await idOf(own.endpoint) };
}

/** Does one thing at a time, in all tabs: a subscription that is being made is on the server a moment later. */
const exclusively = <T>(act: () => Promise<T>): Promise<T> => navigator.locks.request("spectask-push", act);

/** Asks for the browser's permission and turns push messages on; call it from a click only. */
export async function turnOn(): Promise<PushHere> {
  const why = supported();
  return why ? { state: why, id: null } : await exclusively(subscribe);
}

async function subscribe(): Promise<PushHere> {
  const permission = await Notification.requestPermission();
  if (permission !== "granted") return { state: permission === "denied" ? "denied" : "off", id: null };
  await navigator.serviceWorker.register(WORKER, { scope: SCOPE });
  const { pushManager } = await navigator.serviceWorker.ready;
  const { public_key: key } = await get("/api/v1/push/key");
  const known = await pushManager.getSubscription();
  const isSame = known !== null && textOf(known.options.applicationServerKey) === key;
  // A subscription is of one server; with another key there can be no second one.
  if (known && !isSame) await known.unsubscribe();
  const options = { userVisibleOnly: true, applicationServerKey: bytesOf(key) };
  const own = isSame ? known : await pushManager.subscribe(options);
  try {
    await keep(own);
  } catch (error) {
    // What the server does not know gets nothing.
    await own.unsubscribe();
    throw error;
  }
  return await pushHere();
}

/** Turns push messages off in this browser, and on the server. */
export const turnOff = (): Promise<PushHere> => exclusively(unsubscribe);

async function unsubscribe(): Promise<PushHere> {
  const own = await subscription();
  if (own) {
    const id = await idOf(own.endpoint);
    await own.unsubscribe();
    const all = await get("/api/v1/push/subscriptions", { params: { query: { limit: 500 } } });
    if (all.some((one) => one.id === id))
      await remove("/api/v1/push/subscriptions/{id}", { params: { path: { id } } });
  }
  return await pushHere();
}

/** Forgets the subscription of this browser, which the server has forgotten. */
export async function forgetPush(): Promise<void> {
  if (supported() === null) await (await subscription())?.unsubscribe();
}

/**
 * Says to the server that this browser still gets messages, with the session of now. A subscription that was removed elsewhere
 * ends here too, and one that the server cannot use any more is made anew.
 */
export async function confirmPush(): Promise<PushHere> {
  const here = await pushHere();
  return here.state === "on" ? await exclusively(confirm) : here;
}

async function confirm(): Promise<PushHere> {
  const here = await pushHere();
  const own = here.state === "on" ? await subscription() : null;
  if (!own) return here;
  const all = await get("/api/v1/push/subscriptions", { params: { query: { limit: 500 } } });
  const known = all.find(({ id }) => id === here.id);
  if (!known) {
    await own.unsubscribe();
    return await pushHere();
  }
  if (!known.readable) {
    await remove("/api/v1/push/subscriptions/{id}", { params: { path: { id: known.id } } });
    return await subscribe();
  }
  await keep(own);
  return here;
}

async function keep(own: PushSubscription): Promise<void> {
  const { endpoint, keys } = own.toJSON();
  await post("/api/v1/push/subscriptions", {
    body: {
      endpoint: endpoint ?? "",
      keys: { p256dh: keys?.p256dh ?? "", auth: keys?.auth ?? "" },
      name: browserName(navigator.userAgent),
    },
  });
}

/** The id of a subscription on the server. */
async function idOf(endpoint: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(endpoint));
  const digits = Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0")).join("");
  return `psh_${digits.slice(0, ID_DIGITS)}`;
}

function bytesOf(base64url: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64url.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

function textOf(bytes: ArrayBuffer | null): string {
  const text = btoa(String.fromCharCode(...new Uint8Array(bytes ?? new ArrayBuffer(0))));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

const BROWSERS: [RegExp, string][] = [
  [/Edg(e|A|iOS)?\//, "Edge"],
  [/OPR\//, "Opera"],
  [/Firefox\/|FxiOS\//, "Firefox"],
  [/SamsungBrowser\//, "Samsung Internet"],
  [/Chrom(e|ium)\/|CriOS\//, "Chrome"],
  [/Safari\//, "Safari"],
];
const SYSTEMS: [RegExp, string][] = [
  [/iPhone/, "iPhone"],
  [/iPad/, "iPad"],
  [/Android/, "Android"],
  [/Windows/, "Windows"],
  [/Mac OS X/, "macOS"],
  [/CrOS/, "ChromeOS"],
  [/Linux/, "Linux"],
];

/** What people call a browser, such as Firefox on Linux. */
export function browserName(userAgent: string): string {
  const name = (all: [RegExp, string][]) => all.find(([pattern]) => pattern.test(userAgent))?.[1];
  const [browser, system] = [name(BROWSERS) ?? "A browser", name(SYSTEMS)];
  return system ? `${browser} on ${system}` : browser;
}
