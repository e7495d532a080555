import { expect, test } from "vitest";
import type { AgentCommand, LogEntry } from "../api/types";
import { anAgent } from "../testing/fixtures";
import { agentFor, commandsFor, optionsRevision, ruleOf } from "./agentOptions";

const command = (name: string): AgentCommand => ({ name, description: "", hint: null });
const entry = (seq: number, entry: object) => ({ seq, at: "2026-01-01T00:00:00Z", ...entry }) as LogEntry;

test("commands are completed while a message is the beginning of one", () => {
  const all = [command("review"), command("revert"), command("plan")];
  const names = (text: string) => commandsFor(text, all).map((each) => each.name);
  expect(names("/")).toEqual(["review", "revert", "plan"]);
  expect(names("/REV")).toEqual(["review", "revert"]);
  expect(names("/review it")).toEqual([]);
  expect(names("see /rev")).toEqual([]);
});

test("options are read again when a turn begins, the agent answers, or they change", () => {
  const started = entry(1, { kind: "turn_started" });
  const said = entry(2, { kind: "agent_message", text: "a" });
  const more = entry(3, { kind: "agent_message", text: "b" });
  const notice = entry(4, { kind: "notice", text: "Options set", agent_options: { model: "large" } });
  const other = entry(5, { kind: "notice", text: "Something else" });
  const update = entry(6, { kind: "update", raw: { sessionUpdate: "available_commands_update" } });
  expect(optionsRevision([])).toBe("0");
  expect(optionsRevision([started])).toBe("1");
  expect(optionsRevision([started, said])).toBe(optionsRevision([started, said, more]));
  expect(optionsRevision([started, said, more, notice, other])).toBe("4");
  expect(optionsRevision([started, said, more, notice, other, update])).toBe("6");
});

test("a task has the options that its agents offer", () => {
  const option = { id: "model", name: "Model", description: null, category: "model", type: "select" };
  const agent = anAgent({
    id: "claude",
    default_for: ["planning"],
    options: [{ ...option, current_value: "a", values: [] }],
  });
  expect(agentFor([agent], "planning", "")?.id).toBe("claude");
  expect(agentFor([agent], "implementation", "")).toBeUndefined();
  expect(agentFor([agent], "implementation", "claude")?.id).toBe("claude");
  expect(ruleOf("planning", agent, { model: "b", gone: "x" })).toEqual([
    { phase: "planning", agent: "claude", options: { model: "b" } },
  ]);
  expect(ruleOf("planning", agent, {})).toEqual([]);
  expect(ruleOf("planning", undefined, { model: "b" })).toEqual([]);
});
