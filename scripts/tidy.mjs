// Checks what compilers do not: which crate may know what, the licences of what is used, and what was left lying about.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dependencyProblems } from "./dependencies.mjs";

const problems = [];
const run = (command, ...args) => execFileSync(command, args, { encoding: "utf8", maxBuffer: 1 << 28 });

// Layers: what a crate must not know, it does not depend on.
const forbidden = {
  specs: ["tokio", "sea-orm", "axum", "gix", "workflow", "store", "git", "agent", "engine", "api"],
  workflow: ["tokio", "sea-orm", "axum", "gix", "git", "store", "engine", "api", "agent"],
  protocol: ["tokio", "sea-orm", "axum", "gix", "specs", "workflow", "store", "git", "agent", "sandbox", "secrets", "engine", "api"],
  store: ["axum", "git", "agent", "engine", "api"],
  git: ["tokio", "sea-orm", "axum", "workflow", "store", "engine", "api"],
  sandbox: ["tokio", "sea-orm", "axum", "gix", "workflow", "store", "git", "agent", "engine", "api"],
  secrets: ["tokio", "sea-orm", "axum", "gix", "workflow", "store", "git", "agent", "engine", "api"],
  agent: ["sea-orm", "axum", "workflow", "store", "git", "engine", "api"],
  engine: ["axum", "utoipa-axum", "api"],
};
for (const [crate, names] of Object.entries(forbidden)) {
  const tree = run("cargo", "tree", "--locked", "-p", crate, "-e", "normal", "--prefix", "none", "--format", "{p}");
  const used = new Set(tree.split("\n").map((line) => line.split(" ")[0]));
  used.delete(crate);
  for (const name of names) if (used.has(name)) problems.push(`the crate ${crate} depends on ${name}, which it must not know`);
}

// What the API reaches only through the engine, it does not name.
const direct = (crate) => JSON.parse(run("cargo", "metadata", "--locked", "--no-deps", "--format-version", "1"))
  .packages.find((one) => one.name === crate).dependencies.map((one) => one.name);
for (const name of ["agent", "sandbox", "sea-orm", "gix"]) {
  if (direct("api").includes(name)) problems.push(`the crate api depends on ${name}, which it reaches through the engine`);
}

// Dependencies: their licences, sources and versions, and that each crate uses its own.
const host = run("rustc", "-vV").match(/^host: (.*)$/m)[1];
const metadata = JSON.parse(run("cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", host));
const tree = run("cargo", "tree", "--locked", "--workspace", "-e", "all", "--prefix", "none", "--format", "{p}");
const built = new Set(tree.split("\n").map((line) => line.split(" ").slice(0, 2).join(" ")));
problems.push(...dependencyProblems(metadata, built, readFileSync("deny.toml", "utf8")));

