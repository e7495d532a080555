// A time as how long ago it was, kept true while it is shown.

import { useSyncExternalStore } from "react";
import { ago, dateTime, duration } from "../model/time";

/** When the page lost its connection: what it shows is as it was then, and clocks stand. */
let heldAt: number | null = null;
const clocks: (() => void)[] = [];

/** Stops the clocks at the present time, or lets them go on. */
export function holdClocks(isHeld: boolean): void {
  heldAt = isHeld ? (heldAt ?? Date.now()) : null;
  for (const tick of clocks) tick();
}

/** When the connection was lost; null while it is there. */
export const clocksHeldAt = () => heldAt;

/** A clock that ticks while it is shown. */
function clock(step: number): () => number {
  const listeners = new Set<() => void>();
  let timer: ReturnType<typeof setInterval> | undefined;
  let present = Date.now();
  const tick = () => {
    present = heldAt ?? Date.now();
    for (const each of listeners) each();
  };
  clocks.push(tick);
  const listen = (listener: () => void) => {
    listeners.add(listener);
    timer ??= setInterval(tick, step);
    return () => {
      listeners.delete(listener);
      if (listeners.size > 0) return;
      clearInterval(timer);
      timer = undefined;
    };
  };
  const read = () => {
    // The clock did not tick while it was hidden.
    if (timer === undefined && Date.now() - present > step) present = heldAt ?? Date.now();
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
    <time dateTime={at} title={dateTime(at)} style={NO_WRAP}>
      {ago(at, now)}
    </time>
  );
}

/** How long it is until a time. */
export function Until({ at }: { at: string }) {
  const now = useSecond();
  const seconds = Math.max(0, (Date.parse(at) - now) / 1000);
  return (
    <time dateTime={at} title={dateTime(at)} style={NO_WRAP}>
      {duration(seconds)}
    </time>
  );
}

/** How long something has lasted. */
export function Since({ at }: { at: string }) {
  const now = useSecond();
  return <time dateTime={at}>{duration((now - Date.parse(at)) / 1000)}</time>;
}
