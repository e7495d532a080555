//! The report of a task: the prompt, the plan, the work and the decisions, with evidence.

mod gather;
mod markdown;
mod table;

pub use gather::{gather, in_seconds};
pub use markdown::markdown;
pub use table::{Table, csv};

use protocol::words::{
    CommitKind, Decision, DecisionAction, FailureClass, RequirementProof, RequirementStatus, Stage,
    UnitStatus,
};
use protocol::{CheckView, EvidenceView, ImplementationTask, SpecTask, UsageView, WorkSession};
use serde::Serialize;
use utoipa::ToSchema;

/// The report of a task, for readers who did not take part in it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Report {
    pub(crate) generated_at: String,
    pub(crate) spec_task: SpecTask,
    /// Each criterion, with what was done for it.
    pub(crate) requirements: Vec<ReportedRequirement>,
    pub(crate) uncovered_requirements: Vec<String>,
    pub(crate) orphan_tasks: Vec<String>,
    pub(crate) implementation_tasks: Vec<ImplementationTask>,
    /// The items marked as done, with their evidence; those that are only claimed come first.
    pub(crate) evidence: Vec<ReportedEvidence>,
    pub(crate) work_sessions: Vec<WorkSession>,
    /// The total time in each phase, in the order in which the task came there first.
    pub(crate) phases: Vec<PhaseTime>,
    /// The phases of the task, in order.
    pub(crate) timeline: Vec<StageSpan>,
    /// The time that people were waited for, and the number of waits.
    pub(crate) review_waiting_seconds: f64,
    pub(crate) review_count: usize,
    /// The results of the checks that ran last on the change.
    pub(crate) checks: Vec<CheckView>,
    pub(crate) commits: Vec<ReportedCommit>,
    pub(crate) usage_by_agent: Vec<AgentUsage>,
    pub(crate) failures: Vec<ReportedFailure>,
    pub(crate) decisions: Vec<ReportedDecision>,
}

/// A criterion and what was done for it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ReportedRequirement {
    pub(crate) id: String,
    pub(crate) text: String,
    #[schema(required)]
    pub(crate) ears_pattern: Option<String>,
    pub(crate) status: RequirementStatus,
    /// The evidence that it is met.
    pub(crate) proof: RequirementProof,
    pub(crate) tasks: Vec<RequirementTask>,
    pub(crate) work_sessions: Vec<String>,
    pub(crate) commits: Vec<String>,
}

/// A planned task that carries out a criterion.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct RequirementTask {
    pub(crate) number: String,
    pub(crate) title: String,
    pub(crate) status: UnitStatus,
}

/// The evidence of a planned task that is marked as done.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ReportedEvidence {
    pub(crate) number: String,
    pub(crate) title: String,
    pub(crate) evidence: EvidenceView,
}

/// How long a task was in a phase.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct PhaseTime {
    pub(crate) phase: Stage,
    pub(crate) seconds: f64,
    /// How often it came there.
    pub(crate) times: usize,
}

/// A time span in one phase.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct StageSpan {
    pub(crate) phase: Stage,
    pub(crate) from: String,
    /// Null while it lasts.
    #[schema(required)]
    pub(crate) until: Option<String>,
    pub(crate) seconds: f64,
}

/// A commit that a session's turn left, or the merge of its branch.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ReportedCommit {
    pub(crate) commit: String,
    pub(crate) kind: CommitKind,
    #[schema(required)]
    pub(crate) work_session_id: Option<String>,
    #[schema(required)]
    pub(crate) work_session_name: Option<String>,
}

/// The usage of an agent's turns.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct AgentUsage {
    pub(crate) agent: String,
    pub(crate) usage: UsageView,
}

/// How often something failed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ReportedFailure {
    pub(crate) class: FailureClass,
    #[schema(required)]
    pub(crate) agent: Option<String>,
    pub(crate) count: u32,
}

/// Something a person decided.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ReportedDecision {
    pub(crate) at: String,
    #[schema(required)]
    pub(crate) by: Option<String>,
    /// The subject of the decision.
    pub(crate) action: DecisionAction,
    /// The decision of a review.
    #[schema(required)]
    pub(crate) decision: Option<Decision>,
    pub(crate) comments: String,
}
