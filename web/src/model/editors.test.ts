import { expect, test } from "vitest";
import { EDITORS, editorOf, folderOf } from "./editors";

const links = (path: string, hostname: string) =>
  EDITORS.map((editor) => editor.link(folderOf(path, hostname)));

test("a folder of this machine is opened as a file", () => {
  expect(links("/data/work trees/a#1", "127.0.0.1")).toEqual([
    "zed://file/data/work%20trees/a%231",
    "vscode://file/data/work%20trees/a%231",
    "cursor://file/data/work%20trees/a%231",
    null,
  ]);
});

test("a folder of another machine is opened over SSH", () => {
  expect(links("/data/one", "build.example.org")).toEqual([
    "zed://ssh/build.example.org/data/one",
    "vscode://vscode-remote/ssh-remote+build.example.org/data/one",
    "cursor://vscode-remote/ssh-remote+build.example.org/data/one",
    null,
  ]);
});

test("a command is safe to paste", () => {
  const jetbrains = editorOf("jetbrains");
  expect(jetbrains.command(folderOf("/data/one", "localhost"))).toBe("idea /data/one");
  expect(jetbrains.command(folderOf("/it's; rm", "localhost"))).toBe(String.raw`idea '/it'\''s; rm'`);
  expect(editorOf("vscode").command(folderOf("/data/one", "build"))).toBe(
    "code --remote ssh-remote+build /data/one",
  );
});

test("an editor that is not known is the first", () => {
  expect(editorOf("ed").id).toBe("zed");
  expect(editorOf(undefined).id).toBe("zed");
});
