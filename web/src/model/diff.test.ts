import { expect, test } from "vitest";
import { changeWithoutLines, hunkLines, modeNote, parseUnified } from "./diff";

test("a mode that changes, or that is not a plain file's, is named", () => {
  expect(modeNote({ old_mode: "100644", new_mode: "100644" })).toBeNull();
  expect(modeNote({ old_mode: null, new_mode: "100644" })).toBeNull();
  expect(modeNote({ old_mode: "120000", new_mode: null })).toBeNull();
  expect(modeNote({ old_mode: null, new_mode: "120000" })).toBe("symbolic link");
  expect(modeNote({ old_mode: "100644", new_mode: "100755" })).toBe("file → executable file");
  expect(modeNote({ old_mode: "100644", new_mode: "120000" })).toBe("file → symbolic link");
});

test("a change without changed lines says what it is", () => {
  expect(changeWithoutLines({ status: "modified", old_mode: "100644", new_mode: "100755" })).toContain(
    "mode",
  );
  expect(changeWithoutLines({ status: "renamed", old_mode: "100644", new_mode: "100644" })).toContain(
    "Renamed",
  );
  expect(changeWithoutLines({ status: "added", old_mode: null, new_mode: "100644" })).toContain("empty");
});

test("the note that a file ends without a newline has no number and counts as no line", () => {
  const unified = "@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+c\n";
  const lines = hunkLines(parseUnified(unified));
  expect(lines.map(({ kind, old, new: now }) => [kind, old, now])).toEqual([
    ["hunk", null, null],
    ["same", 1, 1],
    ["remove", 2, null],
    ["note", null, null],
    ["add", null, 2],
  ]);
  expect(lines[3]?.text).toBe("No newline at end of file");
});
