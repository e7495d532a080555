//! The worktree of the branch that holds documents beside the code.

use crate::error::Context as _;
use crate::files::plain::read_text;
use crate::refs::branches::{Mover, now_ms};
use crate::shared::lock;
use crate::worktrees::registration::{Mark, resolved};
use crate::worktrees::worktree::set_aside;
use crate::{
    Change, Dir, Entry, Error, OpenError, Repository, WorktreeSpec, files::lock_files, names, objects,
    refs::branches, refs::resolve, worktrees::note,
};
use std::path::{Path, PathBuf};

/// The folder for such worktrees in a repository's root.
const FOLDER: &str = ".git-worktrees";
/// The exclude pattern that keeps the folder out of the status of the repository's own worktree.
const EXCLUDED: &str = "/.git-worktrees/";

/// The folder of the approved documents beside the code.
const SPECS: &str = "specs";

const README: &str = "# Documents\n\nThis branch holds the documents of tasks: their specs, their progress and their history. \
    It shares no history with the code.\n";

/// Returns where a repository has the worktree of a branch with documents.
pub fn docs_worktree(repository: &Path, branch: &str) -> PathBuf {
    repository.join(FOLDER).join(branch)
}

/// Returns whether a killed process may have left something half done in that worktree. The check is cheap.
pub fn is_docs_worktree_unfinished(repository: &Path, branch: &str) -> bool {
    let folder = docs_worktree(repository, branch);
    let pointer = read_text(&folder.join(".git")).ok().flatten();
    let git_dir = pointer.as_deref().and_then(|text| text.trim().strip_prefix("gitdir: "));
    git_dir.is_some_and(|git_dir| {
        let git_dir = folder.join(git_dir);
        lock_files::of(&git_dir.join("index")).exists() || note::is_in(&git_dir)
    })
}

impl Repository {
    /// Finishes what a killed process left half done in the documents' worktree, and returns whether there was such a
    /// thing.
    pub fn finish_docs_worktree(&self, branch: &str) -> Result<bool, Error> {
        let name = names::short(&names::branch(branch)?);
        let folder = resolved(&docs_worktree(self.path(), &name));
        if !is_docs_worktree_unfinished(self.path(), &name) {
            return Ok(false);
        }
        let mut checkouts = self.checkouts()?.into_iter();
        let Some(checkout) = checkouts.find(|checkout| resolved(&checkout.root) == folder) else {
            return Ok(false);
        };
        let lock = self.lock_index(&checkout.git_dir)?;
        drop(self.finish_move(&self.local(), &checkout, lock)?);
        Ok(true)
    }

    /// Ensures that an orphan branch has a worktree, and returns its path.
    pub fn ensure_docs_worktree(&self, branch: &str) -> Result<PathBuf, Error> {
        let name = names::short(&names::branch(branch)?);
        let path = docs_worktree(self.path(), &name);
        self.refuse_links_to(&path)?;
        self.begin_docs_branch(&name)?;
        self.exclude_folder()?;
        self.forget_docs_worktree_of_original(&path, &name)?;
        let spec =
            WorktreeSpec { path: path.clone(), branch: Some(name.clone()), start: name, detached: false };
        match self.ensure_worktree(&spec) {
            // A process wrote on where it had vanished, before a poll made it again; or it is a copy of another repository's.
            Err(Error::Occupied { .. }) if !self.is_pointed_at_by(&path)? => {
                set_aside(&path)?;
                self.ensure_worktree(&spec)?;
            }
            made => drop(made?),
        }
        Ok(path)
    }

    /// Takes the documents' worktree of another place off the list: a repository that was copied or moved names it still.
    fn forget_docs_worktree_of_original(&self, path: &Path, branch: &str) -> Result<(), Error> {
        let mark = Mark::Branch(branch.to_owned());
        for registration in self.registrations()? {
            let is_docs = registration.mark.as_ref() == Some(&mark)
                && registration.root.ends_with(Path::new(FOLDER).join(branch));
            if is_docs && resolved(&registration.root) != resolved(path) {
                registration.unregister()?;
            }
        }
        Ok(())
    }

    /// Returns whether a folder's `.git` file names another repository that is there.
    pub(crate) fn is_anothers(&self, folder: &Path) -> bool {
        let pointer = read_text(&folder.join(".git")).ok().flatten();
        let git_dir = pointer.as_deref().and_then(|text| text.trim().strip_prefix("gitdir: "));
        let git_dir = git_dir.map(|git_dir| resolved(&folder.join(git_dir)));
        let worktrees = resolved(&self.0.common_dir.join("worktrees"));
        git_dir.is_some_and(|git_dir| git_dir.is_dir() && !git_dir.starts_with(&worktrees))
    }

    /// Returns whether a folder's `.git` file names this repository.
    fn is_pointed_at_by(&self, folder: &Path) -> Result<bool, Error> {
        let pointer = read_text(&folder.join(".git"))?;
        let git_dir = pointer.as_deref().and_then(|text| text.trim().strip_prefix("gitdir: "));
        let worktrees = resolved(&self.0.common_dir.join("worktrees"));
        Ok(git_dir.is_some_and(|git_dir| resolved(&folder.join(git_dir)).starts_with(&worktrees)))
    }

