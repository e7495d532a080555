// The content of a tool call: texts and changes of files, in the shapes that agents send.

import { type Tone, words } from "./status";
import type { ToolCall } from "./transcript";

export type ToolContent =
  | { kind: "text"; text: string }
  | { kind: "change"; path: string; before: string | null; after: string };

/** The parts of a call that are worth reading; its raw input and output only where there is nothing else. */
export function toolContent(call: Pick<ToolCall, "content" | "input" | "output">): ToolContent[] {
  const list = Array.isArray(call.content) ? (call.content as unknown[]) : call.content ? [call.content] : [];
  const parts = list.flatMap(part);
  const said = parts.filter((one) => one.kind === "change" || one.text.trim() !== "");
  if (said.length > 0 || list.length > parts.length) return said;
  return [...raw(call.input), ...outputOf(call.output)];
}

/** The output of a command. */
export function commandOutput(call: Pick<ToolCall, "content" | "output">): string {
  return toolContent({ ...call, input: null })
    .map((part) => (part.kind === "text" ? part.text : part.path))
    .join("\n");
}

const TONES: Record<string, Tone> = {
  pending: "waiting",
  in_progress: "working",
  completed: "done",
  failed: "failed",
  cancelled: "stopped",
};

/** How a tool call stands: a command that ended with another code than 0 failed, whatever its call says. */
export function toolState({ status, output }: Pick<ToolCall, "status" | "output">): {
  tone: Tone;
  label: string;
} {
  const exit = exitCode(output);
  if (exit !== null && exit !== 0) return { tone: "failed", label: `Exit ${exit}` };
  return { tone: TONES[status] ?? "waiting", label: words(status) };
}

/** The names that agents give the code with which a command ended. */
const EXIT_CODE = ["exitCode", "exit_code"];
/** The names that agents give what it printed. */
const PRINTED = ["output", "stdout", "stderr"];

function exitCode(output: unknown): number | null {
  if (!isRecord(output)) return null;
  const code = EXIT_CODE.map((name) => output[name]).find((value) => typeof value === "number");
  return typeof code === "number" ? code : null;
}

/** The raw output of a call; of a command what it printed, as text. */
function outputOf(output: unknown): ToolContent[] {
  if (!isRecord(output) || !EXIT_CODE.some((name) => name in output)) return raw(output);
  return PRINTED.flatMap((name) => raw(output[name]));
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
  if (isFile(inner)) return [];
  if (typeof inner.text === "string") return [{ kind: "text", text: unfenced(inner.text) }];
  return value.type === "terminal" ? [] : [{ kind: "text", text: JSON.stringify(value, null, 2) }];
}

/** Whether a content block is a file that is kept with the task, which is shown beside the call. */
const isFile = (block: Record<string, unknown>): boolean =>
  typeof block.attachment === "string" ||
  (isRecord(block.resource) && typeof block.resource.attachment === "string");

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
