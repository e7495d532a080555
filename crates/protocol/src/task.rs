//! A task as clients see it.

use crate::words::{
    Complexity, FailureClass, Priority, ProblemKind, PullRequestState, TaskKind, TaskStatus, UnitStatus,
};
use crate::{AgentOptionsRule, EvidenceView, Optional};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// A task: one prompt on its way to merged work.
#[expect(clippy::struct_excessive_bools, reason = "each is a word of the contract with clients")]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SpecTask {
    pub id: String,
    /// The short form of the id, such as `SPEC-12`: the key of its project and its number there. It is accepted in paths
    /// in place of the id, in any case.
    pub short_id: String,
    pub project_id: String,
    pub name: String,
    pub description: String,
    #[serde(rename = "type")]
    pub kind: TaskKind,
    pub priority: Priority,
    pub status: TaskStatus,
    pub original_prompt: String,
    /// requirements.md of the documents in force; lists leave the three documents out.
    #[serde(default, skip_serializing_if = "Optional::is_absent")]
    #[schema(required, value_type = Option<String>)]
    pub requirements_spec: Optional<String>,
    /// design.md of the documents in force.
    #[serde(default, skip_serializing_if = "Optional::is_absent")]
    #[schema(required, value_type = Option<String>)]
    pub technical_design: Optional<String>,
    /// tasks.md of the documents in force.
    #[serde(default, skip_serializing_if = "Optional::is_absent")]
    #[schema(required, value_type = Option<String>)]
    pub implementation_plan: Optional<String>,
    pub spec_agent: String,
    pub implementation_agent: String,
    /// The Helix session of the planning.
    #[schema(required)]
    pub spec_session_id: Option<String>,
    /// The branch of the change, from approval on.
    #[schema(required)]
    pub branch_name: Option<String>,
    pub base_branch: String,
    #[schema(required)]
    pub zed_instance_id: Option<String>,
    /// The repository's folder.
    #[serde(default, skip_serializing_if = "Optional::is_absent")]
    #[schema(required, value_type = Option<String>)]
    pub project_path: Optional<String>,
    pub workspace_config: Value,
    /// Options that agents get in its sessions, such as the model; later entries win.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub agent_options: Vec<AgentOptionsRule>,
    pub complexity: Complexity,
    /// The reason why the task waits, while it waits.
    #[schema(required)]
    pub queue_reason: Option<String>,
    /// Whether documents are written and reviewed before work begins.
    pub planned: bool,
    /// Whether it is a conversation in which a person is to speak next.
    pub waits_for_person: bool,
    /// Whether a person is to act next: to review, to answer, or to say what becomes of what failed.
    pub needs_person: bool,
    /// The template that it was made from.
    #[schema(required)]
    pub template: Option<String>,
    #[schema(required)]
    pub last_error: Option<LastError>,
    /// How often a failed step was tried again by a person.
    pub attempts: u32,
    #[schema(required)]
    pub spec_approved_by: Option<String>,
    #[schema(required)]
    pub spec_approved_at: Option<String>,
    pub spec_revision_count: u32,
    pub labels: Vec<String>,
    pub depends_on: Vec<String>,
    /// The person who paused it, until a person resumes it.
    #[schema(required)]
    pub paused_by: Option<String>,
    #[schema(required)]
    pub paused_at: Option<String>,
    /// The share of its items that is done, 0 to 1: lines of the living checklist, or sessions where there is none.
    pub progress: f64,
    pub usage: UsageView,
    /// Its budget, if it has one.
    #[schema(required)]
    pub budget: Option<BudgetView>,
    #[schema(required)]
    pub pull_request: Option<PullRequest>,
    /// The commit by which it landed on its base branch.
    #[schema(required)]
    pub merge_commit: Option<String>,
    /// The change that the sessions made and the results of its checks, from the review on.
    #[schema(required)]
    pub change: Option<ChangeView>,
    pub archived: bool,
    pub created_by: String,
    pub created_at: String,
    pub updated_at: String,
    #[schema(required)]
    pub started_at: Option<String>,
    #[schema(required)]
    pub completed_at: Option<String>,
    /// Grows by one with every change of state.
    pub version: u64,
}

/// The last error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LastError {
    pub code: FailureClass,
    pub message: String,
    pub at: String,
}

/// The usage so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct UsageView {
    pub input_tokens: u64,
    pub output_tokens: u64,
    pub cached_tokens: u64,
    #[schema(required)]
    pub cost_usd: Option<f64>,
}

/// The budget.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BudgetView {
    #[schema(required)]
    pub max_cost_usd: Option<f64>,
    #[schema(required)]
    pub max_tokens: Option<u64>,
}

/// A pull request on a forge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PullRequest {
    pub url: String,
    pub number: u64,
    pub state: PullRequestState,
}

/// The change under review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChangeView {
    /// The commit that a decision is about.
    pub head: String,
    /// Whether no session changed a file; approving it needs `allow_empty`.
    pub is_empty: bool,
    /// The person who approved it, while it is being merged.
    #[schema(required)]
    pub approved_by: Option<String>,
    pub checks: Vec<CheckView>,
    /// The planned tasks with what stands behind them; those that are not reported or only claimed come first.
    pub items: Vec<ItemView>,
    /// What sessions were asked to fix before a person reviewed the change, in order.
    #[serde(default)]
    pub repairs: Vec<RepairView>,
}

/// A session's repair of a change whose checks failed, or that has findings which block the merge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RepairView {
    /// The round since a person decided last, from 1.
    pub round: u32,
    pub work_session_id: String,
    pub session_name: String,
    /// The problems that the session was asked to fix.
    pub problems: Vec<RepairProblem>,
    /// The head of the change that had the problems.
    pub before: String,
    /// The head of the change when the checks ran next; null until then.
    #[schema(required)]
    pub after: Option<String>,
    /// Whether none of the problems was left then; null until then.
    #[schema(required)]
    pub fixed: Option<bool>,
    pub started_at: String,
    /// When the checks had run again; null until then.
    #[schema(required)]
    pub ended_at: Option<String>,
}

/// A problem that a session was asked to fix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RepairProblem {
    pub kind: ProblemKind,
    /// The command of the check, or the id of the finding.
    pub name: String,
    /// The end of the command's output, or the finding in words.
    pub details: String,
}

/// A planned task of a change under review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ItemView {
    pub index: usize,
    /// As displayed in the plan.
    pub number: String,
    pub title: String,
    pub status: UnitStatus,
    pub evidence: EvidenceView,
}

/// A check command's result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CheckView {
    pub command: String,
    pub passed: bool,
    #[schema(required)]
    pub exit_code: Option<i32>,
    /// The end of what it printed.
    pub output: String,
    pub took_ms: u64,
    pub at: String,
    /// Whether it fails on the base branch, too, without the change.
    #[serde(default)]
    pub fails_on_base: bool,
}

/// A task of any kind: what a spec task has, and the words of plain tasks for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PlainTask {
    #[serde(flatten)]
    pub task: SpecTask,
    /// The kind of the task; the same as `type`.
    pub task_type: TaskKind,
    /// The id of its owner.
    pub user_id: String,
    pub config: Value,
}
