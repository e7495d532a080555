// Diffs as lines with their numbers, from hunks, from unified text, or from two versions of a text.

import type { DiffHunk, FileDiff } from "../api/types";

export interface Line {
  /** `note` is about the line before it: that the file ends there without a newline. */
  kind: "add" | "remove" | "same" | "hunk" | "note";
  text: string;
  old: number | null;
  new: number | null;
}

/** How many lines of a diff are drawn together. */
const CHUNK_LINES = 400;

/** Cuts the lines of a diff into chunks, each with how many lines come before it. */
export function chunksOf(lines: readonly Line[]): { start: number; lines: readonly Line[] }[] {
  const starts = Array.from({ length: Math.ceil(lines.length / CHUNK_LINES) }, (_, at) => at * CHUNK_LINES);
  return starts.map((start) => ({ start, lines: lines.slice(start, start + CHUNK_LINES) }));
}

/** The lines of hunks, numbered on both sides. */
export function hunkLines(hunks: readonly DiffHunk[]): Line[] {
  return hunks.flatMap((hunk) => {
    const header = hunk.header.startsWith("@@")
      ? hunk.header
      : `@@ -${hunk.old_start},${hunk.old_lines} +${hunk.new_start},${hunk.new_lines} @@ ${hunk.header}`.trim();
    const head: Line = { kind: "hunk", text: header, old: null, new: null };
    let [before, after] = [hunk.old_start, hunk.new_start];
    const lines = hunk.lines.map((line): Line => {
      const text = line.text.replace(/\r?\n$/, "");
      if (line.kind === "+") return { kind: "add", text, old: null, new: after++ };
      if (line.kind === "-") return { kind: "remove", text, old: before++, new: null };
      if (line.kind === "\\") return { kind: "note", text: text.trim(), old: null, new: null };
      return { kind: "same", text, old: before++, new: after++ };
    });
    return [head, ...lines];
  });
}

const LINE_KINDS = ["+", "-", " ", "\\"] as const;

/** The hunks of a unified diff of one file. */
export function parseUnified(text: string): DiffHunk[] {
  const hunks: DiffHunk[] = [];
  for (const line of text.split("\n")) {
    const head = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/.exec(line);
    if (head) {
      const [, oldStart, oldLines, newStart, newLines] = head;
      hunks.push({
        header: line,
        old_start: Number(oldStart),
        old_lines: Number(oldLines ?? 1),
        new_start: Number(newStart),
        new_lines: Number(newLines ?? 1),
        lines: [],
      });
      continue;
    }
    const kind = LINE_KINDS.find((kind) => line.startsWith(kind));
    // The names of the files come before the first hunk.
    if (kind) hunks.at(-1)?.lines.push({ kind, text: line.slice(1) });
  }
  return hunks;
}

/** The changed lines between two versions of a text: those between their common beginning and end. */
export function textChange(before: string | null, after: string, context = 3): Line[] {
  const a = before === null ? [] : lines(before);
  const b = lines(after);
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end])
    end += 1;
  if (start === a.length && start === b.length) return [];
  const first = Math.max(0, start - context);
  const shownAfter = Math.min(end, context);
  const out: Line[] = [];
  for (let at = first; at < start; at++)
    out.push({ kind: "same", text: a[at] ?? "", old: at + 1, new: at + 1 });
  for (let at = start; at < a.length - end; at++)
    out.push({ kind: "remove", text: a[at] ?? "", old: at + 1, new: null });
  for (let at = start; at < b.length - end; at++)
    out.push({ kind: "add", text: b[at] ?? "", old: null, new: at + 1 });
  for (let n = 0; n < shownAfter; n++) {
    const [old, now] = [a.length - end + n, b.length - end + n];
    out.push({ kind: "same", text: b[now] ?? "", old: old + 1, new: now + 1 });
  }
  return out;
}

function lines(text: string): string[] {
  const all = text.split(/\r?\n/);
  if (all.at(-1) === "") all.pop();
  return all;
}

const MODES: Partial<Record<string, string>> = {
  "100644": "file",
  "100755": "executable file",
  "120000": "symbolic link",
  "160000": "submodule",
};

const modeName = (mode: string) => MODES[mode] ?? `mode ${mode}`;

type Modes = Pick<FileDiff, "old_mode" | "new_mode">;

/** The notice about a file's mode for a reviewer: that it changed, or that a new file is not a plain one. */
export function modeNote({ old_mode: before, new_mode: after }: Modes): string | null {
  if (!after || before === after) return null;
  if (!before) return after === "100644" ? null : modeName(after);
  return `${modeName(before)} → ${modeName(after)}`;
}

/** The change of a file without changed lines. */
export function changeWithoutLines(file: Modes & Pick<FileDiff, "status">): string {
  if (file.old_mode && file.new_mode && file.old_mode !== file.new_mode) return "Only the mode changed.";
  if (file.status === "renamed") return "Renamed; its content is the same.";
  return "The file is empty.";
}
