//! The server's work sessions for editors: an agent of the Agent Client Protocol, version 1, on standard input and output.
//!
//! It is a face of the server and keeps nothing: the id of a session is the work session's, and what an editor sees comes from the
//! session's log. The protocol is read leniently, line by line: the SDK's agent side has no bound on a line and drops updates
//! that it does not know.

mod commands;
mod dispatch;
mod files;
mod follow;
mod input;
mod permissions;
mod prompt;
mod replay;
mod rpc;
mod serve;
mod server;
mod setup;
mod thread;
mod translate;
mod wire;

pub(crate) use serve::run;
pub(crate) use setup::run as set_up;
