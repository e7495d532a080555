// Keys that act on what is shown, for as long as it is shown.

import { useRef } from "react";
import { useHotkeys, useHotkeysContext } from "react-hotkeys-hook";
import { isIn } from "../model/words";

/** The keys that work now: those of the page or, after a `g`, those that lead to another page. */
export const PAGE_KEYS = ["page"];
const GO_KEYS = ["go"];

/** Whether a key was meant for a text field or a dialog, or belongs to the browser. */
function isTyping(event: KeyboardEvent): boolean {
  const target = event.target instanceof HTMLElement ? event.target : null;
  if (event.metaKey || event.ctrlKey || event.altKey) return true;
  return Boolean(
    target?.closest(
      "input, textarea, select, [contenteditable=true], [role=dialog], [role=listbox], [role=menu]",
    ),
  );
}

/**
 * Does something when one of some keys (separated by spaces) is pressed outside of fields and dialogs; nothing while
 * `act` is undefined. The browser does what it does with the key only where `act` returns false.
 */
export function useHotkey(keys: string, act: ((event: KeyboardEvent) => unknown) | undefined): void {
  useHotkeys(
    keys.split(" ").flatMap(variants),
    (event) => {
      if (act?.(event) !== false) event.preventDefault();
    },
    { ...BY_MEANING, enabled: act !== undefined, scopes: PAGE_KEYS, ignoreEventWhen: isTyping },
  );
}

/** Does something on Ctrl or Command and a key, also while text is typed. */
export function useCommandKey(key: string, act: () => void): void {
  useHotkeys([`ctrl+${key}`, `meta+${key}`], act, {
    ...BY_MEANING,
    ...EVERYWHERE,
    scopes: [...PAGE_KEYS, ...GO_KEYS],
    preventDefault: true,
  });
}

/** Goes to another place by `g` and the key of the place. No key of the page works in between. */
export function useGoKeys<To extends string>(places: Record<string, To>, go: (to: To) => void): void {
  const { enableScope, disableScope } = useHotkeysContext();
  const change = (from: string[], to: string[]) => {
    from.forEach(disableScope);
    to.forEach(enableScope);
  };
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useHotkey("g", () => {
    change(PAGE_KEYS, GO_KEYS);
    timer.current = setTimeout(() => change(GO_KEYS, PAGE_KEYS), GO_TIMEOUT);
  });
  useHotkeys(
    "*",
    (event) => {
      clearTimeout(timer.current);
      change(GO_KEYS, PAGE_KEYS);
      const to = isTyping(event) || !isIn(places, event.key) ? undefined : places[event.key];
      if (to === undefined) return;
      event.preventDefault();
      go(to);
    },
    { ...BY_MEANING, ...EVERYWHERE, scopes: GO_KEYS },
  );
}

/** How long after a `g` the key of a place may follow, in milliseconds. */
const GO_TIMEOUT = 2000;

/** The key is what it writes on the person's keyboard, wherever it is. */
const BY_MEANING = { useKey: true, delimiter: " " };

const EVERYWHERE = { enableOnFormTags: true, enableOnContentEditable: true };

/** Marks and digits are written with Shift on some keyboards. */
const variants = (key: string): string[] => (/^([a-z]|\w{2,})$/i.test(key) ? [key] : [key, `shift+${key}`]);
