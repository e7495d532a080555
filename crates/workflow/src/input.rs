//! The inputs of a task: requests of people, decisions of the scheduler, and reports of git and agents.

use crate::{
    Budget, Closing, CommentId, Commit, Complexity, CoordinationKind, Decision, EventId, Failure, Isolation,
    ItemCount, LineComment, MessageId, Millis, NewComment, PersonRequest, PlanEntry, Priority, ProjectId,
    RepairRequest, ReportedUsage, SessionId, SessionRequest, ShortId, Specs, TaskId, TaskKind, Template,
    ThreadStatus, TurnId, Usage, UserId, WorkReport,
};
use protocol::{AgentOptionsRule, Attachment};
use serde::{Deserialize, Serialize};

/// A task as a person requests it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewTask {
    pub id: TaskId,
    pub project: ProjectId,
    pub owner: UserId,
    /// The short id, once the task is created.
    #[serde(default)]
    pub short_id: Option<ShortId>,
    pub name: String,
    /// Whether the title of its documents becomes its name.
    #[serde(default)]
    pub takes_title: bool,
    pub description: String,
    pub kind: TaskKind,
    pub priority: Priority,
    pub complexity: Complexity,
    pub prompt: String,
    pub spec_agent: String,
    pub implementation_agent: String,
    pub base_branch: String,
    pub labels: Vec<String>,
    pub depends_on: Vec<TaskId>,
    pub budget: Option<Budget>,
    pub workspace_config: Option<serde_json::Value>,
    pub max_parallel: usize,
    pub planned: bool,
    #[serde(default = "crate::task::apart")]
    pub isolation: Isolation,
    #[serde(default)]
    pub config: Option<serde_json::Value>,
    /// Options that agents get in its sessions, such as the model.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub agent_options: Vec<AgentOptionsRule>,
    #[serde(default)]
    pub template: Option<Template>,
    /// The first session of a conversation that begins with a message instead of its prompt: the session waits for it.
    #[serde(default)]
    pub opening_session: Option<SessionId>,
}

/// A message from a session or a person to other sessions of the crew.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewCoordination {
    /// An event with a known id changes nothing.
    pub id: EventId,
    pub kind: CoordinationKind,
    pub from: Option<SessionId>,
    /// Absent means all sessions that have not ended.
    pub to: Option<SessionId>,
    /// The person who sends it, if a person does.
    pub by: Option<String>,
    pub message: String,
    pub data: serde_json::Value,
    /// The request that it answers.
    pub answers: Option<EventId>,
    /// Whether sessions at work read it before their work is merged; otherwise their next turn delivers it, if there is one.
    pub before_merge: bool,
    /// The request to a person, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person_request: Option<PersonRequest>,
}

/// A person's answer to a request of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonAnswer {
    /// The id of the coordination event that carries it.
    pub id: EventId,
    pub by: String,
    pub text: String,
    /// Whether a proposal is accepted; a question has none.
    pub accepted: Option<bool>,
}

/// A session that is added to the crew.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewSession {
    pub id: SessionId,
    pub name: String,
    pub description: String,
    /// Absent is the agent of the session it comes from.
    pub agent: Option<String>,
    pub depends_on: Vec<SessionId>,
    pub wish: SessionRequest,
    /// Whether it is a conversation: it waits for the first message of a person, and for the next one between turns.
    #[serde(default)]
    pub is_conversation: bool,
}

/// The limits on the size of a crew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrewLimits {
    /// How deep sessions may spawn from sessions that were spawned.
    pub depth: usize,
    /// How many sessions of one parent may be open at once.
    pub children: usize,
    /// How many sessions a task may have.
    pub sessions: usize,
}

/// A thread that an editor opened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReportedThread {
    pub id: SessionId,
    /// The editor's name for the thread.
    pub thread: String,
    pub name: String,
    pub description: String,
    pub parent: Option<SessionId>,
    pub wish: SessionRequest,
}

/// The fields that a person may edit; absent fields keep their value.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TaskEdit {
    pub name: Option<String>,
    pub description: Option<String>,
    pub priority: Option<Priority>,
    pub labels: Option<Vec<String>>,
    pub depends_on: Option<Vec<TaskId>>,
    pub budget: Option<Budget>,
    pub archived: Option<bool>,
    #[serde(default)]
    pub config: Option<serde_json::Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_options: Option<Vec<AgentOptionsRule>>,
}

