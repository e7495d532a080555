//! Real processes of the scripted agent, held by the client as the server holds any agent.

mod ends;
mod harness;
mod hostile;
mod permissions;
mod planning;
mod repositories;
mod sessions;
