//! A work session: one agent thread's piece of a task.

use crate::{
    AgentType, CommentId, Commit, ConversationUsage, CreationMethod, Effort, EventId, Failure, FailureClass,
    HelixSessionId, LineComment, MessageId, Millis, Priority, Problem, SessionId, SessionPhase,
    SessionStatus, ThreadId, ThreadStatus, TurnId, Usage,
};
use protocol::Attachment;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// From how long a wait on a limit lasts, in milliseconds: for a shorter one an agent's process is kept.
const LASTING_LIMIT: i64 = 5 * 60 * 1000;

/// One agent thread's piece of a task, with its own log, worktree and branch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Session {
    pub id: SessionId,
    pub helix_session: HelixSessionId,
    pub thread: ThreadId,
    /// The name in the plan, by which a planned task finds its session.
    pub name: String,
    pub description: String,
    /// The name that a person gave it.
    #[serde(default, alias = "called")]
    pub given_name: Option<String>,
    /// The description that a person gave it.
    #[serde(default, alias = "described")]
    pub given_description: Option<String>,
    pub phase: SessionPhase,
    pub agent: String,
    pub method: CreationMethod,
    /// The index of the planned task it carries out.
    pub unit: Option<usize>,
    pub parent: Option<SessionId>,
    /// Sessions whose work this one needs.
    pub depends_on: Vec<SessionId>,
    /// Its position in the merge order.
    pub rank: usize,
    pub state: SessionState,
    /// The branch it works on; a planning session reads and has none.
    pub branch: Option<String>,
    /// How many turns it has had.
    pub turns: u32,
    /// How many times it was retried after a retryable failure, since its last success.
    #[serde(rename = "heals")]
    pub retries: u32,
    /// How many times it was asked again for the same thing, since its last success.
    #[serde(rename = "asks")]
    pub reprompts: u32,
    /// How many turns in a row were cut short: by a limit, or because a person stopped them.
    #[serde(default)]
    pub cut_short: u32,
    /// How often a conflict went back to it since its work was last merged.
    #[serde(default)]
    pub conflicts: u32,
    /// Messages of people that no turn has delivered yet.
    pub messages: Vec<Message>,
    /// The request of the next turn, if it is not the first turn.
    pub next_ask: Option<Ask>,
    pub last_commit: Option<Commit>,
    pub merged: Option<Commit>,
    pub last_error: Option<Failure>,
    /// The usage of its turns, as far as its agent reports it.
    #[serde(default)]
    pub usage: Usage,
    /// The usage of its conversation as its agent last reported it, where the agent reports that and not each turn's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation_usage: Option<ConversationUsage>,
    /// The cost of its conversation as its agent last reported it, which is part of the usage.
    #[serde(default)]
    pub cost: Option<ConversationCost>,
    /// The request that added it to the crew.
    #[serde(default)]
    pub wish: SessionRequest,
    /// The turn of another session from which it continues.
    #[serde(default)]
    pub branched_from: Option<BranchPoint>,
    /// The session it is an alternative to, until a person chooses.
    #[serde(default)]
    pub alternative_to: Option<SessionId>,
    /// The session a person chose instead of it.
    #[serde(default)]
    pub superseded_by: Option<SessionId>,
    /// The editor's name for the thread, if it runs in an editor.
    #[serde(default, rename = "elsewhere")]
    pub external_thread: Option<String>,
    /// Whether it is a conversation with a person in a task of any type: it begins with a message and waits for the next one
    /// between turns.
    #[serde(default)]
    pub is_conversation: bool,
    /// The turns whose work was saved.
    #[serde(default)]
    pub ended: Vec<EndedTurn>,
    /// The agent's last message in the turn that ended last.
    #[serde(default)]
    pub last_words: Option<String>,
    /// The agent's own plan, as last reported.
    #[serde(default)]
    pub plan: Vec<PlanEntry>,
    /// The numbers of its planned task's sub-tasks that its agent reported as done.
    #[serde(default)]
    pub reported: Vec<String>,
    /// The sub-tasks that its agent did not report as done, although it ended its turn.
    #[serde(default)]
    pub unreported: Vec<PlannedItem>,
    /// Whether its agent was asked for what it did not report.
    #[serde(default)]
    pub is_report_asked: bool,
    /// How many turns in a row ended without a final message.
    #[serde(default)]
    pub silent_turns: u32,
    /// When the item that it works on began: its last one was done then.
    #[serde(default)]
    pub item_since: Option<Millis>,
    /// What it waits for, while another session holds a resource that it needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_wait: Option<String>,
    /// When its turn is retried, during the delay after a failure.
    #[serde(default)]
    pub retry_at: Option<Millis>,
    /// When it was worked on, the last interval open while it works.
    pub worked: Vec<Interval>,
    pub created_at: Millis,
    pub updated_at: Millis,
    pub started_at: Option<Millis>,
    pub completed_at: Option<Millis>,
}

