//! The MCP servers that agents get with their sessions: the crew's own tools, and those that people configured.

mod entry;
mod file;
mod session;

pub use entry::{McpServerEntry, McpServerKind};
pub use file::{McpFile, of_project};
pub(crate) use session::of_session;
