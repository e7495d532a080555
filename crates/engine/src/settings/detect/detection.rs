//! Joins the findings in the folders of a repository.

use super::listing::Listing;
use super::runner::RUNNERS;
use super::tools::DETECTORS;
use super::unreadable::{UnreadableManifest, unreadable_manifests};
use serde::Serialize;
use utoipa::ToSchema;

/// How many stacks are named.
const MAX_STACKS: usize = 12;

/// A language and its tool in one folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Stack {
    /// The folder; empty is the repository's root.
    #[schema(example = "web")]
    pub folder: String,
    /// The package manager or build tool.
    #[schema(example = "npm")]
    pub tool: String,
    /// The language; empty for a tool that runs the commands of others.
    #[schema(example = "TypeScript")]
    pub language: String,
    /// The file that names it.
    #[schema(example = "package-lock.json")]
    pub found_by: String,
    /// Makes a fresh checkout ready.
    #[schema(required, example = "npm ci")]
    pub setup: Option<String>,
    /// Runs the tests.
    #[schema(required, example = "npm test")]
    pub test: Option<String>,
    /// Further commands that check a change.
    pub checks: Vec<String>,
}

/// The tools of a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Detection {
    /// The languages, each once.
    #[schema(example = json!(["TypeScript"]))]
    pub languages: Vec<String>,
    /// The stacks that were detected in each folder.
    pub stacks: Vec<Stack>,
    /// Makes a fresh checkout ready.
    #[schema(required, example = "npm ci")]
    pub setup_command: Option<String>,
    /// Runs all tests.
    #[schema(required, example = "npm test")]
    pub test_command: Option<String>,
    /// The commands worth being checks: the tests, then the others.
    #[schema(example = json!(["npm test", "npm run lint"]))]
    pub checks: Vec<String>,
    /// Manifests that do not parse: what they would have named is missing here.
    pub unreadable_manifests: Vec<UnreadableManifest>,
}

/// Detects the tools of a repository.
pub fn detect(listing: &Listing) -> Detection {
    let mut stacks: Vec<Stack> = Vec::new();
    for folder in listing.folders() {
        for detector in DETECTORS {
            if let Some(found) = detector(listing.place(folder))
                && !is_part_of_another(&stacks, &found)
                && stacks.len() < MAX_STACKS
            {
                stacks.push(found);
            }
        }
    }
    let mut languages: Vec<String> = Vec::new();
    for stack in stacks.iter().filter(|stack| !stack.language.is_empty()) {
        if !languages.contains(&stack.language) {
            languages.push(stack.language.clone());
        }
    }
    let is_runner = |stack: &&Stack| RUNNERS.contains(&stack.tool.as_str());
    let root_runner = stacks.iter().find(|stack| is_runner(stack) && stack.folder.is_empty());
    let own: Vec<&Stack> = stacks.iter().filter(|stack| !is_runner(stack)).collect();
    let tested = own.iter().filter(|stack| stack.test.is_some()).count();
    // What runs the tests of several languages is written down by the project's people.
    let runner = root_runner.filter(|runner| runner.test.is_some() && tested != 1);
    let setup: Vec<String> =
        own.iter().filter_map(|stack| Some(within(&stack.folder, stack.setup.as_ref()?))).collect();
    let tests: Vec<String> = match runner.and_then(|runner| runner.test.clone()) {
        Some(test) => vec![test],
        None => own.iter().filter_map(|stack| Some(within(&stack.folder, stack.test.as_ref()?))).collect(),
    };
    let linters = match runner {
        Some(runner) if !runner.checks.is_empty() => vec![runner],
        _ => own,
    };
    let mut checks = tests.clone();
    checks.extend(
        linters.iter().flat_map(|stack| stack.checks.iter().map(|check| within(&stack.folder, check))),
    );
    let joined = |commands: Vec<String>| (!commands.is_empty()).then(|| commands.join(" && "));
    Detection {
        languages,
        stacks,
        setup_command: joined(setup),
        test_command: joined(tests),
        checks,
        unreadable_manifests: unreadable_manifests(listing),
    }
}

/// Returns whether a stack is a member of one above it: of a workspace, a parent project or the same runner.
fn is_part_of_another(stacks: &[Stack], found: &Stack) -> bool {
    let has_own_lock = ["lock", "lockb", "yaml", "json"]
        .iter()
        .any(|ending| found.found_by.ends_with(ending) && found.found_by != "package.json");
    let is_single = ["go", "uv", "poetry", "pipenv", "pip"].contains(&found.tool.as_str());
    stacks.iter().any(|stack| {
        let is_above = stack.folder.is_empty() || found.folder.starts_with(&format!("{}/", stack.folder));
        let is_here = stack.folder == found.folder;
        let is_runner = RUNNERS.contains(&found.tool.as_str());
        let is_same = stack.language == found.language && !is_runner;
        let is_member = is_above && !has_own_lock && !is_single;
        // Deno and Node, Maven and Gradle: the first of a folder is its tool.
        (is_same && (is_here || is_member)) || (is_runner && !is_here && is_above)
    })
}

/// Returns a command as it is run from the root.
fn within(folder: &str, command: &str) -> String {
    if folder.is_empty() { command.to_owned() } else { format!("(cd {folder} && {command})") }
}

#[cfg(test)]
mod tests;
