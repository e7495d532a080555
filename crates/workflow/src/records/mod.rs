//! The record of a task: all messages, changes and decisions, as files that only grow.
//!
//! Each kind of file has a renderer that adds to what is there and a parser that gives back exactly what was
//! rendered. What people read is Markdown; what it cannot show readably is in HTML comments, which no git host
//! displays, and the task's own events are lines of JSON. Whatever an agent or a person wrote stands in block
//! quotes, so that it ends where its quote ends, whatever it contains.

pub mod activity;
pub mod attachments;
pub mod code_changes;
pub mod comments;
pub mod completion;
pub mod conversation;
pub mod coordination;
pub mod decisions;
pub mod events;
pub mod instances;
mod markup;
pub mod metadata;
pub mod paths;
pub mod progress_updates;
pub mod projects;
pub mod reviews;
pub mod rounds;
mod sections;
pub mod threads;
mod tool_call;

pub use markup::Unreadable;
pub(crate) use markup::fenced;
