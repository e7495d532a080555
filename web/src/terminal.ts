// The connection to a terminal in a session's worktree: it comes back by itself while the terminal is there.

import ReconnectingWebSocket from "partysocket/ws";
import type { TerminalMessage } from "./api/types";

export type TerminalState =
  | { kind: "connecting" }
  | { kind: "open" }
  /** The connection broke off, and is tried again. */
  | { kind: "lost" }
  /** The terminal ended, or could not be opened. */
  | { kind: "ended"; detail: string };

/** Where output is shown. */
interface TerminalScreen {
  size: () => { columns: number; rows: number };
  /** Shows bytes, and says when they are shown. */
  write: (bytes: Uint8Array, shown: () => void) => void;
  /** Forgets what is shown: the server sends the end of it again. */
  reset: () => void;
}

interface TerminalOptions {
  session: string;
  screen: TerminalScreen;
  state: (state: TerminalState) => void;
  /** What makes the connections; the browser's own unless a test says otherwise. */
  WebSocket?: unknown;
}

/** How much is sent in one message, in bytes. */
const MAX_INPUT = 32 * 1024;
/** How long to wait before the second and every later try in a row, in milliseconds. */
const FIRST_DELAY = 500;
const LONGEST_DELAY = 5000;
/** How long a connection may take to open before another one is tried, in milliseconds: a sandbox takes a while to start. */
const CONNECT_TIMEOUT = 10_000;

export class TerminalConnection {
  private readonly socket: ReconnectingWebSocket;
  private readonly encoder = new TextEncoder();

  constructor({ session, screen, state, WebSocket }: TerminalOptions) {
    const address = () => {
      const { columns, rows } = screen.size();
      const url = new URL(`/api/v1/work-sessions/${session}/terminal`, window.location.href);
      url.protocol = url.protocol.replace("http", "ws");
      url.search = new URLSearchParams({ columns: String(columns), rows: String(rows) }).toString();
      return url.href;
    };
    this.socket = new ReconnectingWebSocket(address, undefined, {
      WebSocket,
      minReconnectionDelay: FIRST_DELAY,
      maxReconnectionDelay: LONGEST_DELAY,
      connectionTimeout: CONNECT_TIMEOUT,
      minUptime: 0,
      // What was typed while there was no connection is not run later, unseen.
      maxEnqueuedMessages: 0,
    });
    this.socket.binaryType = "arraybuffer";
    let isOver = false;
    this.socket.onmessage = ({ data }) => {
      if (typeof data !== "string") {
        const bytes = new Uint8Array(data as ArrayBuffer);
        screen.write(bytes, () => this.tell({ shown: bytes.length }));
        return;
      }
      const message = JSON.parse(data) as TerminalMessage;
      switch (message.type) {
        case "opened":
          screen.reset();
          state({ kind: "open" });
          break;
        case "refused":
        case "ended":
          isOver = true;
          this.socket.close();
          state({ kind: "ended", detail: message.detail });
          break;
        case "input_dropped":
          // The program does not read; what it prints shows why.
          break;
      }
    };
    this.socket.onclose = () => {
      if (!isOver) state({ kind: "lost" });
    };
  }

  /** Sends what was typed. */
  type(text: string): void {
    this.send(this.encoder.encode(text));
  }

  /** Sends bytes that are no text, such as reports of the mouse. */
  send(bytes: Uint8Array): void {
    for (let from = 0; from < bytes.length; from += MAX_INPUT) {
      if (this.isOpen()) this.socket.send(bytes.slice(from, from + MAX_INPUT));
    }
  }

  resize(columns: number, rows: number): void {
    this.tell({ resize: { columns, rows } });
  }

  close(): void {
    this.socket.onclose = null;
    this.socket.close();
  }

  private tell(message: object): void {
    if (this.isOpen()) this.socket.send(JSON.stringify(message));
  }

  private isOpen(): boolean {
    return this.socket.readyState === ReconnectingWebSocket.OPEN;
  }
}
