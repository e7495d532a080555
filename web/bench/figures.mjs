// How quick the dashboard stays: 200 tasks, 50 sessions that speak all the time, and a conversation of 10,000 entries.
//
// The real server, scripted agents and Chromium; nothing fails on a figure, since machines are noisy.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { binary, chromiumPath, startServer } from "../e2e/server.mjs";
import { during, firstContent, heap, probed, quantile } from "./probe.mjs";
import { configuration, PACE, scenarios } from "./scenario.mjs";

const number = (name, otherwise) => Number(process.env[name] ?? otherwise);
const TASKS = number("BENCH_TASKS", 200);
const LIVE = number("BENCH_LIVE", 25);
const UNITS = 2;
const ENTRIES = number("BENCH_ENTRIES", 10_000);
const SECONDS = number("BENCH_SECONDS", 15);
const TOKEN = "sptk_bench_owner";

const folder = mkdtempSync(join(tmpdir(), "spectask-bench-"));
const say = (line) => process.stdout.write(`${line}\n`);
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

function repository(name) {
  const path = join(folder, name);
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, "README.md"), `# ${name}\n`);
  const git = (...args) => execFileSync("git", ["-C", path, ...args], { stdio: "ignore" });
  git("init", "-q", "-b", "main");
  git("add", "-A");
  git("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "commit", "-qm", "Start");
  return path;
}

