//! What crosses a boundary, typed: the entries of a session's log, the messages of the live stream, and what the API shows
//! of tasks, sessions, coordination, comments and checklists.
//!
//! The crate holds shapes and vocabularies: it knows nothing of storage, HTTP, git or agents, nor of how a task's life goes.
//! JSON is the contract: what was read is written again with the same members, whether this version knows them or not.

mod agent_options;
mod attachment;
mod checklist;
mod collision;
mod comment;
mod coordination;
pub mod feed;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod inbox;
pub mod log;
mod optional;
mod schema;
mod session;
mod task;
mod terminal;
pub mod words;

pub use agent_options::{
    AgentCommand, AgentOption, AgentOptionValue, AgentOptionsRule, OptionValue, OptionValues, check_rules,
    check_values,
};
pub use attachment::{Attachment, AttachmentPurpose, TaskAttachment};
pub use checklist::{ChecklistItem, ChecklistView, EvidenceView};
pub use collision::{CollidingFile, CollidingLines, CollidingSide, Collisions, SessionCollision};
pub use comment::{CommentView, Original, ReplyView};
pub use coordination::{CoordinationView, DeliveryView, ResponseView};
pub use feed::{FeedMessage, LiveMessage, StreamMessage};
pub use inbox::{InboxItem, InboxSession, InboxTask, InboxUpdate};
pub use log::{LogEntry, NumberedEntry};
pub use optional::Optional;
pub use session::{
    BranchPointView, ConflictView, ImplementationTask, PlanEntryView, QueuedMessage, SandboxView,
    WorkSession, ZedThread,
};
pub use task::{
    BudgetView, ChangeView, CheckView, ItemView, LastError, PlainTask, PullRequest, RepairProblem,
    RepairView, SpecTask, UsageView,
};
pub use terminal::{TerminalMessage, TerminalRequest};
