// What a tool call has to show: texts and changes of files, in the shapes that agents send.

import type { ToolCall } from "./transcript";

export type ToolContent =
  | { kind: "text"; text: string }
  | { kind: "change"; path: string; before: string | null; after: string };

/** The parts of a call that are worth reading; its raw input and output only where there is nothing else. */
export function toolContent(call: Pick<ToolCall, "content" | "input" | "output">): ToolContent[] {
  const list = Array.isArray(call.content) ? (call.content as unknown[]) : call.content ? [call.content] : [];
  const parts = list.flatMap(part);
  const said = parts.filter((one) => one.kind === "change" || one.text.trim() !== "");
  if (said.length > 0) return said;
  return [call.input, call.output].flatMap(raw);
}

function part(value: unknown): ToolContent[] {
  if (typeof value === "string") return [{ kind: "text", text: value }];
  if (!isRecord(value)) return [];
  if (value.type === "diff" && typeof value.path === "string") {
    const before = typeof value.oldText === "string" ? value.oldText : null;
    return [
      {
        kind: "change",
        path: value.path,
        before,
        after: typeof value.newText === "string" ? value.newText : "",
      },
    ];
  }
  const inner = isRecord(value.content) ? value.content : value;
  if (typeof inner.text === "string") return [{ kind: "text", text: unfenced(inner.text) }];
  return value.type === "terminal" ? [] : [{ kind: "text", text: JSON.stringify(value, null, 2) }];
}

/** Output that an agent wrapped into a Markdown fence, without the fence. */
function unfenced(text: string): string {
  const found = /^```[^\n]*\n([\s\S]*?)\n?```\s*$/.exec(text.trim());
  return found?.[1] ?? text;
}

function raw(value: unknown): ToolContent[] {
  if (value === null || value === undefined || value === "") return [];
  if (isRecord(value) && Object.keys(value).length === 0) return [];
  return [{ kind: "text", text: typeof value === "string" ? value : JSON.stringify(value, null, 2) }];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
