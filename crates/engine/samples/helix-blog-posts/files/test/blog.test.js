// Posts, Markdown, and the pages.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { toHtml } from "../src/markdown.js";
import { checkPosts, readPost, readPosts } from "../src/posts.js";
import { buildSite } from "../src/site.js";

const authors = { ada: "Ada Nowak" };
const file = `---
title: One: two
date: 2025-01-02
author: ada
tags: a, b
---

Hello *you*.
`;

test("a post has what is at its top", () => {
  const post = readPost("one", file);
  assert.equal(post.title, "One: two");
  assert.deepEqual(post.tags, ["a", "b"]);
  assert.equal(post.body, "Hello *you*.\n");
});

test("Markdown becomes HTML, and HTML in it stays text", () => {
  assert.equal(toHtml("## A\n\nb **c** `<d>`\ne"), "<h2>A</h2>\n<p>b <strong>c</strong> <code>&lt;d&gt;</code> e</p>");
  assert.equal(toHtml("- a\n- b\n  c"), "<ul>\n<li>a</li>\n<li>b c</li>\n</ul>");
  assert.equal(toHtml("```js\n# <x>\n```"), "<pre><code># &lt;x&gt;\n</code></pre>");
  assert.equal(toHtml("[a](b-c.md) <script>"), '<p><a href="b-c.html">a</a> &lt;script&gt;</p>');
});

test("what is wrong with a post is said", () => {
  assert.deepEqual(checkPosts([readPost("one", file)], authors), []);
  const bad = readPost("bad", "---\ndate: 2025-02-30\nauthor: bob\n---\n# Big\n\n[x](gone.md)\n");
  assert.deepEqual(checkPosts([bad], authors), [
    "posts/bad.md: the title is missing",
    "posts/bad.md: the date is no day such as 2025-01-14",
    "posts/bad.md: the author bob is not in authors.json",
    "posts/bad.md: there are no tags",
    "posts/bad.md: headings begin with ##; the title is the first level",
    "posts/bad.md: it links to gone.md, which is not there",
  ]);
});

test("the posts here are right and have their pages", async () => {
  const posts = await readPosts(fileURLToPath(new URL("../posts", import.meta.url)));
  const known = JSON.parse(await readFile(new URL("../authors.json", import.meta.url), "utf8"));
  assert.deepEqual(checkPosts(posts, known), []);
  const site = buildSite(posts, known);
  for (const { slug } of posts) {
    assert.ok(site.has(`posts/${slug}.html`));
    assert.ok(site.get("index.html").includes(`href="posts/${slug}.html"`));
  }
});
