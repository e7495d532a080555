// A time as how long ago it was, kept true while it is shown.

import { useSyncExternalStore } from "react";
import { ago, duration } from "../model/time";

const STEP = 15_000;
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;
let present = Date.now();

function listen(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    present = Date.now();
    for (const each of listeners) each();
  }, STEP);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/** The present time, in steps of some seconds. */
export function useNow(): number {
  return useSyncExternalStore(listen, () => (timer === undefined ? stepped() : present));
}

function stepped(): number {
  const now = Date.now();
  if (now - present > STEP) present = now;
  return present;
}

export function Ago({ at }: { at: string | null | undefined }) {
  const now = useNow();
  if (!at) return null;
  return (
    <time dateTime={at} title={new Date(at).toLocaleString()}>
      {ago(at, now)}
    </time>
  );
}

/** How long something has been going on. */
export function Since({ at }: { at: string }) {
  const now = useNow();
  return <time dateTime={at}>{duration((now - Date.parse(at)) / 1000)}</time>;
}
