//! Who answers the permission requests of a project's agents.

use serde::{Deserialize, Serialize};

/// The policy for the permission requests of a project's agents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// Yes, once, to whatever the agent asks in its own worktree.
    #[default]
    Allow,
    /// A person.
    Ask,
    /// No, to everything.
    ReadOnly,
}
