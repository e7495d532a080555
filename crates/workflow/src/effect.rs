//! The effects of decisions on the outside world. One effect touches one outside thing: git or an agent.

use crate::{CommentId, EffectId, Millis, SessionId, TaskId, TurnId};
use serde::{Deserialize, Serialize};

/// One piece of work on one outside thing, safe to repeat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "snake_case")]
pub enum Effect {
    /// Ensure the design-docs worktree and the planner's worktree. Reports `PlanningReady`.
    PreparePlanning { session: SessionId },
    /// Prompt the agent and wait for the turn's end. Reports `TurnEnded` or `TurnFailed`.
    RunTurn { session: SessionId, turn: TurnId },
    /// Ask the agent to stop a turn. Reports nothing: the turn's own report follows.
    CancelTurn { session: SessionId, turn: TurnId },
    /// Validate and commit what the planner wrote. Reports `SpecsCommitted` or `SpecsInvalid`.
    CommitSpecs { session: SessionId, turn: TurnId, round: u32 },
    /// Commit the documents that the task's template has ready. Reports `TemplateCommitted`.
    CommitTemplate { round: u32 },
    /// Record a review round on the design-docs branch. Reports nothing.
    RecordReview {
        round: u32,
        decision: crate::Decision,
        by: String,
        comments: String,
        changes: Vec<String>,
        /// The comments on the documents that go with the review.
        #[serde(default)]
        points: Vec<CommentId>,
    },
    /// Commit the approved documents to their branch, cut the task's branch, write progress.md. Reports
    /// `HandedOff` or `DocumentsChanged`.
    HandOff { hash: String },
    /// Ensure a session's worktree and branch. Reports `WorktreeOpened`.
    OpenWorktree { session: SessionId },
    /// Commit what a turn left uncommitted. Reports `WorkCommitted`, or `MergeUnfinished`.
    CommitWork {
        session: SessionId,
        turn: TurnId,
        /// All sessions share the worktree: such commits are made one after the other.
        #[serde(default)]
        shared: bool,
    },
    /// Merge a session's branch into the task's. Reports `SessionMerged`.
    MergeSession { session: SessionId, attempt: u32 },
    /// Keep the work of a session that was not chosen under a saved ref. Reports nothing.
    KeepWork { session: SessionId },
    /// Mark a planned task in progress.md: `~` being done, `x` done, ` ` waiting. Reports nothing.
    MarkProgress { session: SessionId, marker: char },
    /// Run the project's checks on the task's branch. Reports `ChecksRan`.
    RunChecks,
    /// Merge the task's branch into its base. Reports `Landed`.
    Land,
    /// Bring the task's record in git up to date. Reports nothing.
    RecordHistory,
    /// End the task's agent process tree. Reports nothing.
    StopInstance,
    /// Save what is uncommitted and remove the task's worktrees. Reports nothing.
    CloseWorktrees,
}

/// An effect with its identity and the time before which it does not start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EffectRow {
    pub id: EffectId,
    pub effect: Effect,
    pub not_before: Millis,
}

impl Effect {
    /// Returns the effect's name in tables, logs and metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::PreparePlanning { .. } => "prepare_planning",
            Self::RunTurn { .. } => "run_turn",
            Self::CancelTurn { .. } => "cancel_turn",
            Self::CommitSpecs { .. } => "commit_specs",
            Self::CommitTemplate { .. } => "commit_template",
            Self::RecordReview { .. } => "record_review",
            Self::HandOff { .. } => "hand_off",
            Self::OpenWorktree { .. } => "open_worktree",
            Self::CommitWork { .. } => "commit_work",
            Self::MergeSession { .. } => "merge_session",
            Self::KeepWork { .. } => "keep_work",
            Self::MarkProgress { .. } => "mark_progress",
            Self::RunChecks => "run_checks",
            Self::Land => "land",
            Self::RecordHistory => "record_history",
            Self::StopInstance => "stop_instance",
            Self::CloseWorktrees => "close_worktrees",
        }
    }

    /// Returns the effect's lane. Effects of one lane run one after the other, in the order of their requests.
    pub fn lane(&self, task: &TaskId) -> String {
        match self {
            Self::CommitWork { shared: true, .. } => format!("shared/{task}"),
            Self::KeepWork { session } => format!("keep/{session}"),
            Self::RunTurn { session, .. }
            | Self::OpenWorktree { session }
            | Self::CommitWork { session, .. }
            | Self::PreparePlanning { session } => format!("session/{session}"),
            Self::CancelTurn { session, turn } => format!("cancel/{session}/{turn}"),
            Self::CommitSpecs { .. }
            | Self::CommitTemplate { .. }
            | Self::RecordReview { .. }
            | Self::HandOff { .. }
            | Self::MarkProgress { .. } => {
                format!("documents/{task}")
            }
            Self::MergeSession { .. } | Self::RunChecks | Self::Land => format!("merge/{task}"),
            Self::RecordHistory => format!("record/{task}"),
            Self::StopInstance | Self::CloseWorktrees => format!("close/{task}"),
        }
    }

    /// Returns whether the effect shares its lane with the turns of a session, and is requested only once the turn before it
    /// has ended or was left.
    pub fn follows_turns(&self) -> bool {
        match self {
            Self::RunTurn { .. }
            | Self::OpenWorktree { .. }
            | Self::CommitWork { shared: false, .. }
            | Self::PreparePlanning { .. } => true,
            Self::CommitWork { shared: true, .. }
            | Self::CancelTurn { .. }
            | Self::CommitSpecs { .. }
            | Self::CommitTemplate { .. }
            | Self::RecordReview { .. }
            | Self::HandOff { .. }
            | Self::MarkProgress { .. }
            | Self::MergeSession { .. }
            | Self::RunChecks
            | Self::Land
            | Self::KeepWork { .. }
            | Self::RecordHistory
            | Self::StopInstance
            | Self::CloseWorktrees => false,
        }
    }

    /// Returns whether the task waits for its outcome.
    pub fn reports_back(&self) -> bool {
        match self {
            Self::PreparePlanning { .. }
            | Self::RunTurn { .. }
            | Self::CommitSpecs { .. }
            | Self::CommitTemplate { .. }
            | Self::HandOff { .. }
            | Self::OpenWorktree { .. }
            | Self::CommitWork { .. }
            | Self::MergeSession { .. }
            | Self::RunChecks
            | Self::Land => true,
            Self::CancelTurn { .. }
            | Self::RecordReview { .. }
            | Self::KeepWork { .. }
            | Self::MarkProgress { .. }
            | Self::RecordHistory
            | Self::StopInstance
            | Self::CloseWorktrees => false,
        }
    }

    /// Returns its session, if it has one.
    pub fn session(&self) -> Option<&SessionId> {
        match self {
            Self::PreparePlanning { session }
            | Self::RunTurn { session, .. }
            | Self::CancelTurn { session, .. }
            | Self::CommitSpecs { session, .. }
            | Self::OpenWorktree { session }
            | Self::CommitWork { session, .. }
            | Self::MergeSession { session, .. }
            | Self::KeepWork { session }
            | Self::MarkProgress { session, .. } => Some(session),
            Self::RecordReview { .. }
            | Self::CommitTemplate { .. }
            | Self::HandOff { .. }
            | Self::RunChecks
            | Self::Land
            | Self::RecordHistory
            | Self::StopInstance
            | Self::CloseWorktrees => None,
        }
    }
}