// Each dependency of the workspace is used, and says why it is there.
const root = readFileSync("Cargo.toml", "utf8");
const section = root.split("[workspace.dependencies]")[1].split(/^\[(?!workspace\.dependencies)/m)[0];
const manifests = metadata.workspace_members.map((id) => metadata.packages.find((one) => one.id === id));
const declared = new Set(manifests.flatMap((one) => one.dependencies.map((dependency) => dependency.name)));
for (const line of section.split("\n")) {
  const name = line.match(/^([a-z0-9_-]+) = /)?.[1];
  if (!name) continue;
  if (!declared.has(name)) problems.push(`Cargo.toml: no crate uses ${name}`);
  if (!line.includes("path =") && !line.includes("# ")) problems.push(`Cargo.toml: ${name} does not say why it is there`);
}

// Features: tests ask for none that the program lacks. So the tested program is the one that is shipped, and no crate is compiled twice.
const variants = (...selection) => {
  const lines = run("cargo", "tree", "--locked", ...selection, "--prefix", "none", "--format", "{p} {f}").split("\n");
  return new Set(lines.map((line) => line.replace(" (*)", "").trim()).filter(Boolean));
};
const tested = variants("--workspace", "-e", "normal,build,dev");
for (const variant of variants("--package", "spectask", "-e", "normal,build")) {
  if (!tested.has(variant)) problems.push(`${variant}: tests ask for other features of it: let the workspace ask for them, too`);
}

// Leftovers.
const files = run("git", "ls-files").split("\n").filter(Boolean);
const text = (file) => {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
};
const code = files.filter((file) => /\.(rs|ts|tsx|mjs)$/.test(file) && !file.includes("/samples/") && file !== "scripts/tidy.mjs");
for (const file of code) {
  for (const [at, line] of text(file).split("\n").entries()) {
    // A mark begins a comment, or has a colon or a name behind it; as a word of documents it is quoted.
    if (/(?:\/\/[/!]?|\/\*+|^\s*\*)\s*(TODO|FIXME|XXX|HACK)\b/.test(line) || /(?<!["`'|\\b])\b(TODO|FIXME|XXX|HACK)(?::|\(\w+\))(?!.*["`])/.test(line)) {
      problems.push(`${file}:${at + 1}: a leftover: ${line.trim()}`);
    }
  }
}
// Layers within a crate: a folder uses those above it only, so that none import each other.
const layers = {
  "crates/git/src": [
    "files", "process", "repository", "objects", "refs", "history", "worktrees", "commits", "collisions", "transport",
  ],
  "crates/specs/src": ["markdown", "outline", "plan", "requirements", "lint"],
  "crates/api/src": [
    "request", "people", "projects", "tasks", "documents", "reviews", "sessions", "insight", "live", "server",
  ],
  "crates/engine/src": [
    "settings", "confinement", "projects", "wire", "notifications", "worktrees", "agents", "documents", "insight", "record",
    "effects", "scheduling", "maintenance",
  ],
};
for (const [root, folders] of Object.entries(layers)) {
  const exported = new Map();
  for (const [, path, names] of text(`${root}/lib.rs`).matchAll(/^pub use (\w+)[\w:]*::(\{[^}]*\}|\w+);/gm)) {
    for (const [name] of names.matchAll(/\w+/g)) exported.set(name, path);
  }
  for (const file of files.filter((file) => file.startsWith(`${root}/`) && file.endsWith(".rs"))) {
    const own = folders.indexOf(file.slice(root.length + 1).split("/")[0]);
    const source = text(file).split("#[cfg(test)]")[0];
    const grouped = [...source.matchAll(/use crate::\{([^;]*)\};/g)].flatMap(([, list]) => list.match(/(?<![\w:])\w+/g) ?? []);
    const single = [...source.matchAll(/crate::(\w+)/g)].map(([, name]) => name);
    for (const name of new Set([...grouped, ...single])) {
      const used = folders.indexOf(exported.get(name) ?? name);
      if (own >= 0 && used > own) problems.push(`${file} uses ${name} of ${folders[used]}, a layer below ${folders[own]}`);
    }
  }
}
// Fuzz targets: each runs a function that there is, which a test runs too, and has seeds. No compiler of CI sees them.
for (const file of files.filter((file) => file.startsWith("fuzz/fuzz_targets/"))) {
  const name = file.slice("fuzz/fuzz_targets/".length, -".rs".length);
  const [, crate, check] = text(file).match(/\b(\w+)::fuzz::(\w+)\(bytes\)/) ?? [];
  const source = text(`crates/${crate}/src/fuzz.rs`);
  if (!source.includes(`pub fn ${check}(`)) problems.push(`${file} runs a function that is not in crates/${crate}/src/fuzz.rs`);
  if (!source.includes(`fuzz_seeds::run("${name}"`)) problems.push(`no test of ${crate} runs the fuzz target ${name}`);
  if (!files.some((seed) => seed.startsWith(`fuzz/corpus/${name}/seed-`))) problems.push(`${file} has no seeds`);
}
for (const lock of ["web/package-lock.json", "tests/agents/package-lock.json"]) {
  if (files.includes(lock) && /"resolved": "https?:/.test(text(lock))) problems.push(`${lock} names a registry; .npmrc keeps it out`);
}

for (const problem of problems) console.error(`tidy: ${problem}`);
process.exit(problems.length === 0 ? 0 : 1);
