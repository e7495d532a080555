#!/usr/bin/env node
// The program: checks the posts, or builds the pages.

import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { checkPosts, readPosts } from "../src/posts.js";
import { buildSite } from "../src/site.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const command = process.argv[2];

if (command !== "check" && command !== "build") {
  console.error("Usage: node bin/blog.js check | build");
  process.exit(2);
}

const posts = await readPosts(join(root, "posts"));
const authors = JSON.parse(await readFile(join(root, "authors.json"), "utf8"));
const faults = checkPosts(posts, authors);
for (const fault of faults) console.error(fault);
if (faults.length > 0) process.exit(1);

if (command === "check") {
  console.log(`${posts.length} posts, nothing wrong`);
} else {
  const files = buildSite(posts, authors);
  await rm(join(root, "dist"), { recursive: true, force: true });
  for (const [path, content] of files) {
    const target = join(root, "dist", path);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, content);
  }
  console.log(`${files.size} files in dist/`);
}
