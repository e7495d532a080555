// What the service worker does with a push message: it shows it as a notification, answers by its buttons, opens its page.

/** A message, as the server writes it. */
export interface PushMessage {
  id: string;
  kind: string;
  title: string;
  text: string;
  /** The page where the item is answered. */
  path: string;
  task: { id: string; short_id: string; name: string } | null;
  request_id: string | null;
  answers: { id: string; label: string }[];
}

/** A message from the worker to a page: what it is to show. */
export const OPEN = "spectask-open";

/** A notification that is there. */
interface Shown {
  tag: string;
  data: unknown;
  close: () => void;
}

interface Page {
  focused: boolean;
  visibilityState: string;
  focus: () => Promise<unknown>;
  postMessage: (message: unknown) => void;
}

/** The options of a notification; libraries of pages know no buttons. */
export type Options = NotificationOptions & { actions?: { action: string; title: string }[] };

/** The part of a service worker's scope that is used here. */
export interface Scope {
  location: { origin: string };
  navigator: { userAgent: string };
  registration: {
    showNotification: (title: string, options: Options) => Promise<void>;
    getNotifications: () => Promise<Shown[]>;
  };
  clients: {
    matchAll: (options: { type: "window"; includeUncontrolled: boolean }) => Promise<readonly Page[]>;
    openWindow: (url: string) => Promise<unknown>;
  };
  fetch: (path: string, init?: RequestInit) => Promise<Response>;
  /** How many buttons a notification has at most. */
  maxActions: number;
}

/** How long the worker waits for the server before it shows what it was told, in milliseconds. */
const ASK_WITHIN = 4000;
/** The first letters of the ids of items. */
const ITEM = "inb_";
const INBOX = "/inbox";

/** Shows a message. It may come late: an item that was answered meanwhile is said to be, and leaves no buttons. */
export async function onPush(scope: Scope, text: string): Promise<void> {
  const message = read(text);
  const isItem = message.id.startsWith(ITEM);
  const waiting = isItem ? await idsOfInbox(scope) : null;
  if (waiting) {
    for (const shown of await scope.registration.getNotifications())
      if (shown.tag.startsWith(ITEM) && !waiting.has(shown.tag)) shown.close();
  }
  const isAnswered = waiting !== null && !waiting.has(message.id);
  // Safari takes the permission back when a message shows nothing.
  if (isItem && !isSafari(scope) && (await isInFront(scope))) return;
  await scope.registration.showNotification(isAnswered ? "Already answered" : message.title, {
    body: isAnswered ? message.title : bodyOf(message),
    tag: message.id,
    icon: "/icon-192.png",
    badge: "/badge-96.png",
    silent: isAnswered,
    data: message,
    actions: isAnswered ? [] : buttonsOf(message, scope.maxActions),
  } as Options);
}

/** Answers by a button of a notification, or opens its page. */
export async function onClick(scope: Scope, notification: Shown, action: string): Promise<void> {
  notification.close();
  const message = valid(notification.data);
  const request = requestOf(message, action);
  if (!request) return await open(scope, message.path);
  const refused = await send(scope, request);
  if (refused !== null)
    await scope.registration.showNotification(refused, {
      body: bodyOf(message),
      tag: message.id,
      icon: "/icon-192.png",
      badge: "/badge-96.png",
      // Its page says more, and a button would be refused again.
      data: { ...message, answers: [] },
    } as Options);
}

/** The request that a button stands for. Reviews have none: they are approved on their page, by somebody who read it. */
export function requestOf(
  { kind, answers, request_id, task }: PushMessage,
  action: string,
): { path: string; body: object } | null {
  const answer = answers.find(({ id }) => id === action);
  if (!answer || request_id === null) return null;
  const request = encodeURIComponent(request_id);
  if (kind === "permission" && (answer.id === "allow" || answer.id === "deny"))
    return { path: `/api/v1/permissions/${request}`, body: { answer: answer.id } };
  if (kind === "question" && task)
    return {
      path: `/api/v1/spec-tasks/${encodeURIComponent(task.id)}/questions/${request}/answer`,
      body: { answer: answer.label },
    };
  return null;
}

