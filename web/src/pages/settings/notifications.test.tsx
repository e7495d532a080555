// Notifications while no page is open: turned on and off in this browser, and listed for all browsers.

import { act, screen, waitFor, within } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import type { PushDelivery, PushSubscriptionInfo } from "../../api/types";
import { findings } from "../../testing/axe";
import { http, refusal, server } from "../../testing/network";
import { address, open } from "../../testing/page";
import { ADDRESS, endPush, idOf, KEY, playPush } from "../../testing/push";

afterEach(endPush);

const aBrowser = (more: Partial<PushSubscriptionInfo> = {}): PushSubscriptionInfo => ({
  id: "psh_2",
  name: "Firefox on Windows",
  service: "https://push.test",
  created_at: "2026-01-05T10:00:00Z",
  confirmed_at: "2026-01-05T10:00:00Z",
  readable: true,
  pending: 1,
  delivered: 4,
  failed: 2,
  withdrawn: 3,
  ...more,
});

const aMessage = (more: Partial<PushDelivery> = {}): PushDelivery => ({
  id: 7,
  item_id: "inb_1",
  title: "Review the specification",
  task_short_id: "SPEC-1",
  state: "delivered",
  attempts: 1,
  created_at: "2026-01-05T10:00:00Z",
  next_attempt_at: null,
  finished_at: "2026-01-05T10:00:01Z",
  status: 201,
  error: null,
  ...more,
});

/** A server with browsers that get messages, and what is asked of it. */
function push(...browsers: PushSubscriptionInfo[]) {
  const asked: unknown[] = [];
  let all = browsers;
  server.use(
    http.get("/api/v1/push/key", ({ response }) => response(200).json({ public_key: KEY })),
    http.get("/api/v1/push/subscriptions", ({ response }) => response(200).json(all)),
    http.post("/api/v1/push/subscriptions", async ({ request, response }) => {
      const body = await request.json();
      asked.push(["subscribe", body]);
      const kept = aBrowser({ id: await idOf(body.endpoint), name: "This one" });
      all = [...all.filter(({ id }) => id !== kept.id), kept];
      return response(200).json(kept);
    }),
    http.delete("/api/v1/push/subscriptions/{id}", ({ params, response }) => {
      asked.push(["remove", params.id]);
      all = all.filter(({ id }) => id !== params.id);
      return response(204).empty();
    }),
    http.post("/api/v1/push/subscriptions/{id}/test", ({ params, response }) => {
      asked.push(["test", params.id]);
      return response(202).json({ id: 8 });
    }),
    http.get("/api/v1/push/subscriptions/{id}/deliveries", ({ response }) =>
      response(200).json([
        aMessage(),
        aMessage({ id: 6, state: "withdrawn", status: null, error: "answered before it was sent" }),
        aMessage({ id: 5, state: "failed", error: "the push service answered 403 Forbidden" }),
        aMessage({ id: 4, state: "pending", title: "Test notification", task_short_id: null, item_id: null }),
      ]),
    ),
  );
  return asked;
}

const PAGE = "/settings?view=notifications";
const KEPT = { endpoint: ADDRESS, keys: { p256dh: "BPublic", auth: "secret" } };

test("notifications are turned on by a click, and off again", async () => {
  const browser = playPush();
  const asked = push();
  const person = await open(PAGE);
  await screen.findByText("No browsers");
  expect(browser.registered).toEqual([]);
  await person.click(await screen.findByRole("button", { name: "Turn on notifications" }));
  const off = await screen.findByRole("button", { name: "Turn off notifications" });
  expect(browser.registered).toEqual(["/sw.js"]);
  expect(asked[0]).toEqual(["subscribe", expect.objectContaining(KEPT)]);
  expect(browser.registration.pushManager.subscribe).toHaveBeenCalledWith(
    expect.objectContaining({ userVisibleOnly: true }),
  );
  const listed = within(await screen.findByRole("listitem", { name: "This one" }));
  listed.getByText("This browser");
  expect(await findings(document.body)).toEqual([]);
  await person.click(off);
  await screen.findByRole("button", { name: "Turn on notifications" });
  expect(browser.unsubscribed).toEqual([ADDRESS]);
  expect(asked.at(-1)).toEqual(["remove", await idOf(ADDRESS)]);
  await screen.findByText("No browsers");
});

test("a browser that refuses, cannot, or is reached insecurely says what to do", async () => {
  push();
  playPush({ allows: false });
  const person = await open(PAGE);
  await person.click(await screen.findByRole("button", { name: "Turn on notifications" }));
  await screen.findByText(/blocked in the browser’s settings/);
  expect(screen.queryByRole("button", { name: /Turn on/ })).toBeNull();
});

