//! The layers that every request passes: authentication, parsing, answers, and observation.

pub(crate) mod attempts;
pub(crate) mod caller;
pub(crate) mod extract;
pub(crate) mod guard;
pub(crate) mod http;
pub(crate) mod idempotency;
pub mod metrics;
pub(crate) mod observe;
pub(crate) mod page;
pub(crate) mod path;
pub(crate) mod peer_process;
pub(crate) mod problem;
