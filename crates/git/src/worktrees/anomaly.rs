//! Unusual git operations of a session.

use crate::CommitId;
use std::fmt;
use std::path::PathBuf;

/// An anomaly that was found while gathering a session's work, and repaired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorktreeAnomaly {
    /// The worktree had another branch checked out, or none.
    Elsewhere { found: String },
    /// The session's branch was deleted.
    BranchGone { branch: String },
    /// The worktree is not there any more.
    WorktreeGone,
    /// The worktree's pointer to its repository was removed or replaced.
    Repointed { kept: Option<PathBuf> },
    /// The branch lost commits, which are kept.
    Rewritten { commits: Vec<CommitId>, kept: String },
    /// The worktree's files conflict with what its branch had; the worktree counts.
    LeftBranch { branch: String, files: Vec<String> },
    /// Another repository inside the worktree is not part of the commit.
    Nested { path: String },
    /// Files or settings that decide what git shows or runs were put into the repository's git folder or changed there.
    Planted { what: Vec<String> },
    /// Files that git keeps of the worktree were replaced by links, pipes or devices.
    Replaced { files: Vec<String> },
    /// Files could not be added, in git's words.
    LeftOut { why: String },
}

impl fmt::Display for WorktreeAnomaly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Elsewhere { found } => {
                let found = found.strip_prefix("refs/heads/").unwrap_or(found);
                write!(f, "The worktree was on {found}; its work was brought onto the session's branch.")
            }
            Self::BranchGone { branch } => write!(f, "The branch {branch} was deleted; it was made again."),
            Self::WorktreeGone => f.write_str(
                "The session's worktree is gone. What was committed is there; what was uncommitted is not.",
            ),
            Self::Repointed { kept: None } => {
                f.write_str("The worktree's .git was removed; it was made again, and the files are taken in.")
            }
            Self::Repointed { kept: Some(kept) } => write!(
                f,
                "The worktree's .git was replaced; it leads to the repository again, the files are taken in, and what stood in \
                 its place is at {}.",
                kept.display()
            ),
            Self::Rewritten { commits, kept } => write!(
                f,
                "The branch was rewritten; {} that it had {} kept at {kept}.",
                if commits.len() == 1 { "a commit".to_owned() } else { format!("{} commits", commits.len()) },
                if commits.len() == 1 { "is" } else { "are" },
            ),
            Self::LeftBranch { branch, files } => write!(
                f,
                "The worktree's files conflict with {branch} in {}; the worktree's work counts, and what \
                 the branch had is kept.",
                files.join(", ")
            ),
            Self::Nested { path } => write!(
                f,
                "{path} is a repository of its own and is not part of the change; move its files into the worktree's \
                 own repository if they belong to it."
            ),
            Self::Planted { what } => write!(
                f,
                "While the session worked, the repository's git folder changed: {}. SpecTask makes no use of it, but git does \
                 that people run there; revert what you did not do.",
                what.join(", ")
            ),
            Self::Replaced { files } => write!(
                f,
                "In the worktree's git directory, a link, a pipe or a device stood in the place of {}; it was removed, and what \
                 git needs was made again.",
                files.join(", "),
            ),
            Self::LeftOut { why } => write!(f, "Some files could not be committed: {why}."),
        }
    }
}
