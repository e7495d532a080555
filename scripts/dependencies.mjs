// Checks dependencies: what deny.toml asks of them, that the lowest supported Rust builds them, and that each is used.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** The policy of deny.toml, as far as it is checked here. It is TOML with one value or one table a line. */
export function policyOf(toml) {
  const section = (name) => toml.split(`[${name}]`)[1]?.split(/^\[/m)[0] ?? "";
  const list = (text, name) => text.split(new RegExp(`^${name} = \\[$`, "m"))[1]?.split(/^\]$/m)[0] ?? "";
  const licenses = [...list(section("licenses"), "allow").matchAll(/^ +"([^"]+)",$/gm)].map(([, one]) => one);
  const bans = [...list(section("bans"), "deny").matchAll(/^ +\{ crate = "([^"]+)"(.*) \},$/gm)];
  const once = bans.filter(([, , rest]) => rest.includes("deny-multiple-versions = true")).map(([, name]) => name);
  // What others may use stays out of the crates here.
  const wrapped = bans.filter(([, , rest]) => rest.includes("wrappers = [")).map(([, name]) => name);
  const isElse = (name) => !once.includes(name) && !wrapped.includes(name);
  const banned = bans.map(([, name]) => name).filter(isElse);
  if (licenses.length === 0 || once.length === 0 || banned.length === 0) throw new Error("deny.toml has another shape");
  return { licenses: new Set(licenses), once, banned, wrapped };
}

/** Whether an SPDX expression leaves a choice that is allowed. */
export function permits(expression, allowed) {
  const words = expression.replaceAll("/", " OR ").match(/[()]|[^\s()]+/g) ?? [];
  const either = () => {
    let is = both();
    while (words[0] === "OR") {
      words.shift();
      is = both() || is;
    }
    return is;
  };
  const both = () => {
    let is = one();
    while (words[0] === "AND") {
      words.shift();
      is = one() && is;
    }
    return is;
  };
  const one = () => {
    const word = words.shift();
    if (word === "(") {
      const is = either();
      words.shift();
      return is;
    }
    if (words[0] !== "WITH") return allowed.has(word);
    words.shift();
    return allowed.has(`${word} WITH ${words.shift()}`);
  };
  return either() && words.length === 0;
}

/**
 * What is wrong with the packages of a workspace, by the answer of `cargo metadata`, of those that are `built`: the answer
 * has some more, of features that are off.
 */
export function dependencyProblems(metadata, built, toml) {
  const problems = [];
  const { licenses, once, banned, wrapped } = policyOf(toml);
  const own = new Set(metadata.workspace_members);
  const versions = new Map();
  const lowest = numbers(metadata.packages.find(({ id }) => own.has(id)).rust_version);
  const packages = metadata.packages.filter(({ name, version }) => built.has(`${name} v${version}`));
  for (const { id, name, version, license, source, rust_version: needs } of packages) {
    versions.set(name, [...(versions.get(name) ?? []), version]);
    if (!license || !permits(license, licenses)) {
      problems.push(`${name} ${version} has the licence ${license ?? "(none)"}`);
    }
    if (own.has(id) ? source !== null : !source?.startsWith("registry+")) {
      problems.push(`${name} ${version} comes from ${source ?? "a folder"}, not from the registry`);
    }
    if (banned.includes(name)) problems.push(`${name} ${version} is banned by deny.toml`);
    if (needs && isLater(numbers(needs), lowest)) {
      problems.push(`${name} ${version} needs Rust ${needs}, later than rust-version in Cargo.toml`);
    }
  }
  for (const name of once) {
    const found = versions.get(name) ?? [];
    if (found.length > 1) problems.push(`${name} is there in the versions ${found.join(" and ")}; deny.toml wants one`);
  }
  for (const member of metadata.packages.filter(({ id }) => own.has(id))) {
    for (const { name, req, path } of member.dependencies) {
      if (wrapped.includes(name)) problems.push(`${member.name} depends on ${name}, which deny.toml leaves to others`);
      if (req === "*" && !path) problems.push(`${member.name} takes any version of ${name}`);
    }
    problems.push(...unused(member).map((name) => `${member.name} does not use its dependency ${name}`));
  }
  return problems;
}

const numbers = (version) => version.split(".").map(Number);
const isLater = (one, other) => {
  const at = [0, 1, 2].find((at) => (one[at] ?? 0) !== (other[at] ?? 0));
  return at !== undefined && (one[at] ?? 0) > (other[at] ?? 0);
};

/** Where the code is that may use a dependency, by its kind. */
const PLACES = { null: ["src"], dev: ["src", "tests", "benches", "examples"], build: ["build.rs"] };

/** The dependencies that no code of a package names. */
function unused({ manifest_path, dependencies, metadata }) {
  const ignored = metadata?.["cargo-machete"]?.ignored ?? [];
  const texts = {};
  for (const [kind, places] of Object.entries(PLACES)) {
    texts[kind] = places.flatMap((place) => sources(join(dirname(manifest_path), place))).join("\n");
  }
  const isNamed = ({ name, rename, kind }) =>
    new RegExp(`\\b${(rename ?? name).replaceAll("-", "_")}\\b(?:::|;| as |\\])`).test(texts[kind]);
  return dependencies.filter((dependency) => !isNamed(dependency)).map(({ name }) => name).filter((name) => !ignored.includes(name));
}

/** The code of a file or a folder, without its comments. */
function sources(place) {
  const read = (file) => readFileSync(file, "utf8").replaceAll(/^\s*\/\/.*$/gm, "");
  if (place.endsWith(".rs")) {
    try {
      return [read(place)];
    } catch {
      return [];
    }
  }
  let names = [];
  try {
    names = readdirSync(place, { recursive: true, encoding: "utf8" });
  } catch {
    // Not every crate has each of the folders.
  }
  return names.filter((name) => name.endsWith(".rs")).map((name) => read(join(place, name)));
}
