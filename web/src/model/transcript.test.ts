import { expect, test } from "vitest";
import type { LogEntry } from "../api/types";
import { type Block, commands, endedTurns, lastPlan, placeOf, setupOutcome, Transcript } from "./transcript";

/** A log of entries, numbered from 1. */
function log(...entries: Record<string, unknown>[]): LogEntry[] {
  return entries.map((entry, at) => ({ seq: at + 1, at: "2026-01-01T00:00:00.000Z", ...entry }) as LogEntry);
}

const transcript = (entries: LogEntry[]) => new Transcript().read(entries);
const kinds = (blocks: readonly Block[]) => blocks.map((block) => block.block);

test("chunks of a message are joined, and kept apart from thoughts", () => {
  const blocks = transcript(
    log(
      { kind: "agent_thought", text: "Let me " },
      { kind: "agent_thought", text: "look." },
      { kind: "agent_message", text: "I see " },
      { kind: "agent_message", text: "it." },
      { kind: "agent_thought", text: "Next." },
    ),
  );
  expect(blocks).toMatchObject([
    { block: "thought", text: "Let me look.", seq: 1 },
    { block: "agent", text: "I see it.", seq: 3 },
    { block: "thought", text: "Next.", seq: 5 },
  ]);
});

test("what stands between two chunks ends the message", () => {
  const blocks = transcript(
    log(
      { kind: "agent_message", text: "Before." },
      { kind: "tool_call", tool_call_id: "a", title: "Read x" },
      { kind: "agent_message", text: "After." },
    ),
  );
  expect(kinds(blocks)).toEqual(["agent", "tool", "agent"]);
});

test("what others say meanwhile does not cut a message", () => {
  const blocks = transcript(
    log(
      { kind: "agent_message", text: "The words are " },
      { kind: "coordination", event_type: "blocking", text: "The same lines." },
      { kind: "user_message", message_id: "m", by: "usr_1", text: "Mind the tide" },
      { kind: "agent_message", text: "written." },
      { kind: "turn_ended", stop_reason: "end_turn" },
      { kind: "agent_message", text: "More." },
    ),
  );
  expect(kinds(blocks)).toEqual(["agent", "coordination", "user", "turn", "agent"]);
  expect(blocks[0]).toMatchObject({ text: "The words are written." });
});

test("messages with names of their own stand apart", () => {
  const blocks = transcript(
    log(
      { kind: "agent_message", message_id: "a", text: "One." },
      { kind: "agent_message", message_id: "b", text: "Two." },
    ),
  );
  expect(blocks).toMatchObject([{ text: "One." }, { text: "Two." }]);
});

test("what is used is no part of the conversation and does not cut a message", () => {
  const blocks = transcript(
    log(
      { kind: "agent_message", text: "One " },
      { kind: "usage", usage: { input_tokens: 3 } },
      { kind: "agent_message", text: "sentence." },
    ),
  );
  expect(blocks).toMatchObject([{ block: "agent", text: "One sentence." }]);
});

test("images of an agent stand where it sent them, and those of a call are kept", () => {
  const image = { id: "att_1", name: "image.png", media_type: "image/png", size: 12 };
  const other = { ...image, id: "att_2" };
  const blocks = transcript(
    log(
      { kind: "agent_message", message_id: "m", text: "Before" },
      { kind: "agent_message", message_id: "m", text: "[image]", attachments: [image] },
      { kind: "agent_message", message_id: "m", text: "and after." },
      { kind: "tool_call", tool_call_id: "a", title: "Look", attachments: [image] },
      { kind: "tool_call", tool_call_id: "a", attachments: [image, other] },
      { kind: "tool_call", tool_call_id: "a", status: "completed" },
    ),
  );
  expect(blocks).toMatchObject([
    { block: "agent", text: "Before", files: [] },
    { block: "agent", text: "", files: [image] },
    { block: "agent", text: "and after.", files: [] },
    { block: "tool", status: "completed", files: [image, other] },
  ]);
});

test("a tool call is settled by later entries, which leave out what stays", () => {
  const blocks = transcript(
    log(
      { kind: "tool_call", tool_call_id: "a", title: "Read x", tool_kind: "read", status: "pending" },
      { kind: "agent_message", text: "Meanwhile." },
      { kind: "tool_call", tool_call_id: "a", status: "completed", content: [{ type: "content" }] },
    ),
  );
  expect(kinds(blocks)).toEqual(["tool", "agent"]);
  expect(blocks[0]).toMatchObject({
    title: "Read x",
    toolKind: "read",
    status: "completed",
    content: [{ type: "content" }],
    seq: 1,
  });
});

