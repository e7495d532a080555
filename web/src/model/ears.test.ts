import { expect, test } from "vitest";
import { markEars } from "./ears";

const text = (value: string) => ({ type: "text", value });
const item = (value: string) => ({ type: "element", tagName: "li", children: [text(value)] });

test("the key words of a criterion are marked, and nothing of it is lost", () => {
  const tree = { type: "root", children: [item("WHEN a todo is due, THE list SHALL show it.")] };
  markEars()(tree);
  const parts = tree.children[0]?.children as { value?: string; children?: { value: string }[] }[];
  const words = parts.map((part) => part.value ?? part.children?.[0]?.value ?? "");
  expect(words.join("")).toBe("WHEN a todo is due, THE list SHALL show it.");
  expect(parts.filter((part) => part.children).map((part) => part.children?.[0]?.value)).toEqual([
    "WHEN",
    "THE",
    "SHALL",
  ]);
});

test("what is no criterion, and code, stays as it is", () => {
  const code = { type: "element", tagName: "code", children: [text("IF x THEN SHALL")] };
  const tree = { type: "root", children: [item("THE END, AND more"), code] };
  const before = JSON.stringify(tree);
  markEars()(tree);
  expect(JSON.stringify(tree)).toBe(before);
});
