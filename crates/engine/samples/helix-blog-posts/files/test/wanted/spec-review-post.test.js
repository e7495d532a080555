// Wanted: a post about reviewing specs. Not there until this file passes.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { blocks } from "../../src/markdown.js";
import { checkPosts, readPost } from "../../src/posts.js";

const SLUG = "review-the-spec-first";
const read = (path) => readFile(new URL(`../../${path}`, import.meta.url), "utf8");
const readSlug = async (slug) => readPost(slug, await read(`posts/${slug}.md`));
const readAuthors = async () => JSON.parse(await read("authors.json"));

test("author: Lena Fischer is known", async () => {
  assert.equal((await readAuthors()).lena, "Lena Fischer");
});

test("post: it has a title, a date, its author and its tags", async () => {
  const post = await readSlug(SLUG);
  assert.equal(post.title, "Review the spec first");
  assert.equal(post.author, "lena");
  assert.deepEqual(post.tags, ["review", "planning"]);
  assert.ok(post.date > "2025-02-25", "it is the newest post");
});

test("post: it is a read of two to four minutes with sections", async () => {
  const post = await readSlug(SLUG);
  const words = post.body.split(/\s+/).length;
  assert.ok(words >= 300 && words <= 800, `${words} words`);
  const headings = blocks(post.body).filter(({ kind }) => kind === "heading");
  assert.ok(headings.length >= 3 && headings.every(({ level }) => level === 2));
});

test("post: it shows a requirement as it is written", async () => {
  const code = blocks((await readSlug(SLUG)).body).filter(({ kind }) => kind === "code");
  assert.ok(code.some(({ text }) => /^(WHEN|IF) .*SHALL /m.test(text)));
});

test("links: the posts it belongs to link to it, and it links back", async () => {
  for (const slug of ["small-tasks-merge-better", "progress-you-can-read"]) {
    assert.ok((await readSlug(slug)).body.includes(`](${SLUG}.md)`), slug);
    assert.ok((await readSlug(SLUG)).body.includes(`](${slug}.md)`), slug);
  }
});

test("links: nothing is wrong with any of the posts", async () => {
  const slugs = [SLUG, "small-tasks-merge-better", "progress-you-can-read", "one-thread-one-worktree"];
  assert.deepEqual(checkPosts(await Promise.all(slugs.map(readSlug)), await readAuthors()), []);
});
