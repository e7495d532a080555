// Gathers what is to be asked for again, so that a burst of messages costs one question.

/** How long further messages are waited for, in milliseconds. */
const GATHER = 250;

export function refresher(ask: (key: readonly unknown[]) => void): (key: readonly unknown[]) => void {
  const waiting = new Map<string, readonly unknown[]>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  return (key) => {
    waiting.set(JSON.stringify(key), key);
    if (timer !== undefined) return;
    timer = setTimeout(() => {
      timer = undefined;
      const asked = [...waiting.values()];
      waiting.clear();
      for (const one of asked) ask(one);
    }, GATHER);
  };
}
