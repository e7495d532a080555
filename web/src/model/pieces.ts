// Markdown in pieces that can be drawn by themselves, so that a text that grows at its end is parsed again only there.

const FENCE = /^ {0,3}(`{3,}|~{3,})/;
/** A line that continues what stands above the empty line: it is indented, or part of a list, a quote or a table. */
const CONTINUES = /^(\s|[-*+>|]|\d+[.)])/;
/** Definitions count in the whole text. */
const DEFINES = /^ {0,3}\[[^\]]+\]:/m;

/** The pieces of a text; joined they are the text. */
export function pieces(text: string): string[] {
  if (DEFINES.test(text)) return [text];
  const out: string[] = [];
  let fence: string | null = null;
  let isAfterEmpty = false;
  let begin = 0;
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf("\n", at);
    const next = end < 0 ? text.length : end + 1;
    const line = text.slice(at, end < 0 ? text.length : end);
    if (fence === null && isAfterEmpty && line.trim() !== "" && !CONTINUES.test(line)) {
      out.push(text.slice(begin, at));
      begin = at;
    }
    const mark = FENCE.exec(line)?.[1];
    if (mark) {
      if (fence === null) fence = mark;
      else if (mark.startsWith(fence) && line.trim() === mark) fence = null;
    }
    isAfterEmpty = line.trim() === "";
    at = next;
  }
  if (begin < text.length) out.push(text.slice(begin));
  return out;
}

/** What may mean something within a line: marks, links, also those without marks, and the end of a line that is kept. */
const MARKS = /[\\`*_[\]<>&~|@]|:\/\/|www\.| {2}\n/i;
/** A line that begins with a letter continues the paragraph, whatever stands before it. */
const BEGINS_OTHERWISE = /^[^\p{L}]/mu;

/** Whether a piece is a paragraph of nothing but words, whose reading may be spared. */
export function isPlain(piece: string): boolean {
  return !MARKS.test(piece) && !BEGINS_OTHERWISE.test(piece.trimEnd());
}

/** The members of a rendered node that are used here. */
interface Node {
  type: string;
  position?: { start: { line: number }; end: { line: number } };
  properties?: Record<string, unknown>;
  children?: Node[];
}

/** A plugin by which elements carry the lines of the source that they come from, after some that stand before. */
export function withLines(before: number) {
  const mark = (node: Node) => {
    if (node.type === "element" && node.position && node.properties) {
      node.properties.dataLine = before + node.position.start.line;
      node.properties.dataEnd = before + node.position.end.line;
    }
    node.children?.forEach(mark);
  };
  return () => mark;
}
