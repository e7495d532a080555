//! The order among a task's sessions: which starts first when slots are short, which is merged first, and the reason
//! why each one waits.
//!
//! A plan may have hundreds of planned tasks with thousands of dependencies. [`SessionGraph`] computes what depends on
//! other sessions once, in time linear in sessions and dependencies; a decision that looks at several sessions builds it
//! once. Dependencies that form a cycle, which validation refuses, neither hang nor overflow it.

use crate::schedule::queue_key;
use crate::{
    CreationMethod, Effort, Phase, Priority, Session, SessionId, SessionPhase, SessionState, SessionStatus,
    Task,
};
use std::cmp::Reverse;
use std::collections::HashMap;

/// How many sessions a sentence names at most.
const MAX_NAMES: usize = 5;

/// The sort key of sessions that wait for a slot; the smallest is first.
pub(crate) type StartKey = (i64, usize, usize);
/// The sort key of sessions that wait to be merged.
pub(crate) type MergeKey = (usize, Reverse<Priority>, Effort, usize);

/// A task's sessions with the relations that follow from their dependencies.
///
/// Sessions are named by their position in [`Task::sessions`].
pub struct SessionGraph<'t> {
    task: &'t Task,
    index: HashMap<&'t SessionId, usize>,
    /// The sessions that each one depends on.
    needs: Vec<Vec<usize>>,
    /// The session that each spawned one is built on.
    parents: Vec<Option<usize>>,
    /// The sessions that keep each one from starting.
    blockers: Vec<Vec<usize>>,
    /// Whether it waits for a person's answer to its question.
    awaits_answer: Vec<bool>,
    /// The position of each one in the merge order.
    positions: Vec<usize>,
    /// Whether a person has to act before it advances.
    stuck: Vec<bool>,
    /// Whether a person chooses between it and its alternatives.
    has_choice: Vec<bool>,
    /// Whether it alone keeps another one from starting.
    is_sole_blocker: Vec<bool>,
    /// The smallest position of a session that is still to be merged and is not stuck.
    first_open: usize,
}

impl<'t> SessionGraph<'t> {
    pub fn of(task: &'t Task) -> Self {
        let sessions = &task.sessions;
        let index: HashMap<&SessionId, usize> =
            sessions.iter().enumerate().map(|(at, session)| (&session.id, at)).collect();
        let find = |id: &SessionId| index.get(id).copied();
        // Ended sessions wait for nothing more, and block nothing.
        let needs: Vec<Vec<usize>> = sessions
            .iter()
            .map(|session| {
                let is_open = !session.is_ended();
                session.depends_on.iter().filter(|_| is_open).filter_map(find).collect()
            })
            .collect();
        let parents: Vec<Option<usize>> = sessions
            .iter()
            .map(|session| parent_id(session).and_then(find).filter(|at| sessions[*at].is_crew()))
            .collect();
        let blockers: Vec<Vec<usize>> = sessions
            .iter()
            .zip(&needs)
            .map(|(session, needs)| {
                let waits = session.own_status() == SessionStatus::Pending;
                needs.iter().copied().filter(|at| waits && !sessions[*at].is_satisfied()).collect()
            })
            .collect();
        let mut graph = Self {
            positions: positions(sessions, &needs, &parents, &find),
            has_choice: choices(sessions, &find),
            stuck: Vec::new(),
            is_sole_blocker: vec![false; sessions.len()],
            awaits_answer: sessions.iter().map(|session| task.awaited_answer(session).is_some()).collect(),
            first_open: usize::MAX,
            task,
            index,
            needs,
            parents,
            blockers,
        };
        graph.stuck = graph.find_stuck();
        for (session, blockers) in sessions.iter().zip(&graph.blockers) {
            if let ([only], true) = (blockers.as_slice(), session.is_crew()) {
                graph.is_sole_blocker[*only] = true;
            }
        }
        let open = (0..sessions.len()).filter(|at| graph.is_open(*at));
        graph.first_open = open.map(|at| graph.positions[at]).min().unwrap_or(usize::MAX);
        graph
    }