/// The request that added a session to the crew; a planned session has what the plan says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SessionRequest {
    pub priority: Option<Priority>,
    pub effort: Option<Effort>,
    pub agent_type: Option<AgentType>,
    pub agent_config: Value,
    pub environment_config: Value,
    /// The prompt of its first turn, in addition to its description.
    pub prompt: Option<String>,
}

/// One entry of an agent's own plan, as ACP has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanEntry {
    pub content: String,
    /// `pending`, `in_progress` or `completed`.
    pub status: String,
}

/// A sub-task of a planned task, as the plan has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedItem {
    pub number: Option<String>,
    pub title: String,
}

/// The last thing an agent sent in a turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Closing {
    /// A message.
    #[default]
    Message,
    /// A tool call, and no message after it.
    ToolCall,
    /// Nothing at all.
    Nothing,
}

/// What a session's agent reported about the sub-tasks of its planned task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WorkReport {
    /// Whether it reported its planned task as a whole: ticked, or with every entry of its plan completed.
    pub is_complete: bool,
    /// The numbers of the sub-tasks that it reported as done.
    pub reported: Vec<String>,
    /// The sub-tasks, optional ones aside, that it did not report.
    pub unreported: Vec<PlannedItem>,
}

/// What a conversation with an agent has cost since it began.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConversationCost {
    /// The agent's name for it.
    pub conversation: String,
    pub usd: f64,
}

/// A turn of a session and the commit its work ended at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BranchPoint {
    pub session: SessionId,
    pub turn: TurnId,
    pub number: u32,
    pub commit: Commit,
}

/// A turn whose work was saved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedTurn {
    pub turn: TurnId,
    pub number: u32,
    /// Where the session's branch stood afterwards.
    pub commit: Option<Commit>,
    /// Whether the session's work touches files.
    pub changed: bool,
    /// The messages of people that it delivered.
    pub messages: Vec<MessageId>,
}

/// A time span; open while `until` is absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interval {
    pub from: Millis,
    pub until: Option<Millis>,
}

/// A message of a person to a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    #[serde(default = "unnamed")]
    pub id: MessageId,
    /// The turn that will deliver it.
    pub turn: TurnId,
    /// Whether a turn that delivered it did not end, so that another turn delivers it again.
    #[serde(default)]
    pub returned: bool,
    pub by: String,
    pub text: String,
    /// The files that the person attached.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    pub at: Millis,
}

/// Returns the name of messages stored without one.
fn unnamed() -> MessageId {
    MessageId(String::new())
}

/// Where a session stands; the state carries what is under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum SessionState {
    /// Waits for its dependencies or for a free slot.
    Pending,
    /// Its worktree is being opened.
    Opening,
    /// Its agent has a turn.
    Working {
        turn: Turn,
    },
    /// Its uncommitted work is being committed.
    Saving {
        turn: Turn,
        stop_reason: String,
        #[serde(default)]
        closing: Closing,
    },
    /// Its work is complete and waits for the sessions before it in plan order.
    WaitingToMerge,
    /// Its branch is being merged into the task's branch.
    Merging,
    /// Its turn is over, and it waits for a message of a person.
    Idle,
    Completed,
    Failed {
        failure: Failure,
    },
    /// A person decided to continue without it.
    Skipped,
    Cancelled,
    /// Its thread runs in an editor, which reports its status; nothing waits for it.
    #[serde(rename = "elsewhere")]
    External {
        status: ThreadStatus,
    },
}

