// Plays whole jobs with real agents against a model server on loopback, and has their models fail.
//
//   node tests/agents/run.mjs             what `make test` runs: each agent plays a whole job, each failure is played by some
//   AGENTS=all node …                     every failure with every agent
//   AGENTS=codex,claude node …            every failure with these agents
//   AGENTS=qwen PLAYS=context node …      those of them whose names match a regular expression
//   TEST_AGENTS_CACHE=DIR                 where the agents are installed; else in the user's cache folder
//   SPECTASK_BINARY=FILE                  another binary than target/debug/spectask
//   SPECTASK_SANDBOX__MODE=off node …     another sandbox than the default
//
// The server's data, the repositories and the agents' home are below target/test-agents: several agents write wherever
// they like below /tmp, and would pass there what they cannot do elsewhere.
import { execFile, execFileSync, spawn } from "node:child_process";
import { mkdirSync, openSync, readFileSync, readdirSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { installAgents } from "./install.mjs";
import { startModel } from "./model.mjs";

const HERE = path.dirname(fileURLToPath(import.meta.url));
const ROOT = path.resolve(HERE, "../..");
const PLACE = path.join(ROOT, "target/test-agents");
const HOME = path.join(PLACE, "home");
const TOKEN = "test-agents-token-0123456789abcdef";
/** Agents that are installed for the tests, and the built-in model agent with the API of each provider. */
const INSTALLED = ["opencode", "qwen", "gemini", "codex", "claude"];
const BUILT_IN = { model: "openai", "model-anthropic": "anthropic", "model-gemini": "gemini", "model-ollama": "ollama" };
const KNOWN = [...INSTALLED, ...Object.keys(BUILT_IN)];
const { AGENTS } = process.env;
const CHOSEN = AGENTS && AGENTS !== "all" ? AGENTS.split(",") : KNOWN;
/** How many tasks run side by side. */
const PARALLEL = 5;
/** How long a task may take to reach a state, in milliseconds. */
const PATIENCE = 240_000;
/** How long a run may take that plays a share, and one that plays everything, in milliseconds. */
const DEADLINE = AGENTS ? 3_600_000 : 600_000;

/** The failures of a model, with what becomes of a session that meets them for ever. */
const FAULTS = {
  401: ["auth_needed"],
  429: ["limit", "agent_silent"],
  500: ["agent_error", "network", "agent_silent"],
  529: ["agent_error", "limit", "agent_silent"],
  context: ["agent_error", "no_change"],
  empty: ["agent_error", "no_change"],
  drop: ["network", "agent_error", "agent_silent"],
  hang: ["agent_silent"],
};

/** The programs below adapters, by their command lines. */
const ENGINES = { codex: /app-server/, claude: /claude-agent-sdk/ };

/** Failures that are over after a while: the session goes on by itself and ends with all of its work done. */
const PASSING = ["429", "500", "529", "drop", "empty", "hang"];

/** What people set up for each agent: keys in the environment, addresses in the agent's own configuration. */
function configure(url) {
  const write = (name, text) => {
    mkdirSync(path.dirname(path.join(HOME, name)), { recursive: true });
    writeFileSync(path.join(HOME, name), text);
  };
  write(".codex/config.toml", `model = "gpt-5"
model_provider = "test"
[model_providers.test]
name = "test"
base_url = "${url}/v1"
wire_api = "responses"
env_key = "OPENAI_API_KEY"
request_max_retries = 1
stream_max_retries = 1
`);
  write(".config/opencode/opencode.json", JSON.stringify({
    model: "test/test-model",
    autoupdate: false,
    provider: {
      test: {
        npm: "@ai-sdk/openai-compatible",
        name: "Test",
        options: { baseURL: `${url}/v1`, apiKey: "test-key" },
        models: { "test-model": { name: "Test", limit: { context: 200000, output: 8000 } } },
      },
    },
  }));
  write(".gemini/settings.json", JSON.stringify({ general: { maxAttempts: 2, disableAutoUpdate: true }, privacy: { usageStatisticsEnabled: false } }));
  write(".qwen/settings.json", JSON.stringify({ privacy: { usageStatisticsEnabled: false }, model: { generationConfig: { maxRetries: 1 } } }));
  return {
    ANTHROPIC_API_KEY: "test-key-anthropic",
    ANTHROPIC_BASE_URL: url,
    CLAUDE_CODE_MAX_RETRIES: "1",
    GEMINI_API_KEY: "test-key-gemini",
    GOOGLE_GEMINI_BASE_URL: url,
    OLLAMA_HOST: url,
    OPENAI_API_KEY: "test-key-openai",
    OPENAI_BASE_URL: `${url}/v1`,
    OPENAI_MODEL: "test-model",
  };
}

/** The built-in agent is set up by the table [model]; entries with its command use other providers. */
function modelAgents(program) {
  const entries = Object.entries(BUILT_IN).filter(([id]) => id !== "model").map(([id, provider]) => `[[agents]]
id = "${id}"
command = "${program}"
args = ["agent", "model", "--model", "test-model", "--provider", "${provider}"]
`);
  return `[model]
name = "test-model"
provider = "openai"
${entries.join("")}`;
}

async function serve(bin, variables) {
  const program = process.env.SPECTASK_BINARY ?? path.join(ROOT, "target/debug/spectask");
  writeFileSync(path.join(PLACE, "spectask.toml"), `[limits]
max_instances = ${2 * PARALLEL}
[turns]
start_deadline_seconds = 30
no_progress_deadline_seconds = 20
${modelAgents(program)}`);
  const log = openSync(path.join(PLACE, "server.log"), "a");
  const env = {
    PATH: [bin, process.env.PATH].filter(Boolean).join(":"),
    HOME,
    LANG: "C.UTF-8",
    SPECTASK_TOKEN: TOKEN,
    SPECTASK_DATA_DIR: path.join(PLACE, "data"),
    SPECTASK_CONFIG: path.join(PLACE, "spectask.toml"),
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => name.startsWith("SPECTASK_SANDBOX__"))),
    ...variables,
  };
  const child = spawn(program, ["serve", "--bind", "127.0.0.1:0"], { env, cwd: PLACE, stdio: ["ignore", "pipe", log] });
  const url = await new Promise((resolve, reject) => {
    createInterface(child.stdout).on("line", (line) => line.startsWith("listening on ") && resolve(line.slice(13).trim()));
    child.on("exit", () => reject(new Error(`the server ended: ${readFileSync(path.join(PLACE, "server.log"), "utf8").slice(-2000)}`)));
  });
  const command = async (...args) => (await promisify(execFile)(program, args, { env, cwd: PLACE, encoding: "utf8" })).stdout;
  return { child, url, command };
}

