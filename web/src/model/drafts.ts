// What a person typed and has not sent yet, kept in the browser: a dialog that is closed, a page that is left or loaded
// again loses none of it.

import { useCallback, useRef, useState, useSyncExternalStore } from "react";

const PREFIX = "spectask-draft:";

/** Called when a draft changed. */
const listeners = new Set<() => void>();

function changed(): void {
  for (const listener of listeners) listener();
}

/** State that outlives the page, by a name, and how to forget it. */
export function useDraft<T>(name: string, initial: T): [T, (value: T) => void, () => void] {
  const [value, setValue] = useState<T>(() => read(localStorage, PREFIX + name) ?? initial);
  const first = useRef(initial);
  const keep = useCallback(
    (next: T) => {
      setValue(next);
      if (JSON.stringify(next) === JSON.stringify(first.current)) forget(PREFIX + name);
      else write(localStorage, PREFIX + name, next);
      changed();
    },
    [name],
  );
  const clear = useCallback(() => {
    setValue(first.current);
    forget(PREFIX + name);
    changed();
  }, [name]);
  return [value, keep, clear];
}

function listen(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** How many of some drafts are texts that are written and not sent. */
export function useUnsentCount(names: readonly string[]): number {
  return useSyncExternalStore(
    listen,
    () =>
      names.filter((name) => {
        const draft = read<unknown>(localStorage, PREFIX + name);
        return typeof draft === "string" && draft.trim() !== "";
      }).length,
  );
}

/** The unsent drafts, as `1 comment and 2 replies are not sent`; nothing where there is none. */
export function unsentLine(comments: number, replies: number): string {
  const parts = [
    comments > 0 && (comments === 1 ? "1 comment" : `${comments} comments`),
    replies > 0 && (replies === 1 ? "1 reply" : `${replies} replies`),
  ].filter(Boolean);
  return parts.length === 0
    ? ""
    : `${parts.join(" and ")} ${comments + replies === 1 ? "is" : "are"} not sent`;
}

/** Whether something is kept under a name. */
export function hasDraft(name: string): boolean {
  return read(localStorage, PREFIX + name) !== undefined;
}

/** The same, for a component that follows it. */
export function useHasDraft(name: string): boolean {
  return useSyncExternalStore(listen, () => hasDraft(name));
}

/** The name of the draft with the edits of a task's plan. */
export const planDraft = (task: string): string => `plan-edits-${task}`;

/** Forgets every draft: another person may use the browser next. */
export function forgetDrafts(): void {
  try {
    for (const key of Object.keys(localStorage)) if (key.startsWith(PREFIX)) localStorage.removeItem(key);
  } catch {
    // A browser that keeps nothing has nothing to forget.
  }
}

/** How the page is looked at in this tab, by a name. */
export function useKept<T>(name: string, initial: T): [T, (value: T) => void] {
  const [value, setValue] = useState<T>(() => read(sessionStorage, name) ?? initial);
  const keep = (next: T) => {
    setValue(next);
    write(sessionStorage, name, next);
  };
  return [value, keep];
}

function read<T>(storage: Storage, name: string): T | undefined {
  try {
    const kept = storage.getItem(name);
    // What is kept under a name was written under it.
    return kept === null ? undefined : (JSON.parse(kept) as T);
  } catch {
    return undefined;
  }
}

function write(storage: Storage, name: string, value: unknown): void {
  try {
    storage.setItem(name, JSON.stringify(value));
  } catch {
    // A browser that keeps nothing still shows it.
  }
}

function forget(name: string): void {
  try {
    localStorage.removeItem(name);
  } catch {
    // As above.
  }
}
