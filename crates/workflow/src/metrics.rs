//! The metrics of a task, folded from its events: time at each stage, failures, usage. Reports and analytics are made from them.

use crate::{
    CheckResult, Event, Failure, FailureClass, Millis, SessionId, SessionPhase, SessionStatus, TaskStatus,
    Usage,
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The metrics of a task. The stored JSON keeps the names `stays` and `sent_back`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TaskMetrics {
    /// The number of the last event that is folded in.
    pub seq: u64,
    /// The stages the task was at, in order; the last interval is open.
    #[serde(rename = "stays")]
    pub stages: Vec<StageInterval>,
    pub sessions: Vec<SessionMetrics>,
    pub failures: Vec<FailureCount>,
    pub spent: Vec<Spent>,
    /// The results of the checks that ran last on the change.
    pub checks: Vec<CheckResult>,
    /// How many reviews of the documents or of the change requested changes.
    #[serde(rename = "sent_back")]
    pub change_requests: u32,
    /// The class and time of the last failure: several events may report one failure.
    pub last_failure: Option<(FailureClass, Millis)>,
}

/// The stage of a task, named for what it waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    Backlog,
    /// Waits for a slot to be planned.
    PlanningQueued,
    Planning,
    /// The documents wait for a person.
    SpecReview,
    HandOff,
    ImplementationQueued,
    Implementation,
    /// The change waits for a person, or lands.
    ImplementationReview,
    Failed,
    Done,
    Cancelled,
}

/// A time span at one stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageInterval {
    pub stage: Stage,
    pub from: Millis,
    pub until: Option<Millis>,
}

/// The metrics of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionMetrics {
    pub id: SessionId,
    pub agent: String,
    pub phase: SessionPhase,
    pub started_at: Option<Millis>,
    pub ended_at: Option<Millis>,
    /// `completed`, `failed` or `cancelled` once it ended.
    pub outcome: Option<SessionStatus>,
}

/// How many failures of one class an agent had on one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureCount {
    pub class: FailureClass,
    pub agent: Option<String>,
    pub day: i64,
    pub count: u32,
}

/// The usage of an agent's turns on one day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spent {
    pub agent: String,
    pub day: i64,
    pub usage: Usage,
}

/// Returns the day of a time, counted from 1970-01-01 in UTC.
pub fn day(at: Millis) -> i64 {
    at.0.div_euclid(86_400_000)
}

