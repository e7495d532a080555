//! Repairs: what is wrong with a finished change goes to the session that owns it before a person is asked.

use crate::{Commit, Millis, ProblemKind, SessionId};
use serde::{Deserialize, Serialize};

/// A problem of the change that an agent can fix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    pub kind: ProblemKind,
    /// The command of the check, or the id of the finding.
    pub name: String,
    /// The end of the command's output, or the finding in words.
    pub details: String,
    /// The session whose work touched the files that the problem names; absent when none did.
    #[serde(default)]
    pub owner: Option<SessionId>,
}

/// The problems of a change, and how many rounds of repair its project allows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RepairRequest {
    /// How many rounds there may be between two decisions of a person; 0 is none.
    pub max_rounds: u32,
    /// The problems that the base branch does not have.
    pub problems: Vec<Problem>,
}

/// A session's work on problems of the change, in one round.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repair {
    /// The round since the last decision of a person, from 1.
    pub round: u32,
    pub session: SessionId,
    pub problems: Vec<Problem>,
    /// The head of the change that has the problems.
    pub head: Commit,
    pub at: Millis,
    /// Absent while the round is not over.
    #[serde(default)]
    pub outcome: Option<RepairOutcome>,
}

/// What the next run of the checks found about a repair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepairOutcome {
    /// Whether none of its problems is left.
    pub is_fixed: bool,
    /// The head of the change after it.
    pub head: Commit,
    pub at: Millis,
}
