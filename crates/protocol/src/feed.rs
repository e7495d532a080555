//! The live stream: what changed, message by message.
//!
//! A message has a type, which says what its data are. Messages are kept for some time and read from databases that other
//! versions wrote, so reading accepts any JSON: a message of an unknown type, or with data of an unexpected shape, becomes
//! [`FeedMessage::Other`] and keeps all of its JSON.

use crate::words::{CollisionsEvent, InstanceStatus, ReviewEvent, TaskStatus, TopicKind};
use crate::{
    ChecklistView, CoordinationView, InboxUpdate, NumberedEntry, Optional, SessionCollision, SpecTask,
    UsageView, WorkSession,
};
use serde::ser::SerializeStruct as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use std::sync::Arc;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// Declares the types of messages: [`FeedMessage`] with a variant for each, and the schema of each as a message of the live
/// stream.
macro_rules! messages {
    ($( $(#[$about:meta])* $name:ident $kind:literal $data:ty, )+) => {
        /// A change. Readers ignore types that they do not know: a later version may send further ones.
        #[derive(Clone, Debug, PartialEq)]
        pub enum FeedMessage {
            $( $(#[$about])* $name($data), )+
            /// A message of an unknown type, or with data that this version cannot read.
            Other { kind: String, data: Value },
        }

        impl FeedMessage {
            /// Returns the message's type.
            pub fn kind(&self) -> &str {
                match self {
                    $( Self::$name(_) => $kind, )+
                    Self::Other { kind, .. } => kind,
                }
            }

            /// Reads a message of any version. Members that this version does not know are left out.
            pub fn read(kind: &str, data: Value) -> Self {
                let read = match kind {
                    $( $kind => <$data>::deserialize(&data).ok().map(Self::$name), )+
                    _ => None,
                };
                read.unwrap_or_else(|| Self::Other { kind: kind.to_owned(), data })
            }
        }

        impl Serialize for Data<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self.0 {
                    $( FeedMessage::$name(data) => data.serialize(serializer), )+
                    FeedMessage::Other { data, .. } => data.serialize(serializer),
                }
            }
        }

        impl PartialSchema for LiveMessage {
            fn schema() -> RefOr<Schema> {
                crate::schema::one_of(
                    "A message of the live stream. Readers ignore types that they do not know.",
                    &[$( concat!(stringify!($name), "Message") ),+],
                )
            }
        }

        impl ToSchema for LiveMessage {
            fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
                <Topic as ToSchema>::schemas(schemas);
                $(
                    let schema = crate::schema::tagged(Envelope::<$data>::schema(), "type", $kind);
                    schemas.push((concat!(stringify!($name), "Message").to_owned(), schema));
                    schemas.push((<$data as ToSchema>::name().into_owned(), <$data as PartialSchema>::schema()));
                    <$data as ToSchema>::schemas(schemas);
                )+
            }
        }

        $(
            impl From<$data> for FeedMessage {
                fn from(data: $data) -> Self {
                    Self::$name(data)
                }
            }
        )+
    };
}

messages! {
    /// A task changed.
    TaskUpdated "task.updated" TaskUpdate,
    /// A work session changed.
    WorkSessionUpdated "work_session.updated" WorkSessionUpdate,
    /// A session's log has a further entry.
    SessionEvent "session.event" NumberedEntry,
    /// A coordination event was sent, delivered or answered, or the sessions' collisions changed.
    Coordination "coordination" CoordinationUpdate,
    /// A task's living checklist changed.
    Progress "progress" ProgressUpdate,
    /// Something happened to the documents or the change under review.
    Review "review" ReviewUpdate,
    /// A task used more tokens.
    Usage "usage" TaskUsage,
    /// A task's agent instance changed.
    InstanceUpdated "instance.updated" InstanceUpdate,
    /// Something began or ceased to wait for a person.
    Inbox "inbox" InboxUpdate,
}

impl FeedMessage {
    /// Reads a message of any version that is written again: one of which something would be lost keeps its JSON.
    pub fn read_exact(kind: &str, data: Value) -> Self {
        let read = Self::read(kind, data.clone());
        match serde_json::to_value(read.data()) {
            Ok(written) if written == data => read,
            Ok(_) | Err(_) => Self::Other { kind: kind.to_owned(), data },
        }
    }

    /// Returns the message's data, to be written as JSON.
    pub fn data(&self) -> impl Serialize {
        Data(self)
    }
}

struct Data<'m>(&'m FeedMessage);

/// A task, without its documents and its repository's folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TaskUpdate(Box<SpecTask>);

impl From<SpecTask> for TaskUpdate {
    fn from(task: SpecTask) -> Self {
        Self(Box::new(SpecTask {
            requirements_spec: Optional::Absent,
            technical_design: Optional::Absent,
            implementation_plan: Optional::Absent,
            project_path: Optional::Absent,
            ..task
        }))
    }
}

impl std::ops::Deref for TaskUpdate {
    type Target = SpecTask;

    fn deref(&self) -> &SpecTask {
        &self.0
    }
}

impl PartialSchema for TaskUpdate {
    fn schema() -> RefOr<Schema> {
        let absent = ["requirements_spec", "technical_design", "implementation_plan", "project_path"];
        crate::schema::without(
            SpecTask::schema(),
            &absent,
            "A task as live messages have it: without its documents and its repository's folder.",
        )
    }
}

impl ToSchema for TaskUpdate {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        SpecTask::schemas(schemas);
    }
}

/// A work session, without its directory and its sandbox.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WorkSessionUpdate(Box<WorkSession>);

impl From<WorkSession> for WorkSessionUpdate {
    fn from(session: WorkSession) -> Self {
        Self(Box::new(WorkSession { workspace_path: Optional::Absent, sandbox: None, ..session }))
    }
}

