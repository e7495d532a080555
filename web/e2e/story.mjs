// A story in the browser: its pages are closed when it ends, and one that fails says what it saw.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";
import { chromiumPath } from "./server.mjs";

/** Where screenshots go, when they are wanted. */
export const pictures = process.env.SPECTASK_PICTURES;

const PATIENCE = 120_000;

let browser;
before(async () => {
  browser = await chromium.launch({ executablePath: chromiumPath(), args: ["--no-sandbox"] });
});
after(async () => await browser?.close());

export const picture = async (page, name) => {
  if (pictures) await page.screenshot({ path: join(pictures, `${name}.png`) });
};

/**
 * Tells a story with pages of its own. What goes wrong in them fails it; refusals and a server that is away for a
 * moment are part of some.
 */
export function story(name, act, server = () => undefined) {
  test(name, async (t) => {
    const pages = [];
    const wrong = [];
    const open = async (options = {}) => {
      const page = await browser.newPage({ viewport: { width: 1280, height: 860 }, ...options });
      pages.push(page);
      page.setDefaultTimeout(PATIENCE);
      page.on("pageerror", (error) => wrong.push(error.message));
      page.on("console", (message) => {
        const text = message.text();
        if (message.type() === "error" && !/ERR_CONNECTION|WebSocket|Failed to load resource/.test(text))
          wrong.push(text);
      });
      return page;
    };
    try {
      await act(open);
      assert.deepEqual(wrong, []);
    } catch (error) {
      for (const [at, page] of pages.entries()) await tell(t, page, `${name} ${at + 1}`);
      const said = server()?.said();
      if (said) t.diagnostic(`the server said last:\n${said}`);
      if (wrong.length > 0) t.diagnostic(`in the page:\n${wrong.join("\n")}`);
      throw error;
    } finally {
      for (const page of pages) await page.close();
    }
  });
}

async function tell(t, page, name) {
  const seen = await page
    .locator("body")
    .ariaSnapshot({ timeout: 5000 })
    .catch((error) => error.message);
  t.diagnostic(`${page.url()} shows:\n${seen}`);
  await picture(page, `failed ${name}`.replaceAll(/[^\w]+/g, "-")).catch(() => undefined);
}
