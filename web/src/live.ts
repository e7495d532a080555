// The live stream: one WebSocket for the whole dashboard, which comes back by itself and says where it was.

import ReconnectingWebSocket from "partysocket/ws";
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

export interface LiveOptions {
  url: string;
  handlers: LiveHandlers;
  /** The factory of connections; the browser's own unless a test has another. */
  WebSocket?: unknown;
  /** 0 to 1; spreads the reconnects of many clients. */
  random?: () => number;
}

/** How long to wait before the second and every later try in a row, in milliseconds: a server that is back is found soon. */
const FIRST_DELAY = 500;
const LONGEST_DELAY = 1500;
/** How long a connection may take to open before another one is tried, in milliseconds. */
const CONNECT_TIMEOUT = 5000;
/** How long the stream may be silent before the server is asked, and then before it is taken for gone. */
const SILENCE = 25_000;
const PATIENCE = 10_000;

export class LiveStream {
  private readonly socket: ReconnectingWebSocket;
  private readonly handlers: LiveHandlers;
  private readonly wanted = new Map<string, { topic: Topic; holders: number }>();
  private readonly listeners = new Set<() => void>();
  /** The number of the last message, while it says exactly what was seen. */
  private after: number | null = null;
  /** Whether this connection went on from a number, and whether the server has confirmed its topics. */
  private resumes = false;
  private isConfirmed = false;
  private watchdog: ReturnType<typeof setTimeout> | undefined;
  private pings = 0;
  private running = false;
  private state: LiveStatus = "connecting";

  constructor({ url, handlers, WebSocket, random = Math.random }: LiveOptions) {
    this.handlers = handlers;
    const spread = 0.5 + 0.5 * random();
    this.socket = new ReconnectingWebSocket(url, undefined, {
      WebSocket,
      startClosed: true,
      minReconnectionDelay: FIRST_DELAY * spread,
      maxReconnectionDelay: LONGEST_DELAY * spread,
      reconnectionDelayGrowFactor: 2,
      connectionTimeout: CONNECT_TIMEOUT,
      // One that opened was there, however short.
      minUptime: 0,
      // The next connection requests again what this one did not receive.
      maxEnqueuedMessages: 0,
    });
    this.socket.onopen = () => {
      this.watch();
      this.resumes = this.after !== null;
      this.isConfirmed = false;
      this.send({ subscribe: this.topics(), after: this.after });
    };
    this.socket.onmessage = (event) => {
      this.watch();
      this.take(event.data);
    };
    this.socket.onclose = () => {
      clearTimeout(this.watchdog);
      if (!this.running) return;
      this.set("offline");
      this.handlers.closed();
    };
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
    this.socket.reconnect();
  }

  stop(): void {
    this.running = false;
    clearTimeout(this.watchdog);
    this.socket.close();
    this.after = null;
    this.set("connecting");
  }

  /** Tries at once, when there is reason to think that it works again. */
  reconnectNow(): void {
    if (this.running && !this.isOpen()) this.socket.reconnect();
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
        this.handlers.snapshot();
        return;
      case "error":
        this.subscribeSingly();
        return;
      case "pong":
        return;
      default:
        this.count(message);
        this.handlers.message(message);
    }
  }

  private confirm(message: Extract<StreamMessage, { type: "subscribed" }>): void {
    // What a resumed connection missed follows this message, each with its own number.
    if (this.isConfirmed || !this.resumes) this.count(message);
    // Without a number to go on from, what happened before the server listened has to be read.
    const mayHaveMissed = !this.isConfirmed && !this.resumes;
    this.isConfirmed = true;
    this.set("live");
    if (mayHaveMissed) this.handlers.snapshot();
    this.handlers.subscribed(message.topics);
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

  /** Asks a silent server whether it is there, and gives the connection up when it does not answer. */
  private watch(): void {
    clearTimeout(this.watchdog);
    this.watchdog = setTimeout(() => this.ask(), SILENCE);
  }

  private ask(): void {
    this.pings += 1;
    this.send({ ping: this.pings });
    clearTimeout(this.watchdog);
    this.watchdog = setTimeout(() => this.socket.reconnect(), PATIENCE);
  }

  private isOpen(): boolean {
    return this.socket.readyState === this.socket.OPEN;
  }

  private send(message: unknown): void {
    if (this.isOpen()) this.socket.send(JSON.stringify(message));
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
  inbox: true,
};

function isKnown(message: object): message is StreamMessage {
  return "type" in message && typeof message.type === "string" && Object.hasOwn(TYPES, message.type);
}
