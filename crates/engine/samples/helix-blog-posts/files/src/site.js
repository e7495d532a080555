// All pages of the blog, as text.

import { escapeHtml, toHtml } from "./markdown.js";

export const SITE = { title: "Helix blog", url: "https://blog.example.com" };

/** Every file of the site: its path and its content. Posts come newest first. */
export function buildSite(posts, authors) {
  const files = new Map();
  files.set("index.html", indexPage(posts));
  for (const post of posts) files.set(`posts/${post.slug}.html`, postPage(post, authors));
  return files;
}

function indexPage(posts) {
  return page(SITE.title, `<h1>${SITE.title}</h1>\n${postList(posts, "posts/")}`);
}

function postPage(post, authors) {
  return page(
    post.title,
    `<h1>${escapeHtml(post.title)}</h1>
<p class="meta">${byline(post, authors)}</p>
${toHtml(post.body)}`,
  );
}

/** Posts as a list of links, which begin with the way to the posts. */
export function postList(posts, way) {
  const items = posts.map((post) => {
    return `<li><a href="${way}${post.slug}.html">${escapeHtml(post.title)}</a> ${note(post)}</li>`;
  });
  return `<ul class="posts">\n${items.join("\n")}\n</ul>`;
}

function byline(post, authors) {
  const parts = [escapeHtml(authors[post.author] ?? post.author), longDate(post.date)];
  return parts.join(" · ");
}

function note(post) {
  const parts = [longDate(post.date)];
  return `<span class="meta">${parts.join(" · ")}</span>`;
}

function longDate(day) {
  const format = new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeZone: "UTC" });
  return `<time datetime="${day}">${format.format(new Date(`${day}T00:00:00Z`))}</time>`;
}

function page(title, body) {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${escapeHtml(title)}</title>
</head>
<body>
${body}
</body>
</html>
`;
}
