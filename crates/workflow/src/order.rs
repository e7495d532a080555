//! The order among a task's sessions: who starts first when places are short, who merges first, and what each
//! waits for, in words.

use crate::schedule::turn_in_line;
use crate::{
    CreationMethod, Effort, Phase, Priority, Session, SessionId, SessionPhase, SessionState, SessionStatus,
    Task,
};
use std::cmp::Reverse;

/// By what sessions are sorted that wait for a place; the first has the smallest.
pub(crate) type StartKey = (i64, usize, usize);
/// By what sessions are sorted that wait to be merged.
pub(crate) type MergeKey = (usize, Reverse<Priority>, Effort, usize);

impl Task {
    /// How much a session matters: as much as its task, unless it was asked for otherwise.
    pub fn priority_of(&self, session: &Session) -> Priority {
        session.wish.priority.unwrap_or(self.priority)
    }

    /// How much work a session is thought to be.
    pub fn effort_of(&self, session: &Session) -> Effort {
        let planned = || session.unit.and_then(|index| self.units().get(index)?.effort.parse().ok());
        session.wish.effort.or_else(planned).unwrap_or(Effort::Medium)
    }

    /// Where a session stands in the order of the plan: a session that was spawned stands where its parent does, an
    /// alternative where the session does that it may replace, and none before what it depends on.
    pub fn place(&self, session: &Session) -> usize {
        let from = session.alternative_to.as_ref().or_else(|| self.parent_to_wait_for(session));
        let own = from.and_then(|id| self.session(id)).map_or(session.rank, |from| self.place(from));
        let needed = session.depends_on.iter().filter_map(|id| self.session(id));
        needed.map(|needed| self.place(needed)).fold(own, usize::max)
    }

    /// How many sessions stand between a session and one that nobody spawned.
    pub fn depth(&self, session: &Session) -> usize {
        let parent = self.parent_to_wait_for(session).and_then(|id| self.session(id));
        parent.map_or(0, |parent| 1 + self.depth(parent))
    }

