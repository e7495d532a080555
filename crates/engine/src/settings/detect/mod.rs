//! Detects the tools of a repository: its languages, and the commands that set it up, test and check it.
//!
//! Detection is a pure function of the names of files and the contents of manifests, so that the command line and the API
//! answer the same.

mod detection;
mod listing;
mod node;
mod python;
mod render;
mod repository;
mod runner;
mod tools;
mod unreadable;

pub use detection::{Detection, Stack, detect};
pub use listing::Listing;
pub use render::project_file;
pub use repository::{DetectError, DetectedRepository, detect_at};
pub use unreadable::UnreadableManifest;
