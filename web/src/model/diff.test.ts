import { expect, test } from "vitest";
import { changeWithoutLines, modeNote } from "./diff";

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
