import { expect, test } from "vitest";
import { printLight } from "./print";

test("a dark page is printed light, and is dark again afterwards", () => {
  const attributes = new Map([["data-scheme", "dark"]]);
  const root = {
    getAttribute: (name: string) => attributes.get(name) ?? null,
    setAttribute: (name: string, value: string) => void attributes.set(name, value),
  } as unknown as HTMLElement;
  const events = new EventTarget();
  printLight(root, events);
  events.dispatchEvent(new Event("beforeprint"));
  expect(attributes.get("data-scheme")).toBe("light");
  events.dispatchEvent(new Event("afterprint"));
  expect(attributes.get("data-scheme")).toBe("dark");
});
