// Gathers messages of the live stream, so that a burst of them costs the page one change and not one for each.

import type { LiveMessage } from "../api/types";

/** How long messages are gathered at least, in milliseconds: twenty changes a second look like a stream. */
const GATHER = 50;

export interface MessageBuffer {
  put: (message: LiveMessage) => void;
  /** Hands on what is there, at once. */
  flush: () => void;
}

/** Returns a buffer that hands on what it gathered, in order, in the frame after the time is over. */
export function messageBuffer(
  take: (messages: LiveMessage[]) => void,
  soon: (act: () => void) => void = nextFrame,
): MessageBuffer {
  let waiting: LiveMessage[] = [];
  let isAwaited = false;
  const flush = () => {
    const messages = settled(waiting);
    waiting = [];
    if (messages.length > 0) take(messages);
  };
  return {
    put: (message) => {
      waiting.push(message);
      if (isAwaited) return;
      isAwaited = true;
      soon(() => {
        isAwaited = false;
        flush();
      });
    },
    flush,
  };
}

function nextFrame(act: () => void): void {
  // A hidden page has no frames, and keeps gathering what it shows later.
  setTimeout(() => (document.hidden ? act() : requestAnimationFrame(act)), GATHER);
}

/** The messages without those that a later one makes superfluous: news say everything of what they are about. */
export function settled(messages: readonly LiveMessage[]): LiveMessage[] {
  const last = new Map<string, number>();
  messages.forEach((message, at) => {
    const about = subject(message);
    if (about !== null) last.set(about, at);
  });
  return messages.filter((message, at) => {
    const about = subject(message);
    return about === null || last.get(about) === at;
  });
}

/** The subject of a message; null where each one counts. */
function subject({ type, data }: LiveMessage): string | null {
  switch (type) {
    case "task.updated":
    case "work_session.updated":
      return `${type} ${data.id}`;
    case "progress":
    case "review":
    case "usage":
    case "instance.updated":
      return `${type} ${data.spec_task_id}`;
    default:
      return null;
  }
}
