//! Creates repositories.

use crate::error::Context as _;
use crate::files::lock_files::found;
use crate::process::command::Command;
use crate::refs::branches::{Mover, now_ms};
use crate::{
    Change, Error, Git, Repository, files::durable, names, objects, refs::branches, worktrees::worktree,
};
use gix::ObjectId;
use gix::objs::tree::EntryKind;
use std::fs;
use std::path::Path;

/// The number of commits that are searched for the first commit of an existing repository.
const DEPTH: usize = 10_000;

impl Git {
    /// Creates a repository with one commit of the given files on a branch. Files that begin with `#!` are executable.
    /// An existing one is opened if that commit is the first of its branch.
    pub fn create_repository(
        &self,
        path: &Path,
        branch: &str,
        files: &[(String, Vec<u8>)],
        message: &str,
    ) -> Result<Repository, Error> {
        let name = names::short(&names::branch(branch)?);
        let is_taken = fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some());
        if is_taken || path.is_file() {
            let repository = self.open(path)?;
            if repository.began_with(&name, files)? {
                return Ok(repository);
            }
            return Err(Error::Exists { path: path.to_owned() });
        }
        let folder = path.parent().unwrap_or(Path::new("/"));
        fs::create_dir_all(folder).context("make the folder", folder.display())?;
        let partial = worktree::free_name(folder, path, "making");
        let made = self.make(&partial, &name, files, message).and_then(|()| {
            found(fs::remove_dir(path)).context("replace", path.display())?;
            fs::rename(&partial, path).context("name", path.display())?;
            fs::File::open(folder)
                .and_then(|folder| folder.sync_all())
                .context("bring to the disk", folder.display())
        });
        if made.is_err() {
            // The leftovers belong to no one; the earlier error is the one to report.
            let _ = fs::remove_dir_all(&partial);
        }
        made?;
        Ok(self.open(path)?)
    }

    fn make(
        &self,
        path: &Path,
        branch: &str,
        files: &[(String, Vec<u8>)],
        message: &str,
    ) -> Result<(), Error> {
        let initial = format!("--initial-branch={branch}");
        let folder = path.parent().unwrap_or(Path::new("/"));
        let arguments = ["--quiet", "--template=", &initial, "--"];
        Command::bare(self.binary(), "init", folder).args(arguments).args([path]).run()?;
        let repository = self.open_any(path)?;
        repository.write_settings()?;
        let local = repository.local();
        let tree = tree(&local, files)?;
        let now = now_ms();
        let first = objects::write_commit(&local, tree, &[], message, self.identity(), now)?;
        let mover = Mover { by: self.identity(), time_ms: now, reason: "commit (initial)" };
        repository.sync_objects()?;
        repository.swap(&local, &names::branch(branch)?, None, first, &mover)?;
        repository.check_out_head()?;
        durable::objects(&repository.0.common_dir).context("bring to the disk", path.display())
    }
}

impl Repository {
    /// Returns whether a branch's first commit has exactly these files.
    fn began_with(&self, branch: &str, files: &[(String, Vec<u8>)]) -> Result<bool, Error> {
        let repository = self.local();
        let wanted = tree(&repository, files)?;
        let Some(mut id) = branches::tip_of(&repository, &names::branch(branch)?)? else { return Ok(false) };
        for _ in 0..DEPTH {
            let commit = repository.find_commit(id).context("read the commit", id)?;
            match commit.parent_ids().next() {
                Some(parent) => id = parent.detach(),
                None => return Ok(commit.tree_id().context("read the tree of", id)? == wanted),
            }
        }
        Ok(false)
    }
}

fn tree(repository: &gix::Repository, files: &[(String, Vec<u8>)]) -> Result<ObjectId, Error> {
    let empty = repository.empty_tree().id;
    let changes: Vec<_> = files
        .iter()
        .map(|(path, content)| Change { path: path.clone(), content: Some(content.clone()) })
        .collect();
    let plain = objects::edited_tree(repository, empty, &changes)?;
    let mut editor = repository.edit_tree(plain).context("read the tree", plain)?;
    for (path, content) in files.iter().filter(|(_, content)| content.starts_with(b"#!")) {
        let blob = repository.write_blob(content).context("write the content of", path)?;
        editor.upsert(path.as_str(), EntryKind::BlobExecutable, blob.detach()).context("change", path)?;
    }
    Ok(editor.write().context("write the tree of", repository.path().display())?.detach())
}
