// Comments of a reviewer that are not sent yet, kept in the browser so that a reload loses none.

import { useState } from "react";

export type DocumentName = "requirements" | "design" | "tasks";

export interface Draft {
  id: string;
  document: DocumentName;
  /** The words that the comment is about; empty for the whole document. */
  quote: string;
  comment: string;
}

/** A comment as the planning agent reads it. */
export function asChange(draft: Draft): string {
  const where = `${draft.document}.md`;
  const quote = draft.quote.replace(/\s+/g, " ").trim();
  return quote ? `${where}, at “${quote}”: ${draft.comment.trim()}` : `${where}: ${draft.comment.trim()}`;
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
