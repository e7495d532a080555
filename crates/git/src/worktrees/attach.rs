//! Stages everything in a worktree, and brings a worktree back onto its branch.

use crate::error::Context as _;
use crate::files::lock_files::found;
use crate::files::safe_path::{self, Standing};
use crate::worktrees::agent_files::without_untracked;
use crate::worktrees::checkouts::Checkout;
use crate::worktrees::registration::Registration;
use crate::worktrees::worktree::free_name;
use crate::{Dir, Error, Repository, WorktreeAnomaly, objects};
use gix::ObjectId;
use gix::bstr::ByteSlice as _;
use std::fs;
use std::path::Path;

/// The files that git keeps beside the index while a merge is under way.
const MERGE_FILES: [&str; 6] =
    ["MERGE_HEAD", "MERGE_MSG", "MERGE_MODE", "AUTO_MERGE", "CHERRY_PICK_HEAD", "REVERT_HEAD"];
/// The largest file that is searched for conflict markers.
const MARKED: u64 = 16 * 1024 * 1024;

impl Checkout {
    /// Returns the full name of the branch that is checked out; `None` when there is none.
    pub(crate) fn on_branch(&self) -> Result<Option<String>, Error> {
        let head = crate::files::plain::read_text(&self.git_dir.join("HEAD"))?.unwrap_or_default();
        Ok(head.strip_prefix("ref: ").map(|name| name.trim().to_owned()))
    }

    /// Returns the commits that are being merged.
    pub(crate) fn merge_heads(&self) -> Result<Vec<ObjectId>, Error> {
        let text = crate::files::plain::read_text(&self.git_dir.join("MERGE_HEAD"))?.unwrap_or_default();
        let shown = self.root.display();
        text.lines()
            .map(|line| ObjectId::from_hex(line.trim().as_bytes()).context("read MERGE_HEAD of", &shown))
            .collect()
    }

    /// Returns the newest commit in the worktree's log.
    pub(crate) fn last_in_log(&self, repository: &gix::Repository) -> Result<Option<ObjectId>, Error> {
        crate::refs::reflog::newest(repository, &self.git_dir.join("logs/HEAD"))
    }
}

