//! JavaScript and TypeScript: the package manager by its lock file, the commands by the scripts.

use super::detection::Stack;
use super::listing::Place;
use super::tools::stack;
use serde_json::Value;

/// Lock files, the package manager of each, and how it installs exactly what is locked.
const LOCKS: [(&str, &str, &str); 6] = [
    ("pnpm-lock.yaml", "pnpm", "pnpm install --frozen-lockfile"),
    ("bun.lock", "bun", "bun install --frozen-lockfile"),
    ("bun.lockb", "bun", "bun install --frozen-lockfile"),
    ("yarn.lock", "yarn", "yarn install --frozen-lockfile"),
    ("package-lock.json", "npm", "npm ci"),
    ("npm-shrinkwrap.json", "npm", "npm ci"),
];

/// Scripts that check a change and end.
const CHECKS: [&str; 8] =
    ["lint", "typecheck", "type-check", "check-types", "check", "format:check", "fmt:check", "build"];

pub(super) fn node(place: Place<'_>) -> Option<Stack> {
    let text = place.has("package.json").then(|| place.text("package.json"))?;
    let manifest: Value = serde_json::from_str(text).unwrap_or_default();
    let locked = LOCKS.iter().find(|(lock, ..)| place.has(lock));
    let named = manifest["packageManager"].as_str().and_then(|name| name.split('@').next());
    let (tool, setup, found_by) = match locked {
        Some((lock, "yarn", _)) if place.has(".yarnrc.yml") => ("yarn", "yarn install --immutable", *lock),
        Some((lock, tool, setup)) => (*tool, *setup, *lock),
        None => match named {
            Some("pnpm") => ("pnpm", "pnpm install", "package.json"),
            Some("yarn") => ("yarn", "yarn install", "package.json"),
            Some("bun") => ("bun", "bun install", "package.json"),
            _ => ("npm", "npm install", "package.json"),
        },
    };
    let has_packages = ["dependencies", "devDependencies", "workspaces"]
        .iter()
        .any(|key| manifest[key].as_object().map_or(manifest[key].is_array(), |all| !all.is_empty()));
    let setup = (locked.is_some() || has_packages).then(|| setup.to_owned());
    let script = |name: &str| {
        let script = manifest["scripts"][name].as_str()?;
        let is_usable = !script.contains("no test specified") && !script.contains("--watch");
        is_usable.then(|| format!("{tool} run {name}"))
    };
    let test = match script("test") {
        // `bun test` is bun's own test runner.
        Some(test) if tool == "bun" => Some(test),
        Some(_) => Some(format!("{tool} test")),
        None => None,
    };
    let checks = CHECKS.iter().filter_map(|name| script(name)).collect();
    let language = if place.has("tsconfig.json") || text.contains("\"typescript\"") {
        "TypeScript"
    } else {
        "JavaScript"
    };
    Some(Stack { setup, test, checks, ..stack(place, tool, language, found_by) })
}
