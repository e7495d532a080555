import { createElement } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import ReactMarkdown from "react-markdown";
import remarkGfm from "remark-gfm";
import { expect, test } from "vitest";
import { isPlain } from "../model/pieces";
import { Markdown } from "./Markdown";

const inner = (text: string) =>
  renderToStaticMarkup(createElement(Markdown, { text })).replace(/^<div[^>]*>|<\/div>$/g, "");
const read = (text: string) =>
  renderToStaticMarkup(createElement(ReactMarkdown, { remarkPlugins: [remarkGfm] }, text));

const PLAIN = [
  "Step 12: what is next?",
  "Nothing has to be converted, when an older file is read.\nWhat is missing gets its default (100%).\n",
  "Öl kostet 3,50 € – „mehr“ als #2 - und 1. ist nicht 2.",
];
const MARKED = [
  "A `word`",
  "A **word**",
  "See www.example.org",
  "See https://example.org",
  "ada@example.org",
  "A\n---",
  "A\n- b",
  "# A",
  "- a",
  "1. a",
  "    code",
  "a  \nb",
  "a\\\nb",
  "a &amp; b",
  "<b>",
  "a\n\nb",
];

test("a piece of nothing but words is shown as if it was read", () => {
  for (const text of PLAIN) {
    expect(isPlain(text), text).toBe(true);
    expect(inner(text)).toBe(read(text));
  }
});

test("whatever may mean something is read", () => {
  for (const text of MARKED) expect(isPlain(text), text).toBe(false);
  expect(inner("A `word`")).toBe("<p>A <code>word</code></p>");
  // It is the same when it is shown again.
  expect(inner("A `word`")).toBe("<p>A <code>word</code></p>");
});

test("lines of the source are carried, also by what is only words", () => {
  const text = "One.\n\nTwo `x`.";
  const shown = renderToStaticMarkup(createElement(Markdown, { text, numbered: true }));
  expect(shown).toContain('<p data-line="1" data-end="1">One.</p>');
  expect(shown).toContain('<p data-line="3" data-end="3">Two');
});
