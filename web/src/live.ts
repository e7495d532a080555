// The live stream: one WebSocket for the whole dashboard, which comes back by itself and says where it was.

import type { LiveMessage, StreamMessage, Topic } from "./api/types";

export type LiveStatus = "connecting" | "live" | "offline";

interface LiveHandlers {
  message: (message: LiveMessage) => void;
  /** Topics are being listened to from now on; what they cover may have changed before. */
  subscribed: (topics: Topic[]) => void;
  /** Messages were missed that cannot be sent again: everything has to be fetched again. */
  snapshot: () => void;
  /** A connection was refused or broke off. */
  closed: () => void;
}

/** The part of a WebSocket that is used. */
export interface Socket {
  readyState: number;
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: (() => void) | null;
  send: (text: string) => void;
  close: () => void;
}

export interface LiveOptions {
  open: () => Socket;
  handlers: LiveHandlers;
  /** 0 to 1; spreads the reconnects of many clients. */
  random?: () => number;
}

const OPEN = 1;
const FIRST_DELAY = 500;
/** A server that is back is found within two seconds. */
const LONGEST_DELAY = 1500;
/** How long a connection may take to open before another one is tried, in milliseconds. */
const CONNECT_TIMEOUT = 5000;
/** How long the stream may be silent before the server is asked, and then before it is taken for gone. */
const SILENCE = 25_000;
const PATIENCE = 10_000;

/** How long to wait before the n-th try in a row, in milliseconds: doubling, with a spread of a half. */
export function backoff(failures: number, random: () => number): number {
  const longest = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** Math.max(0, failures - 1));
  return Math.round(longest * (0.5 + 0.5 * random()));
}

export class LiveStream {
  private socket: Socket | null = null;
  private readonly wanted = new Map<string, { topic: Topic; holders: number }>();
  private readonly listeners = new Set<() => void>();
  /** The number of the last message, while it says exactly what was seen. */
  private after: number | null = null;
  /** Whether this connection went on from a number, and whether the server has confirmed its topics. */
  private resumes = false;
  private isConfirmed = false;
  private failures = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private watchdog: ReturnType<typeof setTimeout> | undefined;
  private pings = 0;
  private running = false;
  private state: LiveStatus = "connecting";
  private readonly options: LiveOptions;

  constructor(options: LiveOptions) {
    this.options = options;
  }

  get status(): LiveStatus {
    return this.state;
  }

  /** Calls back when the status changes; returns how to stop that. */
  onStatus(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  start(): void {
    if (this.running) return;
    this.running = true;
    this.failures = 0;
    this.connect();
  }

  stop(): void {
    this.running = false;
    clearTimeout(this.timer);
    this.drop();
    this.after = null;
    this.set("connecting");
  }

  /** Tries at once, when there is reason to think that it works again. */
  reconnectNow(): void {
    if (!this.running || this.socket) return;
    clearTimeout(this.timer);
    this.connect();
  }

  /** Finds out soon whether the server is still there, when there is reason to doubt it. */
  check(): void {
    if (this.isOpen()) this.ask();
    else this.reconnectNow();
  }

  /** Listens to a topic until the returned function is called; several may hold the same one. */
  subscribe(topic: Topic): () => void {
    const key = keyOf(topic);
    const held = this.wanted.get(key);
    if (held) {
      held.holders += 1;
    } else {
      this.wanted.set(key, { topic, holders: 1 });
      if (this.isOpen()) this.send({ subscribe: [topic] });
    }
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.release(key);
    };
  }

  private release(key: string): void {
    const held = this.wanted.get(key);
    if (!held) return;
    held.holders -= 1;
    if (held.holders > 0) return;
    this.wanted.delete(key);
    // The server counts over the topics that are left, so the last number says nothing until the next one.
    this.after = null;
    if (this.isOpen()) this.send({ unsubscribe: [held.topic] });
  }

