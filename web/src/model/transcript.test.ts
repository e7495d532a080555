import { expect, test } from "vitest";
import type { LogEntry } from "../api/types";
import { type Block, transcript } from "./transcript";

/** A log of entries, numbered from 1. */
function log(...entries: Record<string, unknown>[]): LogEntry[] {
  return entries.map((entry, at) => ({ seq: at + 1, at: "2026-01-01T00:00:00.000Z", ...entry }) as LogEntry);
}

const kinds = (blocks: Block[]) => blocks.map((block) => block.block);

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

test("a permission shows its answer by name, however it was told", () => {
  const options = [{ option_id: "y", name: "Allow once", kind: "allow_once" }];
  const [asked, whole] = transcript(
    log(
      { kind: "permission_requested", request_id: "1", title: "Run it", options },
      { kind: "permission_resolved", request_id: "1", outcome: "selected", option_id: "y", reason: "policy" },
    ),
  ).concat(transcript(log({ kind: "permission", title: "Write", options, outcome: "cancelled" })));
  expect(asked).toMatchObject({ outcome: "selected", chosen: "Allow once", reason: "policy" });
  expect(whole).toMatchObject({ outcome: "cancelled", chosen: null });
});

test("an unknown kind is kept whole", () => {
  const entries = log({ kind: "telemetry", load: 3 });
  expect(transcript(entries)).toMatchObject([{ block: "unknown", kind: "telemetry", entry: entries[0] }]);
});

test("failed turns say why, and whether they are tried again", () => {
  const [block] = transcript(log({ kind: "turn_failed", message: "the agent ended", tried_again: true }));
  expect(block).toMatchObject({
    tone: "error",
    text: "The turn failed: the agent ended. It is tried again.",
  });
});
