// A server whose scripted agent plays a crew: two sessions that change the same lines and stay at work, a third that
// waits for the first, and whatever is spawned.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { apiOf, until } from "./api.mjs";
import { binary, startServer } from "./server.mjs";

const text = (value) => JSON.stringify(value);

const REQUIREMENTS = `# Requirements Document

## Introduction

A book of words.

## Requirements

### Requirement 1: Words

**User Story:** As a reader, I want words, so that I can read them.

#### Acceptance Criteria

1. WHEN the words are asked for, THE book SHALL contain them.
2. IF a word is missing, THEN THE book SHALL say so.
`;

const TASKS = `# Implementation Plan

- [ ] 1. (P) Words of the sea
  - [ ] 1.1 Write them
  - [ ] 1.2 Count them
  - _Requirements: 1.1_
- [ ] 2. (P) Words of the land
  - [ ] 2.1 Write them
  - _Requirements: 1.2_
- [ ] 3. A list of all words
  - _Depends: 1_
  - _Requirements: 1.1_
`;

const SEA = [
  `{ plan = ["Look at what is there", "Write the words", "Count them"], done = 1 }`,
  `{ think = "Which words are of the sea?" }`,
  `{ say = ${text("I begin with **what is there**.\n\n| word | of |\n|---|---|\n| wave | sea |\n")} }`,
  `{ run = "cat words.md && wc -w words.md" }`,
  `{ tick = "1.1", state = "doing" }`,
  `{ edit = "words.md", find = "water", replace = "wave" }`,
  `{ tick = "1.1", state = "done" }`,
  `{ tick = "1.2", state = "doing" }`,
  `{ say = "The words of the sea are written." }`,
  `{ quiet = true }`,
];
const LAND = [
  `{ edit = "words.md", find = "water", replace = "well" }`,
  `{ say = ${text(`A line that is wider than its box:\n\n\`\`\`\n${"wave ".repeat(60)}\n\`\`\`\n`)} }`,
  `{ say = "The words of the land are written." }`,
  `{ ask = "rm -f words.md" }`,
  `{ quiet = true }`,
];

const SCENARIO = `id = "words"
prompts = ["Write a book of words"]

[planning]
requirements = ${text(REQUIREMENTS)}
design = ${text("# Design\n\n## Overview\n\nOne file.\n")}
tasks = ${text(TASKS)}

[[sessions]]
task = "1"
steps = [${SEA.join(", ")}]

[[sessions]]
task = "2"
steps = [${LAND.join(", ")}]

[[sessions]]
steps = [{ say = "I look for what is not tested." }, { quiet = true }]
`;

/** Starts it, with a task whose sessions are at work, and with further settings in TOML. */
export async function startCrew(token, settings = "") {
  const folder = mkdtempSync(join(tmpdir(), "spectask-crew-"));
  const repository = join(folder, "book");
  const scenarios = join(folder, "scenarios");
  mkdirSync(repository);
  mkdirSync(scenarios);
  writeFileSync(join(scenarios, "words.toml"), SCENARIO);
  writeFileSync(join(repository, "words.md"), "fire\nwater\nair\n");
  const git = (...args) => execFileSync("git", ["-C", repository, ...args], { stdio: "ignore" });
  git("init", "-q", "-b", "main");
  git("add", "-A");
  git("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "commit", "-qm", "Start");
  writeFileSync(
    join(folder, "spectask.toml"),
    `[limits]
max_children = 1

[defaults]
spec_agent = "player"
implementation_agent = "player"

[[agents]]
id = "player"
name = "The player"
command = ${text(binary())}
args = ["agent", "scripted", "--scenarios", ${text(scenarios)}]
env = { SPECTASK_SCRIPTED_PACE_MS = "5" }

${settings}
`,
  );
  const server = await startServer(
    binary(),
    [
      "serve",
      "--bind",
      "127.0.0.1:0",
      "--data-dir",
      join(folder, "data"),
      "--config",
      join(folder, "spectask.toml"),
    ],
    { SPECTASK_TOKEN: token },
  );
  const call = apiOf(server.url, token);
  const project = await call("POST", "/projects", {
    name: "book",
    repository_path: repository,
    settings: { permissions: "ask" },
  });
  const { id: task } = await call("POST", "/spec-tasks/from-prompt", {
    prompt: "Write a book of words",
    project_id: project.id,
  });
  await until(async () => (await call("GET", `/spec-tasks/${task}`)).status === "spec_review");
  await call("POST", `/spec-tasks/${task}/approve-specs`, { approved: true });
  const sessions = await until(async () => {
    const { work_sessions: all } = await call("GET", `/spec-tasks/${task}/work-sessions`);
    return all.filter((session) => session.status === "active").length === 2 && all;
  });
  const stop = async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  return { url: server.url, said: server.said, task, sessions, call, stop };
}