    /// Returns the task whose sessions these are.
    pub fn task(&self) -> &'t Task {
        self.task
    }

    /// Returns the session's status in the API.
    pub fn status(&self, session: &Session) -> SessionStatus {
        match self.at(session) {
            Some(at) if !self.blockers[at].is_empty() || self.awaits_answer[at] => SessionStatus::Blocked,
            Some(_) | None => session.own_status(),
        }
    }

    /// Returns the sessions that keep this one from starting.
    pub fn blockers(&self, session: &Session) -> Vec<&'t Session> {
        let blockers = self.at(session).map_or(&[][..], |at| &self.blockers[at]);
        blockers.iter().map(|at| &self.task.sessions[*at]).collect()
    }

    /// Returns where a session stands in the order of the plan: a spawned session stands where its parent does, an
    /// alternative where the session does that it may replace, and none before what it depends on.
    pub fn merge_position(&self, session: &Session) -> usize {
        self.at(session).map_or(session.rank, |at| self.positions[at])
    }

    /// Returns whether a person has to act before a session advances: it waits for one that failed or was cancelled, or
    /// for a choice.
    pub fn needs_person(&self, session: &Session) -> bool {
        self.at(session).is_some_and(|at| self.stuck[at])
    }

    /// Returns the sessions among which a person chooses, the first one first; one alone is no choice.
    pub fn alternatives(&self, session: &Session) -> Vec<&'t Session> {
        if self.has_choice(session) { self.task.alternatives(session) } else { Vec::new() }
    }

    /// Returns what a session waits for, as a sentence, while it waits.
    pub fn waits_for(&self, session: &Session) -> Option<String> {
        let task = self.task;
        match &session.state {
            SessionState::Pending | SessionState::WaitingToMerge if task.paused.is_some() => {
                Some("Paused. Resume the task to continue.".to_owned())
            }
            SessionState::Pending if session.phase == SessionPhase::Planning => task.queue_reason.clone(),
            SessionState::Pending => {
                if let Some(question) = task.awaited_answer(session) {
                    return Some(format!("Waiting for your answer: {}", question.message));
                }
                let blockers = self.blockers(session);
                if !blockers.is_empty() {
                    return Some(format!("Waiting for {}.", in_words(&blockers)));
                }
                match &task.phase {
                    Phase::Implementation { .. } if task.is_over_budget() => {
                        Some("Waiting for a larger budget: the task's budget is used up.".to_owned())
                    }
                    Phase::Implementation { .. }
                        if session.resource_wait.is_some() && !task.resources_of(session).is_empty() =>
                    {
                        session.resource_wait.clone()
                    }
                    Phase::Implementation { .. } => {
                        let at_work = task.sessions.iter().filter(|other| other.occupies_slot()).count();
                        Some(format!(
                            "Waiting for a free slot: {at_work} of {} sessions are running.",
                            task.max_parallel
                        ))
                    }
                    Phase::ImplementationQueued { .. } => task.queue_reason.clone(),
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
                        Some(format!("Waiting until the task leaves {}.", task.status()))
                    }
                }
            }
            SessionState::WaitingToMerge => {
                let alternatives = self.alternatives(session);
                if !alternatives.is_empty() {
                    return Some(format!("Waiting for a choice between {}.", in_words(&alternatives)));
                }
                let before = self.merge_blocked_by(session);
                before.map(|before| format!("Waiting for {:?}, which is merged before it.", before.name))
            }
            SessionState::Idle => Some("Waiting for your reply.".to_owned()),
            SessionState::Working { .. } => session.retry_at.map(|_| {
                let why = session.last_error.as_ref().map_or("", |failure| failure.message.as_str());
                format!("Waiting to retry the turn: {why}")
            }),
            SessionState::Opening
            | SessionState::Saving { .. }
            | SessionState::Merging
            | SessionState::Completed
            | SessionState::Failed { .. }
            | SessionState::Skipped
            | SessionState::Cancelled
            | SessionState::External { .. } => None,
        }
    }

    pub(crate) fn has_choice(&self, session: &Session) -> bool {
        self.at(session).is_some_and(|at| self.has_choice[at])
    }

    /// Returns the session that has to be merged before this one, which waits to be merged.
    pub(crate) fn merge_blocked_by(&self, session: &Session) -> Option<&'t Session> {
        let at = self.at(session)?;
        let sessions = &self.task.sessions;
        let parent = self.parents[at].map(|parent| &sessions[parent]);
        if let Some(parent) = parent.filter(|parent| !parent.is_satisfied()) {
            return Some(parent);
        }
        // A message in one thread of a conversation does not wait for the other threads.
        if self.task.converses(session) || self.is_sole_blocker[at] || self.first_open >= self.positions[at] {
            return None;
        }
        let is_before = |other: &usize| self.is_open(*other) && self.positions[*other] < self.positions[at];
        (0..sessions.len()).find(is_before).map(|other| &sessions[other])
    }

    pub(crate) fn start_key(&self, session: &Session) -> StartKey {
        let task = self.task;
        let line = queue_key(session.created_at, task.priority_of(session), task.effort_of(session));
        (line, self.merge_position(session), self.at(session).unwrap_or(usize::MAX))
    }

    pub(crate) fn merge_key(&self, session: &Session) -> MergeKey {
        let task = self.task;
        let at = self.at(session).unwrap_or(usize::MAX);
        (self.merge_position(session), Reverse(task.priority_of(session)), task.effort_of(session), at)
    }

    /// Returns the unfinished sessions that depend on a session and on no other unfinished session that depends on it
    /// too: the others hear from those.
    pub(crate) fn next_dependents(&self, session: &Session) -> Vec<&'t Session> {
        let Some(at) = self.at(session) else { return Vec::new() };
        let sessions = &self.task.sessions;
        let is_dependent: Vec<bool> = (0..sessions.len())
            .map(|other| !sessions[other].is_ended() && self.needs[other].contains(&at))
            .collect();
        let is_next = |other: &usize| {
            is_dependent[*other]
                && !self.needs[*other].iter().any(|needed| is_dependent[*needed] && needed != other)
        };
        (0..sessions.len()).filter(is_next).map(|other| &sessions[other]).collect()
    }

    fn at(&self, session: &Session) -> Option<usize> {
        self.index.get(&session.id).copied()
    }

    /// Returns whether the sessions later in the plan are merged after it.
    fn is_open(&self, at: usize) -> bool {
        let session = &self.task.sessions[at];
        session.is_crew() && !session.is_ended() && !self.stuck[at]
    }

    /// Returns the sessions that will not end well by themselves, and all that wait for them.
    fn find_stuck(&self) -> Vec<bool> {
        let sessions = &self.task.sessions;
        let mut waiting_for: Vec<Vec<usize>> = vec![Vec::new(); sessions.len()];
        for (at, session) in sessions.iter().enumerate() {
            match session.state {
                SessionState::Pending => self.blockers[at].iter().for_each(|on| waiting_for[*on].push(at)),
                SessionState::WaitingToMerge => {
                    self.parents[at].iter().for_each(|on| waiting_for[*on].push(at));
                }
                _ => {}
            }
        }
        let mut stuck: Vec<bool> = sessions
            .iter()
            .enumerate()
            .map(|(at, session)| match session.state {
                SessionState::Idle => true,
                SessionState::WaitingToMerge => self.has_choice[at],
                _ => self.awaits_answer[at],
            })
            .collect();
        let is_hopeless = |at: usize, stuck: &[bool]| {
            !sessions[at].is_satisfied() && (sessions[at].is_ended() || stuck[at])
        };
        let mut hopeless: Vec<usize> = (0..sessions.len()).filter(|at| is_hopeless(*at, &stuck)).collect();
        while let Some(at) = hopeless.pop() {
            for waits in &waiting_for[at] {
                if !stuck[*waits] {
                    stuck[*waits] = true;
                    hopeless.push(*waits);
                }
            }
        }
        stuck
    }
}

