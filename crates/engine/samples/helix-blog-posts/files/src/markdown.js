// Markdown to HTML: headings, paragraphs, lists, code, emphasis and links. Whatever else there is stays text.

export function escapeHtml(text) {
  const names = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  return text.replace(/[&<>"]/g, (sign) => names[sign]);
}

/** The parts of a text: `{ kind, text }`, where a list has `items` and a heading its `level`. */
export function blocks(markdown) {
  const found = [];
  let code = null;
  for (const line of markdown.split("\n")) {
    const last = found.at(-1);
    if (code) {
      if (line.startsWith("```")) code = null;
      else code.text += `${line}\n`;
    } else if (line.startsWith("```")) {
      code = { kind: "code", text: "" };
      found.push(code);
    } else if (line.trim() === "") {
      found.push({ kind: "gap" });
    } else if (/^#{1,6} /.test(line)) {
      const level = line.indexOf(" ");
      found.push({ kind: "heading", level, text: line.slice(level + 1) });
    } else if (line.startsWith("- ")) {
      if (last?.kind === "list") last.items.push(line.slice(2));
      else found.push({ kind: "list", items: [line.slice(2)] });
    } else if (last?.kind === "list") {
      last.items.push(`${last.items.pop()} ${line.trim()}`);
    } else if (last?.kind === "paragraph") {
      last.text += ` ${line}`;
    } else {
      found.push({ kind: "paragraph", text: line });
    }
  }
  return found.filter(({ kind }) => kind !== "gap");
}

export function toHtml(markdown) {
  return blocks(markdown).map(blockHtml).join("\n");
}

function blockHtml({ kind, level, text, items }) {
  switch (kind) {
    case "heading":
      return `<h${level}>${inlineHtml(text)}</h${level}>`;
    case "list":
      return `<ul>\n${items.map((item) => `<li>${inlineHtml(item)}</li>`).join("\n")}\n</ul>`;
    case "code":
      return `<pre><code>${escapeHtml(text)}</code></pre>`;
    default:
      return `<p>${inlineHtml(text)}</p>`;
  }
}

/** A link to another post leads to its page. */
function inlineHtml(text) {
  return text
    .split(/(`[^`]+`)/)
    .map((part) => {
      if (/^`[^`]+`$/.test(part)) return `<code>${escapeHtml(part.slice(1, -1))}</code>`;
      return escapeHtml(part)
        .replace(/\[([^\]]+)\]\(([^)\s]+)\)/g, (_, words, target) => {
          return `<a href="${target.replace(/^([\w-]+)\.md$/, "$1.html")}">${words}</a>`;
        })
        .replace(/\*\*([^*]+)\*\*/g, "<strong>$1</strong>")
        .replace(/\*([^*]+)\*/g, "<em>$1</em>");
    })
    .join("");
}
