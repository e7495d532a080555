//! A session's log: what was said and done, entry by entry.
//!
//! An entry is a JSON object whose `kind` says which members it has. Entries are read from databases and from records in git
//! that other versions wrote, so reading accepts any JSON: an entry of an unknown kind, or with a member of an unexpected
//! type, becomes [`LogEntry::Other`] and keeps all of its JSON. Unknown members of a known kind are kept beside the known ones.

mod members;

use crate::{Attachment, Optional};
use members::{Member, kinds};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};
use utoipa::ToSchema;

kinds! {
    /// A message of a person, or of SpecTask, to the agent.
    UserMessage "user_message" {
        required {
            /// The text of the message.
            text: String,
        }
        optional {
            /// The author: a user's name, or `spectask`.
            by: String,
            /// The turn that carries it.
            turn_id: String,
            /// The message's id, for messages that wait for a turn.
            message_id: String,
            /// The files that go to the agent with it.
            attachments: Vec<Attachment>,
            /// What a prompt of SpecTask was made from and sent with: `templates` (each with `name`, `source` and `hash`),
            /// `agent`, `options` and `mcp_servers`.
            prompt_context: Value,
        }
    }

    /// A piece of a message of the agent. Pieces with the same `message_id` that follow each other are one message.
    AgentMessage "agent_message" {
        required {
            /// The piece's text; of an image or another file, its kind in brackets.
            text: String,
        }
        optional {
            /// The message that the piece belongs to.
            message_id: String,
            /// A content block that is no text, as the agent sent it, with the id of an attachment as `attachment` in place of the
            /// content of a file.
            content: Value,
            /// The files that the agent sent with it.
            attachments: Vec<Attachment>,
        }
    }

    /// A piece of what the agent thought. Pieces with the same `message_id` that follow each other are one thought.
    AgentThought "agent_thought" {
        required {
            /// The piece's text.
            text: String,
        }
        optional {
            /// The thought that the piece belongs to.
            message_id: String,
        }
    }

    /// A tool call. Later entries with the same `tool_call_id` update it: absent members stay as they were.
    ToolCall "tool_call" {
        required {}
        optional {
            /// The call's id.
            tool_call_id: String,
            /// The action of the call, in a few words.
            title: String,
            /// The kind of tool in the Agent Client Protocol, such as `edit` or `execute`.
            tool_kind: String,
            /// `pending`, `in_progress`, `completed`, `failed` or `cancelled`.
            status: String,
            /// The content blocks that the call produced, as the agent sent them, with the id of an attachment as `attachment` in
            /// place of the content of a file.
            content: Value,
            /// The files that the call is about, as the agent sent them.
            locations: Value,
            /// The tool's input, as the agent sent it.
            raw_input: Value,
            /// The tool's output, as the agent sent it, with ids of attachments as in `content`.
            raw_output: Value,
            /// The files that the agent sent with this entry; those of earlier entries stay files of the call.
            attachments: Vec<Attachment>,
        }
    }

    /// The agent's own plan of the turn; each one replaces the one before.
    Plan "plan" {
        required {}
        optional {
            /// The plan's items, in order.
            entries: Vec<PlanItem>,
        }
    }

    /// How much of the context the agent has used, and at what cost.
    UsageUpdate "usage" {
        required {}
        optional {
            /// The update, as the agent sent it.
            usage: Value,
        }
    }

    /// An ACP session update for which the log has no specific kind.
    Update "update" {
        required {}
        optional {
            /// The update, as the agent sent it.
            raw: Value,
        }
    }

    /// Something that readers of the log should know.
    Notice "notice" {
        required {
            /// The text of the notice.
            text: String,
        }
        optional {
            /// The turn that it is about.
            turn_id: String,
            /// How many entries the log leaves out at this place, because their turn was over its limit.
            left_out_entries: u64,
            /// The size of these entries, in bytes.
            left_out_bytes: u64,
            /// The options of the agent that have other values, such as its model or mode, by their ids.
            agent_options: Value,
        }
    }

    /// The project's setup command ended, or what it made before was used again.
    Setup "setup" {
        required {
            /// The command.
            command: String,
        }
        optional {
            /// Whether it succeeded.
            passed: bool,
            /// Its exit code; null when it was ended or could not be run.
            exit_code: i64,
            /// The end of what it printed, or why it could not be run.
            output: String,
            /// How long it took, in milliseconds.
            took_ms: u64,
            /// Whether it was not run, because what it made for the same inputs was used again.
            cached: bool,
        }
    }

    /// A turn started.
    TurnStarted "turn_started" {
        required {}
        optional {
            /// The turn's id.
            turn_id: String,
            /// Which turn of the session it is, from 1.
            number: u64,
            /// The request to the agent.
            ask: Value,
            /// The ids of the messages of people that the turn carries.
            message_ids: Vec<String>,
        }
    }

    /// A turn ended.
    TurnEnded "turn_ended" {
        required {}
        optional {
            /// The turn's id.
            turn_id: String,
            /// Why the agent stopped, as the Agent Client Protocol names it.
            stop_reason: String,
            /// The usage of the turn; null when the agent did not report it.
            usage: TurnUsage,
        }
    }

    /// A turn failed.
    TurnFailed "turn_failed" {
        required {}
        optional {
            /// The turn's id.
            turn_id: String,
            /// The class of the failure.
            code: String,
            /// The failure, as a sentence.
            message: String,
            /// Whether the turn is tried again.
            tried_again: bool,
        }
    }

    /// A person changed a message before a turn carried it.
    MessageEdited "message_edited" {
        required {
            /// The message's id.
            message_id: String,
            /// The message's text after the change.
            text: String,
        }
        optional {}
    }

    /// A person withdrew a message before a turn carried it.
    MessageWithdrawn "message_withdrawn" {
        required {
            /// The message's id.
            message_id: String,
        }
        optional {}
    }

    /// The session's work was committed.
    Commit "commit" {
        required {
            /// The commit's hash.
            commit: String,
        }
        optional {}
    }

    /// The agent asked for a permission.
    PermissionRequested "permission_requested" {
        required {
            /// The request's id.
            request_id: String,
        }
        optional {
            /// The turn in which the agent asked.
            turn_id: String,
            /// The action that the agent wants to take.
            title: String,
            /// The tool call that the agent asks about, as the agent sent it.
            tool_call: Value,
            /// The answers that can be given.
            options: Vec<PermissionChoice>,
            /// When the request is rejected without an answer.
            deadline: String,
            /// Whether a person is to answer, and not the project's policy.
            for_person: bool,
        }
    }

    /// A permission request was answered or withdrawn.
    PermissionResolved "permission_resolved" {
        required {
            /// The request's id.
            request_id: String,
        }
        optional {
            /// `selected` or `cancelled`.
            outcome: String,
            /// The answer that was chosen; null when there was none to choose.
            option_id: String,
            /// The user who answered.
            by: String,
            /// Why SpecTask answered.
            reason: String,
            /// Whether a person was to answer, and not the project's policy.
            for_person: bool,
        }
    }

    /// A coordination event that the session sent or received.
    Coordination "coordination" {
        required {
            /// The text of the message.
            text: String,
        }
        optional {
            /// The event's id.
            event_id: String,
            /// The event's type.
            event_type: String,
            /// The session that sent it; null when a person or SpecTask did.
            from_session_id: String,
            /// The session that it is for; null is every session of the task.
            to_session_id: String,
            /// The user who sent it; null when none did.
            by: String,
            /// Further data of the message.
            data: Value,
        }
    }

    /// An activity that was recorded through the API.
    Recorded "recorded" {
        required {
            /// The activity, in words.
            text: String,
        }
        optional {
            /// The record's id.
            record_id: String,
            /// The kind of the activity.
            activity_type: ActivityType,
            /// The author of the record.
            by: String,
            /// When it happened, where that was said.
            timestamp: String,
            /// The files that it is about.
            files_affected: Vec<String>,
            /// How many lines changed, where that was said.
            code_changes: Value,
            /// Whom it is for, where that was said.
            coordination_data: Value,
            /// Further data, such as `context` and `rationale`.
            metadata: Value,
        }
    }
}

