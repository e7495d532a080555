//! Keeps a commit under a hidden ref.

use crate::refs::branches::{self, Mover, Swap, now_ms};
use crate::{CommitId, Error, Repository, names};

/// The number of attempts to set the hidden ref while others set it.
const ATTEMPTS: usize = 10;

impl Repository {
    /// Ensures that a hidden ref names the present commit of a revision; `None` when there is no such revision.
    pub fn save_tip(&self, revision: &str, refname: &str) -> Result<Option<CommitId>, Error> {
        let name = names::hidden_ref(refname)?;
        let Some(commit) = self.resolve(revision)? else { return Ok(None) };
        let repository = self.local();
        let mover =
            Mover { by: self.identity(), time_ms: now_ms(), reason: "keep: work that was not chosen" };
        for _ in 0..ATTEMPTS {
            let old = branches::tip_of(&repository, &name)?;
            if old == Some(commit.0) {
                return Ok(Some(commit));
            }
            if self.swap(&repository, &name, old, commit.0, &mover)? == Swap::Done {
                return Ok(Some(commit));
            }
        }
        Err(Error::Contended { branch: refname.to_owned(), attempts: ATTEMPTS })
    }
}
