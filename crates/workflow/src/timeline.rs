//! The past of a task: the activities of the task and of each of its sessions over time, derived from the task's events
//! and the permission requests in its session logs.

use crate::records::events::Line;
use crate::{
    Event, Landing, Millis, Phase, Session, SessionGraph, SessionId, SessionState, SessionStatus, Task,
    TaskStatus, ThreadStatus,
};
use std::collections::BTreeMap;

mod permissions;

pub use permissions::{PermissionWait, permission_waits};

/// A task's past, as time spans.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timeline {
    pub task: Vec<Span>,
    /// The spans of each session; a session that never did anything has none.
    pub sessions: BTreeMap<SessionId, Vec<Span>>,
}

/// An activity over a time span; open while `until` is absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    pub doing: Activity,
    pub from: Millis,
    pub until: Option<Millis>,
}

/// What a task or a session does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    /// A task is in a state.
    Task(TaskStatus),
    /// The checks of the finished change run.
    Checks,
    /// The approved change is merged into its base.
    Landing,
    /// A session waits for other sessions.
    Blocked,
    /// A session waits for a slot, or for its next turn.
    Waiting,
    /// A session's worktree is opened.
    Opening,
    /// An agent has a turn.
    Turn { number: u32, ask: &'static str },
    /// An agent has a turn and waits for a person to answer a permission request.
    Permission,
    /// The work of a turn is committed.
    Saving,
    /// A session's work is complete and waits for those before it.
    Ready,
    /// A session's branch is merged.
    Merging,
    /// A session failed and waits for a person.
    Failed,
    /// A thread in an editor is at work.
    External,
}

impl Activity {
    /// Returns the name in the API.
    pub fn word(self) -> String {
        match self {
            Self::Task(status) => status.to_string(),
            Self::Checks => "checks".to_owned(),
            Self::Landing => "landing".to_owned(),
            Self::Blocked => "blocked".to_owned(),
            Self::Waiting => "waiting".to_owned(),
            Self::Opening => "opening".to_owned(),
            Self::Turn { .. } => "turn".to_owned(),
            Self::Permission => "permission".to_owned(),
            Self::Saving => "saving".to_owned(),
            Self::Ready => "ready".to_owned(),
            Self::Merging => "merging".to_owned(),
            Self::Failed => "failed".to_owned(),
            Self::External => "elsewhere".to_owned(),
        }
    }

    /// Returns whether an agent or an effect works for the session.
    fn is_at_work(self) -> bool {
        match self {
            Self::Opening | Self::Turn { .. } | Self::Saving | Self::Merging | Self::External => true,
            Self::Task(_)
            | Self::Checks
            | Self::Landing
            | Self::Blocked
            | Self::Waiting
            | Self::Permission
            | Self::Ready
            | Self::Failed => false,
        }
    }
}

impl Timeline {
    /// Returns the past from events; empty if they do not begin with the task's creation.
    pub fn of(lines: &[Line]) -> Self {
        let mut timeline = Self::default();
        let Some(first) = lines.first() else { return timeline };
        let Event::TaskCreated { task: new } = &first.event else { return timeline };
        let mut task = Task::created(new, first.at);
        for line in lines {
            task.apply(&line.event, line.at);
            put(&mut timeline.task, of_task(&task), line.at);
            let is_over = matches!(task.phase, Phase::Done { .. } | Phase::Cancelled { .. });
            let graph = SessionGraph::of(&task);
            for session in &task.sessions {
                let doing = of_session(&graph, session).filter(|_| !is_over);
                let spans = timeline.sessions.entry(session.id.clone()).or_default();
                put(spans, doing, line.at);
            }
        }
        timeline.sessions.retain(|_, spans| !spans.is_empty());
        timeline
    }
}

