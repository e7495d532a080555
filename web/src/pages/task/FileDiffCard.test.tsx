import { render, screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { aDiff } from "../../testing/fixtures";
import { FileDiffCard } from "./FileDiffCard";

test("a file whose name or lines hide their direction is shown with what they hide", () => {
  const [file] = aDiff().files;
  if (!file) throw new Error("no file");
  const hunk = {
    header: "@@ -1,0 +1,1 @@",
    old_start: 1,
    old_lines: 0,
    new_start: 1,
    new_lines: 1,
    lines: [{ kind: "+" as const, text: "if (isAdmin) { /* \u202e } */" }],
  };
  render(
    <FileDiffCard file={{ ...file, path: "src/\u202egpj.exe", old_path: "src/old.js", hunks: [hunk] }} />,
  );
  expect(screen.getByRole("button", { expanded: true }).textContent).toMatch(
    /^src\/old\.js → src\/U\+202Egpj\.exe/,
  );
  const lines = screen.getByRole("region", { name: "Changes of src/[U+202E]gpj.exe" });
  expect(lines.textContent).toContain("if (isAdmin) { /* U+202E } */");
  expect(lines.textContent).not.toContain("\u202e");
});
