//! Files that agents keep in their working directory.

use crate::error::Context as _;
use crate::worktrees::checkouts::{self, Checkout};
use crate::{Error, Repository, names, objects};
use gix::ObjectId;
use gix::bstr::BString;
use gix::index::entry::Mode;
use gix::worktree::stack::state::ignore::Source;
use std::collections::BTreeSet;

/// Folders and files in which known agents keep their settings and sessions.
const KNOWN: [&str; 27] = [
    ".aider.chat.history.md",
    ".aider.input.history",
    ".aider.tags.cache.v4",
    ".amp",
    ".augment",
    ".claude",
    ".cline",
    ".codex",
    ".continue",
    ".copilot",
    ".crush",
    ".cursor",
    ".fast-agent",
    ".gemini",
    ".goose",
    ".junie",
    ".kilocode",
    ".kimi",
    ".kiro",
    ".opencode",
    ".openhands",
    ".qoder",
    ".qwen",
    ".roo",
    ".trae",
    ".vibe",
    ".windsurf",
];
/// Settings of one machine inside folders that a project may keep.
const LOCAL: [&str; 2] = [".claude/settings.local.json", ".claude/worktrees"];
/// Names that begin with a dot and that projects are known to keep.
const OF_PROJECTS: [&str; 34] = [
    ".buildkite",
    ".bundle",
    ".cargo",
    ".changeset",
    ".changes",
    ".ci",
    ".circleci",
    ".config",
    ".devcontainer",
    ".docker",
    ".dvc",
    ".editorconfig",
    ".forgejo",
    ".gitea",
    ".github",
    ".gitlab",
    ".gitlab-ci",
    ".gitignore",
    ".husky",
    ".idea",
    ".jenkins",
    ".kube",
    ".mvn",
    ".nuget",
    ".platform",
    ".reuse",
    ".run",
    ".settings",
    ".spectask",
    ".storybook",
    ".tekton",
    ".vscode",
    ".woodpecker",
    ".yarn",
];

/// A folder, or a file of an agent, that a change brings in and that does not look like part of the project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StrayFiles {
    /// The folder, or the file.
    pub path: String,
    pub files: usize,
    /// Whether an agent is known to keep files there.
    pub is_agents: bool,
}

impl Repository {
    /// Returns the folders beginning with a dot that a change adds at the root, and that neither the base nor custom
    /// knows.
    pub fn stray_files(&self, base: &str, head: &str) -> Result<Vec<StrayFiles>, Error> {
        let repository = self.local();
        let (base, head) = (self.need(&repository, base)?, self.need(&repository, head)?);
        let old = objects::tree_of(&repository, base)?;
        let mut found: Vec<StrayFiles> = Vec::new();
        for difference in
            crate::objects::differences::differences(&repository, old, objects::tree_of(&repository, head)?)?
        {
            if difference.old.is_some() || difference.new.is_none() {
                continue;
            }
            let path = difference.path.to_string();
            let first = path.split('/').next().unwrap_or_default();
            let local = LOCAL.iter().find(|local| is_beneath(&path, local)).copied();
            let is_known = KNOWN.contains(&first);
            let is_folder = path.len() > first.len();
            let is_stray = first.starts_with('.') && is_folder && !OF_PROJECTS.contains(&first);
            let place = match local {
                Some(local) => local,
                None if (is_known || is_stray) && !has(&repository, base, first)? => first,
                None => continue,
            };
            match found.iter_mut().find(|stray| stray.path == place) {
                Some(stray) => stray.files += 1,
                None => found.push(StrayFiles {
                    path: place.to_owned(),
                    files: 1,
                    is_agents: is_known || local.is_some(),
                }),
            }
        }
        Ok(found)
    }
}

/// Returns patterns that keep the files of agents, and other files and folders, out of what is staged, where the commit that is
/// checked out has none of them and they are not ignored anyway: git refuses to leave out what it ignores.
pub(crate) fn without_untracked(
    repository: &gix::Repository,
    checkout: &Checkout,
    head: ObjectId,
    others: &[String],
) -> Result<Vec<String>, Error> {
    let opened = checkouts::open(checkout)?;
    let shown = checkout.root.display();
    let index = opened.index_or_empty().context("read the index of", &shown)?;
    let mut rules = opened
        .excludes(&index, None, Source::WorktreeThenIdMappingIfNotSkipped)
        .context("read the ignore rules of", &shown)?;
    let mut left_out = BTreeSet::new();
    let known = KNOWN.iter().chain(&LOCAL).copied();
    for path in known.chain(others.iter().map(String::as_str)) {
        let Ok(found) = checkout.root.join(path).symlink_metadata() else { continue };
        let mode = if found.is_dir() { Mode::DIR } else { Mode::FILE };
        let name = BString::from(path);
        // A name that cannot be in a commit needs no pattern to be left out.
        let is_ignored = rules.at_entry(&name, Some(mode)).is_ok_and(|found| found.is_excluded());
        if !is_ignored && !has(repository, head, path)? {
            left_out.insert(format!(":(exclude,top,literal){path}"));
        }
    }
    Ok(left_out.into_iter().collect())
}

/// Returns whether a commit has a file or folder.
fn has(repository: &gix::Repository, commit: ObjectId, path: &str) -> Result<bool, Error> {
    let tree =
        repository.find_tree(objects::tree_of(repository, commit)?).context("read the tree of", commit)?;
    Ok(tree.lookup_entry_by_path(names::path(path)?).context("look up", path)?.is_some())
}

fn is_beneath(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
