//! What stands behind an item that is marked as done, as clients see it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use workflow::{Evidence, EvidenceState};

/// What stands behind an item that is marked as done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EvidenceView {
    /// `done` with a commit that touches files, else `claimed`; `not_reported` where the session ended and its agent did not
    /// report the item as done; null while it may still be.
    #[schema(required)]
    pub state: Option<String>,
    pub commits: Vec<String>,
    /// Commands that passed on the finished change.
    pub checks: Vec<String>,
}

impl EvidenceView {
    pub fn of(evidence: &Evidence) -> Self {
        let state = evidence.state.map(|state| match state {
            EvidenceState::Done => "done".to_owned(),
            EvidenceState::Claimed => "claimed".to_owned(),
            EvidenceState::NotReported => "not_reported".to_owned(),
        });
        let commits = evidence.commits.iter().map(ToString::to_string).collect();
        Self { state, commits, checks: evidence.checks.clone() }
    }
}
