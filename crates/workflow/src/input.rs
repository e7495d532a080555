//! What a person asks of a task and what the world reports to it.

use crate::{
    Budget, Closing, CommentId, Commit, Complexity, CoordinationKind, Decision, EventId, Failure, Isolation,
    ItemCount, LineComment, MessageId, Millis, NewComment, PlanEntry, Priority, ProjectId, SessionId,
    SessionRequest, Specs, TaskId, TaskKind, Template, ThreadStatus, TurnId, Usage, UserId, WorkReport,
};
use serde::{Deserialize, Serialize};

/// A task as a person asks for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewTask {
    pub id: TaskId,
    pub project: ProjectId,
    pub owner: UserId,
    pub name: String,
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
    #[serde(default)]
    pub template: Option<Template>,
}

/// What a session or a person tells others of the crew.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewCoordination {
    /// The same event again is known by its name and changes nothing.
    pub id: EventId,
    pub kind: CoordinationKind,
    pub from: Option<SessionId>,
    /// Absent means all sessions that have not ended.
    pub to: Option<SessionId>,
    /// The person who says it, where it is one.
    pub by: Option<String>,
    pub message: String,
    pub data: serde_json::Value,
    /// The request that it answers.
    pub answers: Option<EventId>,
    /// Whether sessions at work read it before their work is merged; else it waits for whatever turn comes next.
    pub before_merge: bool,
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
}

/// How far a crew may grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrewLimits {
    /// How deep sessions may spawn from sessions that were spawned.
    pub depth: usize,
    /// How many sessions of one parent may be under way at once.
    pub children: usize,
    /// How many sessions a task may have.
    pub sessions: usize,
}

/// A thread that an editor opened by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReportedThread {
    pub id: SessionId,
    /// What the editor calls the thread.
    pub thread: String,
    pub name: String,
    pub description: String,
    pub parent: Option<SessionId>,
    pub wish: SessionRequest,
}

/// What a person may edit; absent fields stay.
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
}

/// What a person asked or the world reported.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "input", rename_all = "snake_case")]
pub enum Input {
    // What people ask.
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
        /// What is to be changed in lines of the change.
        #[serde(default)]
        line_comments: Vec<LineComment>,
        /// The head of the change that the reviewer saw; another one now is refused.
        #[serde(default)]
        commit: Option<Commit>,
        /// Whether a change that changes nothing may be approved.
        #[serde(default)]
        allow_empty: bool,
    },
    /// A person comments on a place of the documents.
    Comment {
        comment: Box<NewComment>,
    },
    ReplyToComment {
        comment: CommentId,
        by: String,
        text: String,
    },
    /// A person is content with what came of a comment, or not any more.
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
    /// A person takes a cancelled task up again, where it was.
    Reopen {
        by: String,
    },
    /// The task's branch has the whole change already: it is checked and reviewed, and no session is needed.
    ReviewBranch,
    /// A person ends a conversation; what its sessions made stays on its branches.
    Close {
        by: String,
    },
    /// A person has what a conversation made checked and put under review.
    Finish,
    /// A person adds a session to the task.
    AddSession {
        session: Box<NewSession>,
        limits: CrewLimits,
    },
    /// A person calls or describes a session otherwise; what is absent stays.
    RenameSession {
        session: SessionId,
        name: Option<String>,
        description: Option<String>,
    },
    /// A person has another agent go on with a session that failed or was cancelled.
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
    /// A person speaks to a session; `turn` names the turn that will carry the message, unless one waits already.
    Say {
        session: SessionId,
        id: MessageId,
        turn: TurnId,
        by: String,
        text: String,
        interrupt: bool,
    },
    /// A person changes what no turn has carried yet; `message` is the message's name or its turn's.
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
    /// A session at work asks for a further one.
    Spawn {
        parent: SessionId,
        session: Box<NewSession>,
        by: Option<String>,
        limits: CrewLimits,
    },
    /// A session is continued as two, from the end of a turn; absent is its last one.
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
    /// An editor says how a thread of its own stands.
    ThreadMoved {
        session: SessionId,
        status: ThreadStatus,
        detail: Option<String>,
    },

    /// How often the task's record is committed.
    SetRecording {
        commit_frequency_minutes: u64,
    },
    /// A session or a person reports the task's progress.
    NoteProgress {
        by: String,
        summary: String,
        details: String,
    },

    // What the scheduler decides.
    /// There is a place for the task to go on.
    Admit,
    /// There is none, and why.
    Wait {
        reason: String,
    },

    // What git and agents report.
    /// The task was rebuilt from its record: what was under way outside is gone.
    Rebuilt,
    PlanningReady {
        session: SessionId,
    },
    TurnEnded {
        session: SessionId,
        turn: TurnId,
        stop_reason: String,
        usage: Option<Usage>,
        /// What the agent said last.
        #[serde(default)]
        said: Option<String>,
        /// What the agent sent last.
        #[serde(default)]
        closing: Closing,
        /// The agent's own plan, where it reported one in this turn.
        #[serde(default)]
        plan: Option<Vec<PlanEntry>>,
    },
    /// The agent reported its own plan, or how far it has come in it.
    PlanUpdated {
        session: SessionId,
        plan: Vec<PlanEntry>,
    },
    /// How many items of each planned task are done, by the living checklist.
    ItemsCounted {
        counts: Vec<ItemCount>,
    },
    /// The agent said what a conversation has cost since it began.
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
        /// When trying again can help, where the agent says so.
        #[serde(default)]
        retry_at: Option<Millis>,
    },
    /// The wait after a failure is over, and the agent is asked again.
    TurnRetried {
        session: SessionId,
        turn: TurnId,
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
    /// The documents that the task's template had ready are committed.
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
        /// What the agent reported as done.
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
    /// The input's name in logs and metrics.
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
            Self::Say { .. } => "say",
            Self::EditMessage { .. } => "edit_message",
            Self::WithdrawMessage { .. } => "withdraw_message",
            Self::Coordinate { .. } => "coordinate",
            Self::Spawn { .. } => "spawn",
            Self::Branch { .. } => "branch",
            Self::Choose { .. } => "choose",
            Self::ThreadReported { .. } => "thread_reported",
            Self::ThreadMoved { .. } => "thread_moved",
            Self::SetRecording { .. } => "set_recording",
            Self::NoteProgress { .. } => "note_progress",
            Self::Admit => "admit",
            Self::Wait { .. } => "wait",
            Self::Rebuilt => "rebuilt",
            Self::PlanningReady { .. } => "planning_ready",
            Self::TurnEnded { .. } => "turn_ended",
            Self::PlanUpdated { .. } => "plan_updated",
            Self::ItemsCounted { .. } => "items_counted",
            Self::CostReported { .. } => "cost_reported",
            Self::TurnFailed { .. } => "turn_failed",
            Self::TurnRetried { .. } => "turn_retried",
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

/// How merging a session's branch went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum MergeOutcome {
    Merged { commit: Commit },
    Conflict { files: Vec<String>, details: String },
}

/// How landing on the base branch went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum LandOutcome {
    Landed {
        commit: Commit,
    },
    /// It cannot land now; it is tried again.
    Waiting {
        reason: String,
    },
    Conflict {
        files: Vec<String>,
        details: String,
    },
    /// On top of what landed on the base branch since, checks fail that passed before.
    ChecksFailed {
        results: Vec<CheckResult>,
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
}
