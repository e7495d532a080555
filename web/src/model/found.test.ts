import { expect, test } from "vitest";
import type { SearchResult } from "../api/types";
import { findings, linkTo, placeOf, whileTyping } from "./found";

const result = (more: Partial<SearchResult>): SearchResult => ({
  kind: "task",
  task_id: "spt_1",
  task_short_id: "SPEC-1",
  task_name: "A",
  project_id: "prj_1",
  work_session_id: null,
  work_session_name: null,
  seq: null,
  document: null,
  line: null,
  snippet: [],
  rank: 1,
  at: "2026-01-01T00:00:00.000Z",
  ...more,
});

test("a result says where it is and leads there", () => {
  expect(placeOf(result({ kind: "spec", document: "tasks", line: 3 }))).toBe("Plan, line 3");
  expect(linkTo(result({ kind: "spec", document: "tasks", line: 20 }))).toMatchObject({
    search: { tab: "specification", doc: "tasks", line: 20 },
  });
  const said = result({ kind: "transcript", work_session_id: "stws_1", work_session_name: "One", seq: 7 });
  expect(placeOf(said)).toBe("One");
  expect(linkTo(said)).toMatchObject({ params: { sessionId: "stws_1" }, search: { at: 7 } });
});

test("what a session says again with the same words is found once", () => {
  const said = (session: string, seq: number, ...words: string[]) =>
    result({
      kind: "transcript",
      work_session_id: session,
      seq,
      snippet: words.map((text, at) => ({ text, marked: at === 1 })),
    });
  const first = said("stws_1", 7, "the ", "due", " date");
  const other = said("stws_2", 3, "the ", "due", " date");
  const further = said("stws_1", 8, "a ", "due", " date");
  const again = [said("stws_1", 2, "the ", "due", " date…"), said("stws_1", 9, "…the ", "due", " date ")];
  const lines = [result({ kind: "spec", line: 1 }), result({ kind: "spec", line: 2 })];
  expect(findings([first, ...again.slice(0, 1), other, ...lines, further, ...again.slice(1)])).toEqual([
    { result: first, again },
    { result: other, again: [] },
    ...lines.map((line) => ({ result: line, again: [] })),
    { result: further, again: [] },
  ]);
});

test("the last word of what is typed may be a beginning", () => {
  expect(whileTyping("due da")).toBe("due da*");
  expect(whileTyping("due ")).toBe("due ");
  expect(whileTyping("d")).toBe("d");
  expect(whileTyping('"due da')).toBe('"due da');
  expect(whileTyping("da*")).toBe("da*");
});
