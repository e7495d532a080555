//! What happened to a task: the log, the live feed and the audit trail are lists of these.

use crate::{
    Approved, Ask, Change, CheckResult, Commit, CreationMethod, Decision, Failure, HelixSessionId, Message,
    NewTask, Planning, SessionId, SessionPhase, Specs, TaskEdit, ThreadId, Turn, TurnId, Usage,
};
use serde::{Deserialize, Serialize};

/// A session as it is planned or asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedSession {
    pub id: SessionId,
    pub helix_session: HelixSessionId,
    pub thread: ThreadId,
    pub name: String,
    pub description: String,
    pub phase: SessionPhase,
    pub agent: String,
    pub method: CreationMethod,
    pub unit: Option<usize>,
    pub parent: Option<SessionId>,
    pub depends_on: Vec<SessionId>,
    pub rank: usize,
    pub branch: Option<String>,
    pub next_ask: Option<Ask>,
}

/// One thing that happened; [`crate::Task::apply`] folds it into the state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    TaskCreated {
        task: Box<NewTask>,
    },
    TaskEdited {
        edit: TaskEdit,
    },
    /// The task waits, and for what.
    Queued {
        reason: String,
    },
    PlanningQueued {
        planning: Planning,
    },
    PlanningStarted {
        round: u32,
        session: SessionId,
    },
    PlanningWriting {
        session: SessionId,
    },
    PlanningCommitting {
        session: SessionId,
    },
    DocumentsInvalid {
        session: SessionId,
        problems: Vec<String>,
    },
    SpecsReady {
        specs: Specs,
    },
    DocumentsChanged {
        specs: Specs,
        by: String,
    },
    SpecsReviewed {
        decision: Decision,
        by: String,
        comments: String,
        changes: Vec<String>,
        round: u32,
    },
    SpecsApproved {
        approved: Approved,
    },
    HandedOff {
        commit: Commit,
    },
    ImplementationQueued,
    ImplementationStarted,
    SessionPlanned {
        session: Box<PlannedSession>,
    },
    /// A session's plan entry has another index, dependencies or rank since the plan was revised.
    SessionReplanned {
        session: SessionId,
        unit: usize,
        name: String,
        description: String,
        depends_on: Vec<SessionId>,
        rank: usize,
    },
    SessionOpening {
        session: SessionId,
    },
    TurnStarted {
        session: SessionId,
        turn: Turn,
    },
    TurnEnded {
        session: SessionId,
        turn: TurnId,
        stop_reason: String,
        usage: Option<Usage>,
    },
    TurnFailed {
        session: SessionId,
        turn: TurnId,
        failure: Failure,
        heals: bool,
    },
    TurnInterrupted {
        session: SessionId,
        turn: TurnId,
        why: String,
    },
    MessageQueued {
        session: SessionId,
        message: Message,
    },
    WorkCommitted {
        session: SessionId,
        head: Option<Commit>,
        changed: bool,
    },
    /// What the session's next turn asks for is settled.
    SessionTold {
        session: SessionId,
        ask: Ask,
    },
    /// The session will be asked again.
    SessionAskedAgain {
        session: SessionId,
        ask: Ask,
    },
    SessionReadyToMerge {
        session: SessionId,
    },
    SessionMerging {
        session: SessionId,
    },
    SessionCompleted {
        session: SessionId,
        merged: Option<Commit>,
    },
    SessionFailed {
        session: SessionId,
        failure: Failure,
    },
    SessionRetried {
        session: SessionId,
    },
    SessionSkipped {
        session: SessionId,
    },
    SessionCancelled {
        session: SessionId,
    },
    SessionPaused {
        session: SessionId,
        why: String,
    },
    ChecksStarted,
    ChecksRan {
        results: Vec<CheckResult>,
    },
    ChangeReady {
        change: Change,
    },
    ImplementationReviewed {
        decision: Decision,
        by: String,
        comments: String,
    },
    /// The approved change cannot land, and a person has to look.
    LandingHeld {
        failure: Failure,
    },
    Landed {
        commit: Commit,
    },
    /// A person closed the task without landing anything.
    Closed {
        by: String,
    },
    SpecFailed {
        failure: Failure,
    },
    ImplementationFailed {
        failure: Failure,
    },
    Retried {
        by: String,
    },
    Cancelled {
        by: String,
    },
}

impl Event {
    /// The event's name in the log and the feed.
    pub fn name(&self) -> String {
        serde_json::to_value(self)
            .ok()
            .and_then(|value| value.get("event").and_then(|name| name.as_str().map(str::to_owned)))
            .unwrap_or_default()
    }

    /// The session it is about, where it is about one.
    pub fn session(&self) -> Option<&SessionId> {
        match self {
            Self::PlanningStarted { session, .. }
            | Self::PlanningWriting { session }
            | Self::PlanningCommitting { session }
            | Self::DocumentsInvalid { session, .. }
            | Self::SessionReplanned { session, .. }
            | Self::SessionOpening { session }
            | Self::TurnStarted { session, .. }
            | Self::TurnEnded { session, .. }
            | Self::TurnFailed { session, .. }
            | Self::TurnInterrupted { session, .. }
            | Self::MessageQueued { session, .. }
            | Self::WorkCommitted { session, .. }
            | Self::SessionTold { session, .. }
            | Self::SessionAskedAgain { session, .. }
            | Self::SessionReadyToMerge { session }
            | Self::SessionMerging { session }
            | Self::SessionCompleted { session, .. }
            | Self::SessionFailed { session, .. }
            | Self::SessionRetried { session }
            | Self::SessionSkipped { session }
            | Self::SessionCancelled { session }
            | Self::SessionPaused { session, .. } => Some(session),
            Self::SessionPlanned { session } => Some(&session.id),
            Self::TaskCreated { .. }
            | Self::TaskEdited { .. }
            | Self::Queued { .. }
            | Self::PlanningQueued { .. }
            | Self::SpecsReady { .. }
            | Self::DocumentsChanged { .. }
            | Self::SpecsReviewed { .. }
            | Self::SpecsApproved { .. }
            | Self::HandedOff { .. }
            | Self::ImplementationQueued
            | Self::LandingHeld { .. }
            | Self::Closed { .. }
            | Self::ImplementationStarted
            | Self::ChecksStarted
            | Self::ChecksRan { .. }
            | Self::ChangeReady { .. }
            | Self::ImplementationReviewed { .. }
            | Self::Landed { .. }
            | Self::SpecFailed { .. }
            | Self::ImplementationFailed { .. }
            | Self::Retried { .. }
            | Self::Cancelled { .. } => None,
        }
    }
}