/// A request of a person, a decision of the scheduler, or a report of git or an agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "input", rename_all = "snake_case")]
pub enum Input {
    // Requests of people.
    Start,
    Edit {
        edit: Box<TaskEdit>,
    },
    /// A review decision about the documents; `hash` names the content the reviewer saw.
    ReviewSpecs {
        decision: Decision,
        by: String,
        comments: String,
        changes: Vec<String>,
        hash: Option<String>,
        /// The numbers of planned tasks that are ticked in the plan and are to be carried out all the same.
        #[serde(default)]
        run_again: Vec<String>,
    },
    ReviewImplementation {
        decision: Decision,
        by: String,
        comments: String,
        /// Findings of secrets with which the change may land all the same, by their ids.
        #[serde(default)]
        acknowledged: Vec<String>,
        /// Changes requested in lines of the change.
        #[serde(default)]
        line_comments: Vec<LineComment>,
        /// The head of the change that the reviewer saw; another one now is refused.
        #[serde(default)]
        commit: Option<Commit>,
        /// Whether a change that changes nothing may be approved.
        #[serde(default)]
        allow_empty: bool,
    },
    /// A person comments on a passage of the documents.
    Comment {
        comment: Box<NewComment>,
    },
    ReplyToComment {
        comment: CommentId,
        by: String,
        text: String,
    },
    /// A person resolves a comment, or reopens it.
    ResolveComment {
        comment: CommentId,
        by: String,
        resolved: bool,
    },
    Cancel {
        by: String,
    },
    Retry {
        by: String,
    },
    /// A person stops the task's agents until a person resumes it.
    Pause {
        by: String,
    },
    Resume {
        by: String,
    },
    /// A person reopens a cancelled task at the stage where it was.
    Reopen {
        by: String,
    },
    /// A person asks for the review of a change that is on the task's branch already; no session runs.
    ReviewBranch,
    /// A person closes a conversation; the work of its sessions remains on their branches.
    Close {
        by: String,
    },
    /// A person ends a conversation with the review of its change.
    Finish,
    /// A person adds a session to the task.
    AddSession {
        session: Box<NewSession>,
        limits: CrewLimits,
    },
    /// A person changes the displayed name or description of a session; absent fields keep their value.
    RenameSession {
        session: SessionId,
        name: Option<String>,
        description: Option<String>,
    },
    /// A person assigns a failed or cancelled session to another agent.
    AssignAgent {
        session: SessionId,
        agent: String,
    },
    RetrySession {
        session: SessionId,
    },
    SkipSession {
        session: SessionId,
    },
    CancelSession {
        session: SessionId,
    },
    /// A person stops the turn of a session; the session waits for a message then.
    StopTurn {
        session: SessionId,
        by: String,
    },
    /// A person sends a message to a session; `turn` names the turn that will deliver it, unless a message waits already.
    Say {
        session: SessionId,
        id: MessageId,
        turn: TurnId,
        by: String,
        text: String,
        attachments: Vec<Attachment>,
        interrupt: bool,
    },
    /// A person edits a message that no turn has delivered; `message` is the id of the message or of its turn.
    EditMessage {
        session: SessionId,
        message: String,
        text: String,
    },
    WithdrawMessage {
        session: SessionId,
        message: String,
    },
    /// A session or a person sends a message to others of the crew.
    Coordinate {
        event: Box<NewCoordination>,
    },
    /// A session at work asks a person something.
    AskPerson {
        event: Box<NewCoordination>,
    },
    /// A person answers a request of a session.
    AnswerRequest {
        request: EventId,
        answer: Box<PersonAnswer>,
    },
    /// A session at work reads messages that wait for it; its next turn does not deliver them again.
    ReadCoordination {
        session: SessionId,
        events: Vec<EventId>,
    },
    /// A session at work asks for a child session.
    Spawn {
        parent: SessionId,
        session: Box<NewSession>,
        by: Option<String>,
        limits: CrewLimits,
    },
    /// A person forks a session at the end of a turn; absent is its last one.
    Branch {
        session: SessionId,
        from_turn: Option<TurnId>,
        alternative: Box<NewSession>,
        limits: CrewLimits,
    },
    /// A person chooses one of a session's alternatives.
    Choose {
        session: SessionId,
    },
    /// An editor opened a thread in the task.
    ThreadReported {
        thread: Box<ReportedThread>,
        limits: CrewLimits,
    },
    /// An editor reports the status of a thread that it opened.
    ThreadMoved {
        session: SessionId,
        status: ThreadStatus,
        detail: Option<String>,
    },

