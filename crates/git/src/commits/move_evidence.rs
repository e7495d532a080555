//! Finds evidence that an agent, and not a person, moved a branch.
//!
//! An agent in a worktree can write the refs of the whole repository. Unreviewed work that lands that way leaves
//! evidence: it is work of a session, or the worktree that has the branch checked out has no record of the move.

use crate::objects::ancestry::is_ancestor;
use crate::{
    CommitId, Error, Repository, files::safe_path, names, refs::branches, refs::reflog, refs::resolve,
};
use gix::ObjectId;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::{Path, PathBuf};

/// The number of a log's newest entries that are searched for a move.
const RECENT: usize = 50;

/// The evidence against a move having been made by people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum MoveEvidence {
    /// The branch was deleted.
    Deleted,
    /// It has commits of a session whose work was not reviewed.
    HasWorkOf { branch: String },
    /// Git's log of the branch does not know the move.
    NotLogged,
    /// The worktree that has the branch checked out does not know the move.
    NotFromCheckout { worktree: PathBuf },
}

impl fmt::Display for MoveEvidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deleted => f.write_str("it was deleted"),
            Self::HasWorkOf { branch } => write!(f, "it has unreviewed commits of {branch}"),
            Self::NotLogged => f.write_str("its log does not know the move, so the ref was written directly"),
            Self::NotFromCheckout { worktree } => {
                write!(f, "it was moved from outside {}, which has it checked out", worktree.display())
            }
        }
    }
}

impl Repository {
    /// Returns what speaks against people having moved a branch since it stood at a commit; `sessions` are branches and
    /// commits that hold work without a review.
    pub fn move_evidence(
        &self,
        branch: &str,
        since: CommitId,
        sessions: &[String],
    ) -> Result<Option<MoveEvidence>, Error> {
        let name = names::branch(branch)?;
        let repository = self.local();
        let Some(tip) = branches::tip_of(&repository, &name)? else { return Ok(Some(MoveEvidence::Deleted)) };
        if tip == since.0 {
            return Ok(None);
        }
        for session in sessions {
            let Some(head) = resolve::find_commit(&repository, session)? else { continue };
            let shared = repository.merge_base(tip, head).ok().flatten().map(gix::Id::detach);
            if shared.is_some_and(|shared| !is_ancestor(&repository, shared, since.0)) {
                return Ok(Some(MoveEvidence::HasWorkOf { branch: session.clone() }));
            }
        }
        let log = self.0.common_dir.join("logs").join(safe_path::name(name.as_bstr()));
        if !knows(&log, tip)? {
            return Ok(Some(MoveEvidence::NotLogged));
        }
        for checkout in self.checkouts_of(&name.as_bstr().to_string())? {
            if !knows(&checkout.git_dir.join("logs/HEAD"), tip)? {
                return Ok(Some(MoveEvidence::NotFromCheckout { worktree: checkout.root }));
            }
        }
        Ok(None)
    }
}

/// Returns whether a log has a move to a commit; one that is not kept says nothing against it.
fn knows(log: &Path, tip: ObjectId) -> Result<bool, Error> {
    let recent = reflog::recent(log, RECENT)?;
    Ok(recent.is_empty() || recent.contains(&tip))
}
