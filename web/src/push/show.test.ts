// What the service worker does, with a browser and a server that are played.

import { expect, test, vi } from "vitest";
import { browserName } from "./browser";
import { OPEN, type Options, onClick, onPush, type PushMessage, requestOf, type Scope } from "./show";

const permission = {
  version: 1,
  id: "inb_1",
  kind: "permission",
  title: "Allow a command",
  text: "npm publish",
  path: "/tasks/spt_1/sessions/stws_1",
  task: { id: "spt_1", short_id: "SPEC-1", name: "Add due dates" },
  request_id: "7",
  answers: [
    { id: "allow", label: "Allow once" },
    { id: "deny", label: "Reject" },
  ],
};

const CHROME =
  "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36";
const SAFARI =
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 Version/18.0 Mobile/15E148 Safari/604.1";

interface Played {
  /** The ids of the items that wait; a status is the server's refusal. */
  inbox?: string[] | number;
  pages?: { focused: boolean }[];
  shown?: string[];
  /** The status of the answer to a request of a button; null is no answer at all. */
  answer?: number | null;
  userAgent?: string;
  maxActions?: number;
}

function play(played: Played = {}) {
  const { inbox = ["inb_1"], answer = 200, userAgent = CHROME, maxActions = 2 } = played;
  const notifications: { title: string; options: Options }[] = [];
  const sent: { path: string; body: unknown }[] = [];
  const opened: string[] = [];
  const closed: string[] = [];
  const shown = (played.shown ?? []).map((tag) => ({ tag, data: null, close: () => closed.push(tag) }));
  const pages = (played.pages ?? []).map(({ focused }) => ({
    focused,
    visibilityState: "visible",
    focus: vi.fn(async () => undefined),
    postMessage: vi.fn(),
  }));
  const scope: Scope = {
    location: { origin: "https://spectask.test" },
    navigator: { userAgent },
    registration: {
      showNotification: async (title, options) => void notifications.push({ title, options }),
      getNotifications: async () => shown,
    },
    clients: {
      matchAll: async () => pages,
      openWindow: async (url) => void opened.push(url),
    },
    fetch: async (path, init) => {
      if (path.startsWith("/api/v1/inbox"))
        return typeof inbox === "number"
          ? new Response("{}", { status: inbox })
          : Response.json(inbox.map((id) => ({ id })));
      sent.push({ path, body: JSON.parse(String(init?.body)) });
      expect(init).toMatchObject({ method: "POST", credentials: "same-origin" });
      if (answer === null) throw new TypeError("no network");
      return new Response("{}", { status: answer });
    },
    maxActions,
  };
  return { scope, notifications, sent, opened, closed, pages };
}

const click = async (played: Played, message: object, action: string) => {
  const all = play(played);
  const close = vi.fn();
  await onClick(all.scope, { tag: "inb_1", data: message, close }, action);
  expect(close).toHaveBeenCalled();
  return all;
};

test("a message is shown with its task and the buttons that the browser has room for", async () => {
  const { scope, notifications } = play();
  await onPush(scope, JSON.stringify(permission));
  expect(notifications).toHaveLength(1);
  expect(notifications[0]?.title).toBe("Allow a command");
  expect(notifications[0]?.options).toMatchObject({
    body: "SPEC-1 Add due dates\nnpm publish",
    tag: "inb_1",
    silent: false,
    actions: [
      { action: "allow", title: "Allow once" },
      { action: "deny", title: "Reject" },
    ],
  });
  for (const maxActions of [0, 1]) {
    const small = play({ maxActions });
    await onPush(small.scope, JSON.stringify(permission));
    // Some of the answers would be another choice than the one that is asked for.
    expect(small.notifications[0]?.options.actions).toEqual([]);
  }
});

test("a message that comes late says that it is answered, and notifications of answered items go", async () => {
  const late = play({ inbox: ["inb_3"], shown: ["inb_2", "inb_3", "test"] });
  await onPush(late.scope, JSON.stringify(permission));
  expect(late.closed).toEqual(["inb_2"]);
  expect(late.notifications).toHaveLength(1);
  expect(late.notifications[0]).toMatchObject({
    title: "Already answered",
    options: { body: "Allow a command", silent: true, actions: [] },
  });
  // A server that cannot be asked says nothing about it.
  const signedOut = play({ inbox: 401, shown: ["inb_2"] });
  await onPush(signedOut.scope, JSON.stringify(permission));
  expect(signedOut.closed).toEqual([]);
  expect(signedOut.notifications[0]?.title).toBe("Allow a command");
});

