//! The server: everything asynchronous that joins the workflow to the store, to git and to agents.
//!
//! The orchestrator applies inputs, the runner does effects (one file each in [`effects`]), the scheduler gives
//! places, the recorder writes what agents say, the watch notices commits, and `api` is the HTTP face of all that.

pub mod agents;
mod analytics;
pub mod api;
mod app;
mod attribution;
mod clean;
mod clock;
pub mod config;
pub mod documents;
mod effects;
pub mod feed;
mod history;
mod indexer;
pub mod instances;
mod metadata;
mod metrics;
mod news;
pub mod orchestrator;
pub mod owner;
pub mod permissions;
mod planning;
mod progress;
mod radar;
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
mod watch;
pub mod wire;

pub use app::App;
pub use config::Config;
pub use startup::{Running, run, start};
