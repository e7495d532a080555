//! Agents: the installed ones, their processes and sessions, permission requests, and their output in logs.

pub mod attachments;
pub(crate) mod check;
mod choose_options;
pub mod editors;
mod entry;
pub mod installed;
pub mod instances;
pub(crate) mod limits;
pub mod mcp_servers;
mod model;
pub(crate) mod options;
pub mod permissions;
pub(crate) mod recorder;
pub(crate) mod redacting_log;
mod registry;
pub mod sent_files;
pub(crate) mod state;
pub mod transcript;
pub(crate) mod turn_log;
mod view;

pub use choose_options::{ChooseError, choose_options};
pub use entry::SCRIPTED;
pub use limits::AgentLimit;
pub use model::{MODEL, MODEL_CHAT};
pub use registry::{Agents, Role};
pub use view::{AgentState, AgentView};
