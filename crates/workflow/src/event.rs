//! The events of a task: the log, the live feed and the audit trail are lists of them.

use crate::{
    Approved, Ask, BranchPoint, Change, CheckResult, Closing, Comment, CommentId, Commit, ConversationUsage,
    CoordinationEvent, CreationMethod, Decision, EventId, Failure, HelixSessionId, ItemCount, LineComment,
    Message, MessageId, Millis, NewTask, PlanEntry, Planning, Repair, Reply, Resolved, SessionId,
    SessionPhase, SessionRequest, Specs, TaskEdit, TaskStatus, ThreadId, ThreadStatus, Turn, TurnId, Usage,
    WorkReport,
};
use serde::{Deserialize, Serialize};

/// A session as it is planned or requested.
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
    #[serde(default)]
    pub wish: SessionRequest,
    #[serde(default)]
    pub branched_from: Option<BranchPoint>,
    #[serde(default)]
    pub alternative_to: Option<SessionId>,
    /// The editor's name for the thread, if it runs in an editor.
    #[serde(default, rename = "elsewhere")]
    pub external_thread: Option<String>,
    /// Whether it is a conversation with a person, which begins with a message of that person.
    #[serde(default)]
    pub is_conversation: bool,
}

/// An event; [`crate::Task::apply`] folds it into the state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    TaskCreated {
        task: Box<NewTask>,
    },
    TaskEdited {
        edit: TaskEdit,
    },
    /// The task waits, for this reason.
    Queued {
        reason: String,
        /// Whether a person has to act before it continues.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        needs_person: bool,
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
    /// The documents that the task's template has ready are being committed.
    TemplateTaken {
        round: u32,
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
        /// The comments that go to the planner with the review.
        #[serde(default)]
        points: Vec<CommentId>,
    },
    /// A person commented on the documents.
    Commented {
        comment: Box<Comment>,
    },
    /// A person replied to a comment, or the planner answered it.
    CommentReplied {
        comment: CommentId,
        reply: Reply,
    },
    /// A person resolved a comment, or reopened it if `resolved` is absent.
    CommentResolved {
        comment: CommentId,
        resolved: Option<Resolved>,
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
    /// A person changed its displayed name or description; absent fields keep their value.
    SessionRenamed {
        session: SessionId,
        name: Option<String>,
        description: Option<String>,
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
    /// Another session holds a resource that it needs.
    ResourceAwaited {
        session: SessionId,
        /// Which one, and who holds it.
        reason: String,
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
        /// The usage of the conversation so far, where the agent reports that; the turn's is the difference to the last report.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        conversation_usage: Option<ConversationUsage>,
        #[serde(default)]
        said: Option<String>,
        /// The last thing the agent sent.
        #[serde(default)]
        closing: Closing,
        /// The agent's own plan, if it reported one in this turn.
        #[serde(default)]
        plan: Option<Vec<PlanEntry>>,
    },
    /// The agent reported its own plan, or its progress in it.
    PlanUpdated {
        session: SessionId,
        plan: Vec<PlanEntry>,
    },
    /// The agent reported the cost of a conversation so far: `usd` more than before.
    Spent {
        session: SessionId,
        /// The agent's name for the conversation.
        conversation: String,
        total_usd: f64,
        usd: f64,
    },
    TurnFailed {
        session: SessionId,
        turn: TurnId,
        failure: Failure,
        /// Whether the turn is retried without a person.
        #[serde(rename = "heals")]
        will_retry: bool,
        /// When it is retried.
        #[serde(default)]
        retry_at: Option<Millis>,
        /// The usage of its model calls, where the agent reports each.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        usage: Option<Usage>,
    },
    /// The delay after a failure is over, and the turn is retried.
    TurnRetried {
        session: SessionId,
        turn: TurnId,
    },
    /// The turn does not start before its agent's limit ends.
    TurnParked {
        session: SessionId,
        turn: TurnId,
        /// The limit, with the agent's words.
        failure: Failure,
        until: Millis,
    },
    TurnInterrupted {
        session: SessionId,
        turn: TurnId,
        why: String,
        /// Whether the session stops with the turn until a person sends a message.
        #[serde(default)]
        is_stop: bool,
    },
    MessageQueued {
        session: SessionId,
        message: Message,
    },
    MessageEdited {
        session: SessionId,
        message: MessageId,
        text: String,
    },
    MessageWithdrawn {
        session: SessionId,
        message: MessageId,
    },
    /// A session or a person sent a message to other sessions of the crew.
    Coordinated {
        coordination: Box<CoordinationEvent>,
    },
    /// A session read messages in its turn, before the turn after it would have delivered them.
    CoordinationRead {
        session: SessionId,
        turn: TurnId,
        events: Vec<EventId>,
    },
    /// A session whose work was complete continues: it resolves a conflict, or reads a message.
    #[serde(rename = "session_recalled")]
    SessionReopened {
        session: SessionId,
    },
    /// A person chose a session instead of its alternatives.
    SessionChosen {
        session: SessionId,
        instead_of: Vec<SessionId>,
    },
    /// An editor reported the status of a thread that it opened.
    ThreadMoved {
        session: SessionId,
        status: ThreadStatus,
        failure: Option<Failure>,
    },
    /// The work of a turn is on the session's branch. In a worktree that several sessions share, `head` is the last
    /// commit that is the session's own; without one, what `changed` may be the others' work.
    WorkCommitted {
        session: SessionId,
        head: Option<Commit>,
        changed: bool,
        /// The sub-tasks that the agent reported as done.
        #[serde(default)]
        report: WorkReport,
        /// Whether the agent ended the turn without a final message.
        #[serde(default)]
        is_silent: bool,
    },
    /// The request of the session's next turn is set.
    SessionTold {
        session: SessionId,
        ask: Ask,
    },
    /// The session is asked again.
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
    /// The session waits for a message of a person; its work is on the task's branch.
    SessionIdle {
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
    /// The session is assigned to another agent.
    SessionAssigned {
        session: SessionId,
        agent: String,
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
    /// A session is asked to fix problems of the change.
    RepairStarted {
        repair: Box<Repair>,
    },
    /// The checks ran after a round of repair, and these problems are left.
    RepairsEnded {
        head: Commit,
        left: Vec<String>,
    },
    ChangeReady {
        change: Change,
    },
    ImplementationReviewed {
        decision: Decision,
        by: String,
        comments: String,
        #[serde(default)]
        acknowledged: Vec<String>,
        #[serde(default)]
        line_comments: Vec<LineComment>,
    },
    /// The approved change cannot land until a person acts.
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
    /// A person paused the task: its agents stop, and nothing starts until a person resumes it.
    TaskPaused {
        by: String,
    },
    TaskResumed {
        by: String,
    },
    /// The living checklist has these counts of completed items.
    ItemsCounted {
        counts: Vec<ItemCount>,
    },
    /// A person reopened the cancelled task at the stage where it was.
    Reopened {
        by: String,
        to: TaskStatus,
    },
    /// A person set how often the task's history is committed.
    RecordingSet {
        commit_frequency_minutes: u64,
    },
    /// A session or a person reported the task's progress.
    ProgressNoted {
        by: String,
        summary: String,
        details: String,
    },
    /// The task was rebuilt from its history in git, and continues.
    Rebuilt,
}

/// A pattern of the events that have no session, for the last arm of matches on the events of sessions.
#[macro_export]
macro_rules! event_of_task {
    () => {
        $crate::Event::TaskCreated { .. }
            | $crate::Event::TaskEdited { .. }
            | $crate::Event::Queued { .. }
            | $crate::Event::PlanningQueued { .. }
            | $crate::Event::TemplateTaken { .. }
            | $crate::Event::SpecsReady { .. }
            | $crate::Event::DocumentsChanged { .. }
            | $crate::Event::SpecsReviewed { .. }
            | $crate::Event::Commented { .. }
            | $crate::Event::CommentReplied { .. }
            | $crate::Event::CommentResolved { .. }
            | $crate::Event::SpecsApproved { .. }
            | $crate::Event::HandedOff { .. }
            | $crate::Event::ImplementationQueued
            | $crate::Event::ImplementationStarted
            | $crate::Event::ChecksStarted
            | $crate::Event::ChecksRan { .. }
            | $crate::Event::RepairStarted { .. }
            | $crate::Event::RepairsEnded { .. }
            | $crate::Event::ChangeReady { .. }
            | $crate::Event::ImplementationReviewed { .. }
            | $crate::Event::LandingHeld { .. }
            | $crate::Event::Landed { .. }
            | $crate::Event::Closed { .. }
            | $crate::Event::SpecFailed { .. }
            | $crate::Event::ImplementationFailed { .. }
            | $crate::Event::Retried { .. }
            | $crate::Event::Cancelled { .. }
            | $crate::Event::TaskPaused { .. }
            | $crate::Event::TaskResumed { .. }
            | $crate::Event::ItemsCounted { .. }
            | $crate::Event::Reopened { .. }
            | $crate::Event::RecordingSet { .. }
            | $crate::Event::ProgressNoted { .. }
            | $crate::Event::Rebuilt
    };
}

impl Event {
    /// Returns the event's name in the log and the feed.
    pub fn name(&self) -> String {
        serde_json::to_value(self)
            .ok()
            .and_then(|value| value.get("event").and_then(|name| name.as_str().map(str::to_owned)))
            .unwrap_or_default()
    }

    /// Returns its session, if it has one.
    pub fn session(&self) -> Option<&SessionId> {
        match self {
            Self::PlanningStarted { session, .. }
            | Self::PlanningWriting { session }
            | Self::PlanningCommitting { session }
            | Self::DocumentsInvalid { session, .. }
            | Self::SessionRenamed { session, .. }
            | Self::SessionAssigned { session, .. }
            | Self::SessionReplanned { session, .. }
            | Self::SessionOpening { session }
            | Self::ResourceAwaited { session, .. }
            | Self::TurnStarted { session, .. }
            | Self::TurnEnded { session, .. }
            | Self::PlanUpdated { session, .. }
            | Self::Spent { session, .. }
            | Self::TurnFailed { session, .. }
            | Self::TurnRetried { session, .. }
            | Self::TurnParked { session, .. }
            | Self::TurnInterrupted { session, .. }
            | Self::MessageQueued { session, .. }
            | Self::MessageEdited { session, .. }
            | Self::MessageWithdrawn { session, .. }
            | Self::CoordinationRead { session, .. }
            | Self::SessionReopened { session }
            | Self::SessionChosen { session, .. }
            | Self::ThreadMoved { session, .. }
            | Self::WorkCommitted { session, .. }
            | Self::SessionTold { session, .. }
            | Self::SessionAskedAgain { session, .. }
            | Self::SessionReadyToMerge { session }
            | Self::SessionMerging { session }
            | Self::SessionCompleted { session, .. }
            | Self::SessionFailed { session, .. }
            | Self::SessionIdle { session, .. }
            | Self::SessionRetried { session }
            | Self::SessionSkipped { session }
            | Self::SessionCancelled { session }
            | Self::SessionPaused { session, .. } => Some(session),
            Self::SessionPlanned { session } => Some(&session.id),
            Self::Coordinated { coordination } => coordination.from.as_ref(),
            event_of_task!() => None,
        }
    }

    /// Returns whether the task's history is committed as soon as this happens.
    pub fn is_milestone(&self) -> bool {
        match self {
            Self::SpecsReady { .. }
            | Self::DocumentsChanged { .. }
            | Self::SpecsReviewed { .. }
            | Self::Commented { .. }
            | Self::CommentReplied { .. }
            | Self::CommentResolved { .. }
            | Self::SpecsApproved { .. }
            | Self::HandedOff { .. }
            | Self::SessionCompleted { .. }
            | Self::SessionIdle { .. }
            | Self::SessionFailed { .. }
            | Self::SessionSkipped { .. }
            | Self::SessionCancelled { .. }
            | Self::ChangeReady { .. }
            | Self::ImplementationReviewed { .. }
            | Self::LandingHeld { .. }
            | Self::Landed { .. }
            | Self::Closed { .. }
            | Self::SpecFailed { .. }
            | Self::ImplementationFailed { .. }
            | Self::Cancelled { .. }
            | Self::Reopened { .. }
            | Self::ProgressNoted { .. } => true,
            Self::TaskCreated { .. }
            | Self::TaskEdited { .. }
            | Self::Queued { .. }
            | Self::PlanningQueued { .. }
            | Self::PlanningStarted { .. }
            | Self::PlanningWriting { .. }
            | Self::PlanningCommitting { .. }
            | Self::DocumentsInvalid { .. }
            | Self::TemplateTaken { .. }
            | Self::ImplementationQueued
            | Self::ImplementationStarted
            | Self::SessionPlanned { .. }
            | Self::SessionReplanned { .. }
            | Self::SessionRenamed { .. }
            | Self::SessionAssigned { .. }
            | Self::SessionOpening { .. }
            | Self::ResourceAwaited { .. }
            | Self::TurnStarted { .. }
            | Self::TurnEnded { .. }
            | Self::PlanUpdated { .. }
            | Self::TaskPaused { .. }
            | Self::TaskResumed { .. }
            | Self::ItemsCounted { .. }
            | Self::Spent { .. }
            | Self::TurnFailed { .. }
            | Self::TurnRetried { .. }
            | Self::TurnParked { .. }
            | Self::RepairStarted { .. }
            | Self::RepairsEnded { .. }
            | Self::TurnInterrupted { .. }
            | Self::MessageQueued { .. }
            | Self::WorkCommitted { .. }
            | Self::SessionTold { .. }
            | Self::SessionAskedAgain { .. }
            | Self::SessionReadyToMerge { .. }
            | Self::SessionMerging { .. }
            | Self::MessageEdited { .. }
            | Self::MessageWithdrawn { .. }
            | Self::Coordinated { .. }
            | Self::CoordinationRead { .. }
            | Self::SessionReopened { .. }
            | Self::SessionChosen { .. }
            | Self::ThreadMoved { .. }
            | Self::SessionRetried { .. }
            | Self::SessionPaused { .. }
            | Self::ChecksStarted
            | Self::ChecksRan { .. }
            | Self::Retried { .. }
            | Self::RecordingSet { .. }
            | Self::Rebuilt => false,
        }
    }
}