/** Sends an answer with the cookie of the browser; the result is why it was not taken. */
async function send(scope: Scope, { path, body }: { path: string; body: object }): Promise<string | null> {
  try {
    const { ok, status } = await scope.fetch(path, {
      method: "POST",
      credentials: "same-origin",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify(body),
    });
    if (ok) return null;
    if (status === 401) return "Sign in to answer";
    if (status === 403) return "You may not answer this";
    if (status === 404 || status === 409) return "Already answered or expired";
    return "The answer was not taken";
  } catch {
    return "The server does not answer";
  }
}

/** Opens a page of the dashboard: in a window that is open, or else in another one. */
async function open(scope: Scope, path: string): Promise<void> {
  const pages = await scope.clients.matchAll({ type: "window", includeUncontrolled: true });
  const page = pages.find(({ focused }) => focused) ?? pages[0];
  if (!page) {
    await scope.clients.openWindow(new URL(path, scope.location.origin).href);
    return;
  }
  page.postMessage({ type: OPEN, path });
  await page.focus();
}

const isInFront = async (scope: Scope): Promise<boolean> =>
  (await scope.clients.matchAll({ type: "window", includeUncontrolled: true })).some(
    ({ focused }) => focused,
  );

const isSafari = ({ navigator }: Scope): boolean =>
  /Safari\//.test(navigator.userAgent) && !/Chrom(e|ium)\//.test(navigator.userAgent);

/** The items that wait; null when the server cannot be asked. */
async function idsOfInbox(scope: Scope): Promise<ReadonlySet<string> | null> {
  try {
    const answer = await scope.fetch("/api/v1/inbox?limit=500", {
      credentials: "same-origin",
      headers: { Accept: "application/json" },
      signal: AbortSignal.timeout(ASK_WITHIN),
    });
    // A list that has more pages does not say what is missing.
    if (!answer.ok || answer.headers.get("link")?.includes('rel="next"')) return null;
    const items: unknown = await answer.json();
    return Array.isArray(items) ? new Set(items.map(({ id }) => String(id))) : null;
  } catch {
    return null;
  }
}

function bodyOf({ text, task }: PushMessage): string {
  const about = task ? `${task.short_id} ${task.name}`.trim() : "";
  return [about, text].filter(Boolean).join("\n");
}

/** All answers, or none where they do not fit: a choice among some of them would not be the one that is asked for. */
const buttonsOf = ({ answers }: PushMessage, most: number): { action: string; title: string }[] =>
  answers.length > most ? [] : answers.map(({ id, label }) => ({ action: id, title: label }));

function read(text: string): PushMessage {
  try {
    return valid(JSON.parse(text));
  } catch {
    return valid(null);
  }
}

/** A message with everything that it should have; what cannot be used is left out. */
function valid(data: unknown): PushMessage {
  const found = isRecord(data) ? data : {};
  const words = (value: unknown, other = "") => (typeof value === "string" ? value : other);
  const task = isRecord(found.task) ? found.task : null;
  const path = words(found.path, INBOX);
  return {
    id: words(found.id, "spectask"),
    kind: words(found.kind),
    title: words(found.title) || "SpecTask needs you",
    text: words(found.text),
    // A page of this server and no other.
    path: /^\/(?![/\\])/.test(path) ? path : INBOX,
    task: task && { id: words(task.id), short_id: words(task.short_id), name: words(task.name) },
    request_id: typeof found.request_id === "string" ? found.request_id : null,
    answers: (Array.isArray(found.answers) ? found.answers : [])
      .filter(isRecord)
      .map(({ id, label }) => ({ id: words(id), label: words(label) }))
      .filter(({ id, label }) => id !== "" && label !== ""),
  };
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null;