test("a plan takes the place of the one before it in its turn, and only there", () => {
  const plan = (status: string) => ({ kind: "plan", entries: [{ content: "Write", status }] });
  const blocks = transcript(
    log(
      plan("pending"),
      { kind: "agent_message", text: "…" },
      plan("completed"),
      { kind: "turn_ended" },
      plan("pending"),
    ),
  );
  expect(kinds(blocks)).toEqual(["plan", "agent", "turn", "plan"]);
  expect(blocks[0]).toMatchObject({ entries: [{ content: "Write", status: "completed" }] });
});

test("a permission shows its answer by name", () => {
  const options = [{ option_id: "y", name: "Allow once", kind: "allow_once" }];
  const [asked] = transcript(
    log(
      { kind: "permission_requested", request_id: "1", title: "Run it", options },
      { kind: "permission_resolved", request_id: "1", outcome: "selected", option_id: "y", reason: "policy" },
    ),
  );
  expect(asked).toMatchObject({
    outcome: "selected",
    chosen: "Allow once",
    chosenKind: "allow_once",
    reason: "policy",
  });
});

test("an unknown kind is kept whole", () => {
  const entries = log({ kind: "telemetry", load: 3 });
  expect(transcript(entries)).toMatchObject([{ block: "unknown", kind: "telemetry", entry: entries[0] }]);
});

test("a setup command says how it ended, and whether its result was used again", () => {
  const blocks = transcript(
    log(
      { kind: "setup", command: "npm ci", passed: false, exit_code: 1, output: "no registry", took_ms: 1500 },
      { kind: "setup", command: "npm ci", passed: true, cached: true, took_ms: 12 },
    ),
  );
  expect(blocks.map((block) => block.block === "setup" && setupOutcome(block))).toEqual([
    "failed with exit code 1 after 1.5 s",
    "not run: the result of the same inputs was used again",
  ]);
  expect(blocks[0]).toMatchObject({ command: "npm ci", output: "no registry" });
});

test("failed turns say why, and whether they are tried again", () => {
  const [block] = transcript(log({ kind: "turn_failed", message: "the agent ended", tried_again: true }));
  expect(block).toMatchObject({
    tone: "error",
    text: "The turn failed: the agent ended. It is tried again.",
  });
});

test("a log that grows changes only the blocks that its new entries are about", () => {
  const entries = log(
    { kind: "tool_call", tool_call_id: "a", title: "Read x", status: "pending" },
    { kind: "agent_message", text: "Reading. " },
    { kind: "agent_message", text: "Still reading." },
    { kind: "tool_call", tool_call_id: "a", status: "completed" },
  );
  const reader = new Transcript();
  const before = reader.read(entries.slice(0, 2));
  const more = reader.read(entries.slice(0, 3));
  expect(before).toMatchObject([{ status: "pending" }, { text: "Reading. " }]);
  expect(more[1]).toMatchObject({ text: "Reading. Still reading." });
  expect(more[0]).toBe(before[0]);
  const after = reader.read(entries);
  expect(after[0]).toMatchObject({ status: "completed" });
  expect(after[1]).toBe(more[1]);
  expect(reader.read(entries)).toBe(after);
});

test("earlier entries that are read later come before", () => {
  const entries = log({ kind: "agent_message", text: "One " }, { kind: "agent_message", text: "sentence." });
  const reader = new Transcript();
  expect(reader.read(entries.slice(1))).toMatchObject([{ text: "sentence.", seq: 2 }]);
  expect(reader.read(entries)).toMatchObject([{ text: "One sentence.", seq: 1 }]);
});

test("what follows a gap waits until the gap is read", () => {
  const entries = log(
    { kind: "agent_message", text: "a" },
    { kind: "agent_message", text: "b" },
    { kind: "agent_message", text: "c" },
  );
  const reader = new Transcript();
  expect(reader.read(entries.filter(({ seq }) => seq !== 2))).toMatchObject([{ text: "a" }]);
  expect(reader.read(entries)).toMatchObject([{ text: "abc" }]);
});

test("a message that is changed or withdrawn says so in its place", () => {
  const said = [
    { kind: "user_message", message_id: "m1", by: "ada", text: "One" },
    { kind: "user_message", message_id: "m2", by: "ada", text: "Two" },
    { kind: "message_edited", message_id: "m1", text: "First" },
    { kind: "message_withdrawn", message_id: "m2" },
    // Said before the known part of the log.
    { kind: "message_withdrawn", message_id: "m0" },
  ];
  expect(transcript(log(...said))).toMatchObject([
    { text: "First", fate: "edited" },
    { text: "Two", fate: "withdrawn" },
  ]);
});