/// Names sessions in a sentence; of many, the first ones and the number of the others.
fn in_words(sessions: &[&Session]) -> String {
    let names: Vec<String> =
        sessions.iter().take(MAX_NAMES).map(|session| format!("{:?}", session.name)).collect();
    match sessions.len().saturating_sub(MAX_NAMES) {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}

/// Returns the parent of a spawned session.
fn parent_id(session: &Session) -> Option<&SessionId> {
    session.parent.as_ref().filter(|_| session.method == CreationMethod::Spawned)
}

/// Returns the largest rank that each session's order comes from: depth first, without recursion.
fn positions(
    sessions: &[Session],
    needs: &[Vec<usize>],
    parents: &[Option<usize>],
    find: &impl Fn(&SessionId) -> Option<usize>,
) -> Vec<usize> {
    let origin = |at: usize| sessions[at].alternative_to.as_ref().and_then(find).or(parents[at]);
    let edge = |at: usize, n: usize| match origin(at) {
        Some(origin) if n == 0 => Some(origin),
        Some(_) => needs[at].get(n - 1).copied(),
        None => needs[at].get(n).copied(),
    };
    let mut known: Vec<Option<usize>> = vec![None; sessions.len()];
    let mut is_open = vec![false; sessions.len()];
    for first in 0..sessions.len() {
        // Each entry is a session, its next edge, and the position as far as it is known.
        let mut path: Vec<(usize, usize, usize)> = Vec::new();
        let begin = |at: usize| (at, 0, if origin(at).is_some() { 0 } else { sessions[at].rank });
        if known[first].is_none() {
            is_open[first] = true;
            path.push(begin(first));
        }
        while let Some((at, n, position)) = path.last_mut() {
            let Some(next) = edge(*at, *n) else {
                let (at, position) = (*at, *position);
                known[at] = Some(position);
                path.pop();
                if let Some((_, _, above)) = path.last_mut() {
                    *above = position.max(*above);
                }
                continue;
            };
            *n += 1;
            match known[next] {
                Some(found) => *position = found.max(*position),
                // A session that is on the path already closes a cycle, which has no order.
                None if is_open[next] => {}
                None => {
                    is_open[next] = true;
                    path.push(begin(next));
                }
            }
        }
    }
    known.into_iter().map(Option::unwrap_or_default).collect()
}

/// Returns whether each session is one of several between which a person chooses.
fn choices(sessions: &[Session], find: &impl Fn(&SessionId) -> Option<usize>) -> Vec<bool> {
    let root = |at: usize| sessions[at].alternative_to.as_ref().and_then(find).unwrap_or(at);
    let mut open = vec![0; sessions.len()];
    for (at, session) in sessions.iter().enumerate() {
        open[root(at)] += usize::from(session.own_status() != SessionStatus::Cancelled);
    }
    (0..sessions.len()).map(|at| open[root(at)] > 1).collect()
}

impl Task {
    /// Returns the session's priority: its task's, unless its request has one.
    pub fn priority_of(&self, session: &Session) -> Priority {
        session.wish.priority.unwrap_or(self.priority)
    }

    /// Returns the expected effort of a session.
    pub fn effort_of(&self, session: &Session) -> Effort {
        let planned = || session.unit.and_then(|index| self.units().get(index)?.effort.parse().ok());
        session.wish.effort.or_else(planned).unwrap_or(Effort::Medium)
    }

    /// Returns how many sessions stand between a session and one that was not spawned.
    pub fn depth(&self, session: &Session) -> usize {
        self.ancestors(session).count()
    }

    /// Returns the session whose work a spawned one is built on; a thread in an editor has no branch to build on.
    pub fn parent_to_wait_for<'s>(&self, session: &'s Session) -> Option<&'s SessionId> {
        parent_id(session).filter(|id| self.session(id).is_some_and(Session::is_crew))
    }

    /// Returns the sessions that a spawned one is built on, nearest first.
    fn ancestors<'t>(&'t self, session: &'t Session) -> impl Iterator<Item = &'t Session> {
        let parent = |session: &&'t Session| self.session(self.parent_to_wait_for(session)?);
        // No chain is longer than there are sessions.
        std::iter::successors(parent(&session), parent).take(self.sessions.len())
    }

    /// Returns the session that a person chose instead of this one, or instead of one that it is built on.
    pub(crate) fn superseded_by<'t>(&'t self, session: &'t Session) -> Option<&'t SessionId> {
        std::iter::once(session).chain(self.ancestors(session)).find_map(|one| one.superseded_by.as_ref())
    }

    /// Returns the sessions among which a person chooses, the first one first; one alone is no choice.
    pub fn alternatives(&self, session: &Session) -> Vec<&Session> {
        let root = session.alternative_to.as_ref().unwrap_or(&session.id);
        let is_one = |other: &&Session| other.id == *root || other.alternative_to.as_ref() == Some(root);
        let all: Vec<&Session> = self.sessions.iter().filter(is_one).collect();
        let open = all.iter().filter(|other| other.own_status() != SessionStatus::Cancelled).count();
        if open > 1 { all } else { Vec::new() }
    }

    /// Returns the sessions that keep this one from starting.
    pub fn blockers(&self, session: &Session) -> Vec<&Session> {
        if session.own_status() != SessionStatus::Pending || session.depends_on.is_empty() {
            return Vec::new();
        }
        let open = self.sessions.iter().filter(|other| !other.is_satisfied());
        let open: HashMap<&SessionId, &Session> = open.map(|other| (&other.id, other)).collect();
        session.depends_on.iter().filter_map(|id| open.get(id).copied()).collect()
    }

    /// Returns what a session waits for, as a sentence, while it waits.
    pub fn waits_for(&self, session: &Session) -> Option<String> {
        SessionGraph::of(self).waits_for(session)
    }
}
