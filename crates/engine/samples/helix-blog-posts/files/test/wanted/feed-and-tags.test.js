// Wanted: a feed, tag pages and reading times. Not there until this file passes.

import assert from "node:assert/strict";
import { test } from "node:test";
import { readPost } from "../../src/posts.js";
import { buildSite } from "../../src/site.js";

const authors = { ada: "Ada Nowak" };
const site = { title: "Tests & trials", url: "https://blog.example.com" };

function post(slug, { date = "2025-02-11", tags = "git", body = "Some words.", title = `About ${slug}` } = {}) {
  return readPost(slug, `---\ntitle: ${title}\ndate: ${date}\nauthor: ada\ntags: ${tags}\n---\n\n${body}\n`);
}

test("text: the words of a post, without its marks and its code", async () => {
  const { plainText } = await import("../../src/text.js");
  const markdown = "## A heading\n\nSome **bold** [words](x.md) and `code`.\n\n```sh\nrm -r x\n```\n\n- one\n- *two*\n";
  assert.equal(plainText(markdown), "A heading Some bold words and code. one two");
});

test("text: a summary is the first paragraph, cut between words", async () => {
  const { summaryOf } = await import("../../src/text.js");
  assert.equal(summaryOf(post("a", { body: "## Title\n\nFirst *one*.\n\nSecond." })), "First one.");
  const long = summaryOf(post("a", { body: "word ".repeat(60).trim() }));
  assert.ok(long.length <= 160 && long.endsWith("word…"), long);
  assert.equal(summaryOf(post("a", { body: "- only\n- a list" })), "");
});

test("reading: 200 words a minute, and a minute at least", async () => {
  const { readingMinutes } = await import("../../src/reading-time.js");
  const minutes = (words) => readingMinutes(post("a", { body: "word ".repeat(words) }));
  assert.deepEqual([0, 1, 200, 201, 1000].map(minutes), [1, 1, 1, 2, 5]);
});

test("reading: code is not counted", async () => {
  const { readingMinutes } = await import("../../src/reading-time.js");
  assert.equal(readingMinutes(post("a", { body: `Few words.\n\n\`\`\`\n${"word ".repeat(900)}\n\`\`\`` })), 1);
});

test("feed: RSS with an item for each post", async () => {
  const { feedOf } = await import("../../src/feed.js");
  const feed = feedOf([post("b", { title: "Ifs & <buts>" }), post("a")], site);
  assert.match(feed, /^<\?xml version="1.0" encoding="utf-8"\?>\n<rss version="2.0">/);
  assert.match(feed, /<title>Tests &amp; trials<\/title>/);
  assert.match(feed, /<title>Ifs &amp; &lt;buts&gt;<\/title>/);
  assert.match(feed, /<link>https:\/\/blog\.example\.com\/posts\/b\.html<\/link>/);
  assert.match(feed, /<guid>https:\/\/blog\.example\.com\/posts\/a\.html<\/guid>/);
  assert.match(feed, /<pubDate>Tue, 11 Feb 2025 00:00:00 GMT<\/pubDate>/);
  assert.match(feed, /<description>Some words\.<\/description>/);
});

test("feed: the twenty newest posts, and none is a feed too", async () => {
  const { feedOf } = await import("../../src/feed.js");
  const many = Array.from({ length: 25 }, (_, at) => post(`p${at}`));
  const slugs = [...feedOf(many, site).matchAll(/<guid>.*\/(p\d+)\.html/g)].map(([, slug]) => slug);
  assert.deepEqual(slugs, many.slice(0, 20).map(({ slug }) => slug));
  assert.doesNotMatch(feedOf([], site), /<item>/);
});

test("tags: one for all ways to write it, by name", async () => {
  const { tagsOf } = await import("../../src/tags.js");
  const tags = tagsOf([post("c", { tags: "Code Review, git" }), post("b", { tags: "Git" }), post("a", { tags: "code review" })]);
  assert.deepEqual(
    tags.map(({ slug, name, posts }) => [slug, name, posts.map((one) => one.slug).join()]),
    [["code-review", "code review", "c,a"], ["git", "git", "c,b"]],
  );
});

test("tags: a post that names a tag twice is listed once", async () => {
  const { tagsOf } = await import("../../src/tags.js");
  assert.equal(tagsOf([post("a", { tags: "git, Git" })])[0].posts.length, 1);
});

test("tags: a tag without letters is refused", async () => {
  const { tagsOf } = await import("../../src/tags.js");
  assert.throws(() => tagsOf([post("a", { tags: "!!" })]), /posts\/a\.md.*!!/);
});

test("site: feed, tag pages and reading times are there", () => {
  const files = buildSite([post("b", { tags: "Git, agents" }), post("a")], authors);
  assert.deepEqual(
    [...files.keys()].sort(),
    ["feed.xml", "index.html", "posts/a.html", "posts/b.html", "tags/agents.html", "tags/git.html"],
  );
  assert.match(files.get("index.html"), /<link rel="alternate" type="application\/rss\+xml" href="\/feed\.xml"/);
  assert.match(files.get("index.html"), /1 min read/);
  assert.match(files.get("posts/b.html"), /1 min read/);
  assert.match(files.get("posts/b.html"), /<a href="\.\.\/tags\/git\.html">git<\/a>/);
  assert.match(files.get("tags/git.html"), /<a href="\.\.\/posts\/a\.html">About a<\/a>/);
});
