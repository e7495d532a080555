//! A task as clients see it.

use super::evidence::EvidenceView;
use super::rfc3339;
use serde::Serialize;
use serde_json::Value;
use store::Revision;
use utoipa::ToSchema;
use workflow::{
    Budget, CheckResult, Complexity, Failure, FailureClass, Landing, Phase, Priority, SessionPhase, Task,
    TaskKind, TaskStatus, Unit, UnitStatus, Usage,
};

/// A task: one prompt on its way to merged work.
#[expect(clippy::struct_excessive_bools, reason = "each is a word of the contract with clients")]
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct SpecTask {
    pub id: String,
    pub project_id: String,
    pub name: String,
    pub description: String,
    #[serde(rename = "type")]
    #[schema(schema_with = super::task_kind)]
    pub kind: TaskKind,
    #[schema(schema_with = super::priority)]
    pub priority: Priority,
    #[schema(schema_with = super::task_status)]
    pub status: TaskStatus,
    pub original_prompt: String,
    /// requirements.md of the documents in force; lists leave the three documents out.
    #[schema(required)]
    pub requirements_spec: Option<String>,
    /// design.md of the documents in force.
    #[schema(required)]
    pub technical_design: Option<String>,
    /// tasks.md of the documents in force.
    #[schema(required)]
    pub implementation_plan: Option<String>,
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
    #[schema(required)]
    pub project_path: Option<String>,
    pub workspace_config: Value,
    #[schema(schema_with = super::complexity)]
    pub complexity: Complexity,
    /// What the task waits for, while it waits.
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
    /// Who stopped its agents, until a person resumes it.
    #[schema(required)]
    pub paused_by: Option<String>,
    #[schema(required)]
    pub paused_at: Option<String>,
    /// The share of its items that is done, 0 to 1: lines of the living checklist, or sessions where there is none.
    pub progress: f64,
    pub usage: UsageView,
    /// What it may spend, where that is limited.
    #[schema(required)]
    pub budget: Option<BudgetView>,
    #[schema(required)]
    pub pull_request: Option<PullRequest>,
    /// The commit by which it landed on its base branch.
    #[schema(required)]
    pub merge_commit: Option<String>,
    /// What the sessions made and how the checks went, from the review on.
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

/// What went wrong last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct LastError {
    #[schema(schema_with = super::failure_class)]
    pub code: FailureClass,
    pub message: String,
    pub at: String,
}

/// What was spent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct UsageView {
    pub input_tokens: u64,
    pub output_tokens: u64,
    pub cached_tokens: u64,
    #[schema(required)]
    pub cost_usd: Option<f64>,
}

/// What may be spent.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct BudgetView {
    #[schema(required)]
    pub max_cost_usd: Option<f64>,
    #[schema(required)]
    pub max_tokens: Option<u64>,
}

/// A pull request on a forge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PullRequest {
    pub url: String,
    pub number: u64,
    pub state: String,
}

/// The change under review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ChangeView {
    /// The commit that a decision is about.
    pub head: String,
    /// Whether no session changed a file; approving it needs `allow_empty`.
    pub is_empty: bool,
    /// Who approved it, while it is being merged.
    #[schema(required)]
    pub approved_by: Option<String>,
    pub checks: Vec<CheckView>,
    /// The planned tasks with what stands behind them; those that are not reported or only claimed come first.
    pub items: Vec<ItemView>,
}

/// A planned task of a change under review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ItemView {
    pub index: usize,
    /// As displayed in the plan.
    pub number: String,
    pub title: String,
    #[schema(schema_with = super::unit_status)]
    pub status: UnitStatus,
    pub evidence: EvidenceView,
}

/// A check command's result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct CheckView {
    pub command: String,
    pub passed: bool,
    #[schema(required)]
    pub exit_code: Option<i32>,
    /// The end of what it printed.
    pub output: String,
    pub took_ms: u64,
    pub at: String,
}

/// What surrounds a task and is not in its state.
#[derive(Clone, Debug, Default)]
pub struct Scene {
    pub project_path: Option<String>,
    pub documents: Option<Revision>,
    /// What keeps the server from working.
    pub obstacle: Option<String>,
    /// Why a step failed that is about to be tried again.
    pub waits: Option<String>,
}

