//! The files of a repository: every name, and the contents of manifests.

use std::collections::{BTreeMap, BTreeSet};

/// Folders whose files belong to others, or to tests of tools.
const FOREIGN: [&str; 13] = [
    "node_modules",
    "vendor",
    "third_party",
    "testdata",
    "fixtures",
    "__fixtures__",
    "examples",
    "example",
    "dist",
    "target",
    "build",
    "templates",
    "samples",
];
/// How deep below the root manifests are looked for.
const MAX_DEPTH: usize = 3;
/// How many folders with manifests are looked at.
const MAX_FOLDERS: usize = 200;

/// The names of manifests and of files that name a tool.
const MANIFESTS: [&str; 30] = [
    "Cargo.toml",
    "package.json",
    "pyproject.toml",
    "setup.cfg",
    "setup.py",
    "tox.ini",
    "Pipfile",
    "requirements.txt",
    "requirements-dev.txt",
    "dev-requirements.txt",
    "go.mod",
    "pom.xml",
    "build.gradle",
    "build.gradle.kts",
    "Makefile",
    "makefile",
    "GNUmakefile",
    "justfile",
    "Justfile",
    ".justfile",
    "Gemfile",
    "Rakefile",
    "composer.json",
    "mix.exs",
    "deno.json",
    "deno.jsonc",
    "pubspec.yaml",
    "Package.swift",
    "build.sbt",
    "manage.py",
];

/// The files of a repository.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    files: BTreeSet<String>,
    contents: BTreeMap<String, String>,
}

/// One folder of a repository.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    listing: &'a Listing,
    /// Its path; empty is the root.
    pub(super) folder: &'a str,
}

impl Listing {
    /// Collects the names of files. Their contents are added to those that [`Self::manifests`] names.
    pub fn new(files: impl IntoIterator<Item = String>) -> Self {
        Self { files: files.into_iter().collect(), contents: BTreeMap::new() }
    }

    /// Returns the files whose contents tell how the repository is built.
    pub fn manifests(&self) -> Vec<String> {
        let is_manifest = |path: &&String| {
            let (folder, name) = split(path);
            MANIFESTS.contains(&name) && is_own(folder)
        };
        self.files.iter().filter(is_manifest).cloned().collect()
    }

    /// Adds the content of a file, without a byte order mark.
    pub fn add(&mut self, path: &str, content: &str) {
        self.files.insert(path.to_owned());
        self.contents.insert(path.to_owned(), content.trim_start_matches('\u{feff}').to_owned());
    }

    /// Returns the paths and contents that were added.
    pub(super) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.contents.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// Returns the folders that may have a manifest, the root first, then by depth.
    pub(super) fn folders(&self) -> Vec<&str> {
        let own = self.files.iter().map(|path| split(path).0).filter(|folder| is_own(folder));
        let mut folders: Vec<&str> = own.chain([""]).collect::<BTreeSet<_>>().into_iter().collect();
        folders.sort_by_key(|folder| depth(folder));
        folders.truncate(MAX_FOLDERS);
        folders
    }

    pub(super) fn place<'a>(&'a self, folder: &'a str) -> Place<'a> {
        Place { listing: self, folder }
    }
}

impl<'a> Place<'a> {
    fn path(self, name: &str) -> String {
        if self.folder.is_empty() { name.to_owned() } else { format!("{}/{name}", self.folder) }
    }

    pub(super) fn has(self, name: &str) -> bool {
        self.listing.files.contains(&self.path(name))
    }

    /// Returns the first of some names that the folder has.
    pub(super) fn first_of<'n>(self, names: &[&'n str]) -> Option<&'n str> {
        names.iter().copied().find(|name| self.has(name))
    }

    pub(super) fn text(self, name: &str) -> &'a str {
        self.listing.contents.get(&self.path(name)).map_or("", String::as_str)
    }

    /// Returns whether a file below the folder has a path that is asked for.
    pub(super) fn any(self, is_wanted: impl Fn(&str) -> bool) -> bool {
        let prefix = self.path("");
        let below = self.listing.files.range(prefix.clone()..).take_while(|path| path.starts_with(&prefix));
        below.map(|path| &path[prefix.len()..]).any(is_wanted)
    }

    /// Returns the names of the files directly in the folder.
    pub(super) fn names(self) -> impl Iterator<Item = &'a str> {
        let prefix = self.path("");
        let folder = self.folder;
        self.listing
            .files
            .range(prefix..)
            .map(|path| split(path))
            .take_while(move |(of, _)| *of == folder || of.starts_with(folder))
            .filter(move |(of, _)| *of == folder)
            .map(|(_, name)| name)
    }
}

fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

fn depth(folder: &str) -> usize {
    if folder.is_empty() { 0 } else { folder.matches('/').count() + 1 }
}

/// Returns whether a folder holds the repository's own code. Its name becomes a part of commands, so that it has plain
/// characters only.
fn is_own(folder: &str) -> bool {
    let is_plain = |part: &str| {
        !part.starts_with(['.', '-'])
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
            && !FOREIGN.contains(&part)
    };
    folder.is_empty() || (depth(folder) <= MAX_DEPTH && folder.split('/').all(is_plain))
}