/// The kind of a session's activity that a record is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActivityType {
    Conversation,
    CodeChange,
    Decision,
    Coordination,
}

/// An item of an agent's own plan.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PlanItem {
    /// The text of the entry.
    pub content: String,
    /// `pending`, `in_progress` or `completed`.
    #[serde(default, skip_serializing_if = "Optional::is_absent")]
    #[schema(value_type = Option<String>)]
    pub status: Optional<String>,
    #[serde(flatten)]
    #[schema(ignore)]
    pub extra: Map<String, Value>,
}

/// The usage of a turn.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TurnUsage {
    pub input_tokens: u64,
    pub output_tokens: u64,
    pub cached_tokens: u64,
    #[serde(default, skip_serializing_if = "Optional::is_absent")]
    #[schema(value_type = Option<f64>)]
    pub cost_usd: Optional<f64>,
    #[serde(flatten)]
    #[schema(ignore)]
    pub extra: Map<String, Value>,
}

/// An answer that the agent offers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PermissionChoice {
    pub option_id: String,
    /// The text of the answer.
    pub name: String,
    /// The kind of answer in the Agent Client Protocol: `allow_once`, `allow_always`, `reject_once` or `reject_always`.
    pub kind: String,
    #[serde(flatten)]
    #[schema(ignore)]
    pub extra: Map<String, Value>,
}