/// One prompt to the agent and what it does until it stops.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    pub id: TurnId,
    pub number: u32,
    pub ask: Ask,
    /// Messages of people that this turn delivers.
    pub messages: Vec<Message>,
    /// The coordination events that this turn delivers.
    #[serde(default)]
    pub coordination: Vec<EventId>,
    pub started_at: Millis,
    /// Whether a person interrupted it; it is not repeated.
    #[serde(default)]
    pub is_interrupted: bool,
    /// Whether a person stopped it; the session then stops until a person sends a message.
    #[serde(default)]
    pub is_stopped: bool,
}

/// The request of a turn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Ask {
    /// Write requirements, design and tasks.
    Plan,
    /// Revise them as the reviewer asked.
    Revise {
        comments: String,
        changes: Vec<String>,
        /// The comments on places of the documents that are to be answered.
        #[serde(default)]
        points: Vec<CommentId>,
    },
    /// Fix what makes the documents unusable.
    #[serde(rename = "mend_documents")]
    FixDocuments { problems: Vec<String> },
    /// Carry out the planned task.
    Implement,
    /// Continue where an interrupted turn stopped.
    Continue { why: String },
    /// The turn before changed nothing although it should have.
    NothingChanged,
    /// The branch conflicts with what was merged before it.
    ResolveConflict {
        files: Vec<String>,
        /// The conflicting places with the lines of both sides, as Markdown.
        details: String,
        /// Whether the merge is under way in the session's worktree.
        #[serde(default)]
        begun: bool,
    },
    /// Change what the reviewer of the implementation asked for.
    Rework {
        comments: String,
        /// Changes requested in lines of the change.
        #[serde(default)]
        line_comments: Vec<LineComment>,
    },
    /// Fix what is wrong with the change that the sessions made together.
    Repair {
        /// The round of repair, from 1.
        round: u32,
        problems: Vec<Problem>,
        /// Whether the problems appear only together with what landed on the base branch since.
        #[serde(default)]
        with_base: bool,
    },
    /// Finish what the turn before did not report as done, and report it.
    ReportItems { items: Vec<PlannedItem> },
    /// Read the messages of people.
    Message,
}

/// Returns why a turn with this stop reason did not finish, as a text for the agent; `None` if it did.
pub(crate) fn cut_short(stop_reason: &str) -> Option<&'static str> {
    match stop_reason {
        "max_tokens" | "max_turn_requests" => Some("The turn before was cut short by a limit."),
        // A person who stopped it to send a message may have withdrawn that message.
        "cancelled" => Some("The turn before was stopped before its end."),
        _ => None,
    }
}

impl Session {
    /// Returns the conflict of its work, while it is not resolved: files, and the lines of both sides as Markdown.
    pub fn conflict(&self) -> Option<(&[String], &str)> {
        if matches!(self.state, SessionState::Skipped | SessionState::Cancelled) {
            return None;
        }
        match self.turn().map(|turn| &turn.ask).or(self.next_ask.as_ref()) {
            Some(Ask::ResolveConflict { files, details, .. }) => Some((files, details)),
            _ => None,
        }
    }

    /// Resets the counters of retries and repetitions.
    pub(crate) fn reset_retry_counters(&mut self) {
        self.retries = 0;
        self.reprompts = 0;
        self.cut_short = 0;
        self.silent_turns = 0;
        self.is_report_asked = false;
        self.retry_at = None;
        self.conflicts = 0;
    }

    /// Returns the name that people see.
    pub fn display_name(&self) -> &str {
        self.given_name.as_deref().unwrap_or(&self.name)
    }

    /// Returns the description that people see.
    pub fn shown_description(&self) -> &str {
        self.given_description.as_deref().unwrap_or(&self.description)
    }

