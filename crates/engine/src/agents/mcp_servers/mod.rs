//! The MCP servers that agents get with their sessions: the crew's own tools, and those that people configured.

mod file;
mod session;

pub use file::{McpFile, of_project};
pub(crate) use session::of_session;