test.each([
  [{ isSecure: false }, /need a secure address/],
  [null, /cannot receive push messages/],
] as const)("without push messages (%o) the page says why", async (played, text) => {
  push();
  if (played) playPush(played);
  else {
    playPush();
    Reflect.deleteProperty(navigator, "serviceWorker");
  }
  await open(PAGE);
  await screen.findByText(text);
  expect(screen.queryByRole("button", { name: /Turn o/ })).toBeNull();
});

test("a subscription that the server refuses says why, and stays off", async () => {
  const browser = playPush();
  push();
  server.use(
    http.post("/api/v1/push/subscriptions", ({ response }) =>
      response.untyped(refusal(409, "You have 20 subscriptions already; remove one.")),
    ),
  );
  const person = await open(PAGE);
  await person.click(await screen.findByRole("button", { name: "Turn on notifications" }));
  await screen.findByText("You have 20 subscriptions already; remove one.");
  expect(browser.unsubscribed).toEqual([ADDRESS]);
  await screen.findByRole("button", { name: "Turn on notifications" });
});

test("a browser is tested, its log is read, and it is removed after a question", async () => {
  playPush();
  const asked = push(aBrowser(), aBrowser({ id: "psh_3", name: "Old phone", readable: false }));
  const person = await open(PAGE);
  const item = within(await screen.findByRole("listitem", { name: "Firefox on Windows" }));
  item.getByText("1 pending · 4 delivered · 2 failed");
  expect(item.queryByText("This browser")).toBeNull();
  screen.getByText(/The server has another key now/);
  await person.click(item.getByRole("button", { name: "Send test to Firefox on Windows" }));
  const log = within(await screen.findByRole("table", { name: "Messages to Firefox on Windows" }));
  log.getByText("Delivered to the push service (201)");
  log.getByText("Not sent: answered before it was sent");
  log.getByText("Failed: the push service answered 403 Forbidden");
  log.getByText("Test notification");
  await person.click(screen.getByRole("button", { name: "Remove Old phone" }));
  const dialog = within(await screen.findByRole("dialog", { name: "Remove Old phone?" }));
  await person.click(dialog.getByRole("button", { name: "Remove" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(asked).toEqual([
    ["test", "psh_2"],
    ["remove", "psh_3"],
  ]);
});

test("a list that cannot be read can be read again", async () => {
  playPush();
  push(aBrowser());
  server.use(
    http.get("/api/v1/push/subscriptions", ({ response }) =>
      response.untyped(refusal(403, "The database is away.")),
    ),
  );
  const person = await open(PAGE);
  await screen.findByText("The database is away.");
  push(aBrowser());
  await person.click(screen.getByRole("button", { name: "Try again" }));
  await screen.findByRole("listitem", { name: "Firefox on Windows" });
});

test("a page says that its browser still has the subscription, and forgets one that was removed elsewhere", async () => {
  const id = await idOf("https://push.test/send/old");
  const kept = playPush({ permission: "granted", subscribed: "https://push.test/send/old" });
  const asked = push(aBrowser({ id, name: "This one" }));
  await open("/inbox");
  await waitFor(() => expect(asked).not.toEqual([]));
  expect(asked[0]).toMatchObject(["subscribe", { endpoint: "https://push.test/send/old" }]);
  expect(kept.unsubscribed).toEqual([]);
  expect(screen.queryByRole("button", { name: "Turn on notifications" })).toBeNull();
});

test("a subscription that was removed elsewhere ends in its browser", async () => {
  const gone = playPush({ permission: "granted", subscribed: "https://push.test/send/old" });
  const asked = push();
  await open("/inbox");
  await screen.findByRole("button", { name: "Turn on notifications" });
  expect(gone.unsubscribed).toEqual(["https://push.test/send/old"]);
  expect(asked).toEqual([]);
});

test("a subscription that the server cannot use any more is made anew", async () => {
  const id = await idOf("https://push.test/send/old");
  const browser = playPush({ permission: "granted", subscribed: "https://push.test/send/old", key: "AKey" });
  const asked = push(aBrowser({ id, readable: false }));
  await open(PAGE);
  await screen.findByText("This browser", { selector: ".MuiChip-label" });
  expect(browser.unsubscribed).toEqual(["https://push.test/send/old"]);
  expect(asked.slice(0, 2)).toEqual([
    ["remove", id],
    ["subscribe", expect.objectContaining(KEPT)],
  ]);
});

test("the page opens what a notification leads to, and takes back those of answered items", async () => {
  const id = await idOf("https://push.test/send/old");
  const browser = playPush({ permission: "granted", subscribed: "https://push.test/send/old" });
  push(aBrowser({ id, name: "This one" }));
  await open(PAGE);
  await screen.findByText("This browser", { selector: ".MuiChip-label" });
  act(() => browser.tell({ type: "something else", path: "/tasks" }));
  expect(address()).toBe(PAGE);
  act(() => browser.tell({ type: "spectask-open", path: "/inbox" }));
  await screen.findByText("Nothing needs you");
  expect(address()).toBe("/inbox");
  expect(browser.closed).toEqual(["inb_1", "inb_9"]);
});
