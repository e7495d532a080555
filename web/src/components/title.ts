// The title and the sign of the browser's tab: which page it is, and how much waits for the person.

import { useEffect } from "react";

let page = "";
let waiting = 0;
const listeners = new Set<(title: string) => void>();

function show(): void {
  const name = page ? `${page} · SpecTask` : "SpecTask";
  document.title = waiting > 0 ? `(${waiting}) ${name}` : name;
}

/** Names the present page. */
export function useTitle(title: string): void {
  useEffect(() => {
    page = title;
    show();
    for (const listener of listeners) listener(title);
    return () => {
      page = "";
      show();
    };
  }, [title]);
}

/** Shows in the tab how much waits for the person. */
export function useWaitingCount(count: number): void {
  useEffect(() => {
    waiting = count;
    show();
    const icon = document.querySelector<HTMLLinkElement>("link[rel=icon]");
    if (icon) icon.href = count > 0 ? "/favicon-attention.svg" : "/favicon.svg";
  }, [count]);
}

/** Calls back with the name of each page that is opened; returns how to stop that. */
export function onTitle(listener: (title: string) => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
