import { createElement } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import { expect, test } from "vitest";
import { chunksOf, type Line } from "../model/diff";
import { DiffLines } from "./DiffLines";

const LINES: Line[] = [
  { kind: "hunk", text: "@@ -7,2 +7,2 @@", old: null, new: null },
  { kind: "same", text: "a", old: 7, new: 7 },
  { kind: "remove", text: "b", old: 8, new: null },
  { kind: "add", text: "c", old: null, new: 8 },
];

function buttons(props: { onPick?: () => void }): string[] {
  const html = renderToStaticMarkup(createElement(DiffLines, { lines: LINES, label: "Changes", ...props }));
  return [...html.matchAll(/<button[^>]*data-at="(\d+)"[^>]*aria-label="([^"]*)"/g)].map(
    ([, at, name]) => `${at} ${name}`,
  );
}

test("each line is picked by the number of its side, a hunk's head by none", () => {
  expect(buttons({ onPick: () => undefined })).toEqual([
    "1 Comment on line 7",
    "2 Comment on line 8",
    "3 Comment on line 8",
  ]);
});

test("lines that are only read have no buttons", () => {
  expect(buttons({})).toEqual([]);
});

test("what belongs to a line stands below it", () => {
  const below = (line: Line) => (line.kind === "add" ? [createElement("i", { key: 1 }, "note")] : []);
  const html = renderToStaticMarkup(createElement(DiffLines, { lines: LINES, label: "Changes", below }));
  expect(html.indexOf("note")).toBeGreaterThan(html.indexOf(">c<"));
});

test("a long diff is drawn in chunks that miss no line", () => {
  const lines = Array.from(
    { length: 1001 },
    (_, at): Line => ({ kind: "add", text: "", old: null, new: at }),
  );
  const chunks = chunksOf(lines);
  expect(chunks.flatMap((chunk) => chunk.lines)).toEqual(lines);
  expect(chunks.length).toBeGreaterThan(1);
  for (const { start, lines: own } of chunks) expect(own[0]).toBe(lines[start]);
  expect(chunksOf([])).toEqual([]);
});
