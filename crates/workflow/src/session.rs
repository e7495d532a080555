//! A work session: one agent thread's piece of a task.

use crate::{
    Commit, CreationMethod, Failure, HelixSessionId, Millis, SessionId, SessionPhase, SessionStatus,
    ThreadId, TurnId, Usage,
};
use serde::{Deserialize, Serialize};

/// One agent thread's piece of a task, with its own log, worktree and branch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Session {
    pub id: SessionId,
    pub helix_session: HelixSessionId,
    pub thread: ThreadId,
    pub name: String,
    pub description: String,
    pub phase: SessionPhase,
    pub agent: String,
    pub method: CreationMethod,
    /// The index of the planned task it carries out.
    pub unit: Option<usize>,
    pub parent: Option<SessionId>,
    /// Sessions whose work this one needs.
    pub depends_on: Vec<SessionId>,
    /// Its place in the order in which sessions are merged.
    pub rank: usize,
    pub state: SessionState,
    /// The branch it works on; a planning session reads and has none.
    pub branch: Option<String>,
    /// How many turns it has had.
    pub turns: u32,
    /// How often it was tried again after a failure that can heal, since it last went well.
    pub heals: u32,
    /// How often it was asked again for the same thing since it last went well.
    pub asks: u32,
    /// What people said to it that no turn has carried yet.
    pub messages: Vec<Message>,
    /// What the next turn asks for, when it is not the first.
    pub next_ask: Option<Ask>,
    pub last_commit: Option<Commit>,
    pub merged: Option<Commit>,
    pub last_error: Option<Failure>,
    /// What its turns spent, as far as its agent says.
    #[serde(default)]
    pub usage: Usage,
    /// When it was worked on, the last interval open while it works.
    pub worked: Vec<Interval>,
    pub created_at: Millis,
    pub updated_at: Millis,
    pub started_at: Option<Millis>,
    pub completed_at: Option<Millis>,
}

/// A stretch of time; open while `until` is absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interval {
    pub from: Millis,
    pub until: Option<Millis>,
}

/// What a person said to a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The turn that will carry it.
    pub turn: TurnId,
    pub by: String,
    pub text: String,
    pub at: Millis,
}

/// Where a session stands; the state carries what is under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum SessionState {
    /// Waits for its dependencies or for a free place.
    Pending,
    /// Its worktree is being opened.
    Opening,
    /// Its agent has a turn.
    Working {
        turn: Turn,
    },
    /// What it left uncommitted is being committed.
    Saving {
        turn: Turn,
        stop_reason: String,
    },
    /// Its work is complete and waits for the sessions before it in plan order.
    WaitingToMerge,
    /// Its branch is being merged into the task's branch.
    Merging,
    Completed,
    Failed {
        failure: Failure,
    },
    /// A person decided to go on without it.
    Skipped,
    Cancelled,
}

/// One prompt to the agent and what it does until it stops.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    pub id: TurnId,
    pub number: u32,
    pub ask: Ask,
    /// Messages of people that this turn carries.
    pub messages: Vec<Message>,
    pub started_at: Millis,
}

/// What a turn asks of the agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Ask {
    /// Write requirements, design and tasks.
    Plan,
    /// Write them again with what the reviewer said.
    Revise { comments: String, changes: Vec<String> },
    /// Mend what makes the documents unusable.
    MendDocuments { problems: Vec<String> },
    /// Carry out the planned task.
    Implement,
    /// Go on where an interrupted turn stopped.
    Continue { why: String },
    /// The turn before changed nothing although it should have.
    NothingChanged,
    /// The branch conflicts with what was merged before it.
    ResolveConflict { files: Vec<String>, details: String },
    /// Change what the reviewer of the implementation asked for.
    Rework { comments: String },
    /// Nothing but what people said.
    Message,
}

impl Session {
    /// The session's status as clients see it; `blocked` needs the other sessions, see [`crate::Task::session_status`].
    pub(crate) fn plain_status(&self) -> SessionStatus {
        match &self.state {
            SessionState::Pending => SessionStatus::Pending,
            SessionState::Opening
            | SessionState::Working { .. }
            | SessionState::Saving { .. }
            | SessionState::WaitingToMerge
            | SessionState::Merging => SessionStatus::Active,
            SessionState::Completed => SessionStatus::Completed,
            SessionState::Failed { .. } => SessionStatus::Failed,
            SessionState::Skipped | SessionState::Cancelled => SessionStatus::Cancelled,
        }
    }

    /// The turn under way or being saved.
    pub fn turn(&self) -> Option<&Turn> {
        match &self.state {
            SessionState::Working { turn } | SessionState::Saving { turn, .. } => Some(turn),
            SessionState::Pending
            | SessionState::Opening
            | SessionState::WaitingToMerge
            | SessionState::Merging
            | SessionState::Completed
            | SessionState::Failed { .. }
            | SessionState::Skipped
            | SessionState::Cancelled => None,
        }
    }

    /// Whether an effect is under way for it.
    pub fn is_live(&self) -> bool {
        self.plain_status() == SessionStatus::Active
    }

    /// Whether what depends on it may start.
    pub fn is_satisfied(&self) -> bool {
        matches!(self.state, SessionState::Completed | SessionState::Skipped)
    }

    /// Whether it will not change by itself any more.
    pub fn is_ended(&self) -> bool {
        self.plain_status().is_ended()
    }
}
