// From the entries of a session's log to the blocks of a conversation: chunks joined, tool calls settled.

import type { Attachment, LogEntry, PermissionOption } from "../api/types";

type Kind = LogEntry["kind"];
type EntryOf<K extends Kind> = Extract<LogEntry, { kind: K }>;

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
  /** The images and files that the agent sent with it. */
  files: readonly Attachment[];
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
  /** The kind of the chosen option, as `allow_once`. */
  chosenKind: string | null;
  reason: string | null;
}

export interface PlanEntry {
  content: string;
  status: string;
}

/** The templates, agent, options and MCP servers of a prompt. */
export interface PromptContext {
  templates: { name: string; source: string; hash: string }[];
  agent: string;
  options: Record<string, string | boolean>;
  mcp_servers: string[];
}

export interface UserBlock {
  block: "user";
  seq: number;
  at: string;
  text: string;
  by: string | null;
  /** The files that go to the agent with it. */
  files: readonly Attachment[];
  /** What a prompt of SpecTask was made from and sent with. */
  context: PromptContext | null;
  /** Whether it was changed, or taken back, before a turn carried it. */
  fate: "said" | "edited" | "withdrawn";
}

/** A message of the agent, or an image or file that it sent. */
interface AgentBlock {
  block: "agent";
  seq: number;
  at: string;
  text: string;
  files: readonly Attachment[];
}

/** A message of a session, a person or SpecTask to another session, or to all of them. */
export interface CoordinationBlock {
  block: "coordination";
  event: string | null;
  seq: number;
  at: string;
  type: string;
  from: string | null;
  to: string | null;
  by: string | null;
  text: string;
}

/** An entry that was added to the session's log from outside. */
export interface RecordedBlock {
  block: "recorded";
  seq: number;
  at: string;
  activity: string;
  text: string;
  by: string | null;
  files: string[];
}

/** The project's setup command, run in the session's worktree. */
export interface SetupBlock {
  block: "setup";
  seq: number;
  at: string;
  command: string;
  passed: boolean;
  exitCode: number | null;
  output: string;
  tookMs: number | null;
  /** Whether what it made before was used again. */
  cached: boolean;
}

export type Block =
  | UserBlock
  | AgentBlock
  | { block: "thought"; seq: number; at: string; text: string }
  | ToolCall
  | PermissionBlock
  | { block: "plan"; seq: number; at: string; entries: PlanEntry[] }
  | SetupBlock
  | { block: "notice"; seq: number; at: string; text: string; tone: "plain" | "error" | "commit" }
  | {
      block: "turn";
      seq: number;
      at: string;
      phase: "started" | "ended";
      label: string;
      turnId: string | null;
    }
  | CoordinationBlock
  | RecordedBlock
  | { block: "unknown"; seq: number; at: string; kind: string; entry: LogEntry };

/** Entries that stand in the log between the words of an agent without ending what it says. */
const BESIDE: ReadonlySet<Kind> = new Set<Kind>([
  "user_message",
  "message_edited",
  "message_withdrawn",
  "coordination",
  "recorded",
  "permission_resolved",
  "notice",
  "setup",
  "commit",
  "usage",
]);

/** The blocks of a log, kept while it grows: what an entry does not change stays the same object. */
export class Transcript {
  private blocks: Block[] = [];
  private from: number | null = null;
  private to = 0;
  private readonly tools = new Map<string, number>();
  private readonly permissions = new Map<string, number>();
  private readonly messages = new Map<string, number>();
  /** Where the plan of the present turn stands; a later plan of the turn takes its place. */
  private plan: number | null = null;
  /** The message or thought that the agent's next piece continues. */
  private saying: { kind: "agent" | "thought"; id: string; place: number } | null = null;

