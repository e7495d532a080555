//! Projects: their repositories, base branches, samples and templates, and the attribution of commits.

pub mod attribution;
pub(crate) mod bases;
pub mod changes;
pub mod daily_budget;
pub mod repositories;
pub mod samples;
pub mod session_changes;
pub mod short_ids;
pub mod templates;
