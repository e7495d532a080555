//! `spectask mcp`: the tools of a task's crew for agents, over the Model Context Protocol.

mod calls;
mod serve;
mod tools;

pub(super) use serve::run;
