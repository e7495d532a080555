// Push messages: turned on in the settings, encrypted for the browser, shown by its service worker, answered by a button. The
// push service is one of the test: it decrypts what it gets, and hands it to the worker as a browser does.
import assert from "node:assert/strict";
import { createDecipheriv, createECDH, hkdfSync, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { after, before } from "node:test";
import { until } from "./api.mjs";
import { findings } from "./axe.mjs";
import { startCrew } from "./crew-place.mjs";
import { picture, story } from "./story.mjs";

const token = "sptk_push";
const keys = createECDH("prime256v1");
keys.generateKeys();
const auth = randomBytes(16);
const messages = [];
const service = createServer(async (request, response) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  messages.push(JSON.parse(decrypt(Buffer.concat(parts))));
  response.writeHead(201).end();
});

/** Reads a message as RFC 8291 says. */
function decrypt(body) {
  const salt = body.subarray(0, 16);
  const sender = body.subarray(21, 21 + body[20]);
  const record = body.subarray(21 + body[20]);
  const derive = (secret, salt, info, length) =>
    Buffer.from(hkdfSync("sha256", secret, salt, Buffer.concat(info), length));
  const info = [Buffer.from("WebPush: info\0"), keys.getPublicKey(), sender];
  const secret = derive(keys.computeSecret(sender), auth, info, 32);
  const key = derive(secret, salt, [Buffer.from("Content-Encoding: aes128gcm\0")], 16);
  const nonce = derive(secret, salt, [Buffer.from("Content-Encoding: nonce\0")], 12);
  const cipher = createDecipheriv("aes-128-gcm", key, nonce);
  cipher.setAuthTag(record.subarray(-16));
  const plain = Buffer.concat([cipher.update(record.subarray(0, -16)), cipher.final()]);
  return plain.subarray(0, plain.lastIndexOf(2)).toString();
}

let crew;
let address;
before(async () => {
  await new Promise((done) => service.listen(0, "127.0.0.1", done));
  address = `http://127.0.0.1:${service.address().port}`;
  crew = await startCrew(token, `[push]\nprivate_services = [${JSON.stringify(address)}]`);
});
after(async () => {
  await crew?.stop();
  service.close();
});

/** A browser that runs beside no vendor's push service has no subscriptions: the page gets one of the test's service. */
const played = ({ endpoint, p256dh, auth }) => {
  const own = {
    endpoint,
    options: { applicationServerKey: null },
    toJSON: () => ({ endpoint, keys: { p256dh, auth } }),
    unsubscribe: async () => {
      localStorage.removeItem("subscribed");
      return true;
    },
  };
  PushManager.prototype.getSubscription = async () => (localStorage.getItem("subscribed") ? own : null);
  PushManager.prototype.subscribe = async ({ userVisibleOnly, applicationServerKey }) => {
    if (!userVisibleOnly || applicationServerKey.byteLength !== 65) throw new Error("not as it should be");
    localStorage.setItem("subscribed", "yes");
    return own;
  };
};

story(
  "a permission request is answered from a notification, and a review opens its page",
  async (newPage) => {
    const page = await newPage({ permissions: ["notifications"] });
    await page.addInitScript(played, {
      endpoint: `${address}/send/1`,
      p256dh: keys.getPublicKey("base64url"),
      auth: auth.toString("base64url"),
    });
    const cdp = await page.context().newCDPSession(page);
    let registration;
    cdp.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => {
      registration = registrations.at(-1)?.registrationId ?? registration;
    });
    await cdp.send("ServiceWorker.enable");
    await page.goto(`${crew.url}/?token=${token}`);
    await page.goto(`${crew.url}/settings?view=notifications`);
    await page.getByText("No browsers").waitFor();
    await page.getByRole("button", { name: "Turn on notifications" }).click();
    await page.getByRole("button", { name: "Turn off notifications" }).waitFor();
    await page.getByRole("button", { name: /^Send test to/ }).click();
    await page.getByRole("cell", { name: /^(Delivered to the push service \(201\)|Pending)$/ }).waitFor();
    await until(() => messages.some(({ kind }) => kind === "test"), "the test");
    await picture(page, "notifications");
    assert.deepEqual(await findings(page), []);
    await until(() => registration, "the registration of the worker");
    const worker = page.context().serviceWorkers()[0] ?? (await page.context().waitForEvent("serviceworker"));
    const script = await page.evaluate(async () => {
      const { headers } = await fetch("/sw.js");
      return [headers.get("content-type"), headers.get("cache-control")];
    });
    assert.deepEqual(script, ["text/javascript", "no-cache"]);

    // No page of the dashboard is in front from here on.
    await page.goto("about:blank");
    const origin = new URL(crew.url).origin;
    const deliver = (message) =>
      cdp.send("ServiceWorker.deliverPushMessage", {
        origin,
        registrationId: registration,
        data: JSON.stringify(message),
      });
    const shown = (id) =>
      worker.evaluate(async (id) => {
        const [found] = await self.registration.getNotifications({ tag: id });
        return (
          found && {
            title: found.title,
            body: found.body,
            actions: found.actions.map(({ action }) => action),
          }
        );
      }, id);
    const click = (id, action) =>
      worker.evaluate(
        async ([id, action]) => {
          const [notification] = await self.registration.getNotifications({ tag: id });
          self.dispatchEvent(new NotificationEvent("notificationclick", { notification, action }));
        },
        [id, action],
      );
    const { project_id } = await crew.call("GET", `/spec-tasks/${crew.task}`);
    const { id: task, short_id } = await crew.call("POST", "/spec-tasks/from-prompt", {
      prompt: "Write a book of words",
      project_id,
    });
    const sent = (kind) =>
      until(() => messages.find((message) => message.kind === kind && message.task.id === task), kind);
    const review = await sent("spec_review");
    await deliver(review);
    const first = await until(() => shown(review.id), "the review's notification");
    assert.deepEqual([first.title, first.actions], ["Review the specification", []]);
    assert.ok(first.body.startsWith(short_id), first.body);
    // A button that no message has approves nothing.
    await click(review.id, "approve");
    assert.equal((await crew.call("GET", `/spec-tasks/${task}`)).status, "spec_review");

    await crew.call("POST", `/spec-tasks/${task}/approve-specs`, { approved: true });
    const permission = await sent("permission");
    await deliver(permission);
    const second = await until(() => shown(permission.id), "the request's notification");
    assert.deepEqual(second.actions, ["allow", "deny"]);
    assert.match(second.body, /rm -f words\.md/);
    await click(permission.id, "allow");
    await until(async () => {
      const waiting = await crew.call("GET", "/inbox");
      return waiting.every(({ id }) => id !== permission.id);
    }, "the answer");
    const [audited] = await crew.call("GET", `/audit?action=answer_permission&subject=${task}`);
    assert.equal(audited.way, "page");
    await until(async () => (await shown(permission.id)) === undefined, "the notification to go");
    // The same message, late.
    await deliver(permission);
    const late = await until(() => shown(permission.id), "the late notification");
    assert.deepEqual([late.title, late.actions], ["Already answered", []]);
  },
  () => crew,
);
