// The display of search results: their names, and their places.

import type { SearchKind, SearchResult } from "../api/types";
import { DOCUMENT_LABELS, DOCUMENTS } from "./documents";
import { oneOf } from "./words";

export const SEARCH_KINDS = ["task", "spec", "transcript"] as const satisfies readonly SearchKind[];

export const KIND_LABELS: Record<SearchKind, string> = {
  task: "Tasks",
  spec: "Specifications",
  transcript: "Conversations",
};

/** In which part of its task a result is, in words. */
export function placeOf(result: SearchResult): string {
  if (result.kind === "spec") {
    const name = oneOf(DOCUMENTS, result.document);
    const document = name ? DOCUMENT_LABELS[name] : "Specification";
    return result.line ? `${document}, line ${result.line}` : document;
  }
  return result.kind === "transcript" ? (result.work_session_name ?? "Conversation") : "Task";
}

/** Where a result leads to. */
export function linkTo(result: SearchResult) {
  const params = { taskId: result.task_id };
  if (result.kind === "transcript" && result.work_session_id) {
    return {
      to: "/tasks/$taskId/sessions/$sessionId" as const,
      params: { ...params, sessionId: result.work_session_id },
      search: { at: result.seq ?? undefined },
    };
  }
  const search =
    result.kind === "spec"
      ? {
          tab: "specification" as const,
          doc: oneOf(DOCUMENTS, result.document),
          line: result.line ?? undefined,
        }
      : {};
  return { to: "/tasks/$taskId" as const, params, search };
}

/** The key of a result in a list. */
export function keyOf(result: SearchResult): string {
  return [result.kind, result.task_id, result.work_session_id, result.seq, result.document, result.line].join(
    "/",
  );
}

/** A result, with the other places of its session that have the same text. */
export interface Finding {
  result: SearchResult;
  again: SearchResult[];
}

/** Puts together what a session says with the same words, as when an agent reads a file again; the best place is first. */
export function findings(results: readonly SearchResult[]): Finding[] {
  const said = new Map<string, Finding>();
  for (const result of results) {
    const words = result.work_session_id ? `${result.work_session_id} ${wordsOf(result)}` : keyOf(result);
    const before = said.get(words);
    if (before) before.again.push(result);
    else said.set(words, { result, again: [] });
  }
  return [...said.values()];
}

/** A snippet's text; where it is cut off says nothing about what it is. */
function wordsOf({ snippet }: SearchResult): string {
  const text = snippet.map((part) => part.text).join("");
  return text.replace(/^[\s…]+|[\s…]+$/g, "");
}

/** The query while a person types: the last word may be the beginning of one. */
export function whileTyping(text: string): string {
  const last = text.split(/\s/).at(-1) ?? "";
  const isOpen = (text.match(/"/g)?.length ?? 0) % 2 === 1;
  return !isOpen && last.length >= 2 && /[\p{L}\p{N}_]$/u.test(last) ? `${text}*` : text;
}
