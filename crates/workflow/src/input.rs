//! What a person asks of a task and what the world reports to it.

use crate::{
    Budget, Commit, Complexity, Decision, Failure, Millis, Priority, ProjectId, SessionId, Specs, TaskId,
    TaskKind, TurnId, Usage, UserId,
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
}

/// What a person asked or the world reported.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "input", rename_all = "snake_case")]
pub enum Input {
    // What people ask.
    Start,
    Edit {
        edit: TaskEdit,
    },
    /// A review decision about the documents; `hash` names the content the reviewer saw.
    ReviewSpecs {
        decision: Decision,
        by: String,
        comments: String,
        changes: Vec<String>,
        hash: Option<String>,
    },
    ReviewImplementation {
        decision: Decision,
        by: String,
        comments: String,
    },
    Cancel {
        by: String,
    },
    Retry {
        by: String,
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
    /// A person speaks to a session; `turn` names the turn that will carry the message.
    Say {
        session: SessionId,
        turn: TurnId,
        by: String,
        text: String,
        interrupt: bool,
    },

    // What the scheduler decides.
    /// There is a place for the task to go on.
    Admit,
    /// There is none, and why.
    Wait {
        reason: String,
    },

    // What git and agents report.
    PlanningReady {
        session: SessionId,
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
