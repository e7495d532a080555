// Gathers what is to be asked for again, so that a burst of messages costs one question.

/** How long further messages are waited for, in milliseconds. */
const GATHER = 250;
/** How long after a question the same one may be asked again, in milliseconds. */
const REST = 1500;

/** Asks for each key once after a burst, and while messages go on, only now and then. */
export function refresher(
  ask: (key: readonly unknown[]) => void,
  rest = REST,
): (key: readonly unknown[]) => void {
  const waiting = new Set<string>();
  const asked = new Map<string, number>();
  return (key) => {
    const name = JSON.stringify(key);
    if (waiting.has(name)) return;
    waiting.add(name);
    const since = Date.now() - (asked.get(name) ?? Number.NEGATIVE_INFINITY);
    setTimeout(
      () => {
        waiting.delete(name);
        asked.set(name, Date.now());
        ask(key);
      },
      Math.max(GATHER, rest - since),
    );
  };
}
