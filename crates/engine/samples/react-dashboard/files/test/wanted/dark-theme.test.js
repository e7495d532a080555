// Wanted: a dark theme. Not built until this file passes.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { App } from "../../src/app.js";
import { BarChart } from "../../src/components/bar-chart.js";
import { findAll, h, renderToString } from "../../src/h.js";

const theme = () => import("../../src/theme.js");
const preferences = () => import("../../src/preferences.js");

/** The custom properties of a rule in styles.css. */
async function colours(selector) {
  const css = await readFile(new URL("../../styles.css", import.meta.url), "utf8");
  const rule = css.split(`${selector} {`)[1]?.split("}")[0] ?? "";
  return Object.fromEntries([...rule.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6})/g)].map(([, name, value]) => [name, value]));
}

/** The contrast of two colours as WCAG 2 measures it. */
function contrast(one, other) {
  const light = (colour) => {
    const [red, green, blue] = [1, 3, 5].map((at) => {
      const part = parseInt(colour.slice(at, at + 2), 16) / 255;
      return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [low, high] = [light(one), light(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

function memory(entries = {}) {
  return {
    getItem: (name) => entries[name] ?? null,
    setItem: (name, value) => {
      entries[name] = value;
    },
  };
}

test("theme: the system decides until a person does", async () => {
  const { resolveTheme } = await theme();
  assert.equal(resolveTheme("system", true), "dark");
  assert.equal(resolveTheme("system", false), "light");
  assert.equal(resolveTheme("light", true), "light");
  assert.equal(resolveTheme("dark", false), "dark");
  assert.equal(resolveTheme("purple", false), "light");
});

test("theme: the choices follow each other in a circle", async () => {
  const { nextChoice } = await theme();
  assert.deepEqual(["system", "light", "dark", "purple"].map(nextChoice), ["light", "dark", "system", "light"]);
});

test("theme: the page's root is told", async () => {
  const { applyTheme } = await theme();
  const root = { dataset: {} };
  applyTheme(root, "system", true);
  assert.deepEqual(root.dataset, { theme: "dark" });
});

test("switch: a button says what is and what a click does", async () => {
  const { ThemeSwitch } = await import("../../src/components/theme-switch.js");
  const chosen = [];
  const button = h(ThemeSwitch, { choice: "light", onChoose: (choice) => chosen.push(choice) });
  assert.equal(button.tag, "button");
  assert.equal(button.props["aria-label"], "Theme: light. Switch to dark.");
  button.props.onClick();
  assert.deepEqual(chosen, ["dark"]);
});

test("colours: the dark theme names every colour of the light one", async () => {
  const [light, dark] = [await colours(":root"), await colours(':root[data-theme="dark"]')];
  assert.deepEqual(Object.keys(dark), Object.keys(light));
  assert.notEqual(dark.background, light.background);
});

test("colours: text is readable in both themes", async () => {
  for (const selector of [":root", ':root[data-theme="dark"]']) {
    const { background, surface, text, muted } = await colours(selector);
    for (const [front, back] of [[text, background], [text, surface], [muted, background], [muted, surface]]) {
      assert.ok(contrast(front, back) >= 4.5, `${front} on ${back} in ${selector}`);
    }
  }
});

test("colours: the chart takes its colours from the theme", () => {
  const chart = renderToString(BarChart({ title: "Revenue", bars: [{ label: "2025-03-01", value: 1 }] }));
  assert.doesNotMatch(chart, /#[0-9a-f]{3,6}/i);
  assert.match(chart, /var\(--accent\)/);
});

test("memory: a choice is kept and read again", async () => {
  const { readChoice, writeChoice } = await preferences();
  const storage = memory();
  assert.equal(readChoice(() => storage), "system");
  writeChoice(() => storage, "dark");
  assert.equal(readChoice(() => storage), "dark");
});

test("memory: a browser that keeps nothing is no error", async () => {
  const { readChoice, writeChoice } = await preferences();
  const refuse = () => {
    throw new Error("access denied");
  };
  assert.equal(readChoice(refuse), "system");
  writeChoice(refuse, "dark");
  assert.equal(readChoice(() => memory({ "dashboard.theme": "purple" })), "system");
});

test("page: the switch stands in the header", () => {
  const changes = [];
  const page = h(App, { orders: [], state: { sort: "newest", theme: "dark" }, update: (change) => changes.push(change) });
  const [header] = findAll(page, ({ tag }) => tag === "header");
  const [button] = findAll(header, ({ tag }) => tag === "button");
  button.props.onClick();
  assert.deepEqual(changes, [{ theme: "system" }]);
});

/** As much of a browser as `src/main.js` asks for. */
class PageNode {
  attributes = {};
  listeners = {};
  children = [];
  dataset = {};
  constructor(tag) {
    this.tag = tag;
  }
  setAttribute(name, value) {
    this.attributes[name] = value;
  }
  addEventListener(name, listener) {
    this.listeners[name] = listener;
  }
  append(...children) {
    this.children.push(...children);
  }
  replaceChildren(...children) {
    this.children = children;
  }
  find(test) {
    return test(this) ? this : this.children.map((child) => child.find?.(test)).find(Boolean);
  }
}

test("page: the choice is read, applied and kept", async () => {
  const entries = {};
  const root = new PageNode("div");
  const query = { matches: true, addEventListener: (_, listener) => (query.change = listener) };
  globalThis.document = {
    documentElement: new PageNode("html"),
    querySelector: () => root,
    createElement: (tag) => new PageNode(tag),
    createElementNS: (_, tag) => new PageNode(tag),
    createTextNode: String,
  };
  globalThis.window = { localStorage: memory(entries), matchMedia: () => query };
  await import("../../src/main.js");
  const { dataset } = document.documentElement;
  assert.equal(dataset.theme, "dark");
  query.matches = false;
  query.change();
  assert.equal(dataset.theme, "light");
  const click = () => root.find(({ attributes }) => attributes["aria-label"]?.startsWith("Theme")).listeners.click();
  click();
  click();
  assert.equal(dataset.theme, "dark");
  assert.deepEqual(entries, { "dashboard.theme": "dark" });
});