    /// Returns the session's status as clients see it; `blocked` needs the other sessions, see
    /// [`crate::Task::session_status`].
    pub fn own_status(&self) -> SessionStatus {
        match &self.state {
            SessionState::Pending => SessionStatus::Pending,
            SessionState::Opening
            | SessionState::Working { .. }
            | SessionState::Saving { .. }
            | SessionState::WaitingToMerge
            | SessionState::Merging
            | SessionState::Idle => SessionStatus::Active,
            SessionState::External { status } => match status {
                ThreadStatus::Pending => SessionStatus::Pending,
                ThreadStatus::Active | ThreadStatus::Disconnected => SessionStatus::Active,
                ThreadStatus::Completed => SessionStatus::Completed,
                ThreadStatus::Failed => SessionStatus::Failed,
            },
            SessionState::Completed => SessionStatus::Completed,
            SessionState::Failed { .. } => SessionStatus::Failed,
            SessionState::Skipped | SessionState::Cancelled => SessionStatus::Cancelled,
        }
    }

    /// Returns the turn under way or being saved.
    pub fn turn(&self) -> Option<&Turn> {
        match &self.state {
            SessionState::Working { turn } | SessionState::Saving { turn, .. } => Some(turn),
            SessionState::Pending
            | SessionState::Opening
            | SessionState::WaitingToMerge
            | SessionState::Merging
            | SessionState::Idle
            | SessionState::Completed
            | SessionState::Failed { .. }
            | SessionState::Skipped
            | SessionState::Cancelled
            | SessionState::External { .. } => None,
        }
    }

    /// Returns the share of its work that its agent's own plan reports; none while the agent has no plan.
    ///
    /// The entries are what the agent says, and the end of the work is one more than these: a plan that is completed is not
    /// yet a session that is.
    pub fn plan_share(&self) -> Option<f64> {
        let reported = self.plan.iter().filter(|entry| entry.status == "completed").count();
        (!self.plan.is_empty()).then(|| crate::progress::share(reported, self.plan.len() + 1))
    }

    /// Returns whether an effect is in flight for it.
    pub fn has_work_in_flight(&self) -> bool {
        match &self.state {
            SessionState::Opening
            | SessionState::Working { .. }
            | SessionState::Saving { .. }
            | SessionState::Merging => true,
            SessionState::Pending
            | SessionState::WaitingToMerge
            | SessionState::Idle
            | SessionState::Completed
            | SessionState::Failed { .. }
            | SessionState::Skipped
            | SessionState::Cancelled
            | SessionState::External { .. } => false,
        }
    }

    /// Returns whether it occupies one of the slots for running sessions.
    pub fn occupies_slot(&self) -> bool {
        self.has_work_in_flight() && self.state != SessionState::Merging
    }

    /// Returns whether its turn waits for a limit of its agent's account that lasts: the agent's process is not kept for it.
    pub fn is_parked(&self) -> bool {
        let limit = self.last_error.as_ref().filter(|failure| failure.class == FailureClass::Limit);
        let lasts = |(until, failure): (Millis, &Failure)| until.0 - failure.at.0 >= LASTING_LIMIT;
        matches!(self.state, SessionState::Working { .. }) && self.retry_at.zip(limit).is_some_and(lasts)
    }

    /// Returns whether it belongs to the crew: it carries out work, and its thread does not run in an editor.
    pub fn is_crew(&self) -> bool {
        self.phase != SessionPhase::Planning && self.external_thread.is_none()
    }

    /// Returns whether its dependents may start.
    pub fn is_satisfied(&self) -> bool {
        matches!(self.state, SessionState::Completed | SessionState::Idle | SessionState::Skipped)
    }

    /// Returns whether it changes only if a person acts.
    pub fn is_ended(&self) -> bool {
        self.own_status().is_ended()
    }
}

impl Ask {
    /// Returns the request in a few words.
    pub fn words(&self) -> &'static str {
        match self {
            Self::Plan => "write the documents",
            Self::Revise { .. } => "revise the documents",
            Self::FixDocuments { .. } => "fix the documents",
            Self::Implement => "carry out the planned task",
            Self::Continue { .. } => "go on",
            Self::NothingChanged => "change something, since nothing was changed",
            Self::ResolveConflict { .. } => "resolve a conflict",
            Self::Rework { .. } => "rework after the review",
            Self::Repair { .. } => "repair the change",
            Self::ReportItems { .. } => "report what is done",
            Self::Message => "read what people wrote",
        }
    }
}
