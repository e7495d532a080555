// Posts: how they are read, and what is wrong with them.

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { readFrontMatter } from "./front-matter.js";
import { blocks } from "./markdown.js";

/** Every post of a folder, newest first. */
export async function readPosts(folder) {
  const files = (await readdir(folder)).filter((name) => name.endsWith(".md"));
  const posts = await Promise.all(
    files.map(async (name) => readPost(name.slice(0, -3), await readFile(join(folder, name), "utf8"))),
  );
  return posts.sort((one, other) => other.date.localeCompare(one.date) || one.slug.localeCompare(other.slug));
}

export function readPost(slug, file) {
  const { fields, body } = readFrontMatter(file);
  const { title = "", date = "", author = "", tags = "" } = fields;
  return { slug, title, date, author, tags: tags.split(",").map((tag) => tag.trim()).filter(Boolean), body };
}

/** What is wrong with the posts, a sentence for each fault. */
export function checkPosts(posts, authors) {
  const slugs = new Set(posts.map(({ slug }) => slug));
  return posts.flatMap((post) => checkPost(post, authors, slugs).map((fault) => `posts/${post.slug}.md: ${fault}`));
}

function checkPost(post, authors, slugs) {
  const faults = [];
  if (!post.title) faults.push("the title is missing");
  if (!isDay(post.date)) faults.push("the date is no day such as 2025-01-14");
  if (!Object.hasOwn(authors, post.author)) faults.push(`the author ${post.author || "(none)"} is not in authors.json`);
  if (post.tags.length === 0) faults.push("there are no tags");
  if (blocks(post.body).some(({ kind, level }) => kind === "heading" && level === 1)) {
    faults.push("headings begin with ##; the title is the first level");
  }
  for (const [, target] of post.body.matchAll(/\]\(([\w-]+)\.md\)/g)) {
    if (!slugs.has(target)) faults.push(`it links to ${target}.md, which is not there`);
  }
  return faults;
}

function isDay(text) {
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().slice(0, 10) === text;
}
