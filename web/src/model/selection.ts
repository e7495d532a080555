// The words that a person selects in the documents, with the lines of the source that they come from.

import { useEffect, useState } from "react";
import { DOCUMENTS, type DocumentName } from "./documents";
import { oneOf } from "./words";

export interface Selected {
  document: DocumentName;
  text: string;
  start: number | null;
  end: number | null;
}

const LONGEST = 2000;

/** The words that are selected within the documents in a box. */
export function useSelected(box: React.RefObject<HTMLElement | null>): Selected | null {
  const [picked, setPicked] = useState<Selected | null>(null);
  useEffect(() => {
    const onChange = () => setPicked(box.current && read(box.current));
    document.addEventListener("selectionchange", onChange);
    return () => document.removeEventListener("selectionchange", onChange);
  }, [box]);
  return picked;
}

function read(box: HTMLElement): Selected | null {
  const selection = document.getSelection();
  const text = selection?.toString().trim() ?? "";
  if (!selection || selection.rangeCount === 0 || text === "") return null;
  const range = selection.getRangeAt(0);
  const first = elementOf(range.startContainer);
  const article = first?.closest<HTMLElement>("[data-document]");
  const name = oneOf(DOCUMENTS, article?.dataset.document);
  if (!article || !name || !box.contains(article)) return null;
  // Words of one document at a time: what reaches beyond it is not part of the comment.
  const last = elementOf(range.endContainer);
  const start = lineOf(first, "line");
  const end = last && article.contains(last) ? lineOf(last, "end") : start;
  return {
    document: name,
    text: text.slice(0, LONGEST),
    start,
    end: start === null || end === null ? null : Math.max(start, end),
  };
}

function elementOf(node: Node): Element | null {
  return node instanceof Element ? node : node.parentElement;
}

function lineOf(element: Element | null | undefined, which: "line" | "end"): number | null {
  const marked = element?.closest<HTMLElement>("[data-line]");
  const value = Number(marked?.dataset[which]);
  return marked && Number.isFinite(value) ? value : null;
}

/** The smallest element of a document that a line comes from. */
export function elementAt(article: HTMLElement, line: number): HTMLElement | null {
  let best: { element: HTMLElement; span: number } | null = null;
  for (const element of article.querySelectorAll<HTMLElement>("[data-line]")) {
    if (/^(STRONG|EM|CODE|A|DEL|INPUT|SPAN)$/.test(element.tagName)) continue;
    const [from, to] = [Number(element.dataset.line), Number(element.dataset.end)];
    if (from > line || to < line) continue;
    if (!best || to - from <= best.span) best = { element, span: to - from };
  }
  return best?.element ?? null;
}
