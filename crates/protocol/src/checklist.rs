//! A task's living checklist as clients see it, and the evidence of what is marked as done.

use crate::words::{EvidenceState, ItemStatus};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A living checklist as clients see it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ChecklistView {
    pub tasks: Vec<ChecklistItem>,
    pub total_tasks: usize,
    pub completed_tasks: usize,
    /// The item being worked on, if any.
    pub in_progress_task: Option<ChecklistItem>,
    /// The task's progress in percent: items done of items, where optional ones count once they are done.
    pub progress_pct: u32,
}

/// One item of a checklist.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ChecklistItem {
    pub index: usize,
    /// The number in the plan, where the item has one.
    pub number: Option<String>,
    pub description: String,
    pub status: ItemStatus,
    pub depth: usize,
    /// Whether the plan says that it may be left out.
    #[serde(default)]
    pub optional: bool,
    /// The evidence of the item; its state is `not_reported` where its session ended without a report of it.
    #[serde(default)]
    pub evidence: EvidenceView,
}

/// The evidence of an item that is marked as done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EvidenceView {
    /// `done` with a commit that touches files, else `claimed`; `not_reported` where the session ended and its agent did not
    /// report the item as done; null while it may still be.
    #[schema(required)]
    pub state: Option<EvidenceState>,
    pub commits: Vec<String>,
    /// Commands that passed on the finished change.
    pub checks: Vec<String>,
}
