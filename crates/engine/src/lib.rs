//! The server: everything asynchronous that joins the workflow to the store, to git and to agents.
//!
//! The orchestrator applies inputs, [`scheduling`] admits tasks and claims effects (one file each in [`effects`]),
//! [`agents`] owns processes and sessions, [`documents`] follows the design-docs branch, [`record`] writes the record
//! to git, and the crate `api` is the HTTP face of all that.

pub mod agents;
mod app;
pub mod clock;
pub mod confinement;
pub mod documents;
pub mod effects;
pub mod failure;
pub mod feed;
pub mod health;
pub mod held;
pub mod insight;
mod job;
pub mod maintenance;
pub mod metrics;
pub mod notifications;
pub mod orchestrator;
pub mod paths;
pub mod projects;
pub mod record;
pub mod scheduling;
pub mod settings;
mod startup;
mod tracing_context;
pub mod visible;
pub mod wire;
pub mod worktrees;

pub use agents::check::CheckReport;
pub use app::App;
pub use settings::config::Config;
pub use settings::data_dir::{ServerFile, is_in_use, require_database, running_server};
pub use startup::{Engine, Opened, Prepared, open, prepare, start, waits_for_database};
pub use tracing_context::{spawn_blocking, with_request_id};
