//! Evidence that a planned task is done: a commit that touches files, or a check that passed.

use crate::{Commit, EvidenceState, Session, SessionStatus, Task};
use serde::{Deserialize, Serialize};

/// The evidence of an item that is marked as done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Absent while the item is not marked as done and may still be.
    pub state: Option<EvidenceState>,
    pub commits: Vec<Commit>,
    /// The commands that passed on the finished change.
    pub checks: Vec<String>,
}

impl Task {
    /// Returns the evidence of a planned task; its parts have the evidence of the whole.
    ///
    /// A check of the project runs on the whole change. It is evidence for what the change contains, not for an item
    /// that added nothing to it.
    pub fn evidence(&self, unit: usize, is_marked: bool) -> Evidence {
        let session = self.session_of_unit(unit);
        let mut commits: Vec<Commit> = Vec::new();
        for commit in session.into_iter().flat_map(Session::commits) {
            if !commits.contains(commit) {
                commits.push(commit.clone());
            }
        }
        let is_in_change =
            session.is_some_and(|session| self.session_status(session) == SessionStatus::Completed);
        let checks = match self.change() {
            Some(change) if is_in_change && !commits.is_empty() => {
                let passed = change.checks.iter().filter(|check| check.passed);
                passed.map(|check| check.command.clone()).collect()
            }
            Some(_) | None => Vec::new(),
        };
        let is_unreported = session.is_some_and(|session| {
            session.own_status() == SessionStatus::Completed && self.has_unreported(session, unit)
        });
        let state = match (is_marked, commits.is_empty()) {
            (false, _) if is_unreported => Some(EvidenceState::NotReported),
            (false, _) => None,
            (true, true) => Some(EvidenceState::Claimed),
            (true, false) => Some(EvidenceState::Done),
        };
        Evidence { state, commits, checks }
    }
}

impl Session {
    /// Returns the commits at which turns ended that changed files, and the merge of them all.
    fn commits(&self) -> impl Iterator<Item = &Commit> {
        let ended = self.ended.iter().filter(|turn| turn.changed).filter_map(|turn| turn.commit.as_ref());
        let has_changed = self.ended.iter().any(|turn| turn.changed);
        ended.chain(self.merged.as_ref().filter(|_| has_changed))
    }
}