function api(url) {
  const call = async (method, path, body) => {
    const response = await fetch(`${url}/api/v1${path}`, {
      method,
      headers: { Authorization: `Bearer ${TOKEN}`, "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const answer = await response.json();
    if (!response.ok) throw new Error(`${method} ${path}: ${JSON.stringify(answer)}`);
    return answer;
  };
  return { get: (path) => call("GET", path), post: (path, body = {}) => call("POST", path, body) };
}

async function until(what, isSo) {
  for (const end = Date.now() + 600_000; Date.now() < end; await pause(250)) {
    const found = await isSo();
    if (found) return found;
  }
  throw new Error(`waited too long for ${what}`);
}

/** The tasks: some at work, some under review, the rest waiting; and one whose session has said very much. */
async function populate({ get, post }) {
  const projects = [];
  for (const name of ["ledger", "mailroom", "observatory", "press", "quarry"]) {
    projects.push(await post("/projects", { name, repository_path: repository(name) }));
  }
  const create = (at, more) =>
    post("/spec-tasks/from-prompt", {
      project_id: projects[at % projects.length].id,
      complexity: "complex",
      priority: ["low", "medium", "high", "critical"][at % 4],
      ...more,
    });
  const reviewed = async (task) => {
    await until("review", async () => (await get(`/spec-tasks/${task.id}`)).status === "spec_review");
    return task;
  };
  const approve = (task) => post(`/spec-tasks/${task.id}/approve-specs`, { approved: true });

  const long = await create(0, { prompt: "Say very much about the store", implementation_agent: "hasty" });
  await approve(await reviewed(long));
  const session = await until("a session", async () => {
    const { work_sessions: all } = await get(`/spec-tasks/${long.id}/work-sessions?phase=implementation`);
    return all[0]?.id;
  });
  await until("entries", async () => {
    const found = await get(`/work-sessions/${session}/events?after=${ENTRIES - 1}&limit=1`);
    return found.length > 0;
  });

  const waiting = Math.max(0, TASKS - LIVE * 2 - 1);
  for (let at = 0; at < waiting; at++)
    await create(at, {
      prompt: `Keep records of kind ${at} in the store, and find them again`,
      start: false,
    });
  const planned = [];
  for (let at = 0; at < LIVE * 2; at++)
    planned.push(await create(at, { prompt: `Keep what is written, in the way of branch ${at}` }));
  for (const task of planned) await reviewed(task);
  for (const task of planned.slice(0, LIVE)) await approve(task);
  await until("sessions", async () => {
    const { agents } = await get("/agents/fleet/live-progress");
    return agents.length >= LIVE * UNITS;
  });
  const [live] = planned;
  const { work_sessions: sessions } = await get(`/spec-tasks/${live.id}/work-sessions?phase=implementation`);
  return { live: live.id, session: sessions[0].id, long: long.id, longSession: session };
}

function line(name, value, unit, limit, digits = 0) {
  const isOver = value > limit;
  const shown = `${value.toFixed(digits)} ${unit}`.padStart(14);
  say(`  ${name.padEnd(46)}${shown}   limit ${limit} ${unit}${isOver ? "   OVER" : ""}`);
}

function report(name, first, seen) {
  say(`\n${name}`);
  if (first !== null) line("first content, median of three loads", first, "ms", 1500);
  line("frames missing of sixty a second", Math.max(0, 60 - seen.fps), "fps", 10, 1);
  line("longest frame", seen.worstFrame, "ms", 200);
  line("work of the main thread, of each second", seen.worked, "ms", 300);
  // By the wall clock: on a machine with more to do than processors, the page waits for them as well.
  line("blocked by long tasks, of each second", seen.blocked, "ms", 50, 1);
  line("input to paint, 95 of 100", seen.latency, "ms", 200);
  line("requests a minute", seen.requests, "", 120);
  line("layout shift", seen.shifts, "", 0.1, 3);
  say(`  (${seen.messages.toFixed(1)} messages a second, ${seen.longTasks.toFixed(2)} long tasks a second)`);
}

async function loads(probe, url, selector) {
  const times = [];
  for (let at = 0; at < 3; at++) times.push(await firstContent(probe.page, url, selector));
  return quantile(times, 0.5, 0);
}

/** Presses keys for some seconds, as a person who looks around. */
async function press(page, keys, seconds = SECONDS) {
  const end = performance.now() + seconds * 1000;
  for (let at = 0; performance.now() < end; at++) {
    await page.keyboard.press(keys[at % keys.length]);
    await pause(150);
  }
}

async function wheel(page, by, seconds = SECONDS) {
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    await page.mouse.wheel(0, by);
    await pause(50);
  }
}

async function measure(context, url, ids) {
  const wanted = process.argv.slice(2);
  const isWanted = (name) => wanted.length === 0 || wanted.some((one) => name.includes(one));
  const at = async (name, path, selector, act) => {
    if (!isWanted(name)) return;
    const probe = await probed(context);
    const first = await loads(probe, `${url}${path}`, selector);
    await pause(2000);
    const seen = await during(probe, () => act(probe.page));
    report(name, first, seen);
    if (process.env.BENCH_PICTURES)
      await probe.page.screenshot({ path: `${process.env.BENCH_PICTURES}/${name.replace(/\W+/g, "-")}.png` });
    return probe;
  };
  const close = async (probe) => probe && (await probe.page.close());

  // What this machine shows of a page that does nothing, while the same agents speak.
  await close(
    await at("an empty page, to compare with", "/favicon.svg", "svg", (page) => press(page, ["Tab"])),
  );
  await close(await at("task list", "/tasks", "[data-row]", (page) => press(page, ["j", "j", "j", "k"])));
  await close(
    await at("task list, scrolled", "/tasks", "[data-row]", async (page) => {
      await page.mouse.move(700, 500);
      await wheel(page, 200, SECONDS / 2);
      await wheel(page, -200, SECONDS / 2);
    }),
  );
  await close(await at("fleet", "/fleet", "main li a", (page) => press(page, ["Tab"])));
  await close(await at("task", `/tasks/${ids.live}?tab=overview`, "h1", (page) => press(page, ["Tab"])));
  const talk = `/tasks/${ids.live}?tab=sessions&session=${ids.session}`;
  const probe = await at("conversation, streaming", talk, "[role=log] p", async (page) => {
    await page.getByLabel("Message to the agent").click();
    await press(page, ["a", "b", " ", "c"]);
  });
  if (probe) {
    const before = await heap(probe);
    await pause(60_000);
    const after = await heap(probe);
    line("memory after a minute of streaming", after, "MiB", 200, 1);
    line("of that, grown in the minute", Math.max(0, after - before), "MiB", 10, 1);
  }
  await close(probe);
  const longTalk = `/tasks/${ids.long}?tab=sessions&session=${ids.longSession}`;
  const reader = await at(`conversation of ${ENTRIES} entries`, longTalk, "[role=log] p", async (page) => {
    await page.getByRole("log").hover();
    await wheel(page, -600, SECONDS / 2);
    await wheel(page, 600, SECONDS / 2);
  });
  if (reader) {
    const nodes = await reader.page.evaluate(() => document.querySelectorAll("*").length);
    line("elements in the page", nodes, "", 5000);
    line("memory", await heap(reader), "MiB", 200, 1);
  }
  await close(reader);
}

const profile = process.env.BENCH_PROFILE ?? "release";
const path = binary(profile);
const own = join(folder, "scenarios");
mkdirSync(own);
for (const [name, text] of Object.entries(scenarios({ units: UNITS, rounds: Math.ceil(ENTRIES / 4) })))
  writeFileSync(join(own, name), text);
writeFileSync(join(folder, "spectask.toml"), configuration(path, own));
const server = await startServer(
  path,
  [
    "serve",
    "--bind",
    "127.0.0.1:0",
    "--data-dir",
    join(folder, "data"),
    "--config",
    join(folder, "spectask.toml"),
  ],
  { SPECTASK_TOKEN: TOKEN },
);
for (const signal of ["SIGINT", "SIGTERM"])
  process.once(signal, () => server.stop().then(() => process.exit(1)));
let browser;
try {
  const begun = performance.now();
  const ids = await populate(api(server.url));
  say(
    `dashboard: ${TASKS} tasks, ${LIVE * UNITS} sessions that say ${(1000 / PACE).toFixed(0)} things a second each, ` +
      `ready after ${((performance.now() - begun) / 1000).toFixed(0)} s`,
  );
  browser = await chromium.launch({ executablePath: chromiumPath(), args: ["--no-sandbox"] });
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const login = await context.newPage();
  await login.goto(`${server.url}/?token=${TOKEN}`, { waitUntil: "commit" });
  await login.close();
  await measure(context, server.url, ids);
} finally {
  await browser?.close();
  await server.stop();
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
