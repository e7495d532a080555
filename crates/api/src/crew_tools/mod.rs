//! What an agent, or a person's MCP client, does in a task's crew: the operations behind the tools of `spectask mcp`.

pub(crate) mod changes;
pub(crate) mod evidence;
mod member;
pub(crate) mod messages;
pub(crate) mod requests;
pub(crate) mod sessions;
pub(crate) mod task;
#[cfg(test)]
mod tests;