class Api {
  constructor(url) {
    this.url = `${url}/api/v1`;
  }

  async send(method, place, body) {
    const headers = { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" };
    const answer = await fetch(this.url + place, { method, headers, body: body && JSON.stringify(body) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${place} answered ${answer.status}: ${text}`);
    return text ? JSON.parse(text) : undefined;
  }

  get(place) {
    return this.send("GET", place);
  }

  post(place, body) {
    return this.send("POST", place, body);
  }

  /** Asks until something is so. */
  async until(what, ask, isSo, patience = PATIENCE) {
    const begun = Date.now();
    for (;;) {
      const found = await ask();
      if (isSo(found)) return found;
      if (Date.now() - begun > patience) throw new Error(`${what}: not within ${patience / 1000} s, but ${JSON.stringify(found).slice(0, 1500)}`);
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
  }

  task(id) {
    return this.get(`/spec-tasks/${id}`);
  }

  reaches(id, ...states) {
    const ends = [...states, "spec_failed", "implementation_failed", "cancelled"];
    return this.until(`${id} reaches ${states}`, () => this.task(id), (task) => ends.includes(task.status));
  }
}

function git(folder, ...args) {
  return execFileSync("git", ["-C", folder, "-c", "user.name=Test", "-c", "user.email=test@example.org", ...args], { encoding: "utf8" }).trim();
}

function repository(name) {
  const folder = path.join(PLACE, "repositories", name);
  mkdirSync(folder, { recursive: true });
  git(folder, "init", "-q", "-b", "main");
  writeFileSync(path.join(folder, "README.md"), `# ${name}\n`);
  git(folder, "add", "-A");
  git(folder, "commit", "-qm", "Start");
  return folder;
}

function expect(condition, what) {
  if (!condition) throw new Error(what);
}

/** Text as a script holds it. */
const escape = (text) => text.replaceAll("\n", "\\n");

const CREW = [1, 2, 3, 4];

function planningScript() {
  const requirements = `# Requirements Document

## Introduction

Four parts.

## Requirements

${CREW.map((part) => `### Requirement ${part}: Part ${part}

**User Story:** As a reader, I want part ${part}, so that I can read it.

#### Acceptance Criteria

1. WHEN part ${part} is asked for, THE folder SHALL contain it.
2. IF part ${part} is missing, THEN THE folder SHALL say so.
`).join("\n")}
## Open Questions

None.
`;
  const design = "# Design\n\n## Overview\n\nOne file for each part.\n\n## Testing Strategy\n\nThe check looks for the files.\n";
  const tasks = `# Implementation Plan

${CREW.map((part) => `- [ ] ${part}. (P) Part ${part}
  - STUB:WRITE part-${part}.md Part ${part}
  - STUB:SH git add -A && git -c user.name=Agent -c user.email=agent@example.org commit -qm 'Part ${part}'
  - [ ] ${part}.1 Write it
  - _Requirements: ${part}.1_
  - _Boundary: part-${part}.md_
`).join("\n")}`;
  return `STUB:WRITE {requirements} ${escape(requirements)}
STUB:WRITE {design} ${escape(design)}
STUB:WRITE {tasks} ${escape(tasks)}
STUB:SAY The documents are written.`;
}

/** A job from prompt to landing, with a crew of four. */
async function playJob(api, agent) {
  const folder = repository(`job-${agent}`);
  const checks = [CREW.map((part) => `test -f part-${part}.md`).join(" && ")];
  const project = await api.post("/projects", { name: `job-${agent}`, repository_path: folder, settings: { checks } });
  const prompt = `Write the four parts\n\n${planningScript()}`;
  const { id } = await api.post("/spec-tasks/from-prompt", { prompt, project_id: project.id, spec_agent: agent, implementation_agent: agent });
  const planned = await api.reaches(id, "spec_review");
  expect(planned.status === "spec_review", `planning: ${JSON.stringify(planned.last_error)}`);
  await api.post(`/spec-tasks/${id}/approve-specs`, { approved: true });
  const built = await api.reaches(id, "implementation_review");
  expect(built.status === "implementation_review", `implementation: ${JSON.stringify(built.last_error)}`);
  const sessions = built.work_sessions.filter((session) => session.phase !== "planning");
  expect(sessions.length === CREW.length, `a crew of ${sessions.length}`);
  expect(sessions.every((session) => session.status === "completed"), `sessions are ${sessions.map((session) => session.status)}`);
  expect(built.change.checks.every((check) => check.passed), `checks: ${JSON.stringify(built.change.checks)}`);
  await api.post(`/spec-tasks/${id}/approve-implementation`, { decision: "approve" });
  const done = await api.reaches(id, "done");
  expect(done.status === "done", `landing: ${JSON.stringify(done.last_error)}`);
  for (const part of CREW) {
    expect(git(folder, "show", `main:part-${part}.md`) === `Part ${part}`, `part ${part} did not land as it was written`);
  }
}

/** A small task without a plan. */
async function plain(api, agent, name, script, settings = {}) {
  const folder = repository(name);
  const project = await api.post("/projects", { name, repository_path: folder, settings });
  const prompt = `Write files\n\n${script}`;
  return api.post("/spec-tasks/from-prompt", { prompt, project_id: project.id, planning: false, implementation_agent: agent });
}

/** The check that people make before they choose an agent. */
async function playCheck(api, server, agent) {
  const report = JSON.parse(await server.command("--json", "agents", "check", agent));
  expect(report.passed && report.version, JSON.stringify(report));
  const agents = await api.get("/agents?limit=500");
  expect(agents.find((one) => one.id === agent)?.state === "passed", "the server does not know that it passed");
}

/** A permission request is answered from the command line. */
async function playAsk(api, server, agent) {
  const { id } = await plain(api, agent, `ask-${agent}`, "STUB:WRITE one.md One", { permissions: "ask" });
  const open = async () => (await api.get("/permissions?limit=500")).find((request) => request.spec_task_id === id);
  const request = await api.until("a permission request", open, Boolean);
  expect((await api.task(id)).needs_person === true, "the task does not say that it needs a person");
  await server.command("permissions", "answer", request.id, "allow");
  const task = await api.reaches(id, "implementation_review", "done");
  expect((await files(api, id)) === "one.md", `after the answer: ${task.status} ${JSON.stringify(task.last_error)}`);
}

/** An agent that asks for nothing changes nothing where it may only read. */
async function playReadOnly(api, agent) {
  const { id } = await plain(api, agent, `read-only-${agent}`, "STUB:WRITE one.md One\nSTUB:SH echo two > two.md", { permissions: "read_only" });
  await api.reaches(id, "implementation_review", "done");
  expect((await files(api, id)) === "", `it wrote ${await files(api, id)}`);
}

/** The program below an adapter dies in mid-turn: the turn is asked again, and all is done. */
async function playEngineDeath(api, server, agent, engine) {
  const { id } = await plain(api, agent, `engine-${agent}`, "STUB:WRITE one.md One\nSTUB:SH sleep 8\nSTUB:WRITE two.md Two");
  const isAsleep = () => descendants(server.child.pid).some((one) => /^sleep 8/.test(one.command) && one.cwd.includes(id));
  await api.until("the command runs", async () => isAsleep(), Boolean);
  const killed = descendants(server.child.pid).filter((one) => engine.test(one.command) && one.cwd.includes(id));
  expect(killed.length > 0, "no engine was found");
  for (const one of killed) process.kill(one.pid, "SIGKILL");
  const task = await api.reaches(id, "implementation_review", "done");
  expect((await files(api, id)) === "one.md two.md", `${task.status} ${JSON.stringify(task.last_error)}`);
}

/** The processes below one, as the kernel knows them. */
function descendants(root) {
  const all = [];
  for (const name of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
    try {
      const parent = Number(readFileSync(`/proc/${name}/stat`, "utf8").split(") ").at(-1).split(" ")[1]);
      const command = readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ").trim();
      all.push({ pid: Number(name), parent, command, cwd: readlinkSync(`/proc/${name}/cwd`) });
    } catch {
      // It ended meanwhile.
    }
  }
  const found = new Set([root]);
  for (let before = 0; before !== found.size; ) {
    before = found.size;
    for (const one of all) if (found.has(one.parent)) found.add(one.pid);
  }
  return all.filter((one) => found.has(one.pid));
}

/** A task without a plan whose agent writes two files, and whose model fails. */
async function begin(api, agent, fault) {
  const name = `${agent}-${fault.kind}-${fault.after}-${fault.times}`;
  const folder = repository(name);
  const project = await api.post("/projects", { name, repository_path: folder });
  const times = fault.times === Infinity ? "" : ` times=${fault.times}`;
  const prompt = `Write two files\n
STUB:WRITE one.md One
STUB:WRITE two.md Two
STUB:SAY Both files are written.
STUB:FAULT ${fault.kind} id=${name} after=${fault.after}${times}`;
  const { id } = await api.post("/spec-tasks/from-prompt", { prompt, project_id: project.id, planning: false, implementation_agent: agent });
  return { id, name };
}

async function files(api, id) {
  const diff = await api.get(`/spec-tasks/${id}/diff`);
  return diff.files.map((file) => file.path).sort().join(" ");
}

function checkReason(error, classes) {
  expect(error, "there is no reason");
  expect(classes.includes(error.code), `the class is ${error.code}, not ${classes.join(" or ")}: ${error.message}`);
  expect(!/[{}\u001b]|: null\b|undefined/.test(error.message), `the reason is not readable: ${error.message}`);
}

/** A failure that passes: the session goes on by itself. */
async function playPassing(api, agent, kind) {
  const { id } = await begin(api, agent, { kind, after: 1, times: 1 });
  const task = await api.reaches(id, "implementation_review", "done");
  expect(task.status !== "implementation_failed", `it did not go on: ${JSON.stringify(task.last_error)}`);
  expect((await files(api, id)) === "one.md two.md", `the work is ${await files(api, id)}`);
}

/** Whether an agent may take a failure for a limit of its account: until it is over, no session of the agent goes on. */
const isLimit = (kind) => FAULTS[kind].includes("limit");

/** A failure that stays: the session fails or is parked with the reason, and is done after it is over and tried again. */
async function playStaying(api, model, agent, kind, after) {
  const { id, name } = await begin(api, agent, { kind, after, times: Infinity });
  const isParked = (task) => task.work_sessions?.some((session) => session.last_error?.code === "limit" && session.status !== "completed");
  const task = await api.until(`${id} fails or is parked`, () => api.task(id), (found) =>
    ["implementation_failed", "implementation_review", "done"].includes(found.status) || isParked(found));
  if (["implementation_review", "done"].includes(task.status)) {
    // An agent may find a way around by itself: then all of the work is there.
    expect((await files(api, id)) === "one.md two.md", `counted as done with ${await files(api, id)}`);
    return;
  }
  const session = task.work_sessions.find((one) => one.last_error);
  checkReason(session?.last_error ?? task.last_error, FAULTS[kind]);
  model.heal(name);
  if (task.status === "implementation_failed") await api.post(`/spec-tasks/${id}/retry`, {});
  else await api.post(`/agents/${agent}/resume`, {});
  const again = await api.reaches(id, "implementation_review", "done");
  expect(again.status !== "implementation_failed", `after Retry: ${JSON.stringify(again.last_error)}`);
  expect((await files(api, id)) === "one.md two.md", `after Retry the work is ${await files(api, id)}`);
}

/**
 * What each agent plays where not everything is: together they are all failures, for a while and for ever, at the first
 * call and after it.
 */
const SHARE = {
  opencode: ["500 passes"],
  qwen: ["429 passes", "empty stays after 0"],
  gemini: ["permission request", "hang passes", "empty stays after 1"],
  codex: ["read only", "engine dies", "401 stays after 0", "429 stays after 0", "drop stays after 0"],
  claude: ["engine dies", "529 passes", "drop passes", "429 stays after 1", "500 stays after 0"],
  model: ["permission request", "read only", "429 passes", "401 stays after 1", "context stays after 0", "context stays after 1"],
  "model-anthropic": ["529 passes", "drop passes"],
  "model-gemini": ["empty passes", "401 stays after 0"],
  "model-ollama": ["500 passes"],
};

/** Plays a failure that may be a limit, which other sessions of the agent do not meet: it is over afterwards. */
async function withoutLimit(api, agent, play) {
  try {
    await play();
  } finally {
    await api.post(`/agents/${agent}/resume`, {});
  }
}

/** Everything that an agent can play, by name; a play that is `alone` is the only one of its agent at its time. */
function playsOf(agent, { api, server, model }) {
  const plays = { "prompt to landing with a crew of four": () => playJob(api, agent) };
  if (agent === "gemini" || BUILT_IN[agent]) plays["permission request"] = () => playAsk(api, server, agent);
  if (agent === "codex" || BUILT_IN[agent]) plays["read only"] = () => playReadOnly(api, agent);
  if (ENGINES[agent]) plays["engine dies"] = () => playEngineDeath(api, server, agent, ENGINES[agent]);
  const limits = new Set();
  const failing = (name, kind, play) => {
    plays[name] = isLimit(kind) ? () => withoutLimit(api, agent, play) : play;
    if (isLimit(kind)) limits.add(name);
  };
  for (const kind of PASSING) failing(`${kind} passes`, kind, () => playPassing(api, agent, kind));
  for (const kind of Object.keys(FAULTS)) {
    for (const after of [0, 1]) failing(`${kind} stays after ${after}`, kind, () => playStaying(api, model, agent, kind, after));
  }
  const chosen = AGENTS ? Object.keys(plays) : Object.keys(plays).filter((name, index) => index === 0 || SHARE[agent].includes(name));
  const isWanted = (name) => new RegExp(process.env.PLAYS ?? "").test(name);
  return chosen.filter(isWanted).map((name) => ({ agent, name: `${agent}: ${name}`, alone: limits.has(name), run: plays[name] }));
}

/** Takes the next play that may begin beside those that run. */
function takeNext(plays, running) {
  const isFree = (play) => ![...running].some((other) => other.agent === play.agent && (other.alone || play.alone));
  const at = plays.findIndex(isFree);
  return at < 0 ? undefined : plays.splice(at, 1)[0];
}

/** Plays side by side; returns how many failed. */
async function playAll(plays, running) {
  let failed = 0;
  const worker = async () => {
    // A worker that may begin none ends: the one that plays the agent's other play takes what is left.
    for (let play = takeNext(plays, running); play; play = takeNext(plays, running)) {
      const { name, run } = play;
      const begun = Date.now();
      const seconds = () => `${((Date.now() - begun) / 1000).toFixed(1)} s`;
      running.add(play);
      try {
        await run();
        console.log(`ok    ${name} (${seconds()})`);
      } catch (error) {
        failed += 1;
        console.log(`FAIL  ${name} (${seconds()})\n      ${error.message.slice(0, 3000)}`);
      }
      running.delete(play);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
  return failed;
}

async function main() {
  rmSync(PLACE, { recursive: true, force: true });
  mkdirSync(HOME, { recursive: true });
  const bin = CHOSEN.some((agent) => INSTALLED.includes(agent)) ? await installAgents() : "";
  const model = await startModel({ log: path.join(PLACE, "model.log") });
  const server = await serve(bin, configure(model.url));
  const api = new Api(server.url);
  const stop = async (code) => {
    server.child.removeAllListeners("exit");
    const ended = new Promise((resolve) => server.child.on("exit", resolve));
    server.child.kill("SIGTERM");
    await ended;
    await model.close();
    if (code > 0) console.log(`The logs are in ${PLACE}`);
    process.exit(code);
  };
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => stop(1));
  const running = new Set();
  setTimeout(() => {
    console.log(`FAIL  not finished within ${DEADLINE / 1000} s: ${[...running].map((play) => play.name).join("; ")}`);
    stop(1);
  }, DEADLINE).unref();
  // The check is what people begin with, and it is when agents set up their home folder: some cannot do that twice at once.
  const checks = CHOSEN.map((agent) => ({ agent, name: `${agent}: check`, alone: true, run: () => playCheck(api, server, agent) }));
  const plays = CHOSEN.flatMap((agent) => playsOf(agent, { api, server, model }));
  const failed = (await playAll(checks, running)) + (await playAll(plays, running));
  if (failed > 0) console.log(`${failed} failed`);
  await stop(failed > 0 ? 1 : 0);
}

try {
  await main();
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