impl SpecTask {
    pub fn of(task: &Task, scene: Scene) -> Self {
        let approved = task.approved();
        let documents = scene.documents;
        let text = |part: fn(&Revision) -> &String| documents.as_ref().map(part).cloned();
        Self {
            id: task.id.to_string(),
            project_id: task.project.to_string(),
            name: task.name.clone(),
            description: task.description.clone(),
            kind: task.kind,
            priority: task.priority,
            status: task.status(),
            original_prompt: task.prompt.clone(),
            requirements_spec: text(|found| &found.requirements),
            technical_design: text(|found| &found.design),
            implementation_plan: text(|found| &found.tasks),
            spec_agent: task.spec_agent.clone(),
            implementation_agent: task.implementation_agent.clone(),
            spec_session_id: task
                .sessions
                .iter()
                .find(|session| session.phase == SessionPhase::Planning)
                .map(|session| session.helix_session.to_string()),
            branch_name: has_branch(task).then(|| task.branch()),
            base_branch: task.base_branch.clone(),
            zed_instance_id: crate::instances::served_by(task),
            project_path: scene.project_path,
            workspace_config: task.workspace_config.clone().unwrap_or_else(|| serde_json::json!({})),
            complexity: task.complexity,
            queue_reason: queue_reason(task, scene.obstacle).or(scene.waits),
            planned: task.planned,
            waits_for_person: task.is_waiting_for_user(),
            needs_person: task.needs_person(),
            template: task.template.as_ref().map(|template| template.name.clone()),
            last_error: task.last_error.as_ref().map(LastError::of),
            attempts: task.attempts,
            spec_approved_by: approved.map(|approved| approved.by.clone()),
            spec_approved_at: approved.map(|approved| rfc3339(approved.at)),
            spec_revision_count: task.revisions,
            labels: task.labels.clone(),
            depends_on: task.depends_on.iter().map(ToString::to_string).collect(),
            paused_by: task.paused.as_ref().map(|paused| paused.by.clone()),
            paused_at: task.paused.as_ref().map(|paused| rfc3339(paused.at)),
            progress: task.progress(),
            usage: UsageView::of(task.usage),
            budget: task.budget.map(BudgetView::of),
            pull_request: None,
            merge_commit: match &task.phase {
                Phase::Done { merged, .. } => merged.as_ref().map(ToString::to_string),
                _ => None,
            },
            change: task.change().map(|change| ChangeView::of(task, change)),
            archived: task.archived,
            created_by: task.owner.to_string(),
            created_at: rfc3339(task.created_at),
            updated_at: rfc3339(task.updated_at),
            started_at: task.started_at.map(rfc3339),
            completed_at: task.completed_at.map(rfc3339),
            version: task.version,
        }
    }
}

impl LastError {
    pub fn of(failure: &Failure) -> Self {
        Self { code: failure.class, message: failure.message.clone(), at: rfc3339(failure.at) }
    }
}

impl UsageView {
    pub fn of(usage: Usage) -> Self {
        let Usage { input_tokens, output_tokens, cached_tokens, cost_usd } = usage;
        Self { input_tokens, output_tokens, cached_tokens, cost_usd: cost_usd.map(rounded_cost) }
    }
}

/// A sum of costs without the noise of its summation: to a millionth of a dollar.
fn rounded_cost(usd: f64) -> f64 {
    (usd * 1e6).round() / 1e6
}

impl BudgetView {
    pub fn of(budget: Budget) -> Self {
        Self { max_cost_usd: budget.max_cost_usd, max_tokens: budget.max_tokens }
    }
}

impl ChangeView {
    pub fn of(task: &Task, change: &workflow::Change) -> Self {
        let approved_by = match &task.phase {
            Phase::ImplementationReview { landing: Landing::Merging { by, .. }, .. } => Some(by.clone()),
            _ => None,
        };
        let checks = change.checks.iter().map(CheckView::of);
        let mut items: Vec<ItemView> = task.units().iter().map(|unit| ItemView::of(task, unit)).collect();
        let doubt = |item: &ItemView| match item.evidence.state.as_deref() {
            Some("not_reported") => 0,
            Some("claimed") => 1,
            _ => 2,
        };
        items.sort_by_key(|item| (doubt(item), item.index));
        let is_empty = task.is_change_empty();
        Self { head: change.head.to_string(), is_empty, approved_by, checks: checks.collect(), items }
    }
}

impl CheckView {
    pub fn of(check: &CheckResult) -> Self {
        Self {
            command: check.command.clone(),
            passed: check.passed,
            exit_code: check.exit_code,
            output: check.output.clone(),
            took_ms: check.took_ms,
            at: rfc3339(check.at),
        }
    }
}

impl ItemView {
    pub fn of(task: &Task, unit: &Unit) -> Self {
        let status = task.unit_status(unit.index);
        Self {
            index: unit.index,
            number: unit.number.clone(),
            title: unit.title.clone(),
            status,
            evidence: EvidenceView::of(&task.evidence(unit.index, status == UnitStatus::Completed)),
        }
    }
}

/// What a task waits for: a place, or in a conversation, a person.
fn queue_reason(task: &Task, obstacle: Option<String>) -> Option<String> {
    let said = || task.is_waiting_for_user().then(|| "Waiting for your reply.".to_owned());
    let is_held_up =
        !task.needs_person() && !task.status().is_terminal() && task.status() != TaskStatus::Backlog;
    let held_up = || obstacle.filter(|_| is_held_up);
    held_up().or_else(|| task.queue_reason.clone()).or_else(said)
}

/// Whether the branch of the change is cut: at approval, else with the first session.
fn has_branch(task: &Task) -> bool {
    let works = |session: &workflow::Session| session.is_crew() && session.turns > 0;
    task.approved().is_some() || task.sessions.iter().any(works)
}

/// A task as watchers get it: without the documents and what only a lookup knows.
pub fn task_updates(task: &Task) -> Value {
    let mut news = serde_json::to_value(SpecTask::of(task, Scene::default())).unwrap_or_default();
    if let Some(fields) = news.as_object_mut() {
        for field in ["requirements_spec", "technical_design", "implementation_plan", "project_path"] {
            fields.remove(field);
        }
    }
    news
}