  /** The blocks of a log whose entries are in order; of the log that was read before, only what is new is read. */
  read(log: readonly LogEntry[]): readonly Block[] {
    const first = log[0]?.seq ?? null;
    const last = log.at(-1)?.seq ?? 0;
    if (first !== this.from || last < this.to) this.begin(log);
    if (last === this.to) return this.blocks;
    // Those who were given the list before keep it as it was.
    this.blocks = [...this.blocks];
    for (let at = firstAfter(log, this.to); at < log.length; at++) {
      const entry = log[at];
      // Entries after a gap wait until the gap is read.
      if (!entry || (this.to > 0 && entry.seq !== this.to + 1)) break;
      this.take(entry);
      this.to = entry.seq;
    }
    return this.blocks;
  }

  /** Changes a person's message; one from before the known part of the log is not shown. */
  private change(id: string, change: (said: UserBlock) => UserBlock): void {
    const place = this.messages.get(id);
    const said = place === undefined ? undefined : this.blocks[place];
    if (place !== undefined && said?.block === "user") this.blocks[place] = change(said);
  }

  private begin(log: readonly LogEntry[]): void {
    this.blocks = [];
    this.from = log[0]?.seq ?? null;
    this.to = log[firstWhole(log) - 1]?.seq ?? 0;
    this.plan = null;
    this.saying = null;
    this.tools.clear();
    this.permissions.clear();
    this.messages.clear();
  }

  /** Adds a piece of a message or thought to the one that it continues. */
  private say(kind: "agent" | "thought", entry: EntryOf<"agent_message" | "agent_thought">): void {
    const { blocks, saying } = this;
    const piece = text(entry.text);
    const id = text(entry.message_id);
    const said = saying?.kind === kind && saying.id === id ? blocks[saying.place] : undefined;
    const files = filesOf(entry);
    if (files.length > 0) {
      this.saying = null;
      blocks.push({ block: "agent", seq: entry.seq, at: entry.at, text: withoutPlaces(piece), files });
    } else if (saying && said?.block === kind) {
      blocks[saying.place] = { ...said, text: said.text + piece };
    } else if (piece) {
      this.saying = { kind, id, place: blocks.length };
      const { seq, at } = entry;
      blocks.push(
        kind === "agent"
          ? { block: kind, seq, at, text: piece, files }
          : { block: kind, seq, at, text: piece },
      );
    }
  }

  private take(entry: LogEntry): void {
    const { blocks } = this;
    if (!isPiece(entry) && !BESIDE.has(entry.kind)) this.saying = null;
    const { seq, at } = entry;
    switch (entry.kind) {
      case "user_message":
        this.messages.set(text(entry.message_id), blocks.length);
        blocks.push({
          block: "user",
          seq,
          at,
          text: text(entry.text),
          by: textOrNull(entry.by),
          files: entry.attachments ?? [],
          context: (entry.prompt_context as PromptContext | undefined) ?? null,
          fate: "said",
        });
        break;
      case "message_edited":
        this.change(entry.message_id, (said) => ({ ...said, text: text(entry.text), fate: "edited" }));
        break;
      case "message_withdrawn":
        this.change(entry.message_id, (said) => ({ ...said, fate: "withdrawn" }));
        break;
      case "coordination":
        blocks.push(coordination(entry));
        break;
      case "recorded":
        blocks.push(recorded(entry));
        break;
      case "agent_message":
        this.say("agent", entry);
        break;
      case "agent_thought":
        this.say("thought", entry);
        break;
      case "tool_call": {
        const id = text(entry.tool_call_id) || `seq-${seq}`;
        const place = this.tools.get(id) ?? blocks.length;
        this.tools.set(id, place);
        const before = blocks[place];
        blocks[place] = settle(before?.block === "tool" ? before : undefined, entry, id);
        break;
      }
      case "plan": {
        const place = this.plan ?? blocks.length;
        this.plan = place;
        const known = blocks[place]?.seq ?? seq;
        blocks[place] = { block: "plan", seq: known, at, entries: planEntries(entry) };
        break;
      }
      case "permission_requested":
        this.permissions.set(entry.request_id, blocks.length);
        blocks.push(permission(entry));
        break;
      case "permission_resolved": {
        const place = this.permissions.get(entry.request_id);
        const asked = place === undefined ? undefined : blocks[place];
        if (place !== undefined && asked?.block === "permission") blocks[place] = resolved(asked, entry);
        break;
      }
      case "turn_started":
        this.plan = null;
        blocks.push({
          block: "turn",
          seq,
          at,
          phase: "started",
          label: turnLabel(entry),
          turnId: textOrNull(entry.turn_id),
        });
        break;
      case "turn_ended":
        this.plan = null;
        blocks.push({
          block: "turn",
          seq,
          at,
          phase: "ended",
          label: stopLabel(text(entry.stop_reason)),
          turnId: textOrNull(entry.turn_id),
        });
        break;
      case "turn_failed":
        this.plan = null;
        blocks.push({ block: "notice", seq, at, tone: "error", text: failure(entry) });
        break;
      case "notice":
        blocks.push({ block: "notice", seq, at, tone: "plain", text: text(entry.text) });
        break;
      case "setup":
        blocks.push({
          block: "setup",
          seq,
          at,
          command: text(entry.command),
          passed: entry.passed === true,
          exitCode: entry.exit_code ?? null,
          output: text(entry.output),
          tookMs: entry.took_ms ?? null,
          cached: entry.cached === true,
        });
        break;
      case "commit":
        blocks.push({ block: "notice", seq, at, tone: "commit", text: text(entry.commit) });
        break;
      // A turn's usage is shown with the task, not in its conversation.
      case "usage":
        break;
      default:
        // ACP updates for which the log has no specific kind, and entries that a newer server wrote.
        blocks.push(unknown(entry));
    }
  }
}

