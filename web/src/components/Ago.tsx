// A time as how long ago it was, kept true while it is shown.

import { useSyncExternalStore } from "react";
import { ago, duration } from "../model/time";

/** A clock that ticks while somebody looks at it. */
function clock(step: number): () => number {
  const listeners = new Set<() => void>();
  let timer: ReturnType<typeof setInterval> | undefined;
  let present = Date.now();
  const listen = (listener: () => void) => {
    listeners.add(listener);
    timer ??= setInterval(() => {
      present = Date.now();
      for (const each of listeners) each();
    }, step);
    return () => {
      listeners.delete(listener);
      if (listeners.size > 0) return;
      clearInterval(timer);
      timer = undefined;
    };
  };
  const read = () => {
    // Nobody ticked while nobody looked.
    if (timer === undefined && Date.now() - present > step) present = Date.now();
    return present;
  };
  return () => useSyncExternalStore(listen, read);
}

/** The present time, in steps of some seconds. */
export const useNow = clock(15_000);
const useSecond = clock(1000);

const NO_WRAP = { whiteSpace: "nowrap" } as const;

export function Ago({ at }: { at: string | null | undefined }) {
  const now = useNow();
  if (!at) return null;
  return (
    <time dateTime={at} title={new Date(at).toLocaleString()} style={NO_WRAP}>
      {ago(at, now)}
    </time>
  );
}

/** How long something has been going on. */
export function Since({ at }: { at: string }) {
  const now = useSecond();
  return <time dateTime={at}>{duration((now - Date.parse(at)) / 1000)}</time>;
}
