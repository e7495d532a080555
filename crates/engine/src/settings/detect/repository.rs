//! Detection in a repository of this machine, by the files that its base branch has.

use super::detection::{Detection, detect};
use super::listing::Listing;
use crate::settings::project_file::PATH;
use git::{Git, OpenError, Repository};
use std::path::{Path, PathBuf};

/// How large a manifest may be that is read, in bytes.
const MAX_MANIFEST_BYTES: u64 = 512 * 1024;
/// How many manifests are read.
const MAX_MANIFESTS: usize = 200;

/// The findings in a repository.
#[derive(Clone, Debug)]
pub struct DetectedRepository {
    /// The root of its working tree, or the bare repository.
    pub root: PathBuf,
    pub base_branch: String,
    pub is_bare: bool,
    /// The repository's main working tree, where the root is a linked one.
    pub main_worktree: Option<PathBuf>,
    /// Whether the base branch has a settings file.
    pub has_settings_file: bool,
    pub detection: Detection,
}

/// Why nothing can be detected.
#[derive(Debug, thiserror::Error)]
pub enum DetectError {
    #[error("{path} is not a git repository; make it one with `git init`, then make a first commit")]
    NotARepository { path: PathBuf },
    #[error(
        "the git repository {path} has no commits yet; make one with `git add -A && git commit -m \"First commit\"`"
    )]
    Empty { path: PathBuf },
    #[error(transparent)]
    Open(OpenError),
    #[error(
        "the repository {path} has no branch to work on: HEAD is detached, and there is no origin/HEAD, main or master; make one \
         with `git switch -c main`, or name one with --base-branch"
    )]
    NoBranch { path: PathBuf },
    #[error("the repository {path} has no branch {branch:?}")]
    UnknownBranch { path: PathBuf, branch: String },
    #[error("could not read the repository")]
    Git(#[from] git::Error),
}

impl From<OpenError> for DetectError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::NotARepository { path } => Self::NotARepository { path },
            OpenError::Empty { path } => Self::Empty { path },
            other => Self::Open(other),
        }
    }
}

/// Finds out what the repository that holds a path is made with. Nothing is written.
pub fn detect_at(git: &Git, path: &Path, branch: Option<&str>) -> Result<DetectedRepository, DetectError> {
    let repository = match git.open_unchanged(path) {
        Err(OpenError::Inside { root, .. }) => git.open_unchanged(&root)?,
        opened => opened?,
    };
    let root = repository.path().to_owned();
    let base_branch = match branch {
        Some(branch) if !repository.has_branch(branch)? => {
            return Err(DetectError::UnknownBranch { path: root, branch: branch.to_owned() });
        }
        Some(branch) => branch.to_owned(),
        None => repository.default_branch()?.ok_or_else(|| DetectError::NoBranch { path: root.clone() })?,
    };
    let pointer = std::fs::read_to_string(root.join(".git")).unwrap_or_default();
    let main_worktree = pointer
        .strip_prefix("gitdir: ")
        .and_then(|target| target.trim_end().split_once("/.git/worktrees/"))
        .map(|(main, _)| PathBuf::from(main));
    let (detection, has_settings_file) = read(&repository, &format!("refs/heads/{base_branch}"))?;
    let is_bare = !root.join(".git").exists();
    Ok(DetectedRepository { root, base_branch, is_bare, main_worktree, has_settings_file, detection })
}

fn read(repository: &Repository, revision: &str) -> Result<(Detection, bool), git::Error> {
    // One commit for all of it: a push meanwhile mixes nothing.
    let Some(commit) = repository.resolve(revision)?.map(|commit| commit.to_string()) else {
        return Ok((Detection::default(), false));
    };
    let files = repository.list(&commit, "")?;
    let has_settings_file = files.iter().any(|file| file == PATH);
    let mut listing = Listing::new(files);
    for path in listing.manifests().into_iter().take(MAX_MANIFESTS) {
        if repository.size(&commit, &path)?.is_some_and(|size| size <= MAX_MANIFEST_BYTES)
            && let Some(bytes) = repository.read(&commit, &path)?
        {
            listing.add(&path, &String::from_utf8_lossy(&bytes));
        }
    }
    Ok((detect(&listing), has_settings_file))
}
