//! Agents: processes that speak the Agent Client Protocol (ACP) over stdio.
//!
//! [`Process`] starts one, holds its sessions, and ends it with everything it started. [`scripted`] is an agent of our
//! own that plays a scenario, without a model. [`catalog`] knows the agents people have, [`models`] the services whose models
//! our other agent uses.
//!
//! This crate must not know tasks, SQL or the HTTP API: its callers say what to start, what to send, and where to pass on what comes
//! back. An agent is hostile input: every byte it sends is bounded, and nothing it sends can panic or block the caller.

pub mod acp_registry;
pub mod catalog;
mod error;
mod event;
mod failure;
mod folders;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod launch;
mod lines;
mod mcp;
pub mod models;
mod modes;
mod offers;
mod options;
mod permissions;
mod process;
mod prompt;
mod readable;
pub mod scripted;
mod sessions;
mod shim;
mod tail;
mod tap;
mod tree;
mod turn;
mod update;
mod watcher;
pub mod wire;

pub use error::AgentError;
pub use event::{AgentEvent, AgentInfo, AuthMethod, Exit, PermissionAnswer, PermissionOption, TurnEnd};
pub use failure::{FailureClass, RetryTime};
pub use folders::{OwnFolders, own_folders};
pub use launch::{Launch, find_command};
pub use mcp::{McpServer, McpTransport};
pub use modes::Access;
pub use options::{SessionOffer, Unoffered};
pub use process::Process;
pub use prompt::PromptFile;
pub use readable::{readable, strip_escapes};
pub use shim::exec_agent;
pub use tree::{ProcessIdentity, descendants, is_alive, kill_tree};
pub use update::{PlanEntry, Update};
pub use watcher::{WatchedCommand, Watchers};