impl std::ops::Deref for WorkSessionUpdate {
    type Target = WorkSession;

    fn deref(&self) -> &WorkSession {
        &self.0
    }
}

impl PartialSchema for WorkSessionUpdate {
    fn schema() -> RefOr<Schema> {
        crate::schema::without(
            WorkSession::schema(),
            &["workspace_path", "sandbox"],
            "A work session as live messages have it: without its directory and its sandbox.",
        )
    }
}

impl ToSchema for WorkSessionUpdate {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        WorkSession::schemas(schemas);
    }
}

/// A message between sessions and people, or the collisions between the sessions' changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum CoordinationUpdate {
    Collisions(CollisionsUpdate),
    Event(Box<CoordinationEventUpdate>),
}

/// A coordination event of a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CoordinationEventUpdate {
    #[serde(flatten)]
    pub event: CoordinationView,
    pub spec_task_id: String,
}

/// The collisions of a task's sessions, without the text of files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CollisionsUpdate {
    pub spec_task_id: String,
    /// Always `collisions`, which tells it from a coordination event.
    pub event: CollisionsEvent,
    /// When the sessions' worktrees were looked at, in milliseconds since 1970.
    pub at: i64,
    pub collisions: Vec<SessionCollision>,
}

/// A task's living checklist.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProgressUpdate {
    pub spec_task_id: String,
    /// The commit of the design-docs branch that has it.
    pub commit: String,
    pub at: String,
    pub checklist: ChecklistView,
}

/// An event of the documents or the change under review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReviewUpdate {
    pub spec_task_id: String,
    /// The event.
    pub event: ReviewEvent,
    pub status: TaskStatus,
}

/// The usage of a task so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TaskUsage {
    pub spec_task_id: String,
    /// The session that used it last.
    pub work_session_id: String,
    /// The usage of the whole task.
    pub usage: UsageView,
}

/// The status of a task's agent instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InstanceUpdate {
    pub spec_task_id: String,
    pub zed_instance_id: String,
    pub status: InstanceStatus,
}

/// A part of the live stream that can be subscribed to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Topic {
    /// Which kind of topic it is.
    pub topic: TopicKind,
    /// The id of the task or session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub id: Option<String>,
}

/// A message of the live stream, in its place.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveMessage {
    pub topic: Topic,
    /// Its number on the connection: one more than the message before.
    pub seq: u64,
    /// Shared by all who are sent it.
    pub message: Arc<FeedMessage>,
}

/// The members of a message of the live stream beside its type.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it is the schema of messages; they are written and read by hand")]
struct Envelope<T: ToSchema> {
    /// The topic that it belongs to.
    topic: TopicKind,
    /// The id of the task or session; absent for `fleet`.
    #[schema(value_type = String, required = false)]
    id: Option<String>,
    /// Its number on the connection: one more than the message before.
    seq: u64,
    /// The change.
    data: T,
}

impl Serialize for LiveMessage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_struct("LiveMessage", 5)?;
        members.serialize_field("topic", &self.topic.topic)?;
        match &self.topic.id {
            Some(id) => members.serialize_field("id", id)?,
            None => members.skip_field("id")?,
        }
        members.serialize_field("seq", &self.seq)?;
        members.serialize_field("type", self.message.kind())?;
        members.serialize_field("data", &self.message.data())?;
        members.end()
    }
}

impl<'de> Deserialize<'de> for LiveMessage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Members {
            #[serde(flatten)]
            topic: Topic,
            seq: u64,
            r#type: String,
            data: Value,
        }
        let Members { topic, seq, r#type: kind, data } = Members::deserialize(deserializer)?;
        Ok(Self { topic, seq, message: Arc::new(FeedMessage::read(&kind, data)) })
    }
}

/// A message of the server about a connection to the live stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ControlMessage {
    /// The server listens to the topics for the client.
    Subscribed {
        /// The number of the last message before those that follow.
        after: u64,
        /// The topics that were added.
        topics: Vec<Topic>,
    },
    /// Messages were missed that cannot be sent again: everything is to be read again.
    SnapshotRequired {
        /// The number of the last message before those that follow.
        after: u64,
    },
    /// A request was refused.
    Error {
        code: String,
        status: u16,
        /// The problem, as a sentence.
        detail: String,
    },
    /// The answer to a ping.
    Pong {
        /// The value of the ping.
        pong: Value,
    },
}

/// Everything that the server sends over a connection to the live stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum StreamMessage {
    Live(LiveMessage),
    Control(ControlMessage),
    /// A message that this version does not know.
    Other(Value),
}

impl ControlMessage {
    fn kind(&self) -> &'static str {
        match self {
            Self::Subscribed { .. } => "subscribed",
            Self::SnapshotRequired { .. } => "snapshot_required",
            Self::Error { .. } => "error",
            Self::Pong { .. } => "pong",
        }
    }
}

impl StreamMessage {
    /// Returns the message's type; empty when it has none.
    pub fn kind(&self) -> &str {
        match self {
            Self::Live(message) => message.message.kind(),
            Self::Control(message) => message.kind(),
            Self::Other(value) => value["type"].as_str().unwrap_or_default(),
        }
    }
}

impl PartialSchema for StreamMessage {
    fn schema() -> RefOr<Schema> {
        crate::schema::one_of(
            "What the server sends over the live stream. Readers ignore types that they do not know.",
            &["LiveMessage", "ControlMessage"],
        )
    }
}

impl ToSchema for StreamMessage {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push(("LiveMessage".to_owned(), LiveMessage::schema()));
        LiveMessage::schemas(schemas);
        schemas.push(("ControlMessage".to_owned(), ControlMessage::schema()));
        ControlMessage::schemas(schemas);
    }
}

#[cfg(test)]
mod tests;