impl Repository {
    /// Returns the worktree of a folder, or `None` when the folder or git's list of it is gone.
    pub(crate) fn whole_checkout(&self, path: &Path) -> Result<Option<Checkout>, Error> {
        match self.checkout(path) {
            Ok(checkout) => Ok(Some(checkout)),
            Err(Error::NotAWorktree { .. }) if !path.exists() || self.registration(path)?.is_some() => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Returns the worktree of a folder whose `.git` was removed or replaced: it leads to the repository again, and
    /// what stood in its place is beside the folder.
    pub(crate) fn repointed(
        &self,
        path: &Path,
        anomalies: &mut Vec<WorktreeAnomaly>,
    ) -> Result<Option<Checkout>, Error> {
        let is_known = |found: &Registration| !found.is_half_made && found.git_dir.join("HEAD").is_file();
        let Some(registration) = self.registration(path)?.filter(is_known).filter(|_| path.is_dir()) else {
            return Ok(None);
        };
        let pointer = path.join(".git");
        let mut kept = None;
        if fs::symlink_metadata(&pointer).is_ok() {
            let to = free_name(path.parent().unwrap_or(path), path, "git");
            fs::rename(&pointer, &to).context("move aside", pointer.display())?;
            kept = Some(to);
        }
        let text = format!("gitdir: {}\n", registration.git_dir.display());
        Dir::at(path).write(".git", text.as_bytes()).context("write", pointer.display())?;
        anomalies.push(WorktreeAnomaly::Repointed { kept });
        self.checkout(path).map(Some)
    }

    /// Stages everything that is not ignored, and returns its tree. Files that git cannot add are left out and
    /// reported.
    pub(crate) fn stage_everything(
        &self,
        repository: &gix::Repository,
        checkout: &Checkout,
        head: ObjectId,
        others: &[String],
        anomalies: &mut Vec<WorktreeAnomaly>,
    ) -> Result<ObjectId, Error> {
        self.refuse_markers(checkout)?;
        let place = self.place_at(checkout)?;
        let left_out = without_untracked(repository, checkout, head, others)?;
        let add = self.0.git.command_on_files("add", &place)?;
        let add = add.args(["--all", "--ignore-errors", "--", "."]).args(&left_out);
        let added = add.reads(&checkout.root).run_unchecked()?;
        let refused: Vec<_> =
            added.complaint.split("; ").filter_map(|line| line.strip_prefix("error: ")).collect();
        match added.code {
            Some(0) => {}
            // The rest was taken in.
            Some(1) if !refused.is_empty() => {
                anomalies.push(WorktreeAnomaly::LeftOut { why: refused.join("; ") });
            }
            Some(_) | None => {
                let (command, place) = ("add".to_owned(), checkout.root.clone());
                return Err(Error::Command { command, place, message: added.complaint });
            }
        }
        self.unstage_nested(repository, checkout, head, anomalies)?;
        self.staged_tree(checkout)
    }

    /// Returns the tree of what is staged.
    pub(crate) fn staged_tree(&self, checkout: &Checkout) -> Result<ObjectId, Error> {
        // Writing the tree can look at files again whose times are as young as the index.
        let written = self.0.git.command_on_files("write-tree", &self.place_at(checkout)?)?.run()?.text();
        ObjectId::from_hex(written.trim().as_bytes()).context("read the tree of", checkout.root.display())
    }

    /// Takes repositories inside the worktree out of what is staged, unless they are submodules: a commit can only
    /// point at them, and their commits are not here.
    fn unstage_nested(
        &self,
        repository: &gix::Repository,
        checkout: &Checkout,
        head: ObjectId,
        anomalies: &mut Vec<WorktreeAnomaly>,
    ) -> Result<(), Error> {
        let path = checkout.git_dir.join("index");
        let hash = repository.object_hash();
        let index =
            gix::index::File::at_or_default(&path, hash, false, gix::index::decode::Options::default())
                .context("read", path.display())?;
        let tree =
            repository.find_tree(objects::tree_of(repository, head)?).context("read the tree of", head)?;
        let modules = match safe_path::look(&checkout.root, b".gitmodules", MARKED)
            .context("read .gitmodules of", checkout.root.display())?
        {
            Standing::File { content, .. } => content,
            Standing::Nothing | Standing::Link(_) | Standing::Large | Standing::Other => Vec::new(),
        };
        let declared: Vec<&[u8]> = modules
            .lines()
            .filter_map(|line| {
                let (key, value) = line.split_once_str("=")?;
                (key.trim() == b"path").then(|| value.trim())
            })
            .collect();
        let mut nested = Vec::new();
        for entry in index.entries().iter().filter(|entry| entry.mode == gix::index::entry::Mode::COMMIT) {
            let path = entry.path(&index);
            let known = tree.lookup_entry_by_path(safe_path::name(path)).context("look up", path)?;
            if known.is_none() && !declared.contains(&path.as_bytes()) {
                nested.push(path.to_string());
            }
        }
        if nested.is_empty() {
            return Ok(());
        }
        let remove = self.0.git.command_on_files("update-index", &self.place_at(checkout)?)?;
        remove.args(["--force-remove", "--"]).args(&nested).run()?;
        anomalies.extend(nested.into_iter().map(|path| WorktreeAnomaly::Nested { path }));
        Ok(())
    }

    /// Attaches a worktree whose index has a tree to a branch, at a commit. A repetition finds the work done.
    pub(crate) fn attach(
        &self,
        repository: &gix::Repository,
        checkout: &Checkout,
        branch: &str,
        staged: ObjectId,
        head: ObjectId,
    ) -> Result<(), Error> {
        let wanted = objects::tree_of(repository, head)?;
        let place = self.place_at(checkout)?;
        if staged != wanted {
            let (old, new) = (staged.to_string(), wanted.to_string());
            self.0.git.command_on_files("read-tree", &place)?.args(["-m", "-u", &old, &new]).run()?;
        }
        for folder in ["rebase-merge", "rebase-apply"] {
            found(fs::remove_dir_all(checkout.git_dir.join(folder)))
                .context("end the rebase in", checkout.root.display())?;
        }
        for file in MERGE_FILES.map(|file| checkout.git_dir.join(file)) {
            found(fs::remove_file(&file)).context("remove", file.display())?;
        }
        if checkout.on_branch()?.as_deref() != Some(branch) {
            // Without a reason git writes no log, in the place of which there may be a link by now.
            self.0.git.command("symbolic-ref", &place).args(["HEAD", branch]).run()?;
        }
        Ok(())
    }

    /// Rejects files in which conflicts are still marked.
    fn refuse_markers(&self, checkout: &Checkout) -> Result<(), Error> {
        let mut marked = Vec::new();
        for file in self.unmerged_files(checkout)? {
            let standing = safe_path::look(&checkout.root, file.as_bytes(), MARKED).context("read", &file)?;
            if let Standing::File { content, .. } = standing
                && has_markers(&content)
            {
                marked.push(file);
            }
        }
        if marked.is_empty() {
            Ok(())
        } else {
            Err(Error::Unmerged { path: checkout.root.clone(), files: marked })
        }
    }
}

fn has_markers(content: &[u8]) -> bool {
    let begins = |marker: &[u8]| content.split(|byte| *byte == b'\n').any(|line| line.starts_with(marker));
    begins(b"<<<<<<< ") && begins(b">>>>>>> ")
}
