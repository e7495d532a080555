//! Confines process trees: what they see of the file system, which system calls they make, what they reach over the network
//! and how much they use.
//!
//! [`Sandbox::detect`] says how strongly this machine can confine and why not stronger; [`Confinement::command`] makes the
//! command that starts a program confined by a [`Policy`]; an [`Admission`] opens further folders to a tree that runs.
//! [`Bounds`] hold a helper program of this process to the files that it is for.
//! Parts of the work are done by stages of the same binary: its main function hands their arguments to [`run_stage`].
//!
//! This crate must not know agents, tasks, SQL or the HTTP API, and of git only how its directories are laid out.

mod bounds;
mod confinement;
mod file_access;
mod forwarder;
mod level;
mod namespace;
mod policy;
mod reach;
mod repository;
mod stage;
mod system;
mod system_calls;
mod terminal;
mod usage;

pub use bounds::Bounds;
pub use confinement::{Confinement, OWN_FOLDERS};
pub use level::{Level, Mode, NetworkUnavailable, Sandbox, Unavailable};
pub use namespace::{Admission, Layer, Tree, enter_namespace};
pub use policy::{Forward, Home, Limits, Network, Policy};
pub use reach::{CONNECTED, network_namespace, reach_command};
pub use repository::{common_dir, git_dir, worktree_trees};
pub use stage::run_stage;
pub use system::{installation_of, package_caches, search_path, toolchain_credentials, toolchains};
pub use terminal::{MAX_FRAME, TerminalInput, TerminalSize};
