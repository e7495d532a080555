// What a reviewer writes and has not sent yet, kept in the browser so that a reload loses none.

import { useState } from "react";

export type DocumentName = "requirements" | "design" | "tasks";

/** A comment on a line of the change that is sent with the review. */
export interface LineDraft {
  id: string;
  path: string;
  side: "old" | "new";
  line: number;
  /** The code that it is about. */
  quote: string;
  comment: string;
}

/** State that survives a reload of the page, by a name. */
export function useKept<T>(name: string, initial: T): [T, (value: T) => void] {
  const [value, setValue] = useState<T>(() => {
    try {
      const kept = sessionStorage.getItem(name);
      return kept === null ? initial : (JSON.parse(kept) as T);
    } catch {
      return initial;
    }
  });
  const keep = (next: T) => {
    setValue(next);
    try {
      sessionStorage.setItem(name, JSON.stringify(next));
    } catch {
      // A browser that keeps nothing still shows it.
    }
  };
  return [value, keep];
}
