// Keys that act on what is shown, for as long as it is shown.

import { useEffect, useRef } from "react";

const actions = new Map<string, () => void>();

/** Does something when a key is pressed outside of fields and dialogs; nothing while `act` is undefined. */
export function useHotkey(key: string, act: (() => void) | undefined): void {
  const last = useRef(act);
  last.current = act;
  const isOn = act !== undefined;
  useEffect(() => {
    if (!isOn) return;
    const run = () => last.current?.();
    actions.set(key, run);
    return () => {
      if (actions.get(key) === run) actions.delete(key);
    };
  }, [key, isOn]);
}

/** What a key does on the present page. */
export function hotkeyAction(key: string): (() => void) | undefined {
  return actions.get(key);
}
