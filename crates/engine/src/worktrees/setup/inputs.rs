//! The inputs of a setup command's result, as a hash.

use git::{Dir, Entry};
use sha2::{Digest as _, Sha256};
use std::io;
use std::path::Path;

/// The files in which package managers keep what is installed.
const LOCK_FILES: [&str; 34] = [
    ".node-version",
    ".npmrc",
    ".nvmrc",
    ".python-version",
    ".ruby-version",
    ".tool-versions",
    "Cargo.lock",
    "Gemfile.lock",
    "Package.resolved",
    "Pipfile.lock",
    "Podfile.lock",
    "bun.lock",
    "bun.lockb",
    "composer.lock",
    "conan.lock",
    "deno.lock",
    "flake.lock",
    "go.sum",
    "go.work.sum",
    "gradle.lockfile",
    "mise.toml",
    "mix.lock",
    "npm-shrinkwrap.json",
    "package-lock.json",
    "package.json",
    "packages.lock.json",
    "pdm.lock",
    "pnpm-lock.yaml",
    "pnpm-workspace.yaml",
    "poetry.lock",
    "pubspec.lock",
    "rust-toolchain.toml",
    "uv.lock",
    "yarn.lock",
];
/// How large a file is whose content counts; of larger ones their size does.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// Returns the hash of a setup command's inputs: the command, the project, the lock files among the files of the worktree's
/// commit as they stand in the worktree, and what `.worktreeinclude` copied.
pub(super) fn hash(
    project: &str,
    command: &str,
    include_file: &[u8],
    included: &[String],
    files: &[String],
    worktree: &Path,
) -> io::Result<String> {
    let mut digest = Sha256::new();
    let mut add = |part: &[u8]| {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    };
    add(project.as_bytes());
    add(command.as_bytes());
    add(include_file);
    let worktree = Dir::at(worktree);
    for file in files.iter().filter(|file| is_lock_file(file)).chain(included) {
        add(file.as_bytes());
        match worktree.read(file, MAX_BYTES)? {
            Entry::File(content) => add(&content),
            Entry::TooLarge => add(b"large"),
            Entry::Nothing | Entry::Link | Entry::Other => add(b"none"),
        }
    }
    Ok(hex::encode(digest.finalize()))
}

fn is_lock_file(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let is_requirements = name.starts_with("requirements")
        && name.rsplit_once('.').is_some_and(|(_, extension)| extension == "txt");
    is_requirements || LOCK_FILES.binary_search(&name).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn the_hash_follows_lock_files_wherever_they_are_and_nothing_else() {
        assert!(LOCK_FILES.is_sorted());
        let place = tempfile::tempdir().expect("a folder");
        fs::create_dir(place.path().join("web")).expect("made");
        fs::write(place.path().join("web/package-lock.json"), "1").expect("written");
        fs::write(place.path().join("main.js"), "1").expect("written");
        let files = ["main.js", "requirements-dev.txt", "web/package-lock.json"].map(str::to_owned);
        let hash = |command: &str, include: &str| {
            hash("prj_1", command, include.as_bytes(), &[], &files, place.path()).expect("read")
        };
        let first = hash("npm ci", "");
        fs::write(place.path().join("main.js"), "2").expect("written");
        assert_eq!(hash("npm ci", ""), first);
        assert_ne!(hash("npm install", ""), first);
        assert_ne!(hash("npm ci", ".env"), first);
        fs::write(place.path().join("web/package-lock.json"), "2").expect("written");
        let second = hash("npm ci", "");
        assert_ne!(second, first);
        fs::write(place.path().join("requirements-dev.txt"), "x").expect("written");
        assert_ne!(hash("npm ci", ""), second);
    }
}