/** Where the block is that shows the entry of a number, which may be unknown yet; -1 where none does. */
export function placeOf(blocks: readonly Block[], seq: number, entry?: LogEntry): number {
  if (entry?.kind === "tool_call") {
    const call = blocks.findIndex((block) => block.block === "tool" && block.id === entry.tool_call_id);
    if (call >= 0) return call;
  }
  return blocks.findLastIndex((block) => block.seq <= seq);
}

/** The turns that ended, by their numbers, in order. */
export function endedTurns(blocks: readonly Block[]): { id: string; label: string }[] {
  const names = new Map<string, string>();
  const ended: { id: string; label: string }[] = [];
  for (const block of blocks) {
    if (block.block !== "turn" || block.turnId === null) continue;
    if (block.phase === "started") names.set(block.turnId, block.label);
    else ended.push({ id: block.turnId, label: names.get(block.turnId) ?? "A turn" });
  }
  return ended;
}

const NO_PLAN: readonly PlanEntry[] = [];

/** The agent's plan as it was last reported. */
export function lastPlan(blocks: readonly Block[]): readonly PlanEntry[] {
  const plan = blocks.findLast((block) => block.block === "plan");
  return plan?.block === "plan" ? plan.entries : NO_PLAN;
}

/** The commands that the agent ran. */
export function commands(blocks: readonly Block[]): ToolCall[] {
  return blocks.filter((block): block is ToolCall => block.block === "tool" && block.toolKind === "execute");
}

/**
 * Where the known part of a log begins to make sense: what it opens with may be the rest of a message, or news of a tool
 * call, that began before it. That waits until it is whole, so that no block changes its beginning under its reader.
 */
function firstWhole(log: readonly LogEntry[]): number {
  const [first] = log;
  if (!first || first.seq <= 1) return 0;
  const isRest = (entry: LogEntry) =>
    entry.kind === "tool_call"
      ? text(entry.title) === ""
      : isPiece(entry) &&
        isPiece(first) &&
        entry.kind === first.kind &&
        text(entry.message_id) === text(first.message_id);
  // Where nothing else is known, the rest of a message is more than nothing.
  return Math.max(
    0,
    log.findIndex((entry) => !isRest(entry)),
  );
}

function isPiece(entry: LogEntry): entry is EntryOf<"agent_message" | "agent_thought"> {
  return entry.kind === "agent_message" || entry.kind === "agent_thought";
}

/** Where the entries after a number begin. */
function firstAfter(log: readonly LogEntry[], seq: number): number {
  let at = log.length;
  while (at > 0 && (log[at - 1]?.seq ?? 0) > seq) at -= 1;
  return at;
}