impl LogEntry {
    /// Returns a notice.
    pub fn notice(text: impl Into<String>) -> Self {
        Self::Notice(Notice { text: text.into(), ..Notice::default() })
    }

    /// Returns what the entry says, where it has a text.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::UserMessage(entry) => Some(&entry.text),
            Self::AgentMessage(entry) => Some(&entry.text),
            Self::AgentThought(entry) => Some(&entry.text),
            Self::Notice(entry) => Some(&entry.text),
            Self::MessageEdited(entry) => Some(&entry.text),
            Self::Coordination(entry) => Some(&entry.text),
            Self::Recorded(entry) => Some(&entry.text),
            Self::Setup(Setup { extra, .. })
            | Self::ToolCall(ToolCall { extra, .. })
            | Self::Plan(Plan { extra, .. })
            | Self::UsageUpdate(UsageUpdate { extra, .. })
            | Self::Update(Update { extra, .. })
            | Self::TurnStarted(TurnStarted { extra, .. })
            | Self::TurnEnded(TurnEnded { extra, .. })
            | Self::TurnFailed(TurnFailed { extra, .. })
            | Self::MessageWithdrawn(MessageWithdrawn { extra, .. })
            | Self::Commit(Commit { extra, .. })
            | Self::PermissionRequested(PermissionRequested { extra, .. })
            | Self::PermissionResolved(PermissionResolved { extra, .. }) => extra.get("text")?.as_str(),
            Self::Other(value) => value.get("text")?.as_str(),
        }
    }

    /// Returns whether the entry is a piece of text of a message or thought, which more pieces may follow within moments.
    pub fn is_chunk(&self) -> bool {
        match self {
            Self::AgentMessage(piece) => piece.is_text(),
            Self::AgentThought(_) => true,
            _ => false,
        }
    }

    /// Returns the text of a piece of a message or thought.
    pub fn chunk_mut(&mut self) -> Option<&mut String> {
        match self {
            Self::AgentMessage(piece) if piece.is_text() => Some(&mut piece.text),
            Self::AgentThought(piece) => Some(&mut piece.text),
            _ => None,
        }
    }

    /// Returns whether the other entry is a piece of the same message or thought.
    pub fn is_continued_by(&self, next: &Self) -> bool {
        match (self, next) {
            (Self::AgentMessage(one), Self::AgentMessage(other)) => {
                one.is_text() && other.is_text() && one.message_id == other.message_id
            }
            (Self::AgentThought(one), Self::AgentThought(other)) => one.message_id == other.message_id,
            _ => false,
        }
    }
}