    /// A person sets how often the task's history is committed.
    SetRecording {
        commit_frequency_minutes: u64,
    },
    /// A session or a person reports the task's progress.
    NoteProgress {
        by: String,
        summary: String,
        details: String,
    },

    // Decisions of the scheduler.
    /// The task gets a slot.
    Admit,
    /// The task gets no slot, for this reason.
    /// The resources that a session needs are free, and it has them from its start to its end.
    StartSession {
        session: SessionId,
    },
    /// Another session holds a resource that a session needs.
    AwaitResource {
        session: SessionId,
        /// Which one, and who holds it.
        reason: String,
    },
    Wait {
        reason: String,
    },

    // Reports of git and agents.
    /// The task was rebuilt from its history in git: its agents, worktrees and effects in flight are lost.
    Rebuilt,
    PlanningReady {
        session: SessionId,
    },
    TurnEnded {
        session: SessionId,
        turn: TurnId,
        stop_reason: String,
        usage: Option<ReportedUsage>,
        /// The agent's last message.
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
    /// The living checklist has these counts of completed items.
    ItemsCounted {
        counts: Vec<ItemCount>,
    },
    /// The agent reported what a conversation has cost since it began.
    CostReported {
        session: SessionId,
        /// The agent's name for the conversation; another one begins at nothing.
        conversation: String,
        total_usd: f64,
    },
    TurnFailed {
        session: SessionId,
        turn: TurnId,
        failure: Failure,
        /// When a retry can succeed, if the agent reports it.
        #[serde(default)]
        retry_at: Option<Millis>,
        /// The usage of its model calls, where the agent reports each.
        #[serde(default)]
        usage: Option<Usage>,
    },
    /// The delay after a failure is over, and the turn is retried.
    TurnRetried {
        session: SessionId,
        turn: TurnId,
    },
    /// The agent of a turn that waits to start has a limit that ends later.
    TurnParked {
        session: SessionId,
        turn: TurnId,
        /// When the limit ends.
        until: Millis,
        /// A sentence that names the agent and what it reported.
        reason: String,
    },
    /// The turn's agent has a limit, and another agent continues the session.
    TurnHandedOver {
        session: SessionId,
        turn: TurnId,
        agent: String,
    },
    SpecsCommitted {
        session: SessionId,
        turn: TurnId,
        specs: Specs,
    },
    SpecsInvalid {
        session: SessionId,
        turn: TurnId,
        problems: Vec<String>,
    },
    /// The documents on the design-docs branch are not the ones in force.
    DocumentsChanged {
        specs: Specs,
        by: String,
    },
    /// The documents of the task's template are committed.
    TemplateCommitted {
        specs: Specs,
    },
    HandedOff {
        hash: String,
        commit: Commit,
    },
    WorktreeOpened {
        session: SessionId,
    },
    WorkCommitted {
        session: SessionId,
        turn: TurnId,
        head: Option<Commit>,
        changed: bool,
        /// The sub-tasks that the agent reported as done.
        #[serde(default)]
        report: WorkReport,
    },
    /// The turn left a merge in the session's worktree that is not concluded.
    MergeUnfinished {
        session: SessionId,
        turn: TurnId,
        files: Vec<String>,
        /// The places with conflict markers, as Markdown.
        details: String,
    },
    SessionMerged {
        session: SessionId,
        outcome: MergeOutcome,
    },
    ChecksRan {
        head: Commit,
        results: Vec<CheckResult>,
        /// What an agent can fix before a person reviews the change.
        #[serde(default)]
        repair: RepairRequest,
    },
    Landed {
        outcome: LandOutcome,
    },
    /// An effect failed for good.
    EffectFailed {
        effect: crate::Effect,
        failure: Failure,
    },
}

impl Input {
    /// Returns the input's name in logs and metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Edit { .. } => "edit",
            Self::ReviewSpecs { .. } => "review_specs",
            Self::ReviewImplementation { .. } => "review_implementation",
            Self::Comment { .. } => "comment",
            Self::ReplyToComment { .. } => "reply_to_comment",
            Self::ResolveComment { .. } => "resolve_comment",
            Self::Cancel { .. } => "cancel",
            Self::Retry { .. } => "retry",
            Self::Pause { .. } => "pause",
            Self::Resume { .. } => "resume",
            Self::Reopen { .. } => "reopen",
            Self::ReviewBranch => "review_branch",
            Self::Close { .. } => "close",
            Self::Finish => "finish",
            Self::AddSession { .. } => "add_session",
            Self::RenameSession { .. } => "rename_session",
            Self::AssignAgent { .. } => "assign_agent",
            Self::RetrySession { .. } => "retry_session",
            Self::SkipSession { .. } => "skip_session",
            Self::CancelSession { .. } => "cancel_session",
            Self::StopTurn { .. } => "stop_turn",
            Self::Say { .. } => "say",
            Self::EditMessage { .. } => "edit_message",
            Self::WithdrawMessage { .. } => "withdraw_message",
            Self::Coordinate { .. } => "coordinate",
            Self::AskPerson { .. } => "ask_person",
            Self::AnswerRequest { .. } => "answer_request",
            Self::ReadCoordination { .. } => "read_coordination",
            Self::Spawn { .. } => "spawn",
            Self::Branch { .. } => "branch",
            Self::Choose { .. } => "choose",
            Self::ThreadReported { .. } => "thread_reported",
            Self::ThreadMoved { .. } => "thread_moved",
            Self::SetRecording { .. } => "set_recording",
            Self::NoteProgress { .. } => "note_progress",
            Self::Admit => "admit",
            Self::StartSession { .. } => "start_session",
            Self::AwaitResource { .. } => "await_resource",
            Self::Wait { .. } => "wait",
            Self::Rebuilt => "rebuilt",
            Self::PlanningReady { .. } => "planning_ready",
            Self::TurnEnded { .. } => "turn_ended",
            Self::PlanUpdated { .. } => "plan_updated",
            Self::ItemsCounted { .. } => "items_counted",
            Self::CostReported { .. } => "cost_reported",
            Self::TurnFailed { .. } => "turn_failed",
            Self::TurnRetried { .. } => "turn_retried",
            Self::TurnParked { .. } => "turn_parked",
            Self::TurnHandedOver { .. } => "turn_handed_over",
            Self::SpecsCommitted { .. } => "specs_committed",
            Self::SpecsInvalid { .. } => "specs_invalid",
            Self::DocumentsChanged { .. } => "documents_changed",
            Self::TemplateCommitted { .. } => "template_committed",
            Self::HandedOff { .. } => "handed_off",
            Self::WorktreeOpened { .. } => "worktree_opened",
            Self::WorkCommitted { .. } => "work_committed",
            Self::MergeUnfinished { .. } => "merge_unfinished",
            Self::SessionMerged { .. } => "session_merged",
            Self::ChecksRan { .. } => "checks_ran",
            Self::Landed { .. } => "landed",
            Self::EffectFailed { .. } => "effect_failed",
        }
    }
}

/// The outcome of merging a session's branch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum MergeOutcome {
    Merged { commit: Commit },
    Conflict { files: Vec<String>, details: String },
}

/// The outcome of landing on the base branch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum LandOutcome {
    Landed {
        commit: Commit,
    },
    /// It cannot land now; the landing is retried.
    Waiting {
        reason: String,
        /// Whether a person has to act before it can land.
        needs_person: bool,
    },
    Conflict {
        files: Vec<String>,
        details: String,
    },
    /// On top of what landed on the base branch since, checks fail that passed before.
    ChecksFailed {
        results: Vec<CheckResult>,
        /// What an agent can fix before a person reviews the change again.
        #[serde(default)]
        repair: RepairRequest,
    },
    /// The change holds secrets that are not acknowledged; a person has to look.
    Secrets {
        message: String,
    },
    /// The change has other findings that are not acknowledged; a person has to look.
    Held {
        message: String,
    },
}

/// A check command's result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckResult {
    pub command: String,
    pub passed: bool,
    pub exit_code: Option<i32>,
    /// The end of what it printed.
    pub output: String,
    pub took_ms: u64,
    pub at: Millis,
    /// Whether it fails on the base branch, too, without the change.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fails_on_base: bool,
}
