// What the agents of the measurement play: work that goes on for as long as anybody looks.

/** The pause between two updates of a session, in milliseconds: as fast as a model that streams well. */
export const PACE = 80;
/** How many items a session works through, and how many times it speaks about each: an item takes some twenty seconds. */
const PARTS = 30;
const ROUNDS = 5;

const SAID = `The store keeps every field as it was written, so nothing has to be converted when an older file is read.
What is missing gets its default in \`complete()\`, and **nothing else** looks at versions.

1. Read the file whole, and refuse one that is not JSON.
2. Complete each record; a record that cannot be completed is named with its line.
3. Write to a file beside it, then rename.

\`\`\`js
export function complete(record) {
  return { due: null, done: false, ...record };
}
\`\`\`

The tests of the old format pass. Next I look at how lists are narrowed, because the date has to be compared
there with a day that comes from outside: reading the clock inside would make every test depend on when it runs.
`;

const text = (value) => JSON.stringify(value);

function documents(units, parts) {
  const requirements = `# Requirements Document

## Introduction

A store that keeps what it is given.

## Requirements

### Requirement 1: Keep

**User Story:** As a reader, I want what I wrote to be kept, so that I find it again.

#### Acceptance Criteria

1. WHEN a record is written, THE store SHALL keep it within 100 ms.
2. IF a record cannot be kept, THEN THE store SHALL say why.
`;
  const plan = Array.from({ length: units }, (_, unit) => {
    const items = Array.from(
      { length: parts },
      (_, part) =>
        `  - [ ] ${unit + 1}.${part + 1} Carry out step ${part + 1} of part ${unit + 1}\n    - _Requirements: 1.1_\n`,
    ).join("");
    return `- [ ] ${unit + 1}. (P) Part ${unit + 1} of the store\n${items}  - _Requirements: 1.1, 1.2_\n  - _Boundary: part${unit + 1}.md_\n`;
  }).join("");
  return `requirements = ${text(requirements)}
design = ${text("# Design\n\n## Overview\n\nOne file for each part.\n")}
tasks = ${text(`# Implementation Plan\n\n${plan}`)}
`;
}

/** A task of several sessions that work through their items, speaking all the time. */
function live(units) {
  const sessions = Array.from({ length: units }, (_, unit) => {
    const number = unit + 1;
    const steps = [];
    for (let round = 0; round < PARTS * ROUNDS; round++) {
      const part = `${number}.${Math.floor(round / ROUNDS) + 1}`;
      if (round % ROUNDS === 0) steps.push(`{ tick = "${part}", state = "doing" }`);
      steps.push(`{ think = ${text("Which of the two comes first? The one that others wait for.")} }`);
      steps.push(`{ say = ${text(SAID)} }`);
      steps.push(`{ write = "part${number}.md", content = ${text(`round ${round}\n`)} }`);
      if (round % ROUNDS === ROUNDS - 1) steps.push(`{ tick = "${part}", state = "done" }`);
    }
    return `[[sessions]]\ntask = "${number}"\nsteps = [\n  ${steps.join(",\n  ")},\n]\n`;
  });
  return `id = "live"\nprompts = ["Keep what is written"]\n\n[planning]\n${documents(units, PARTS)}\n${sessions.join("\n")}`;
}

/** A task of one session that has said very much. */
function long(rounds) {
  const steps = [];
  for (let round = 0; round < rounds; round++) {
    steps.push(`{ think = "Step ${round}: what is next?" }`);
    steps.push(`{ say = ${text(`Step ${round}. ${SAID.slice(0, 60 + ((round * 37) % 500))}`)} }`);
    steps.push(`{ write = "part1.md", content = ${text(`step ${round}\n`)} }`);
  }
  return `id = "long"\nprompts = ["Say very much"]\n\n[planning]\n${documents(1, 1)}
[[sessions]]\ntask = "1"\nsteps = [\n  ${steps.join(",\n  ")},\n  { quiet = true },\n]\n`;
}

/** The scenario files, by name. */
export function scenarios({ units, rounds }) {
  return { "live.toml": live(units), "long.toml": long(rounds) };
}

/** A configuration with an agent that speaks at the pace of a model, and one that does not wait. */
export function configuration(binary, folder) {
  const agent = (id, pace) => `
[[agents]]
id = "${id}"
command = ${text(binary)}
args = ["agent", "scripted", "--scenarios", ${text(folder)}]
env = { SPECTASK_SCRIPTED_PACE_MS = "${pace}" }
`;
  return `[limits]
max_instances = 200
max_in_review = 10000
max_sessions_per_task = 8

[defaults]
spec_agent = "hasty"
implementation_agent = "speaker"
${agent("speaker", PACE)}${agent("hasty", 0)}`;
}
