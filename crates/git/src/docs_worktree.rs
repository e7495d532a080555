//! The worktree of the branch that holds documents beside the code.

use crate::branches::{Mover, now_ms};
use crate::error::Context as _;
use crate::open::read_text;
use crate::repository::lock;
use crate::worktree::set_aside;
use crate::{Change, Error, Repository, WorktreeSpec, branches, names, objects, resolve};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The folder for such worktrees in a repository's root.
const FOLDER: &str = ".git-worktrees";
/// What keeps the folder out of the status of the repository's own worktree.
const EXCLUDED: &str = "/.git-worktrees/";

const README: &str = "# Documents\n\nThis branch holds the documents of tasks: their specs, their progress and their history. \
    It shares no history with the code.\n";

/// Where a repository has the worktree of a branch with documents.
pub fn docs_worktree(repository: &Path, branch: &str) -> PathBuf {
    repository.join(FOLDER).join(branch)
}

impl Repository {
    /// Sees to it that a branch without any of the code's history has a worktree, and returns where.
    pub fn ensure_docs_worktree(&self, branch: &str) -> Result<PathBuf, Error> {
        let name = names::short(&names::branch(branch)?);
        let path = docs_worktree(self.path(), &name);
        self.begin_docs_branch(&name)?;
        self.exclude_folder()?;
        let spec =
            WorktreeSpec { path: path.clone(), branch: Some(name.clone()), start: name, detached: false };
        match self.ensure_worktree(&spec) {
            // Whoever wrote on where it vanished, before a look made it again.
            Err(Error::Occupied { .. }) if !path.join(".git").exists() => {
                set_aside(&path)?;
                self.ensure_worktree(&spec)?;
            }
            made => drop(made?),
        }
        Ok(path)
    }

    /// Makes that worktree again when its folder vanished, and says whether it did; a branch that is not there has none.
    /// Looking costs next to nothing while it is there.
    pub fn keep_docs_worktree(&self, branch: &str) -> Result<bool, Error> {
        let name = names::branch(branch)?;
        let folder = docs_worktree(self.path(), &names::short(&name));
        let pointer = read_text(&folder.join(".git"))?;
        let git_dir = pointer.as_deref().and_then(|text| text.trim().strip_prefix("gitdir: "));
        // Somebody who prunes while it is made takes parts of it away.
        let has = |name: &str| git_dir.is_some_and(|git_dir| folder.join(git_dir).join(name).is_file());
        let is_there = has("HEAD") && has("index");
        if is_there || branches::tip_of(&self.local(), &name)?.is_none() {
            return Ok(false);
        }
        self.ensure_docs_worktree(branch).map(|_| true)
    }

    /// Makes the branch's first commit, unless the branch exists here or at the remote.
    fn begin_docs_branch(&self, name: &str) -> Result<(), Error> {
        let branch = names::branch(name)?;
        let repository = self.local();
        if branches::tip_of(&repository, &branch)?.is_some() {
            return Ok(());
        }
        let at_remote = format!("refs/remotes/origin/{name}");
        if resolve::find_commit(&repository, &at_remote)?.is_some() {
            return self.create_branch(name, &at_remote).map(|_| ());
        }
        let queue = self.queue(branch.as_bstr().to_string().as_str());
        let _turn = lock(&queue);
        let empty = repository.empty_tree().id;
        let readme = Change { path: "README.md".to_owned(), content: Some(README.as_bytes().to_vec()) };
        let tree = objects::edited_tree(&repository, empty, &[readme])?;
        let now = now_ms();
        let first =
            objects::write_commit(&repository, tree, &[], "Begin the documents\n", self.identity(), now)?;
        let mover = Mover { by: self.identity(), time_ms: now, reason: "branch: begun" };
        self.sync_objects()?;
        // A lost race means that the branch exists, which is all that is wanted.
        self.swap(&repository, &branch, None, first, &mover).map(|_| ())
    }

    fn exclude_folder(&self) -> Result<(), Error> {
        let folder = self.0.common_dir.join("info");
        let file = folder.join("exclude");
        let text = read_text(&file)?.unwrap_or_default();
        if text.lines().any(|line| line.trim() == EXCLUDED) {
            return Ok(());
        }
        fs::create_dir_all(&folder).context("make the folder", folder.display())?;
        let gap = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        let mut options = fs::OpenOptions::new();
        let mut opened = options.append(true).create(true).open(&file).context("open", file.display())?;
        opened.write_all(format!("{gap}{EXCLUDED}\n").as_bytes()).context("write", file.display())
    }
}