    /// The session whose work a spawned one is built on; a thread in an editor has no branch to build on.
    pub fn parent_to_wait_for<'s>(&self, session: &'s Session) -> Option<&'s SessionId> {
        let parent = session.parent.as_ref().filter(|_| session.method == CreationMethod::Spawned);
        parent.filter(|id| self.session(id).is_some_and(Session::is_crew))
    }

    /// The session that a person chose instead of this one, or instead of one that it is built on.
    pub(crate) fn given_up_for<'t>(&'t self, session: &'t Session) -> Option<&'t SessionId> {
        let parent = || self.parent_to_wait_for(session).and_then(|id| self.session(id));
        session.superseded_by.as_ref().or_else(|| parent().and_then(|parent| self.given_up_for(parent)))
    }

    pub(crate) fn start_key(&self, session: &Session) -> StartKey {
        let at = self.sessions.iter().position(|other| other.id == session.id).unwrap_or(usize::MAX);
        let line = turn_in_line(session.created_at, self.priority_of(session), self.effort_of(session));
        (line, self.place(session), at)
    }

    pub(crate) fn merge_key(&self, session: &Session) -> MergeKey {
        let at = self.sessions.iter().position(|other| other.id == session.id).unwrap_or(usize::MAX);
        (self.place(session), Reverse(self.priority_of(session)), self.effort_of(session), at)
    }

    /// The sessions among which a person chooses, the first one first; one alone is no choice.
    pub fn alternatives(&self, session: &Session) -> Vec<&Session> {
        let root = session.alternative_to.as_ref().unwrap_or(&session.id);
        let is_one = |other: &&Session| other.id == *root || other.alternative_to.as_ref() == Some(root);
        let all: Vec<&Session> = self.sessions.iter().filter(is_one).collect();
        let open = all.iter().filter(|other| other.plain_status() != SessionStatus::Cancelled).count();
        if open > 1 { all } else { Vec::new() }
    }

    /// The session that has to be merged before this one, which waits to be merged.
    pub(crate) fn held_back_by(&self, session: &Session) -> Option<&Session> {
        let parent = self.parent_to_wait_for(session).and_then(|id| self.session(id));
        if let Some(parent) = parent.filter(|parent| !parent.is_satisfied()) {
            return Some(parent);
        }
        // What is said in one thread of a conversation does not wait for what is said in another.
        if self.is_conversation() {
            return None;
        }
        if self.is_all_that_blocks(session) {
            return None;
        }
        let place = self.place(session);
        self.sessions.iter().find(|earlier| {
            earlier.is_crew() && !earlier.is_ended() && self.place(earlier) < place && !self.is_stuck(earlier)
        })
    }

    /// Whether another session could begin if only this one were merged.
    fn is_all_that_blocks(&self, session: &Session) -> bool {
        self.sessions
            .iter()
            .filter(|other| other.is_crew())
            .any(|other| matches!(self.blockers(other).as_slice(), [only] if only.id == session.id))
    }

    /// Whether a person has to act before a session goes on: it waits for one that failed or was cancelled, or for a choice.
    pub(crate) fn is_stuck(&self, session: &Session) -> bool {
        let hopeless =
            |needed: &Session| !needed.is_satisfied() && (needed.is_ended() || self.is_stuck(needed));
        match &session.state {
            SessionState::Pending => self.blockers(session).into_iter().any(hopeless),
            SessionState::WaitingToMerge => {
                let parent = self.parent_to_wait_for(session).and_then(|id| self.session(id));
                !self.alternatives(session).is_empty() || parent.is_some_and(hopeless)
            }
            SessionState::Idle => true,
            SessionState::Opening
            | SessionState::Working { .. }
            | SessionState::Saving { .. }
            | SessionState::Merging
            | SessionState::Completed
            | SessionState::Failed { .. }
            | SessionState::Skipped
            | SessionState::Cancelled
            | SessionState::Elsewhere { .. } => false,
        }
    }

    /// What a session waits for, as a sentence, while it waits.
    pub fn waits_for(&self, session: &Session) -> Option<String> {
        let names = |sessions: &[&Session]| {
            let names: Vec<String> = sessions.iter().map(|session| format!("{:?}", session.name)).collect();
            names.join(", ")
        };
        match &session.state {
            SessionState::Pending if session.phase == SessionPhase::Planning => self.queue_reason.clone(),
            SessionState::Pending => {
                let blockers = self.blockers(session);
                if !blockers.is_empty() {
                    return Some(format!("Waits for {}.", names(&blockers)));
                }
                match &self.phase {
                    Phase::Implementation { .. } if self.is_over_budget() => {
                        Some("Waits for a larger budget: what the task may spend is spent.".to_owned())
                    }
                    Phase::Implementation { .. } => {
                        let at_work = self.sessions.iter().filter(|other| other.takes_a_place()).count();
                        Some(format!(
                            "Waits for a place: {at_work} of {} sessions are at work.",
                            self.max_parallel
                        ))
                    }
                    Phase::ImplementationQueued { .. } => self.queue_reason.clone(),
                    Phase::Backlog
                    | Phase::SpecGeneration { .. }
                    | Phase::SpecReview { .. }
                    | Phase::SpecRevision { .. }
                    | Phase::SpecApproved { .. }
                    | Phase::ImplementationReview { .. }
                    | Phase::Done { .. }
                    | Phase::SpecFailed { .. }
                    | Phase::ImplementationFailed { .. }
                    | Phase::Cancelled { .. } => {
                        Some(format!("Waits until the task is out of {}.", self.status()))
                    }
                }
            }
            SessionState::WaitingToMerge => {
                let alternatives = self.alternatives(session);
                if !alternatives.is_empty() {
                    return Some(format!("Waits for a choice among {}.", names(&alternatives)));
                }
                let before = self.held_back_by(session);
                before.map(|before| format!("Waits for {:?}, which is merged before it.", before.name))
            }
            SessionState::Idle => Some("Waits for what you say next.".to_owned()),
            SessionState::Opening
            | SessionState::Working { .. }
            | SessionState::Saving { .. }
            | SessionState::Merging
            | SessionState::Completed
            | SessionState::Failed { .. }
            | SessionState::Skipped
            | SessionState::Cancelled
            | SessionState::Elsewhere { .. } => None,
        }
    }
}
