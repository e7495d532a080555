//! An agent of our own without a model: it plays scenario files over the Agent Client Protocol.
//!
//! It is what demos and tests run on, so it does everything a real agent does that matters outside: it streams, writes,
//! runs commands, asks for permission, keeps several sessions, remembers them over restarts, and misbehaves when a scenario
//! says so. What it says of itself is always that it is scripted.

mod conflict;
mod documents;
mod git;
mod mcp;
mod memory;
mod play;
mod progress;
mod scenario;
mod serve;
mod step;
mod told;
mod tools;
mod turn;

pub use serve::serve;