impl AgentMessage {
    /// Returns whether the piece is text, and no image or other file.
    pub fn is_text(&self) -> bool {
        self.content.is_absent() && self.attachments.is_absent()
    }
}

impl ToolCall {
    /// Takes in an update: its members replace those before, and its attachments are added.
    pub fn update(&mut self, later: &Self) {
        fn replace<T: Clone>(member: &mut Optional<T>, later: &Optional<T>) {
            if !later.is_absent() {
                member.clone_from(later);
            }
        }
        replace(&mut self.tool_call_id, &later.tool_call_id);
        replace(&mut self.title, &later.title);
        replace(&mut self.tool_kind, &later.tool_kind);
        replace(&mut self.status, &later.status);
        replace(&mut self.content, &later.content);
        replace(&mut self.locations, &later.locations);
        replace(&mut self.raw_input, &later.raw_input);
        replace(&mut self.raw_output, &later.raw_output);
        let known = self.attachments.items();
        let new = later.attachments.items().iter().filter(|attachment| !known.contains(attachment));
        let all: Vec<_> = known.iter().chain(new).cloned().collect();
        if !all.is_empty() {
            self.attachments = Optional::Value(all);
        }
        self.extra.extend(later.extra.iter().map(|(name, value)| (name.clone(), value.clone())));
    }

    /// Returns whether the entry names the call and says nothing about it.
    pub fn is_bare(&self) -> bool {
        let Self {
            tool_call_id: _,
            title,
            tool_kind,
            status,
            content,
            locations,
            raw_input,
            raw_output,
            attachments,
            extra,
        } = self;
        let texts = [title, tool_kind, status];
        let values = [content, locations, raw_input, raw_output];
        extra.is_empty()
            && attachments.is_absent()
            && texts.into_iter().all(Optional::is_absent)
            && values.into_iter().all(Optional::is_absent)
    }

    /// Returns whether the call changes files.
    pub fn changes_files(&self) -> bool {
        matches!(self.tool_kind.as_deref(), Some("edit" | "delete" | "move"))
    }

    /// Returns the paths of the files that the call names as its locations.
    pub fn location_paths(&self) -> impl Iterator<Item = &str> {
        paths(&self.locations)
    }

    /// Returns the paths of the files that the call shows diffs of: of its content, only diffs have a path.
    pub fn diff_paths(&self) -> impl Iterator<Item = &str> {
        paths(&self.content)
    }
}

fn paths(items: &Optional<Value>) -> impl Iterator<Item = &str> {
    let items = items.as_ref().and_then(Value::as_array).into_iter().flatten();
    items.filter_map(|item| item["path"].as_str())
}

impl<'de> Deserialize<'de> for LogEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Self::from)
    }
}

impl Serialize for LogEntry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Self::Other(value) = self {
            return value.serialize(serializer);
        }
        let mut members = serializer.serialize_map(None)?;
        self.serialize_members(&mut members)?;
        members.end()
    }
}

/// An entry of a session's log, with its place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NumberedEntry {
    /// Its number in the log, from 1, without gaps.
    pub seq: u64,
    /// When it was written.
    pub at: String,
    #[serde(flatten)]
    pub entry: LogEntry,
}

impl NumberedEntry {
    /// Puts an entry in its place; members of the same names that an entry of another version has give way.
    pub fn new(seq: u64, at: String, mut entry: LogEntry) -> Self {
        if let Some(members) = entry.extra_mut() {
            members.remove("seq");
            members.remove("at");
        }
        Self { seq, at, entry }
    }
}

#[cfg(test)]
mod tests;
