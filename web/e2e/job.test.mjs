// The main job as a person plays it: in a browser, on the demo server.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";

const binary = resolve(import.meta.dirname, "../../target/debug/spectask");
const executablePath =
  process.env.CHROMIUM ??
  ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);
const token = "sptk_story";
const patience = 120_000;
const folder = mkdtempSync(join(tmpdir(), "spectask-story-"));
// Where screenshots go, when they are wanted.
const pictures = process.env.SPECTASK_PICTURES;
let server;
let browser;
let url;

async function start() {
  server = spawn(binary, ["demo", "--no-open", "--bind", "127.0.0.1:0", "--data-dir", join(folder, "data")], {
    env: {
      ...process.env,
      SPECTASK_TOKEN: token,
      SPECTASK_SCRIPTED_PACE_MS: pictures ? "60" : "10",
      RUST_LOG: "warn",
    },
    stdio: ["ignore", "pipe", "ignore"],
  });
  for await (const line of createInterface({ input: server.stdout })) {
    if (line.startsWith("listening on ")) return line.slice("listening on ".length);
  }
  throw new Error("the server ended before it listened");
}

async function stop(signal) {
  const ended = new Promise((done) => server.once("exit", done));
  server.kill(signal);
  await ended;
}

/** A page that collects what goes wrong in it. */
async function open(options = {}) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 860 }, ...options });
  page.setDefaultTimeout(patience);
  const wrong = [];
  page.on("pageerror", (error) => wrong.push(`error: ${error.message}`));
  page.on("console", (message) => {
    // A server that was killed is away for a moment.
    if (
      message.type() === "error" &&
      !/ERR_CONNECTION|WebSocket|Failed to load resource/.test(message.text())
    )
      wrong.push(message.text());
  });
  return { page, wrong };
}

const picture = async (page, name) => {
  if (pictures) await page.screenshot({ path: join(pictures, `${name}.png`) });
};

before(async () => {
  assert.ok(
    executablePath,
    "Chromium is needed (Debian: apt-get install chromium), or CHROMIUM names a browser",
  );
  url = await start();
  browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
});

after(async () => {
  await browser?.close();
  if (server?.exitCode === null) await stop("SIGTERM");
  rmSync(folder, { recursive: true, force: true });
});

test("a prompt becomes merged work, and a killed server goes on where it was", async () => {
  const { page, wrong } = await open();
  await page.goto(`${url}/?token=${token}`);
  assert.ok(!page.url().includes(token), "the token leaves the address");
  await page.getByText("Review the spec").first().waitFor();
  await page.getByText("Add due dates").first().click();
  await page.getByRole("button", { name: "Approve and start" }).click();
  await page.getByText("Implementing").first().waitFor();
  const task = page.url();

  const watcher = await open();
  await watcher.page.goto(`${url}/?token=${token}`);
  await watcher.page.getByRole("link", { name: "Fleet" }).click();
  await watcher.page.getByText("at work").first().waitFor();
  await picture(watcher.page, "fleet");
  await page.getByRole("tab", { name: /Sessions/ }).click();
  await picture(page, "task");

  const port = new URL(url).port;
  await stop("SIGKILL");
  server = spawn(
    binary,
    ["demo", "--no-open", "--bind", `127.0.0.1:${port}`, "--data-dir", join(folder, "data")],
    {
      env: { ...process.env, SPECTASK_TOKEN: token, SPECTASK_SCRIPTED_PACE_MS: "10", RUST_LOG: "warn" },
      stdio: "ignore",
    },
  );
  await page.getByText("Review the change").first().waitFor();
  await page.goto(`${task.split("?")[0]}`);
  await page.getByRole("tab", { name: "Change" }).click();
  await picture(page, "change");
  await page
    .getByRole("button", { name: /^Approve/ })
    .first()
    .click();
  const confirm = page.getByRole("dialog").getByRole("button", { name: /^Approve|^Merge/ });
  if (await confirm.isVisible().catch(() => false)) await confirm.click();
  await page.getByText("Done", { exact: true }).first().waitFor();
  await page.waitForFunction(() => document.querySelector("main")?.textContent?.includes("Done"));
  assert.deepEqual([...wrong, ...watcher.wrong], []);
});

test("every page stands on a narrow screen in the dark", async () => {
  const { page, wrong } = await open({ viewport: { width: 390, height: 800 }, colorScheme: "dark" });
  await page.goto(`${url}/?token=${token}`);
  for (const path of ["/", "/fleet", "/projects", "/agents"]) {
    await page.goto(`${url}${path}`);
    await page.locator("h1").first().waitFor();
    const overflow = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    assert.ok(overflow <= 0, `${path} is ${overflow} pixels too wide`);
  }
  assert.deepEqual(wrong, []);
});

test("without a token there is the login page, and a wrong token is told so", async () => {
  const { page } = await open();
  await page.goto(url);
  const field = page.getByLabel(/token/i).first();
  await field.fill("wrong");
  await field.press("Enter");
  await page
    .getByText(/not known/i)
    .first()
    .waitFor();
  await field.fill(token);
  await field.press("Enter");
  await page.getByText("Add due dates").first().waitFor();
});
