//! The server: everything asynchronous that joins the workflow to the store, to git and to agents.
//!
//! The orchestrator applies inputs, the runner does effects (one file each in [`effects`]), the scheduler gives
//! places, the recorder writes what agents say, the watch notices commits, and `api` is the HTTP face of all that.

mod agent_check;
mod agent_state;
pub mod agents;
mod analytics;
pub mod api;
mod app;
mod attribution;
mod bases;
mod checks;
mod clean;
mod clock;
mod collisions;
pub mod config;
mod confine;
mod data_dir;
mod denials;
pub mod documents;
mod effects;
pub mod feed;
pub mod health;
mod held;
mod history;
mod http;
mod indexer;
pub mod instances;
mod metadata;
mod metrics;
mod network;
mod news;
pub mod orchestrator;
pub mod owner;
mod peer_process;
pub mod permissions;
mod planning;
mod progress;
pub mod rebuild;
mod recorder;
mod report;
pub mod repositories;
mod runner;
pub mod samples;
mod scheduler;
mod spoken;
mod startup;
mod templates;
mod transcript;
mod upkeep;
pub mod visible;
mod watch;
pub mod wire;

pub use agent_check::CheckReport;
pub use app::App;
pub use config::Config;
pub use data_dir::{ServerFile, is_in_use, require_database, running_server};
pub use startup::{Running, run, start};
