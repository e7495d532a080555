//! Stages everything in a worktree, and writes the tree of what is staged.
//!
//! The objects that are written here are made durable by the caller before a ref is moved to them.

use crate::error::Context as _;
use crate::files::safe_path::{self, Standing};
use crate::process::command::{Command, Output};
use crate::worktrees::agent_files::without_untracked;
use crate::worktrees::checkouts::Checkout;
use crate::{Error, Repository, WorktreeAnomaly, objects};
use gix::ObjectId;
use gix::bstr::ByteSlice as _;
use std::path::Path;

/// The largest file that is searched for conflict markers.
const MARKED: u64 = 16 * 1024 * 1024;
/// Objects are not synced one by one.
const DURABLE_LATER: &str = "core.fsync=reference";
/// What git says of a file whose content it could not store: nothing is wrong with the file.
const NOT_STORED: &str = "failed to insert into database";

impl Repository {
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
        let left_out = without_untracked(repository, checkout, head, others)?;
        let refused = self.add_all(checkout, None, &left_out)?;
        if !refused.is_empty() {
            anomalies.push(WorktreeAnomaly::LeftOut { why: refused.join("; ") });
        }
        self.unstage_nested(repository, checkout, head, anomalies)?;
        self.staged_tree(checkout, None)
    }

    /// Adds everything that is not ignored to the worktree's index, or to another, and returns what git said of files
    /// that it cannot add.
    ///
    /// # Errors
    ///
    /// When the content of a file cannot be stored, as on a full disk, or git fails otherwise.
    pub(crate) fn add_all(
        &self,
        checkout: &Checkout,
        index: Option<&Path>,
        left_out: &[String],
    ) -> Result<Vec<String>, Error> {
        let arguments = ["--all", "--ignore-errors", "--", "."].into_iter();
        let arguments: Vec<&str> = arguments.chain(left_out.iter().map(String::as_str)).collect();
        let added = self.add(checkout, index, &arguments)?;
        let refused: Vec<String> = added
            .complaint
            .split("; ")
            .filter_map(|line| line.strip_prefix("error: "))
            .map(str::to_owned)
            .collect();
        match added.code {
            Some(0) => Ok(Vec::new()),
            // The rest was taken in.
            Some(1) if !refused.is_empty() && !added.complaint.contains(NOT_STORED) => Ok(refused),
            Some(_) | None => Err(added.failure("add", &checkout.root)),
        }
    }

    /// Returns the tree of what is staged in the worktree's index, or in another.
    pub(crate) fn staged_tree(&self, checkout: &Checkout, index: Option<&Path>) -> Result<ObjectId, Error> {
        let mut written = self.write_tree(checkout, index)?;
        if !written.succeeded {
            // The index can name contents that were never stored, which no `git add` looks at again while their files
            // are unchanged.
            let added = self.add(checkout, index, &["--renormalize", "--", "."])?;
            added.unless_failed("add", &checkout.root)?;
            written = self.write_tree(checkout, index)?;
        }
        let written = written.unless_failed("write-tree", &checkout.root)?;
        ObjectId::from_hex(written.text().trim().as_bytes())
            .context("read the tree of", checkout.root.display())
    }

    fn add(&self, checkout: &Checkout, index: Option<&Path>, arguments: &[&str]) -> Result<Output, Error> {
        let mut add = self.0.git.command_on_files("add", &self.place_at(checkout)?)?;
        add.option(DURABLE_LATER);
        with_index(add, index).args(arguments).reads(&checkout.root).run_unchecked()
    }

    fn write_tree(&self, checkout: &Checkout, index: Option<&Path>) -> Result<Output, Error> {
        // `git write-tree` reads those files again that changed in the moment in which the index was written.
        let mut write = self.0.git.command_on_files("write-tree", &self.place_at(checkout)?)?;
        write.option(DURABLE_LATER);
        with_index(write, index).run_unchecked()
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

fn with_index(call: Command, index: Option<&Path>) -> Command {
    match index {
        Some(index) => call.env("GIT_INDEX_FILE", index),
        None => call,
    }
}

fn has_markers(content: &[u8]) -> bool {
    let begins = |marker: &[u8]| content.split(|byte| *byte == b'\n').any(|line| line.starts_with(marker));
    begins(b"<<<<<<< ") && begins(b">>>>>>> ")
}
