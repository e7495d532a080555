// About how high a block is before it was drawn: the nearer to the truth, the less a scroll bar moves later.

import type { Attachment } from "../api/types";
import type { Block } from "./transcript";

/** The sizes in the style sheets of a conversation, in pixels. */
const LETTER = 6.9;
const LINE = 21.7;
const CODE_LINE = 19.5;
const SMALL_LINE = 18;
/** The padding around a list. */
const LIST = 8;

/** About how high a block is in a column of some width, in pixels; what can be unfolded is folded. */
export function heightOf(block: Block, width: number): number {
  return Math.round(rough(block, Math.max(width, 120)));
}

function rough(block: Block, width: number): number {
  switch (block.block) {
    case "agent":
      return 20 + textHeight(block.text, width) + filesHeight(block.files, width);
    case "user":
      return (
        66 + (block.by === "spectask" && block.text.length > 600 ? 30 : textHeight(block.text, width - 30))
      );
    case "plan":
      return (
        72 + block.entries.reduce((sum, entry) => sum + 4 + 21 * rows(entry.content, LETTER, width - 50), 0)
      );
    case "permission":
      return 34;
    case "notice":
      return block.tone === "error" ? 61 : 42;
    case "turn":
      return 42;
    case "coordination":
      return (
        16 +
        SMALL_LINE +
        21 * block.text.split("\n").reduce((sum, line) => sum + rows(line, LETTER, width), 0)
      );
    case "recorded":
      return 16 + SMALL_LINE * (block.files.length > 0 ? 2 : 1) + textHeight(block.text, width);
    case "tool":
      return 38 + filesHeight(block.files, width);
    case "thought":
    case "setup":
    case "unknown":
      return 38;
  }
}

/** The height of files: images in rows, whose names are below them. */
function filesHeight(files: readonly Attachment[], width: number): number {
  if (files.length === 0) return 0;
  return Math.ceil(files.length / Math.max(1, Math.floor(width / 248))) * 190;
}

/** The height of a text in Markdown: paragraphs, items of lists, and code, which has a line for each of its own. */
function textHeight(text: string, width: number): number {
  let height = 0;
  let paragraph = 0;
  let isCode = false;
  let isList = false;
  const end = () => {
    if (paragraph > 0) height += LINE * rows(paragraph, LETTER, width) + 6;
    paragraph = 0;
  };
  for (const line of text.split("\n")) {
    if (/^\s*(```|~~~)/.test(line)) {
      end();
      // A frame has its own room inside and around it.
      if (!isCode) height += 44;
      isCode = !isCode;
      isList = false;
    } else if (isCode) {
      height += CODE_LINE;
    } else if (line.trim() === "") {
      end();
    } else if (/^\s*([-*+]|\d+[.)])\s/.test(line)) {
      end();
      if (!isList) height += LIST;
      isList = true;
      height += LINE * rows(line, LETTER, width - 24) + 3;
    } else if (/^\s*\|/.test(line)) {
      end();
      height += 32;
    } else {
      isList = false;
      paragraph += line.length + 1;
    }
  }
  end();
  // Nothing stands around the whole.
  return Math.max(LINE, height - 6);
}

function rows(text: string | number, letter: number, width: number): number {
  const length = typeof text === "number" ? text : text.length;
  return Math.max(1, Math.ceil((length * letter) / width));
}
