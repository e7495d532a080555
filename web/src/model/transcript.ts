// From the entries of a session's log to the blocks of a conversation: chunks joined, tool calls settled.

import type { LogEntry, PermissionOption } from "../api/types";

export interface ToolCall {
  block: "tool";
  seq: number;
  at: string;
  id: string;
  title: string;
  toolKind: string;
  status: string;
  content: unknown;
  locations: unknown;
  input: unknown;
  output: unknown;
}

export interface PermissionBlock {
  block: "permission";
  seq: number;
  at: string;
  requestId: string | null;
  title: string;
  options: PermissionOption[];
  outcome: string | null;
  chosen: string | null;
  reason: string | null;
}

export interface PlanEntry {
  content: string;
  status: string;
}

export type Block =
  | { block: "user"; seq: number; at: string; text: string; by: string | null }
  | { block: "agent"; seq: number; at: string; text: string }
  | { block: "thought"; seq: number; at: string; text: string }
  | ToolCall
  | PermissionBlock
  | { block: "plan"; seq: number; at: string; entries: PlanEntry[] }
  | { block: "notice"; seq: number; at: string; text: string; tone: "plain" | "error" | "commit" }
  | { block: "turn"; seq: number; at: string; phase: "started" | "ended"; label: string }
  | { block: "unknown"; seq: number; at: string; kind: string; entry: LogEntry };

/** The blocks of a log whose entries are in order. */
export function transcript(entries: readonly LogEntry[]): Block[] {
  const blocks: Block[] = [];
  const tools = new Map<string, number>();
  const permissions = new Map<string, PermissionBlock>();
  /** Where the plan of the present turn stands; a later plan of the turn takes its place. */
  let plan: number | null = null;

  for (const entry of entries) {
    const { seq, at } = entry;
    switch (entry.kind) {
      case "user_message":
        blocks.push({ block: "user", seq, at, text: text(entry.text), by: textOrNull(entry.by) });
        break;
      case "agent_message":
        join(blocks, "agent", entry);
        break;
      case "agent_thought":
        join(blocks, "thought", entry);
        break;
      case "tool_call": {
        const id = text(entry.tool_call_id) || `seq-${seq}`;
        const at_ = tools.get(id);
        const before = at_ === undefined ? undefined : (blocks[at_] as ToolCall);
        const after = settle(before, entry, id);
        if (at_ === undefined) {
          tools.set(id, blocks.length);
          blocks.push(after);
        } else {
          blocks[at_] = after;
        }
        break;
      }
      case "plan": {
        const block: Block = { block: "plan", seq, at, entries: planEntries(entry.entries) };
        if (plan === null) {
          plan = blocks.length;
          blocks.push(block);
        } else {
          blocks[plan] = { ...block, seq: blocks[plan]?.seq ?? seq };
        }
        break;
      }
      case "permission":
      case "permission_requested": {
        const block = permission(entry);
        if (block.requestId) permissions.set(block.requestId, block);
        blocks.push(block);
        break;
      }
      case "permission_resolved": {
        const asked = permissions.get(text(entry.request_id));
        if (!asked) break;
        const chosen = textOrNull(entry.option_id);
        Object.assign(asked, {
          outcome: text(entry.outcome) || "answered",
          chosen: asked.options.find((option) => option.option_id === chosen)?.name ?? chosen,
          reason: textOrNull(entry.reason),
        });
        break;
      }
      case "turn_started":
        plan = null;
        blocks.push({ block: "turn", seq, at, phase: "started", label: turnLabel(entry) });
        break;
      case "turn_ended":
        plan = null;
        blocks.push({ block: "turn", seq, at, phase: "ended", label: stopLabel(text(entry.stop_reason)) });
        break;
      case "turn_failed":
        plan = null;
        blocks.push({ block: "notice", seq, at, tone: "error", text: failure(entry) });
        break;
      case "notice":
        blocks.push({ block: "notice", seq, at, tone: "plain", text: text(entry.text) });
        break;
      case "commit":
        blocks.push({ block: "notice", seq, at, tone: "commit", text: text(entry.commit) });
        break;
      // What a turn used is shown with the task, not in its conversation.
      case "usage":
        break;
      default:
        blocks.push({ block: "unknown", seq, at, kind: entry.kind, entry });
    }
  }
  return blocks;
}

function join(blocks: Block[], kind: "agent" | "thought", entry: LogEntry): void {
  const chunk = text(entry.text);
  const last = blocks.at(-1);
  if (last?.block === kind) {
    blocks[blocks.length - 1] = { ...last, text: last.text + chunk };
  } else if (chunk) {
    blocks.push({ block: kind, seq: entry.seq, at: entry.at, text: chunk });
  }
}

/** A tool call after an entry about it: what the entry leaves out stays as it was. */
function settle(before: ToolCall | undefined, entry: LogEntry, id: string): ToolCall {
  return {
    block: "tool",
    seq: before?.seq ?? entry.seq,
    at: before?.at ?? entry.at,
    id,
    title: text(entry.title) || before?.title || "Tool call",
    toolKind: text(entry.tool_kind) || before?.toolKind || "other",
    status: text(entry.status) || before?.status || "pending",
    content: entry.content ?? before?.content ?? null,
    locations: entry.locations ?? before?.locations ?? null,
    input: entry.raw_input ?? before?.input ?? entry.raw ?? null,
    output: entry.raw_output ?? before?.output ?? null,
  };
}

function permission(entry: LogEntry): PermissionBlock {
  const options = Array.isArray(entry.options) ? (entry.options as unknown[]) : [];
  const outcome = typeof entry.outcome === "string" ? entry.outcome : null;
  return {
    block: "permission",
    seq: entry.seq,
    at: entry.at,
    requestId: textOrNull(entry.request_id),
    title: text(entry.title) || "The agent asks for a permission",
    options: options.filter(isRecord).map((option) => ({
      option_id: text(option.option_id),
      name: text(option.name) || text(option.option_id),
      kind: text(option.kind),
    })),
    outcome,
    chosen: textOrNull(entry.option_id),
    reason: textOrNull(entry.reason),
  };
}

function planEntries(value: unknown): PlanEntry[] {
  const list = Array.isArray(value) ? (value as unknown[]) : [];
  return list.filter(isRecord).map((one) => ({ content: text(one.content), status: text(one.status) }));
}

function turnLabel(entry: LogEntry): string {
  return typeof entry.number === "number" ? `Turn ${entry.number}` : "Turn";
}

function stopLabel(reason: string): string {
  const known: Record<string, string> = {
    "": "Turn ended",
    end_turn: "Turn ended",
    max_tokens: "Turn ended: the answer reached the token limit",
    max_turn_requests: "Turn ended: too many requests in one turn",
    refusal: "Turn ended: the agent refused",
    cancelled: "Turn cancelled",
  };
  return known[reason] ?? `Turn ended: ${reason.replaceAll("_", " ")}`;
}

function failure(entry: LogEntry): string {
  const again = entry.tried_again === true ? " It is tried again." : "";
  const why = text(entry.message) || text(entry.code) || "no reason was given";
  return `The turn failed: ${why.replace(/\.$/, "")}.${again}`;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function textOrNull(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