  private connect(): void {
    this.set(this.failures > 0 ? "offline" : "connecting");
    let socket: Socket;
    try {
      socket = this.options.open();
    } catch {
      this.retry();
      return;
    }
    this.socket = socket;
    clearTimeout(this.watchdog);
    this.watchdog = setTimeout(() => {
      this.drop();
      this.retry();
    }, CONNECT_TIMEOUT);
    socket.onopen = () => {
      if (this.socket !== socket) return;
      this.failures = 0;
      this.watch();
      this.resumes = this.after !== null;
      this.isConfirmed = false;
      this.send({ subscribe: this.topics(), after: this.after });
    };
    socket.onmessage = (event) => {
      if (this.socket !== socket) return;
      this.watch();
      this.take(event.data);
    };
    socket.onclose = () => {
      if (this.socket !== socket) return;
      this.drop();
      this.options.handlers.closed();
      this.retry();
    };
  }

  private take(raw: unknown): void {
    const message = parse(raw);
    if (!message) return;
    if (!isKnown(message)) {
      this.count(message);
      return;
    }
    switch (message.type) {
      case "subscribed":
        this.confirm(message);
        return;
      case "snapshot_required":
        this.count(message);
        this.options.handlers.snapshot();
        return;
      case "error":
        this.subscribeSingly();
        return;
      case "pong":
        return;
      default:
        this.count(message);
        this.options.handlers.message(message);
    }
  }

  private confirm(message: Extract<StreamMessage, { type: "subscribed" }>): void {
    // What a resumed connection missed follows this message, each with its own number.
    if (this.isConfirmed || !this.resumes) this.count(message);
    // Without a number to go on from, what happened before the server listened has to be read.
    const mayHaveMissed = !this.isConfirmed && !this.resumes;
    this.isConfirmed = true;
    this.set("live");
    if (mayHaveMissed) this.options.handlers.snapshot();
    this.options.handlers.subscribed(message.topics);
  }

  /** One topic that is gone must not keep the others from being heard. */
  private subscribeSingly(): void {
    if (this.isConfirmed) return;
    this.resumes = false;
    for (const topic of this.topics()) this.send({ subscribe: [topic] });
  }

  private count(message: { seq?: unknown; after?: unknown }): void {
    const at = message.seq ?? message.after;
    if (typeof at === "number") this.after = at;
  }

  private topics(): Topic[] {
    return [...this.wanted.values()].map((held) => held.topic);
  }

  private retry(): void {
    if (!this.running) return;
    this.failures += 1;
    this.set("offline");
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.connect(), backoff(this.failures, this.options.random ?? Math.random));
  }

  /** Asks a silent server whether it is there, and gives the connection up when it does not answer. */
  private watch(): void {
    clearTimeout(this.watchdog);
    this.watchdog = setTimeout(() => this.ask(), SILENCE);
  }

  private ask(): void {
    this.pings += 1;
    this.send({ ping: this.pings });
    clearTimeout(this.watchdog);
    this.watchdog = setTimeout(() => {
      this.drop();
      this.retry();
    }, PATIENCE);
  }

  private drop(): void {
    clearTimeout(this.watchdog);
    const socket = this.socket;
    this.socket = null;
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
  }

  private isOpen(): boolean {
    return this.socket?.readyState === OPEN;
  }

  private send(message: unknown): void {
    if (this.isOpen()) this.socket?.send(JSON.stringify(message));
  }

  private set(status: LiveStatus): void {
    if (this.state === status) return;
    this.state = status;
    for (const listener of this.listeners) listener();
  }
}

function keyOf(topic: Topic): string {
  return `${topic.topic}:${topic.id ?? ""}`;
}

function parse(raw: unknown): object | null {
  if (typeof raw !== "string") return null;
  try {
    const value: unknown = JSON.parse(raw);
    return typeof value === "object" ? value : null;
  } catch {
    return null;
  }
}

/** The types of messages that this version knows; a later version of the server may send further ones. */
const TYPES: Record<StreamMessage["type"], true> = {
  subscribed: true,
  snapshot_required: true,
  error: true,
  pong: true,
  "task.updated": true,
  "work_session.updated": true,
  "session.event": true,
  coordination: true,
  progress: true,
  review: true,
  usage: true,
  "instance.updated": true,
};

function isKnown(message: object): message is StreamMessage {
  return "type" in message && typeof message.type === "string" && Object.hasOwn(TYPES, message.type);
}
