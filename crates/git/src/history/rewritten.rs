//! Append-only files of a branch whose content was removed or changed.

use crate::error::Context as _;
use crate::objects::differences::differences;
use crate::{CommitId, Error, Repository, objects};

/// A commit that removed or changed earlier content of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewritten {
    pub path: String,
    pub commit: CommitId,
    /// The commit that has the file as it was before.
    pub before: CommitId,
}

impl Repository {
    /// Returns the commits on the way of a revision's first parents that rewrote one of some files, newest first.
    pub fn rewritten(&self, rev: &str, only_grows: &dyn Fn(&str) -> bool) -> Result<Vec<Rewritten>, Error> {
        let repository = self.local();
        let mut at = self.need(&repository, rev)?;
        let mut found = Vec::new();
        loop {
            let commit = repository.find_commit(at).context("read the commit", at)?;
            let Some(parent) = commit.parent_ids().next().map(gix::Id::detach) else { return Ok(found) };
            // A clone without all of its history ends here.
            if !repository.has_object(parent) {
                return Ok(found);
            }
            let (old, new) = (objects::tree_of(&repository, parent)?, objects::tree_of(&repository, at)?);
            for difference in differences(&repository, old, new)? {
                let path = difference.path.to_string();
                let Some((_, was)) = difference.old.filter(|_| only_grows(&path)) else { continue };
                let is_grown = match difference.new {
                    Some((mode, is)) if mode.is_blob() => {
                        let (was, is) = (objects::blob(&repository, was)?, objects::blob(&repository, is)?);
                        is.starts_with(&was)
                    }
                    Some(_) | None => false,
                };
                if !is_grown {
                    found.push(Rewritten { path, commit: CommitId(at), before: CommitId(parent) });
                }
            }
            at = parent;
        }
    }
}
