//! Adds a worktree in process: registered, its files written, its index last.
//!
//! Until the index is there the worktree counts as half made, so one whose maker died is made again. No filter
//! of the repository is applied, as in every other call: it may name a program.

use crate::error::Context as _;
use crate::files::lock_files::found;
use crate::shared::lock;
use crate::worktrees::registration::Mark;
use crate::{Error, Repository, files::safe_path, names, objects, objects::convert, repository::open};
use gix::bstr::BStr;
use gix::index::entry::Mode;
use gix::worktree::add::Head;
use gix::worktree::stack::state::attributes::Source;
use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;

/// The interrupt flag of an operation that is never interrupted.
static GOES_ON: AtomicBool = AtomicBool::new(false);

impl Repository {
    /// Adds a worktree at a path where nothing is; `start` is the commit of one without a branch.
    pub(crate) fn add_worktree(&self, path: &Path, wanted: &Mark, start: gix::ObjectId) -> Result<(), Error> {
        let shown = || path.display();
        let head = match wanted {
            Mark::Branch(name) => {
                let branch = names::branch(name)?;
                let elsewhere = self.checkouts_of(&branch.as_bstr().to_string())?.into_iter().next();
                if let Some(checkout) = elsewhere {
                    return Err(Error::CheckedOut { branch: name.clone(), path: checkout.root });
                }
                Head::Attached(branch)
            }
            Mark::Detached => Head::Detached(start),
        };
        // Worktrees are registered one at a time: git cannot list them while an entry is incomplete.
        let queue = self.queue("worktrees");
        let turn = lock(&queue);
        self.remove_unfinished_registrations()?;
        // Every other worktree's HEAD is read along, and one that is a pipe would be waited for.
        for registration in self.registrations()? {
            self.restore_files_of(&registration)?;
        }
        let prepared = self
            .local()
            .prepare_add_worktree(path, head, &GOES_ON)
            .context("register a worktree at", shown())?;
        let mut repository = prepared.persist().context("register a worktree at", shown())?;
        drop(turn);
        // The patterns of a sparse checkout are copied from the repository's own worktree; this one has all files.
        let patterns = repository.git_dir().join("info/sparse-checkout");
        found(fs::remove_file(&patterns)).context("remove", patterns.display())?;
        // It was opened again, with the repository's whole configuration.
        open::ignore_programs(&mut repository).context("read the configuration of", shown())?;
        let tree = objects::tree_of(&repository, start)?;
        let mut index = repository.index_from_tree(&tree).context("list the files of", start)?;
        let mut options =
            repository.checkout_options(Source::IdMapping).context("read the configuration of", shown())?;
        options.destination_is_initially_empty = true;
        let (files, bytes) = (gix::progress::Discard, gix::progress::Discard);
        let objects = repository.objects.clone().into_arc().context("read the objects of", shown())?;
        let written =
            gix::worktree::state::checkout(&mut index, path, objects, &files, &bytes, &GOES_ON, options)
                .context("write the files of", shown())?;
        if let Some(collision) = written.collisions.first() {
            return Err(Error::Exists { path: path.join(safe_path::name(collision.path.as_ref())) });
        }
        make_places_of_submodules(path, &index)?;
        if convert::has_encodings(&repository, &index) {
            return self.write_by_git(path, repository.git_dir(), &mut index);
        }
        index.write(gix::index::write::Options::default()).context("write the index of", shown())
    }

    /// Has git write the files again, in the encodings that attributes ask for, and then puts the index in its place.
    fn write_by_git(&self, path: &Path, git_dir: &Path, index: &mut gix::index::File) -> Result<(), Error> {
        let shown = || path.display();
        let partial = git_dir.join("spectask-index.new");
        for entry in index.entries_mut() {
            // Git writes no file that looks unchanged.
            entry.stat = gix::index::entry::Stat::default();
        }
        index.set_path(&partial);
        index.write(gix::index::write::Options::default()).context("write the index of", shown())?;
        let call = self.0.git.command_on_files("checkout-index", &self.place_of(git_dir, path))?;
        call.env("GIT_INDEX_FILE", &partial).args(["--all", "--force", "-u"]).run()?;
        fs::rename(&partial, git_dir.join("index")).context("write the index of", shown())
    }
}

/// A submodule that is not checked out is an empty folder; without the folder it would show as deleted.
fn make_places_of_submodules(path: &Path, index: &gix::index::File) -> Result<(), Error> {
    for entry in index.entries().iter().filter(|entry| entry.mode == Mode::COMMIT) {
        let name: &BStr = entry.path(index);
        let folder = path.join(safe_path::name(name));
        fs::create_dir_all(&folder).context("make the folder", folder.display())?;
    }
    Ok(())
}
