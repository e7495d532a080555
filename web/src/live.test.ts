import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { LiveMessage, Topic } from "./api/types";
import { backoff, LiveStream, type Socket } from "./live";

/** The far end of a connection, as a server sees it. */
class Wire implements Socket {
  readyState = 0;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;
  readonly heard: Record<string, unknown>[] = [];

  send(text: string) {
    this.heard.push(JSON.parse(text));
  }
  close() {
    this.readyState = 3;
  }
  accept() {
    this.readyState = 1;
    this.onopen?.();
  }
  say(message: object) {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
  breakOff() {
    this.readyState = 3;
    this.onclose?.();
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
    open: () => {
      wires.push(new Wire());
      return wire();
    },
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

/** Connects and confirms what was asked for. */
function connected(seq: number) {
  stream.subscribe({ topic: "fleet" });
  stream.start();
  wire().accept();
  wire().say({ type: "subscribed", after: seq, topics: [{ topic: "fleet" }] });
}

test("it is live once the server confirms, and what was read before is read again", () => {
  stream.subscribe({ topic: "fleet" });
  stream.start();
  expect(stream.status).toBe("connecting");
  wire().accept();
  expect(wire().heard).toEqual([{ subscribe: [{ topic: "fleet" }], after: null }]);
  wire().say({ type: "subscribed", after: 4, topics: [{ topic: "fleet" }] });
  expect(stream.status).toBe("live");
  expect(snapshots).toBe(1);
});

test("after a break it continues from the last message", () => {
  connected(4);
  wire().say({ topic: "fleet", seq: 5, type: "task.updated", data: {} });
  wire().breakOff();
  expect(stream.status).toBe("offline");
  vi.advanceTimersByTime(500);
  expect(wires).toHaveLength(2);
  wire().accept();
  expect(wire().heard).toEqual([{ subscribe: [{ topic: "fleet" }], after: 5 }]);
  wire().say({ type: "subscribed", after: 7, topics: [{ topic: "fleet" }] });
  expect(stream.status).toBe("live");
  expect(snapshots).toBe(1);
  expect(messages.map((message) => message.seq)).toEqual([5]);
});

test("a message of an unknown type counts, and is not handed on", () => {
  connected(4);
  wire().say({ topic: "fleet", seq: 5, type: "weather", data: { sunny: true } });
  expect(messages).toEqual([]);
  wire().breakOff();
  vi.advanceTimersByTime(500);
  wire().accept();
  expect(wire().heard).toEqual([{ subscribe: [{ topic: "fleet" }], after: 5 }]);
});

test("what a resumed connection still owes is not counted as seen", () => {
  connected(4);
  wire().breakOff();
  vi.advanceTimersByTime(500);
  wire().accept();
  // The server owes 5 and 6, and the connection breaks before they come.
  wire().say({ type: "subscribed", after: 6, topics: [{ topic: "fleet" }] });
  wire().breakOff();
  vi.advanceTimersByTime(1000);
  wire().accept();
  expect(wire().heard[0]).toMatchObject({ after: 4 });
});

test("a server that cannot tell what was missed is believed", () => {
  connected(4);
  wire().say({ type: "snapshot_required", after: 40 });
  expect(snapshots).toBe(2);
  wire().breakOff();
  vi.advanceTimersByTime(500);
  wire().accept();
  expect(wire().heard[0]).toMatchObject({ after: 40 });
});

test("a topic that was let go makes the count unusable until the next message", () => {
  connected(4);
  const release = stream.subscribe({ topic: "task", id: "spt_1" });
  wire().say({ type: "subscribed", after: 14, topics: [{ topic: "task", id: "spt_1" }] });
  release();
  wire().breakOff();
  vi.advanceTimersByTime(500);
  wire().accept();
  expect(wire().heard[0]).toEqual({ subscribe: [{ topic: "fleet" }], after: null });
  wire().say({ type: "subscribed", after: 4, topics: [{ topic: "fleet" }] });
  expect(snapshots).toBe(2);
});

test("a topic is subscribed once for all who hold it, and let go by the last", () => {
  connected(1);
  const first = stream.subscribe({ topic: "session", id: "s" });
  const second = stream.subscribe({ topic: "session", id: "s" });
  first();
  first();
  expect(wire().heard.slice(1)).toEqual([{ subscribe: [{ topic: "session", id: "s" }] }]);
  second();
  expect(wire().heard.at(-1)).toEqual({ unsubscribe: [{ topic: "session", id: "s" }] });
});

test("one topic that is refused does not silence the others", () => {
  stream.subscribe({ topic: "fleet" });
  stream.subscribe({ topic: "task", id: "gone" });
  stream.start();
  wire().accept();
  wire().say({ type: "error", code: "not_found" });
  expect(wire().heard.slice(1)).toEqual([
    { subscribe: [{ topic: "fleet" }] },
    { subscribe: [{ topic: "task", id: "gone" }] },
  ]);
});

test("a silent server is asked, and given up when it does not answer", () => {
  connected(1);
  vi.advanceTimersByTime(25_000);
  expect(wire().heard.at(-1)).toEqual({ ping: 1 });
  wire().say({ type: "pong", pong: 1 });
  vi.advanceTimersByTime(25_000 + 10_000);
  expect(stream.status).toBe("offline");
});

test("a server that is doubted is asked at once", () => {
  connected(1);
  stream.check();
  expect(wire().heard.at(-1)).toEqual({ ping: 1 });
  vi.advanceTimersByTime(10_000);
  expect(stream.status).toBe("offline");
});

test("tries are spread and never far apart", () => {
  expect([1, 2, 3, 9].map((failures) => backoff(failures, () => 1))).toEqual([500, 1000, 1500, 1500]);
  expect(backoff(3, () => 0)).toBe(750);
});