    /// Makes that worktree again when its folder vanished, and says whether it did; a branch that is not there has none.
    /// Looking costs next to nothing while it is there.
    pub fn keep_docs_worktree(&self, branch: &str) -> Result<bool, Error> {
        let name = names::branch(branch)?;
        let folder = docs_worktree(self.path(), &names::short(&name));
        self.refuse_links_to(&folder)?;
        let pointer = read_text(&folder.join(".git"))?;
        let git_dir = pointer.as_deref().and_then(|text| text.trim().strip_prefix("gitdir: "));
        // A `git worktree prune` that runs while it is made removes parts of it.
        let has = |name: &str| git_dir.is_some_and(|git_dir| folder.join(git_dir).join(name).is_file());
        let is_there = has("HEAD") && has("index");
        if is_there || branches::tip_of(&self.local(), &name)?.is_none() {
            return Ok(false);
        }
        self.ensure_docs_worktree(branch).map(|_| true)
    }

    /// Refuses a repository in which a symbolic link stands where the worktree of the documents goes.
    pub fn refuse_links(&self, branch: &str) -> Result<(), Error> {
        self.refuse_links_to(&docs_worktree(self.path(), branch))
    }

    /// Refuses a repository in which something else has the place or the branch of the documents' worktree.
    pub fn refuse_documents_in_the_way(&self, branch: &str) -> Result<(), OpenError> {
        let damaged =
            |source: Error| OpenError::Damaged { path: self.path().to_owned(), source: source.into() };
        let Some(root) = &self.0.main_root else { return Ok(()) };
        let name = names::branch(branch).map_err(damaged)?.as_bstr().to_string();
        let head = read_text(&self.0.common_dir.join("HEAD")).map_err(damaged)?.unwrap_or_default();
        if head.strip_prefix("ref: ").is_some_and(|head| head.trim() == name) {
            return Err(OpenError::DocumentsCheckedOut { path: root.clone(), branch: branch.to_owned() });
        }
        let place = root.join(FOLDER);
        let repository = self.local();
        let tracked =
            repository.head_tree().ok().and_then(|tree| tree.lookup_entry_by_path(FOLDER).ok().flatten());
        if tracked.is_some() || place.metadata().is_ok_and(|found| !found.is_dir()) {
            return Err(OpenError::PlaceTaken { place });
        }
        let head = repository.head_tree().ok().map(|tree| tree.id);
        match head
            .map(|tree| file_in_the_way(&repository, tree, SPECS))
            .transpose()
            .map_err(damaged)?
            .flatten()
        {
            Some(name) => Err(OpenError::DocumentsPlaceTaken { path: root.clone(), name }),
            None => Ok(()),
        }
    }

    /// Returns the file of a commit that is where a folder of a path would go.
    pub fn file_in_the_way(&self, revision: &str, path: &str) -> Result<Option<String>, Error> {
        let repository = self.local();
        let commit = self.need(&repository, revision)?;
        file_in_the_way(&repository, objects::tree_of(&repository, commit)?, path)
    }

    /// Refuses a place in the repository's folder that a symbolic link leads to: what is written there would be elsewhere.
    fn refuse_links_to(&self, path: &Path) -> Result<(), Error> {
        self.link_to(path).map_or(Ok(()), |link| Err(Error::Link { path: link.to_owned() }))
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
        let first = self.first_docs_commit(&repository)?;
        let mover = Mover { by: self.identity(), time_ms: now_ms(), reason: "branch: begun" };
        self.sync_objects()?;
        // A lost race means that the branch exists, which is all that is wanted.
        self.swap(&repository, &branch, None, first, &mover).map(|_| ())
    }

    /// Writes the commit that a branch for documents begins with.
    pub(crate) fn first_docs_commit(&self, repository: &gix::Repository) -> Result<gix::ObjectId, Error> {
        let empty = repository.empty_tree().id;
        let readme = Change { path: "README.md".to_owned(), content: Some(README.as_bytes().to_vec()) };
        let tree = objects::edited_tree(repository, empty, &[readme])?;
        objects::write_commit(repository, tree, &[], "Begin the documents\n", self.identity(), now_ms())
    }

    fn exclude_folder(&self) -> Result<(), Error> {
        const LONGEST: u64 = 16 * 1024 * 1024;
        let (folder, file) = (Dir::at(&self.0.common_dir), "info/exclude");
        let shown = || self.0.common_dir.join(file);
        let mut text = match folder.read(file, LONGEST).context("read", shown().display())? {
            Entry::File(text) => text,
            Entry::Nothing => Vec::new(),
            Entry::Link | Entry::TooLarge | Entry::Other => return Err(Error::Link { path: shown() }),
        };
        if text.split(|byte| *byte == b'\n').any(|line| line.trim_ascii() == EXCLUDED.as_bytes()) {
            return Ok(());
        }
        if !text.is_empty() && !text.ends_with(b"\n") {
            text.push(b'\n');
        }
        text.extend_from_slice(EXCLUDED.as_bytes());
        text.push(b'\n');
        folder.write(file, &text).context("write", shown().display())
    }
}

/// Returns the first part of a path that is no folder in a tree.
fn file_in_the_way(
    repository: &gix::Repository,
    tree: gix::ObjectId,
    path: &str,
) -> Result<Option<String>, Error> {
    let tree = repository.find_tree(tree).context("read the tree", tree)?;
    for (end, _) in path.match_indices('/').chain([(path.len(), "")]) {
        let part = &path[..end];
        match tree.lookup_entry_by_path(part).context("look up", part)? {
            None => return Ok(None),
            Some(entry) if entry.mode().is_tree() => {}
            Some(_) => return Ok(Some(part.to_owned())),
        }
    }
    Ok(None)
}
