//! Analytics of all of a person's tasks: throughput, lead time, waiting time, failures and cost.

mod count;
mod range;
mod table;

pub use count::count;
pub use range::Range;
pub use table::csv;

use protocol::UsageView;
use protocol::words::{FailureClass, Stage};
use serde::Serialize;
use utoipa::ToSchema;

/// Analytics of a time range. Days are in UTC; a week begins on Monday.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct Analytics {
    /// The first day.
    pub from: String,
    /// The last day.
    pub to: String,
    /// `day` or `week`.
    pub(crate) bucket: String,
    #[schema(required)]
    pub project_id: Option<String>,
    pub generated_at: String,
    /// Tasks that are not counted yet, because the server is still reading their events.
    pub(crate) uncounted_tasks: usize,
    pub(crate) totals: Figures,
    /// The same by day or week, without gaps.
    pub(crate) buckets: Vec<BucketFigures>,
    /// Time spans in one phase that ended in the range.
    pub(crate) phases: Vec<PhaseFigures>,
    /// The waiting times for a person, each of which ended in the range.
    pub(crate) review_waiting: Spread,
    /// From a task's creation to its end, of those that were done in the range.
    pub(crate) lead_time: Spread,
    /// From a work session's start to its end, of those that ended in the range.
    pub(crate) session_time: Spread,
    pub(crate) failures: Vec<ClassFigures>,
    pub(crate) agents: Vec<AgentFigures>,
    pub projects: Vec<ProjectFigures>,
}

/// The figures of a range.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub(crate) struct Figures {
    pub(crate) tasks_created: u64,
    pub(crate) tasks_done: u64,
    pub(crate) tasks_cancelled: u64,
    pub(crate) sessions_started: u64,
    pub(crate) sessions_completed: u64,
    pub(crate) sessions_failed: u64,
    pub(crate) sessions_cancelled: u64,
    pub(crate) failures: u64,
    pub(crate) usage: UsageView,
}

/// The figures of a day or week.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub(crate) struct BucketFigures {
    /// Its first day; the first bucket may begin before the range, of which it counts only what is in it.
    pub(crate) start: String,
    #[serde(flatten)]
    pub(crate) figures: Figures,
}

/// The distribution of durations, in seconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub(crate) struct Spread {
    pub(crate) count: usize,
    #[schema(required)]
    pub(crate) median_seconds: Option<f64>,
    #[schema(required)]
    pub(crate) p90_seconds: Option<f64>,
    pub(crate) total_seconds: f64,
}

/// The time that tasks were in a phase.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct PhaseFigures {
    pub(crate) phase: Stage,
    #[serde(flatten)]
    pub(crate) time: Spread,
}

/// The number of failures of a class.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct ClassFigures {
    pub(crate) class: FailureClass,
    pub(crate) count: u64,
}

/// The work and cost of an agent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub(crate) struct AgentFigures {
    pub(crate) agent: String,
    pub(crate) sessions_started: u64,
    pub(crate) sessions_completed: u64,
    pub(crate) sessions_failed: u64,
    pub(crate) failures: u64,
    pub(crate) usage: UsageView,
}

/// The work and cost in a project.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct ProjectFigures {
    pub project_id: String,
    /// Empty when the project is gone.
    pub project_name: String,
    #[serde(flatten)]
    pub(crate) figures: Figures,
}
