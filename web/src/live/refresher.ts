// Batches refetches, so that a burst of messages costs one request.

/** How long further messages are waited for, in milliseconds. */
const GATHER = 250;
/** How long after a question the same one may be asked again, in milliseconds. */
const REST = 1500;

/** Asks for a key again, as soon as its rest since the last time is over. */
export type Refresh = (key: readonly unknown[], rest?: number) => void;

/** Refetches each key once after a burst, and while messages keep coming, only now and then. */
export function refresher(ask: (key: readonly unknown[]) => void): Refresh {
  const waiting = new Map<string, { due: number; timer: ReturnType<typeof setTimeout> }>();
  const asked = new Map<string, number>();
  return (key, rest = REST) => {
    const name = JSON.stringify(key);
    const now = Date.now();
    const due = Math.max(now + GATHER, (asked.get(name) ?? Number.NEGATIVE_INFINITY) + rest);
    const before = waiting.get(name);
    // What is urgent does not wait for what is not.
    if (before && before.due <= due) return;
    clearTimeout(before?.timer);
    const timer = setTimeout(() => {
      waiting.delete(name);
      asked.set(name, Date.now());
      ask(key);
    }, due - now);
    waiting.set(name, { due, timer });
  };
}
