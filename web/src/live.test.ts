import { CloseEvent } from "partysocket/ws";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { LiveMessage, Topic } from "./api/types";
import { LiveStream } from "./live";

/** The far end of a connection, as a server sees it. */
class Wire extends EventTarget {
  binaryType = "blob";
  readyState = 0;
  readonly heard: Record<string, unknown>[] = [];

  constructor() {
    super();
    wires.push(this);
  }
  send(text: string) {
    this.heard.push(JSON.parse(text));
  }
  close() {
    this.readyState = 3;
  }
  accept() {
    this.readyState = 1;
    this.dispatchEvent(new Event("open"));
  }
  say(message: object) {
    this.dispatchEvent(new MessageEvent("message", { data: JSON.stringify(message) }));
  }
  breakOff() {
    this.readyState = 3;
    this.dispatchEvent(new CloseEvent(1006, "", this));
  }
}

const wires: Wire[] = [];
const messages: LiveMessage[] = [];
const confirmed: Topic[][] = [];
let snapshots = 0;
let stream: LiveStream;
const wire = () => wires.at(-1) as Wire;

beforeEach(() => {
  vi.useFakeTimers();
  wires.length = messages.length = confirmed.length = snapshots = 0;
  stream = new LiveStream({
    url: "ws://localhost/api/v1/ws",
    WebSocket: Wire,
    random: () => 1,
    handlers: {
      message: (message) => messages.push(message),
      subscribed: (topics) => confirmed.push(topics),
      snapshot: () => {
        snapshots += 1;
      },
      closed: () => undefined,
    },
  });
});
afterEach(() => {
  stream.stop();
  vi.useRealTimers();
});

/** Lets what is due after so many milliseconds happen. */
const wait = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);

/** Starts the stream up to its first connection. */
async function started() {
  stream.start();
  await wait(0);
}

/** Connects and confirms what was asked for. */
async function connected(seq: number) {
  stream.subscribe({ topic: "fleet" });
  await started();
  wire().accept();
  wire().say({ type: "subscribed", after: seq, topics: [{ topic: "fleet" }] });
}

test("it is live once the server confirms, and what was read before is read again", async () => {
  stream.subscribe({ topic: "fleet" });
  await started();
  expect(stream.status).toBe("connecting");
  wire().accept();
  expect(wire().heard).toEqual([{ subscribe: [{ topic: "fleet" }], after: null }]);
  wire().say({ type: "subscribed", after: 4, topics: [{ topic: "fleet" }] });
  expect(stream.status).toBe("live");
  expect(snapshots).toBe(1);
});

test("after a break it continues from the last message", async () => {
  await connected(4);
  wire().say({ topic: "fleet", seq: 5, type: "task.updated", data: {} });
  wire().breakOff();
  expect(stream.status).toBe("offline");
  await wait(500);
  expect(wires).toHaveLength(2);
  wire().accept();
  expect(wire().heard).toEqual([{ subscribe: [{ topic: "fleet" }], after: 5 }]);
  wire().say({ type: "subscribed", after: 7, topics: [{ topic: "fleet" }] });
  expect(stream.status).toBe("live");
  expect(snapshots).toBe(1);
  expect(messages.map((message) => message.seq)).toEqual([5]);
});

test("a message of an unknown type counts, and is not handed on", async () => {
  await connected(4);
  wire().say({ topic: "fleet", seq: 5, type: "weather", data: { sunny: true } });
  expect(messages).toEqual([]);
  wire().breakOff();
  await wait(500);
  wire().accept();
  expect(wire().heard).toEqual([{ subscribe: [{ topic: "fleet" }], after: 5 }]);
});

test("what a resumed connection still owes is not counted as seen", async () => {
  await connected(4);
  wire().breakOff();
  await wait(500);
  wire().accept();
  // The server owes 5 and 6, and the connection breaks before they come.
  wire().say({ type: "subscribed", after: 6, topics: [{ topic: "fleet" }] });
  wire().breakOff();
  await wait(1000);
  wire().accept();
  expect(wire().heard[0]).toMatchObject({ after: 4 });
});

test("a server that cannot tell what was missed is believed", async () => {
  await connected(4);
  wire().say({ type: "snapshot_required", after: 40 });
  expect(snapshots).toBe(2);
  wire().breakOff();
  await wait(500);
  wire().accept();
  expect(wire().heard[0]).toMatchObject({ after: 40 });
});

test("a topic that was let go makes the count unusable until the next message", async () => {
  await connected(4);
  const release = stream.subscribe({ topic: "task", id: "spt_1" });
  wire().say({ type: "subscribed", after: 14, topics: [{ topic: "task", id: "spt_1" }] });
  release();
  wire().breakOff();
  await wait(500);
  wire().accept();
  expect(wire().heard[0]).toEqual({ subscribe: [{ topic: "fleet" }], after: null });
  wire().say({ type: "subscribed", after: 4, topics: [{ topic: "fleet" }] });
  expect(snapshots).toBe(2);
});

test("a topic is subscribed once for all who hold it, and let go by the last", async () => {
  await connected(1);
  const first = stream.subscribe({ topic: "session", id: "s" });
  const second = stream.subscribe({ topic: "session", id: "s" });
  first();
  first();
  expect(wire().heard.slice(1)).toEqual([{ subscribe: [{ topic: "session", id: "s" }] }]);
  second();
  expect(wire().heard.at(-1)).toEqual({ unsubscribe: [{ topic: "session", id: "s" }] });
});

test("one topic that is refused does not silence the others", async () => {
  stream.subscribe({ topic: "fleet" });
  stream.subscribe({ topic: "task", id: "gone" });
  await started();
  wire().accept();
  wire().say({ type: "error", code: "not_found" });
  expect(wire().heard.slice(1)).toEqual([
    { subscribe: [{ topic: "fleet" }] },
    { subscribe: [{ topic: "task", id: "gone" }] },
  ]);
});

test("a silent server is asked, and given up when it does not answer", async () => {
  await connected(1);
  await wait(25_000);
  expect(wire().heard.at(-1)).toEqual({ ping: 1 });
  wire().say({ type: "pong", pong: 1 });
  await wait(25_000 + 10_000);
  expect(stream.status).toBe("offline");
});

test("a server that is doubted is asked at once", async () => {
  await connected(1);
  stream.check();
  expect(wire().heard.at(-1)).toEqual({ ping: 1 });
  await wait(10_000);
  expect(stream.status).toBe("offline");
});

test("tries are never far apart, and another one may be asked for", async () => {
  await connected(1);
  wire().breakOff();
  for (const delay of [500, 1000, 1500, 1500]) {
    const before = wires.length;
    await wait(delay - 1);
    expect(wires).toHaveLength(before);
    await wait(1);
    expect(wires).toHaveLength(before + 1);
    wire().breakOff();
  }
  expect(stream.status).toBe("offline");
});

test("a connection that does not open is given up for another one", async () => {
  await started();
  await wait(5000);
  expect(stream.status).toBe("offline");
  await wait(500);
  expect(wires).toHaveLength(2);
});
