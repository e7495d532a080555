import { expect, test } from "vitest";
import { pieces, withLines } from "./pieces";

test("paragraphs, headings and code are pieces; joined they are the text", () => {
  const text = "# A\n\nOne\ntwo.\n\n```js\na\n\nb\n```\n\nEnd";
  expect(pieces(text)).toEqual(["# A\n\n", "One\ntwo.\n\n", "```js\na\n\nb\n```\n\n", "End"]);
});

test("lists, quotes and tables are not cut, nor is a fence that is still open", () => {
  for (const text of [
    "1. a\n\n2. b\n\n   c\n",
    "> a\n\n> b",
    "- a\n\n- b\n",
    "```\na\n\nb\n\nc",
    "~~~~\n\n~~~\n\na\n",
  ]) {
    expect(pieces(text)).toEqual([text]);
  }
});

test("a text with definitions stays whole, and nothing is no piece", () => {
  const text = "See [a].\n\nMore.\n\n[a]: https://example.org\n";
  expect(pieces(text)).toEqual([text]);
  expect(pieces("")).toEqual([]);
});

test("a text that grows keeps its finished pieces", () => {
  const text = "One.\n\nTwo.\n\n- three\n- four\n\nFive";
  for (let length = 0; length < text.length; length++) {
    const now = pieces(text.slice(0, length));
    expect(pieces(text.slice(0, length + 1)).slice(0, now.length - 1)).toEqual(now.slice(0, -1));
  }
});

test("elements carry the lines of the whole text", () => {
  const position = { start: { line: 1 }, end: { line: 2 } };
  const tree = {
    type: "root",
    children: [{ type: "element", position, properties: {} as Record<string, unknown> }],
  };
  withLines(10)()(tree);
  expect(tree.children[0]?.properties).toEqual({ dataLine: 11, dataEnd: 12 });
});