test("crew messages and entries from outside are no unknown entries", () => {
  const blocks = transcript(
    log(
      {
        kind: "coordination",
        event_type: "handoff",
        from_session_id: "a",
        to_session_id: null,
        text: "Ready.",
      },
      {
        kind: "recorded",
        activity_type: "decision",
        text: "SQLite.",
        by: "ada",
        timestamp: "2026-01-01T00:00:00Z",
        files_affected: ["a.rs"],
      },
      { kind: "recorded", activity_type: "conversation", text: "Hm.", timestamp: null, files_affected: null },
    ),
  );
  expect(blocks).toMatchObject([
    { block: "coordination", type: "handoff", from: "a", to: null, text: "Ready." },
    { block: "recorded", activity: "decision", at: "2026-01-01T00:00:00Z", files: ["a.rs"] },
    { block: "recorded", files: [] },
  ]);
});

test("an entry is found in the block that shows it", () => {
  const entries = log(
    { kind: "agent_message", text: "One " },
    { kind: "agent_message", text: "sentence." },
    { kind: "tool_call", tool_call_id: "a", tool_kind: "execute", status: "pending" },
    { kind: "agent_thought", text: "Hm." },
    { kind: "tool_call", tool_call_id: "a", status: "completed" },
  );
  const blocks = transcript(entries);
  expect(entries.map((entry) => placeOf(blocks, entry.seq, entry))).toEqual([0, 0, 1, 2, 1]);
  expect(placeOf([], 3)).toBe(-1);
  expect(commands(blocks)).toMatchObject([{ id: "a", status: "completed" }]);
});

test("the turns that ended, and the last reported plan", () => {
  const blocks = transcript(
    log(
      { kind: "turn_started", turn_id: "t1", number: 1 },
      { kind: "plan", entries: [{ content: "Old", status: "pending" }] },
      { kind: "turn_ended", turn_id: "t1" },
      { kind: "turn_started", turn_id: "t2", number: 2 },
      { kind: "plan", entries: [{ content: "New", status: "pending" }] },
    ),
  );
  expect(endedTurns(blocks)).toEqual([{ id: "t1", label: "Turn 1" }]);
  expect(lastPlan(blocks)).toEqual([{ content: "New", status: "pending" }]);
  expect(lastPlan([])).toEqual([]);
});

test("what a later part of a log opens with waits for its beginning", () => {
  const whole = log(
    { kind: "agent_message", text: "It " },
    { kind: "agent_message", text: "is " },
    { kind: "agent_message", text: "so." },
    { kind: "tool_call", tool_call_id: "a", title: "Read x" },
    { kind: "tool_call", tool_call_id: "a", status: "completed" },
    { kind: "agent_message", text: "Read." },
  );
  expect(kinds(transcript(whole.slice(1)))).toEqual(["tool", "agent"]);
  expect(kinds(transcript(whole.slice(4)))).toEqual(["agent"]);
  const reader = new Transcript();
  expect(kinds(reader.read(whole.slice(2)))).toEqual(["tool", "agent"]);
  expect(kinds(reader.read(whole))).toEqual(["agent", "tool", "agent"]);
  // Of one endless message the end is shown.
  expect(transcript(whole.slice(1, 3))).toMatchObject([{ block: "agent", text: "is so." }]);
});

test("every block begins with an entry of its own", () => {
  const blocks = transcript(
    log(
      { kind: "turn_started" },
      { kind: "user_message", text: "Go" },
      { kind: "agent_thought", text: "Hm" },
      { kind: "agent_message", text: "I begin" },
      { kind: "tool_call", tool_call_id: "1", title: "Read", status: "pending" },
      { kind: "plan", entries: [] },
      { kind: "tool_call", tool_call_id: "1", status: "completed" },
      { kind: "plan", entries: [{ content: "Write", status: "pending" }] },
      { kind: "permission_requested", request_id: "1", title: "Write", options: [] },
      { kind: "permission_resolved", request_id: "1", outcome: "cancelled" },
      { kind: "commit", commit: "abc" },
      { kind: "turn_ended" },
    ),
  );
  expect(new Set(blocks.map(({ seq }) => seq)).size).toBe(blocks.length);
});
