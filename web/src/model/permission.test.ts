import { expect, test } from "vitest";
import { readPermission } from "./permission";

test("a command is what the agent wants to run, and the rest of its input are details", () => {
  const asked = readPermission({
    title: "`rm -f words.md`",
    tool_call: {
      kind: "execute",
      rawInput: { command: "rm -f words.md", description: "Remove the words", timeout: 30 },
    },
  });
  expect(asked).toEqual({
    wants: "wants to run a command",
    subject: "rm -f words.md",
    details: [
      { name: "Description", text: "Remove the words" },
      { name: "Timeout", text: "30" },
    ],
    content: [],
  });
});

test("a change of a file comes with its lines", () => {
  const asked = readPermission({
    title: "Edit words.md",
    tool_call: {
      kind: "edit",
      locations: [{ path: "/src/words.md" }],
      content: [{ type: "diff", path: "/src/words.md", oldText: "water", newText: "wave" }],
    },
  });
  expect(asked.wants).toBe("wants to edit a file");
  expect(asked.details).toEqual([{ name: "Files", text: "/src/words.md" }]);
  expect(asked.content).toEqual([{ kind: "change", path: "/src/words.md", before: "water", after: "wave" }]);
});

test("of a tool call that says nothing there is the title", () => {
  expect(readPermission({ title: "`ls`", tool_call: null })).toEqual({
    wants: "asks for permission",
    subject: "ls",
    details: [],
    content: [],
  });
});
