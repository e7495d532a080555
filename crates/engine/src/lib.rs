//! The server: everything asynchronous that joins the workflow to the store, to git and to agents.
//!
//! The orchestrator applies inputs, the runner does effects (one file each in [`effects`]), the scheduler gives
//! places, the recorder writes what agents say, the watch notices commits, and `api` is the HTTP face of all that.

mod agent_check;
mod agent_state;
pub mod agents;
pub mod analytics;
mod app;
pub mod attribution;
mod bases;
mod checks;
pub mod clean;
pub mod clock;
pub mod collisions;
pub mod config;
mod confine;
mod data_dir;
mod denials;
pub mod detect;
pub mod documents;
pub mod effects;
pub mod feed;
pub mod health;
pub mod held;
pub mod history;
mod indexer;
pub mod instances;
pub mod log_archive;
pub mod maintenance;
pub mod metadata;
pub mod metrics;
mod network;
pub mod news;
pub mod orchestrator;
pub mod owner;
pub mod permissions;
pub mod planning;
mod prewarm;
mod progress;
pub mod project_file;
pub mod rebuild;
mod recorder;
pub mod report;
pub mod repositories;
mod runner;
pub mod samples;
pub mod scheduler;
pub mod session_changes;
mod settings;
mod spoken;
mod startup;
pub mod templates;
pub mod traceability;
mod tracing_context;
pub mod transcript;
mod turn_log;
pub mod views;
pub mod visible;
pub mod watch;
pub mod wire;

pub use agent_check::CheckReport;
pub use app::App;
pub use config::Config;
pub use data_dir::{ServerFile, is_in_use, require_database, running_server};
pub use startup::{Engine, Opened, Prepared, open, prepare, start, waits_for_database};
pub use tracing_context::{spawn_blocking, with_request_id};
