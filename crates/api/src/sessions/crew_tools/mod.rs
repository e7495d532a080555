//! The operations of a task's crew for an agent, or for a person's MCP client: those behind the tools of `spectask
//! mcp`.

pub(crate) mod changes;
pub(crate) mod evidence;
mod member;
pub(crate) mod messages;
pub(crate) mod requests;
pub(crate) mod sessions;
pub(crate) mod task;
#[cfg(test)]
mod tests;
