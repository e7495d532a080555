// The action that an agent asks permission for, from its tool call.

import { words } from "./status";
import { type ToolContent, toolContent } from "./tool";

export interface Permission {
  /** The action, as the predicate of a sentence. */
  wants: string;
  /** The command, or the tool call's title. */
  subject: string;
  /** Further details of the tool call, by name. */
  details: { name: string; text: string }[];
  /** Texts and changes of files that come with it. */
  content: ToolContent[];
}

const WANTS: Record<string, string> = {
  execute: "wants to run a command",
  read: "wants to read",
  edit: "wants to edit a file",
  delete: "wants to delete a file",
  move: "wants to move a file",
  search: "wants to search",
  fetch: "wants to fetch from the network",
};

export function readPermission(request: { title: string; tool_call: unknown }): Permission {
  const call = isRecord(request.tool_call) ? request.tool_call : {};
  const input = isRecord(call.rawInput) ? call.rawInput : {};
  const command = typeof input.command === "string" ? input.command : undefined;
  const subject = command ?? unquoted(request.title);
  const files = (Array.isArray(call.locations) ? (call.locations as unknown[]) : []).flatMap((location) =>
    isRecord(location) && typeof location.path === "string" ? [location.path] : [],
  );
  const content = call.content ? toolContent({ content: call.content, input: null, output: null }) : [];
  return {
    wants: (command && WANTS.execute) || WANTS[String(call.kind)] || "asks for permission",
    subject,
    details: [
      ...Object.entries(input).map(([name, value]) => ({
        name: words(name),
        text: typeof value === "string" ? value : JSON.stringify(value, null, 2),
      })),
      ...(files.length > 0 ? [{ name: "Files", text: files.join("\n") }] : []),
    ].filter(({ text }) => text !== subject && text !== ""),
    content,
  };
}

/** A title that is one piece of code, without its marks. */
function unquoted(title: string): string {
  return /^`([^`]+)`$/.exec(title)?.[1] ?? title;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