function unknown(entry: LogEntry): Block {
  return { block: "unknown", seq: entry.seq, at: entry.at, kind: entry.kind, entry };
}

function coordination(entry: EntryOf<"coordination">): CoordinationBlock {
  return {
    block: "coordination",
    event: textOrNull(entry.event_id),
    seq: entry.seq,
    at: entry.at,
    type: text(entry.event_type),
    from: textOrNull(entry.from_session_id),
    to: textOrNull(entry.to_session_id),
    by: textOrNull(entry.by),
    text: text(entry.text),
  };
}

function recorded(entry: EntryOf<"recorded">): RecordedBlock {
  return {
    block: "recorded",
    seq: entry.seq,
    // When it happened, where the entry says so.
    at: textOrNull(entry.timestamp) ?? entry.at,
    activity: text(entry.activity_type),
    text: text(entry.text),
    by: textOrNull(entry.by),
    files: entry.files_affected ?? [],
  };
}

function resolved(asked: PermissionBlock, entry: EntryOf<"permission_resolved">): PermissionBlock {
  const id = textOrNull(entry.option_id);
  const chosen = asked.options.find((option) => option.option_id === id);
  return {
    ...asked,
    outcome: text(entry.outcome) || "answered",
    chosen: chosen?.name ?? id,
    chosenKind: chosen?.kind ?? null,
    reason: textOrNull(entry.reason),
  };
}

/** A tool call after an entry about it: what the entry leaves out stays as it was. */
function settle(before: ToolCall | undefined, entry: EntryOf<"tool_call">, id: string): ToolCall {
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
    input: entry.raw_input ?? before?.input ?? null,
    output: entry.raw_output ?? before?.output ?? null,
    files: joined(before?.files ?? [], entry.attachments ?? []),
  };
}

const filesOf = (entry: EntryOf<"agent_message" | "agent_thought">): readonly Attachment[] =>
  entry.kind === "agent_message" ? (entry.attachments ?? []) : [];

/** The text of a message whose files are shown: without the words that stand in their place. */
const withoutPlaces = (text: string): string => text.replace(/\[(image|audio|resource)\]/g, "").trim();

/** Files of a call, each once. */
function joined(before: readonly Attachment[], later: readonly Attachment[]): readonly Attachment[] {
  const known = new Set(before.map((file) => file.id));
  return [...before, ...later.filter((file) => !known.has(file.id))];
}

function permission(entry: EntryOf<"permission_requested">): PermissionBlock {
  return {
    block: "permission",
    seq: entry.seq,
    at: entry.at,
    requestId: entry.request_id,
    title: text(entry.title) || "The agent asks for a permission",
    options: entry.options ?? [],
    outcome: null,
    chosen: null,
    chosenKind: null,
    reason: null,
  };
}

function planEntries(plan: EntryOf<"plan">): PlanEntry[] {
  return (plan.entries ?? []).map(({ content, status }) => ({ content, status: text(status) }));
}

function turnLabel(entry: EntryOf<"turn_started">): string {
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

/** How a setup command ended, in a few words. */
export function setupOutcome({ passed, cached, exitCode, tookMs }: SetupBlock): string {
  if (cached) return "not run: the result of the same inputs was used again";
  const took = tookMs === null ? "" : ` after ${(tookMs / 1000).toFixed(1)} s`;
  if (passed) return `passed${took}`;
  return exitCode === null ? `failed${took}` : `failed with exit code ${exitCode}${took}`;
}

function failure(entry: EntryOf<"turn_failed">): string {
  const again = entry.tried_again === true ? " It is tried again." : "";
  const why = text(entry.message) || text(entry.code) || "no reason was given";
  return `The turn failed: ${why.replace(/\.$/, "")}.${again}`;
}

/** A text that may be missing: an entry that another version of the server wrote comes as it is. */
function text(value: string | null | undefined): string {
  return value ?? "";
}

function textOrNull(value: string | null | undefined): string | null {
  return value || null;
}