impl Stage {
    /// Returns the name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Backlog => "backlog",
            Self::PlanningQueued => "planning_queued",
            Self::Planning => "planning",
            Self::SpecReview => "spec_review",
            Self::HandOff => "hand_off",
            Self::ImplementationQueued => "implementation_queued",
            Self::Implementation => "implementation",
            Self::ImplementationReview => "implementation_review",
            Self::Failed => "failed",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
        }
    }

    /// Returns whether the stage waits for a person.
    pub fn is_review(self) -> bool {
        matches!(self, Self::SpecReview | Self::ImplementationReview)
    }

    /// Returns whether the task is over.
    pub fn is_end(self) -> bool {
        matches!(self, Self::Done | Self::Cancelled)
    }

    /// Returns whether a task of this status may be at this stage.
    pub fn fits(self, status: TaskStatus) -> bool {
        match status {
            TaskStatus::Backlog => self == Self::Backlog,
            TaskStatus::SpecGeneration | TaskStatus::SpecRevision => {
                matches!(self, Self::PlanningQueued | Self::Planning)
            }
            TaskStatus::SpecReview => self == Self::SpecReview,
            TaskStatus::SpecApproved => self == Self::HandOff,
            TaskStatus::ImplementationQueued => self == Self::ImplementationQueued,
            TaskStatus::Implementation => self == Self::Implementation,
            TaskStatus::ImplementationReview => self == Self::ImplementationReview,
            TaskStatus::SpecFailed | TaskStatus::ImplementationFailed => self == Self::Failed,
            TaskStatus::Done => self == Self::Done,
            TaskStatus::Cancelled => self == Self::Cancelled,
        }
    }

    /// Returns the stage at which a reopened task continues.
    fn reopened(to: TaskStatus) -> Self {
        match to {
            TaskStatus::SpecReview => Self::SpecReview,
            TaskStatus::SpecApproved => Self::HandOff,
            TaskStatus::ImplementationQueued => Self::ImplementationQueued,
            TaskStatus::Backlog
            | TaskStatus::SpecGeneration
            | TaskStatus::SpecRevision
            | TaskStatus::Implementation
            | TaskStatus::ImplementationReview
            | TaskStatus::Done
            | TaskStatus::SpecFailed
            | TaskStatus::ImplementationFailed
            | TaskStatus::Cancelled => Self::Backlog,
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl TaskMetrics {
    /// Returns the present stage.
    pub fn stage(&self) -> Option<Stage> {
        self.stages.last().map(|interval| interval.stage)
    }

    /// Returns the total time at a stage, in milliseconds; an open interval lasts until `now`.
    pub fn time_at(&self, stage: Stage, now: Millis) -> Option<i64> {
        let mut intervals = self.stages.iter().filter(|interval| interval.stage == stage).peekable();
        intervals.peek()?;
        Some(intervals.map(|interval| interval.until.unwrap_or(now).0 - interval.from.0).sum())
    }

    /// Folds in the next event.
    pub fn take(&mut self, seq: u64, at: Millis, event: &Event) {
        self.seq = seq;
        match event {
            Event::TaskCreated { .. } => self.to(Stage::Backlog, at),
            Event::PlanningQueued { .. } => self.to(Stage::PlanningQueued, at),
            Event::PlanningStarted { .. } | Event::TemplateTaken { .. } => self.to(Stage::Planning, at),
            Event::SpecsReady { .. } | Event::DocumentsChanged { .. } => self.to(Stage::SpecReview, at),
            Event::SpecsApproved { .. } => self.to(Stage::HandOff, at),
            Event::ImplementationQueued => self.to(Stage::ImplementationQueued, at),
            Event::ImplementationStarted => self.to(Stage::Implementation, at),
            Event::ChangeReady { .. } => self.to(Stage::ImplementationReview, at),
            Event::Landed { .. } | Event::Closed { .. } => self.to(Stage::Done, at),
            Event::Cancelled { .. } => self.to(Stage::Cancelled, at),
            Event::Reopened { to, .. } => self.to(Stage::reopened(*to), at),
            Event::SpecFailed { failure } | Event::ImplementationFailed { failure } => {
                // A task that fails because of its sessions adds no failure to theirs.
                let has_failed = |session: &SessionMetrics| session.outcome == Some(SessionStatus::Failed);
                if !self.sessions.iter().any(has_failed) {
                    self.failed(failure, None, at);
                }
                self.to(Stage::Failed, at);
            }
            Event::Retried { .. } => self.retried(at),
            Event::SpecsReviewed { decision, .. } | Event::ImplementationReviewed { decision, .. } => {
                self.change_requests += u32::from(*decision == crate::Decision::RequestChanges);
            }
            Event::SessionPlanned { session } => self.sessions.push(SessionMetrics {
                id: session.id.clone(),
                agent: session.agent.clone(),
                phase: session.phase,
                started_at: None,
                ended_at: None,
                outcome: None,
            }),
            Event::SessionOpening { session } | Event::TurnStarted { session, .. } => {
                if let Some(session) = self.session(session) {
                    session.started_at.get_or_insert(at);
                    (session.ended_at, session.outcome) = (None, None);
                }
            }
            Event::TurnEnded { session, usage: Some(usage), .. } => {
                let agent = self.agent(session).unwrap_or_default();
                self.spent(agent, usage, at);
            }
            Event::Spent { session, usd, .. } => {
                let agent = self.agent(session).unwrap_or_default();
                self.spent(agent, &Usage { cost_usd: Some(*usd), ..Usage::default() }, at);
            }
            Event::TurnFailed { session, failure, .. } => {
                let agent = self.agent(session);
                self.failed(failure, agent, at);
            }
            Event::SessionFailed { session, failure } => {
                let agent = self.agent(session);
                self.failed(failure, agent, at);
                self.end(session, SessionStatus::Failed, at);
            }
            Event::LandingHeld { failure } => self.failed(failure, None, at),
            Event::SessionCompleted { session, .. } => self.end(session, SessionStatus::Completed, at),
            Event::SessionSkipped { session } | Event::SessionCancelled { session } => {
                self.end(session, SessionStatus::Cancelled, at);
            }
            Event::ChecksRan { results } => self.checks.clone_from(results),
            Event::TaskEdited { .. }
            | Event::Commented { .. }
            | Event::CommentReplied { .. }
            | Event::CommentResolved { .. }
            | Event::Queued { .. }
            | Event::PlanningWriting { .. }
            | Event::PlanningCommitting { .. }
            | Event::DocumentsInvalid { .. }
            | Event::HandedOff { .. }
            | Event::SessionRenamed { .. }
            | Event::SessionAssigned { .. }
            | Event::SessionReplanned { .. }
            | Event::TurnEnded { usage: None, .. }
            | Event::TurnRetried { .. }
            | Event::TurnInterrupted { .. }
            | Event::PlanUpdated { .. }
            | Event::TaskPaused { .. }
            | Event::TaskResumed { .. }
            | Event::ItemsCounted { .. }
            | Event::MessageQueued { .. }
            | Event::MessageEdited { .. }
            | Event::MessageWithdrawn { .. }
            | Event::Coordinated { .. }
            | Event::SessionReopened { .. }
            | Event::SessionChosen { .. }
            | Event::ThreadMoved { .. }
            | Event::WorkCommitted { .. }
            | Event::SessionTold { .. }
            | Event::SessionAskedAgain { .. }
            | Event::SessionReadyToMerge { .. }
            | Event::SessionMerging { .. }
            | Event::SessionIdle { .. }
            | Event::SessionRetried { .. }
            | Event::SessionPaused { .. }
            | Event::ChecksStarted
            | Event::RecordingSet { .. }
            | Event::ProgressNoted { .. }
            | Event::Rebuilt => {}
        }
    }

    fn to(&mut self, stage: Stage, at: Millis) {
        if self.stage() == Some(stage) {
            return;
        }
        if let Some(last) = self.stages.last_mut() {
            last.until = Some(at);
        }
        self.stages.push(StageInterval { stage, from: at, until: None });
    }

    /// Returns a failed task to planning or to the hand-off. For an implementation, another event says where it continues.
    fn retried(&mut self, at: Millis) {
        let before = self
            .stages
            .len()
            .checked_sub(2)
            .and_then(|at| self.stages.get(at))
            .map(|interval| interval.stage);
        if self.stage() != Some(Stage::Failed) {
            return;
        }
        match before {
            Some(Stage::HandOff) => self.to(Stage::HandOff, at),
            Some(Stage::Implementation | Stage::ImplementationQueued | Stage::ImplementationReview) => {}
            _ => self.to(Stage::PlanningQueued, at),
        }
    }

    fn session(&mut self, id: &SessionId) -> Option<&mut SessionMetrics> {
        self.sessions.iter_mut().find(|session| session.id == *id)
    }

    fn agent(&mut self, id: &SessionId) -> Option<String> {
        self.session(id).map(|session| session.agent.clone())
    }

    fn end(&mut self, id: &SessionId, outcome: SessionStatus, at: Millis) {
        if let Some(session) = self.session(id) {
            (session.ended_at, session.outcome) = (Some(at), Some(outcome));
        }
    }

    /// Counts a failure; several events of one class and time are one failure.
    fn failed(&mut self, failure: &Failure, agent: Option<String>, at: Millis) {
        if self.last_failure == Some((failure.class, at)) {
            return;
        }
        self.last_failure = Some((failure.class, at));
        let day = day(at);
        let same = self
            .failures
            .iter_mut()
            .find(|known| known.class == failure.class && known.agent == agent && known.day == day);
        match same {
            Some(known) => known.count += 1,
            None => self.failures.push(FailureCount { class: failure.class, agent, day, count: 1 }),
        }
    }

    fn spent(&mut self, agent: String, usage: &Usage, at: Millis) {
        let day = day(at);
        match self.spent.iter_mut().find(|known| known.agent == agent && known.day == day) {
            Some(known) => known.usage.add(usage),
            None => self.spent.push(Spent { agent, day, usage: *usage }),
        }
    }
}