test("nothing is shown while a page is in front, where the browser allows that", async () => {
  const pages = [{ focused: false }, { focused: true }];
  const inFront = play({ pages });
  await onPush(inFront.scope, JSON.stringify(permission));
  expect(inFront.notifications).toEqual([]);
  const safari = play({ pages, userAgent: SAFARI });
  await onPush(safari.scope, JSON.stringify(permission));
  expect(safari.notifications).toHaveLength(1);
  const behind = play({ pages: [{ focused: false }] });
  await onPush(behind.scope, JSON.stringify(permission));
  expect(behind.notifications).toHaveLength(1);
  // Who sends a test looks at the page.
  const tested = play({ pages });
  await onPush(tested.scope, JSON.stringify({ ...permission, id: "test", kind: "test", answers: [] }));
  expect(tested.notifications).toHaveLength(1);
});

test.each(["", "no JSON", "null", "[1]", '{"path":"//evil.test","title":4,"answers":[null,{"id":"allow"}]}'])(
  "a message that cannot be read (%s) still leads to the inbox",
  async (text) => {
    const { scope, notifications } = play();
    await onPush(scope, text);
    expect(notifications[0]?.title).toBe("SpecTask needs you");
    expect(notifications[0]?.options.actions).toEqual([]);
    const { opened } = await click({}, notifications[0]?.options.data as object, "");
    expect(opened).toEqual(["https://spectask.test/inbox"]);
  },
);

test("buttons answer permission requests and questions, and nothing else", async () => {
  const { sent, opened, notifications } = await click({}, permission, "allow");
  expect(sent).toEqual([{ path: "/api/v1/permissions/7", body: { answer: "allow" } }]);
  expect([opened, notifications]).toEqual([[], []]);
  const question = {
    ...permission,
    kind: "question",
    request_id: "evt_1",
    answers: [{ id: "option-0", label: "ISO 8601" }],
  };
  expect((await click({}, question, "option-0")).sent).toEqual([
    { path: "/api/v1/spec-tasks/spt_1/questions/evt_1/answer", body: { answer: "ISO 8601" } },
  ]);
  const read = (message: object, action: string) => requestOf(message as PushMessage, action);
  for (const kind of ["spec_review", "change_review", "failure", "landing", "message"])
    expect(read({ ...permission, kind }, "allow")).toBeNull();
  expect(
    read({ ...permission, answers: [{ id: "allow_always", label: "Always" }] }, "allow_always"),
  ).toBeNull();
  expect(read(permission, "approve")).toBeNull();
  // What no request stands for opens the page.
  const review = await click({}, { ...permission, kind: "spec_review" }, "allow");
  expect([review.sent, review.opened]).toEqual([[], ["https://spectask.test/tasks/spt_1/sessions/stws_1"]]);
});

test.each([
  [401, "Sign in to answer"],
  [403, "You may not answer this"],
  [409, "Already answered or expired"],
  [500, "The answer was not taken"],
  [null, "The server does not answer"],
])("an answer that is not taken (%s) is said to be", async (answer, title) => {
  const { notifications } = await click({ answer }, permission, "deny");
  expect(notifications).toHaveLength(1);
  expect(notifications[0]).toMatchObject({
    title,
    options: { tag: "inb_1", data: { path: permission.path, answers: [] } },
  });
});

test("a click opens the page in a window that is open, or else in another one", async () => {
  const { pages, opened } = await click({ pages: [{ focused: false }, { focused: true }] }, permission, "");
  expect(pages[1]?.postMessage).toHaveBeenCalledWith({ type: OPEN, path: permission.path });
  expect(pages[1]?.focus).toHaveBeenCalled();
  expect(pages[0]?.focus).not.toHaveBeenCalled();
  expect(opened).toEqual([]);
  expect((await click({}, permission, "")).opened).toEqual([
    "https://spectask.test/tasks/spt_1/sessions/stws_1",
  ]);
});

test("browsers are called as people call them", () => {
  expect(browserName(CHROME)).toBe("Chrome on Linux");
  expect(browserName(SAFARI)).toBe("Safari on iPhone");
  expect(browserName("Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0")).toBe(
    "Firefox on Windows",
  );
  expect(browserName(`${CHROME} Edg/140.0`)).toBe("Edge on Linux");
  expect(browserName("curl/8")).toBe("A browser");
});
