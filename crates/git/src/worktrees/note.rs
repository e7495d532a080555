//! Notes of a branch's move beside the index of a worktree that has it checked out.

use crate::error::Context as _;
use crate::files::lock_files::found;
use crate::worktrees::checkouts::Checkout;
use crate::{Dir, Error};
use gix::ObjectId;
use std::fs;
use std::path::{Path, PathBuf};

/// The note of a move under way.
const NOTE: &str = "spectask-move";
/// The note of the last moves that the worktree followed.
const LAST: &str = "spectask-moved";
/// How many moves that note tells of.
const KEPT: usize = 4;

/// The branch's full name, where it was, and where it is.
pub(crate) type Move = (String, ObjectId, ObjectId);

/// Where a branch was before each of its last moves, and where it is after them.
pub(crate) struct LastMoves {
    pub(crate) branch: String,
    pub(crate) olds: Vec<ObjectId>,
    pub(crate) new: ObjectId,
}

/// Returns whether a move is under way, or was left, in the worktree of a git directory.
pub(crate) fn is_in(git_dir: &Path) -> bool {
    git_dir.join(NOTE).exists()
}

impl Checkout {
    pub(crate) fn write_note(&self, branch: &str, old: ObjectId, new: ObjectId) -> Result<(), Error> {
        let text = format!("{branch}\n{old}\n{new}\n");
        Dir::at(&self.git_dir).write(NOTE, text.as_bytes()).context("write", self.note_path().display())
    }

    pub(crate) fn remove_note(&self) -> Result<(), Error> {
        let file = self.note_path();
        found(fs::remove_file(&file)).context("remove", file.display())?;
        Ok(())
    }

    /// Adds the move under way to the last ones.
    pub(crate) fn keep_note(&self) -> Result<(), Error> {
        let Some((branch, old, new)) = self.note()? else { return Ok(()) };
        let before = self.last_moves()?.filter(|last| last.branch == branch).map(|last| last.olds);
        let mut olds = before.unwrap_or_default();
        olds.push(old);
        let from = olds.len().saturating_sub(KEPT);
        let olds: String = olds[from..].iter().fold(String::new(), |text, old| format!("{text}{old}\n"));
        let text = format!("{branch}\n{new}\n{olds}");
        let written = Dir::at(&self.git_dir).write(LAST, text.as_bytes());
        written.context("write", self.git_dir.join(LAST).display())?;
        self.remove_note()
    }

    /// Notes where a branch is that the worktree has just been made of.
    pub(crate) fn write_last_move(&self, branch: &str, at: ObjectId) -> Result<(), Error> {
        let written = Dir::at(&self.git_dir).write(LAST, format!("{branch}\n{at}\n").as_bytes());
        written.context("write", self.git_dir.join(LAST).display())
    }

    /// Returns whether the worktree was left in the middle of a move.
    pub(crate) fn has_unfinished_move(&self) -> bool {
        is_in(&self.git_dir)
    }

    /// Returns the move under way; a note that was cut short tells of one that did not begin.
    pub(crate) fn note(&self) -> Result<Option<Move>, Error> {
        let hashes = read(&self.note_path())?;
        Ok(hashes.and_then(|(branch, hashes)| Some((branch, *hashes.first()?, *hashes.get(1)?))))
    }

    /// Returns the last moves that the worktree followed.
    pub(crate) fn last_moves(&self) -> Result<Option<LastMoves>, Error> {
        let Some((branch, hashes)) = read(&self.git_dir.join(LAST))? else { return Ok(None) };
        let last =
            hashes.split_first().map(|(new, olds)| LastMoves { branch, olds: olds.to_vec(), new: *new });
        Ok(last)
    }

    fn note_path(&self) -> PathBuf {
        self.git_dir.join(NOTE)
    }
}

/// Returns a branch's full name and the hashes that follow it.
fn read(file: &Path) -> Result<Option<(String, Vec<ObjectId>)>, Error> {
    let Some(text) = crate::files::plain::read_text(file)? else { return Ok(None) };
    let mut lines = text.lines();
    let Some(branch) = lines.next() else { return Ok(None) };
    let hashes = lines.map_while(|line| ObjectId::from_hex(line.as_bytes()).ok()).collect();
    Ok(Some((branch.to_owned(), hashes)))
}
