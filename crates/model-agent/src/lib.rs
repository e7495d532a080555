//! An agent for people without one: a model of OpenAI, Anthropic, Gemini or Ollama with tools to read, search, change and run,
//! over the Agent Client Protocol (ACP) on standard input and output.
//!
//! It must not know tasks, SQL or the HTTP API; it is an agent like any other that SpecTask starts. What the model says is
//! hostile input: file tools stay in the session's folders, outputs and steps are bounded, and the client is asked before
//! anything is changed or run.

mod compaction;
mod history;
mod instructions;
mod mcp;
mod model;
mod modes;
mod options;
mod replay;
mod serve;
mod session;
#[cfg(test)]
mod tests;
mod tools;
mod transcripts;
mod turn;
mod workspace;

pub use options::Options;
pub use serve::serve;
