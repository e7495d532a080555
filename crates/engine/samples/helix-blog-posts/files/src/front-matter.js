// What is known about a post, written at its top between two lines of dashes.

/** The fields and the text below them; a file without fields is all text. */
export function readFrontMatter(file) {
  const found = file.match(/^---\n([\s\S]*?)\n---\n/);
  if (!found) return { fields: {}, body: file };
  const fields = {};
  for (const line of found[1].split("\n")) {
    const at = line.indexOf(":");
    if (at > 0) fields[line.slice(0, at).trim()] = line.slice(at + 1).trim();
  }
  return { fields, body: file.slice(found[0].length).trimStart() };
}
