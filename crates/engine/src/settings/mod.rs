//! The server's configuration, the settings of projects, the data directory, and what is redacted.

pub mod config;
pub(crate) mod data_dir;
pub mod detect;
pub(crate) mod expand;
pub mod hosts;
pub(crate) mod in_effect;
pub mod mcp_server;
pub mod owner;
pub mod permission_policy;
pub mod project;
pub mod project_file;
pub mod redaction;
pub mod secret_store;
pub mod variables;
