//! The server: everything asynchronous that joins the workflow to the store, to git and to agents.
//!
//! The orchestrator applies inputs, the runner does effects (one file each in [`effects`]), the scheduler gives
//! places, the recorder writes what agents say, the watch notices commits, and `api` is the HTTP face of all that.

pub mod agents;
pub mod api;
mod app;
mod clock;
pub mod config;
pub mod documents;
mod effects;
pub mod feed;
pub mod instances;
mod metrics;
mod news;
pub mod orchestrator;
pub mod owner;
pub mod permissions;
mod progress;
mod recorder;
pub mod repositories;
mod runner;
pub mod samples;
mod scheduler;
mod startup;
mod transcript;
mod watch;
pub mod wire;

pub use app::App;
pub use config::Config;
pub use startup::{Running, run, start};
