import { expect, test } from "vitest";
import { nameParts, plainName, textParts } from "./hidden";

test("a right-to-left override in a name is named", () => {
  expect(plainName("invoice\u202egpj.exe")).toBe("invoice[U+202E]gpj.exe");
  expect(nameParts("a\u2066b")).toEqual([
    { text: "a" },
    { hidden: "U+2066", meaning: "left-to-right isolate" },
    { text: "b" },
  ]);
});

test("line breaks, controls and marks without width are no part of a name", () => {
  expect(plainName("a\nb\u0007\u200b.txt")).toBe("a[U+000A]b[U+0007][U+200B].txt");
});

test.each(["notes.txt", "שלום.txt", "été ☀️.png", "👩‍👧.png", "نامه‌ها.txt"])("%s stays as it is", (name) => {
  expect(plainName(name)).toBe(name);
});

test("a text keeps its lines and tabs, and names what turns its direction", () => {
  expect(textParts("a\n\tb")).toEqual([{ text: "a\n\tb" }]);
  expect(textParts("if (\u202eadmin)")).toHaveLength(3);
});