/// Extends the open span or starts a new one, and drops spans of no length.
fn put(spans: &mut Vec<Span>, doing: Option<Activity>, at: Millis) {
    if let Some(last) = spans.last_mut()
        && last.until.is_none()
    {
        if Some(last.doing) == doing {
            return;
        }
        last.until = Some(at);
        if last.from == at {
            spans.pop();
        }
    }
    spans.extend(doing.map(|doing| Span { doing, from: at, until: None }));
}

fn of_task(task: &Task) -> Option<Activity> {
    match &task.phase {
        Phase::Done { .. } | Phase::Cancelled { .. } => None,
        Phase::Implementation { checking: true, .. } => Some(Activity::Checks),
        Phase::ImplementationReview { landing: Landing::Merging { .. }, .. } => Some(Activity::Landing),
        Phase::Backlog
        | Phase::SpecGeneration { .. }
        | Phase::SpecReview { .. }
        | Phase::SpecRevision { .. }
        | Phase::SpecApproved { .. }
        | Phase::ImplementationQueued { .. }
        | Phase::Implementation { .. }
        | Phase::ImplementationReview { landing: Landing::Undecided, .. }
        | Phase::SpecFailed { .. }
        | Phase::ImplementationFailed { .. } => Some(Activity::Task(task.status())),
    }
}

fn of_session(graph: &SessionGraph<'_>, session: &Session) -> Option<Activity> {
    match &session.state {
        SessionState::Pending => Some(match graph.status(session) {
            SessionStatus::Blocked => Activity::Blocked,
            SessionStatus::Pending
            | SessionStatus::Active
            | SessionStatus::Completed
            | SessionStatus::Failed
            | SessionStatus::Cancelled => Activity::Waiting,
        }),
        SessionState::Opening => Some(Activity::Opening),
        // The agent does nothing until the turn is retried.
        SessionState::Working { .. } if session.retry_at.is_some() => Some(Activity::Waiting),
        SessionState::Working { turn } => Some(Activity::Turn { number: turn.number, ask: turn.ask.words() }),
        SessionState::Saving { .. } => Some(Activity::Saving),
        SessionState::WaitingToMerge => Some(Activity::Ready),
        SessionState::Merging => Some(Activity::Merging),
        SessionState::Failed { .. } => Some(Activity::Failed),
        SessionState::External { status } => match status {
            ThreadStatus::Active => Some(Activity::External),
            ThreadStatus::Failed => Some(Activity::Failed),
            ThreadStatus::Pending | ThreadStatus::Disconnected | ThreadStatus::Completed => None,
        },
        // A session that is idle waits for a message of a person.
        SessionState::Idle | SessionState::Completed | SessionState::Skipped | SessionState::Cancelled => {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put_all(told: &[(Option<Activity>, i64)]) -> Vec<(Activity, i64, Option<i64>)> {
        let mut spans = Vec::new();
        for (doing, at) in told {
            put(&mut spans, *doing, Millis(*at));
        }
        spans.into_iter().map(|span| (span.doing, span.from.0, span.until.map(|until| until.0))).collect()
    }

    #[test]
    fn stretches_follow_each_other_and_the_last_is_open() {
        let turn = |number| Activity::Turn { number, ask: "go on" };
        assert_eq!(
            put_all(&[
                (Some(Activity::Waiting), 1),
                (Some(Activity::Waiting), 2),
                (Some(turn(1)), 5),
                (Some(turn(2)), 9),
                (None, 12),
                (None, 13),
                (Some(Activity::Merging), 20),
            ]),
            [
                (Activity::Waiting, 1, Some(5)),
                (turn(1), 5, Some(9)),
                (turn(2), 9, Some(12)),
                (Activity::Merging, 20, None)
            ]
        );
    }

    #[test]
    fn what_took_no_time_is_no_stretch() {
        assert_eq!(
            put_all(&[(Some(Activity::Opening), 3), (Some(Activity::Saving), 3), (None, 3)]),
            Vec::<(Activity, i64, Option<i64>)>::new()
        );
    }
}
