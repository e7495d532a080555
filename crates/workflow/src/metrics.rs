//! The metrics of a task: time at each stage, from its state, and failures and usage, folded from its events. Reports and
//! analytics are made from them.

use crate::{
    CheckResult, Event, Failure, FailureClass, Millis, SessionId, SessionPhase, SessionStatus, Stage,
    StageInterval, Usage,
};
use serde::{Deserialize, Serialize};

/// The metrics of a task. The stored JSON keeps the names `stays` and `sent_back`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TaskMetrics {
    /// The number of the last event that is folded in.
    pub seq: u64,
    /// The stages that the task was at, in order; the last interval is open.
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

    /// Takes over the stages of the task's state. Those before the first of them stay: an earlier version recorded them.
    pub fn set_stages(&mut self, stages: &[StageInterval]) {
        let Some(first) = stages.first() else { return };
        self.stages.retain(|earlier| earlier.from < first.from);
        let mut stages = stages.iter().copied();
        if let Some(last) = self.stages.last_mut() {
            last.until = Some(first.from);
            if last.stage == first.stage {
                last.until = first.until;
                stages.next();
            }
        }
        self.stages.extend(stages);
    }

    /// Folds in the next event.
    pub fn fold(&mut self, seq: u64, at: Millis, event: &Event) {
        self.seq = seq;
        match event {
            Event::SpecFailed { failure } | Event::ImplementationFailed { failure } => {
                // A task that fails because of its sessions adds no failure to theirs.
                let has_failed = |session: &SessionMetrics| session.outcome == Some(SessionStatus::Failed);
                if !self.sessions.iter().any(has_failed) {
                    self.failed(failure, None, at);
                }
            }
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
            Event::TurnFailed { session, failure, usage, .. } => {
                let agent = self.agent(session);
                if let Some(usage) = usage {
                    self.spent(agent.clone().unwrap_or_default(), usage, at);
                }
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
            Event::TaskCreated { .. }
            | Event::PlanningQueued { .. }
            | Event::PlanningStarted { .. }
            | Event::TemplateTaken { .. }
            | Event::SpecsReady { .. }
            | Event::DocumentsChanged { .. }
            | Event::SpecsApproved { .. }
            | Event::ImplementationQueued
            | Event::ImplementationStarted
            | Event::ChangeReady { .. }
            | Event::Landed { .. }
            | Event::Closed { .. }
            | Event::Cancelled { .. }
            | Event::Reopened { .. }
            | Event::Retried { .. }
            | Event::TaskEdited { .. }
            | Event::Commented { .. }
            | Event::CommentReplied { .. }
            | Event::CommentResolved { .. }
            | Event::Queued { .. }
            | Event::ResourceAwaited { .. }
            | Event::PlanningWriting { .. }
            | Event::PlanningCommitting { .. }
            | Event::DocumentsInvalid { .. }
            | Event::HandedOff { .. }
            | Event::SessionRenamed { .. }
            | Event::SessionAssigned { .. }
            | Event::SessionReplanned { .. }
            | Event::TurnEnded { usage: None, .. }
            | Event::TurnRetried { .. }
            | Event::TurnParked { .. }
            | Event::RepairStarted { .. }
            | Event::RepairsEnded { .. }
            | Event::TurnInterrupted { .. }
            | Event::PlanUpdated { .. }
            | Event::TaskPaused { .. }
            | Event::TaskResumed { .. }
            | Event::ItemsCounted { .. }
            | Event::MessageQueued { .. }
            | Event::MessageEdited { .. }
            | Event::MessageWithdrawn { .. }
            | Event::Coordinated { .. }
            | Event::CoordinationRead { .. }
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
