//! A task as clients see it.

use super::{evidence, rfc3339};
use protocol::feed::TaskUpdate;
use protocol::{BudgetView, ChangeView, CheckView, ItemView, LastError, SpecTask, UsageView};
use store::Revision;
use workflow::{
    Budget, CheckResult, EvidenceState, Failure, Landing, Phase, SessionPhase, Task, TaskStatus, Unit,
    UnitStatus, Usage,
};

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

/// A task in its surroundings.
pub fn spec_task(task: &Task, scene: Scene) -> SpecTask {
    let approved = task.approved();
    let documents = scene.documents;
    let text = |part: fn(&Revision) -> &String| documents.as_ref().map(part).cloned().into();
    SpecTask {
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
        project_path: scene.project_path.into(),
        workspace_config: task.workspace_config.clone().unwrap_or_else(|| serde_json::json!({})),
        complexity: task.complexity,
        queue_reason: queue_reason(task, scene.obstacle).or(scene.waits),
        planned: task.planned,
        waits_for_person: task.is_waiting_for_user(),
        needs_person: task.needs_person(),
        template: task.template.as_ref().map(|template| template.name.clone()),
        last_error: task.last_error.as_ref().map(last_error),
        attempts: task.attempts,
        spec_approved_by: approved.map(|approved| approved.by.clone()),
        spec_approved_at: approved.map(|approved| rfc3339(approved.at)),
        spec_revision_count: task.revisions,
        labels: task.labels.clone(),
        depends_on: task.depends_on.iter().map(ToString::to_string).collect(),
        paused_by: task.paused.as_ref().map(|paused| paused.by.clone()),
        paused_at: task.paused.as_ref().map(|paused| rfc3339(paused.at)),
        progress: task.progress(),
        usage: usage(task.usage),
        budget: task.budget.map(budget),
        pull_request: None,
        merge_commit: match &task.phase {
            Phase::Done { merged, .. } => merged.as_ref().map(ToString::to_string),
            _ => None,
        },
        change: task.change().map(|change| self::change(task, change)),
        archived: task.archived,
        created_by: task.owner.to_string(),
        created_at: rfc3339(task.created_at),
        updated_at: rfc3339(task.updated_at),
        started_at: task.started_at.map(rfc3339),
        completed_at: task.completed_at.map(rfc3339),
        version: task.version,
    }
}

pub(super) fn last_error(failure: &Failure) -> LastError {
    LastError { code: failure.class, message: failure.message.clone(), at: rfc3339(failure.at) }
}

/// What was spent.
pub fn usage(usage: Usage) -> UsageView {
    let Usage { input_tokens, output_tokens, cached_tokens, cost_usd } = usage;
    UsageView { input_tokens, output_tokens, cached_tokens, cost_usd: cost_usd.map(rounded_cost) }
}

/// A sum of costs without the noise of its summation: to a millionth of a dollar.
fn rounded_cost(usd: f64) -> f64 {
    (usd * 1e6).round() / 1e6
}

fn budget(budget: Budget) -> BudgetView {
    BudgetView { max_cost_usd: budget.max_cost_usd, max_tokens: budget.max_tokens }
}

fn change(task: &Task, change: &workflow::Change) -> ChangeView {
    let approved_by = match &task.phase {
        Phase::ImplementationReview { landing: Landing::Merging { by, .. }, .. } => Some(by.clone()),
        _ => None,
    };
    let checks = change.checks.iter().map(check);
    let mut items: Vec<ItemView> = task.units().iter().map(|unit| item(task, unit)).collect();
    let doubt = |item: &ItemView| match item.evidence.state {
        Some(EvidenceState::NotReported) => 0,
        Some(EvidenceState::Claimed) => 1,
        Some(EvidenceState::Done) | None => 2,
    };
    items.sort_by_key(|item| (doubt(item), item.index));
    let is_empty = task.is_change_empty();
    ChangeView { head: change.head.to_string(), is_empty, approved_by, checks: checks.collect(), items }
}

/// A check command's result.
pub fn check(check: &CheckResult) -> CheckView {
    CheckView {
        command: check.command.clone(),
        passed: check.passed,
        exit_code: check.exit_code,
        output: check.output.clone(),
        took_ms: check.took_ms,
        at: rfc3339(check.at),
    }
}

fn item(task: &Task, unit: &Unit) -> ItemView {
    let status = task.unit_status(unit.index);
    ItemView {
        index: unit.index,
        number: unit.number.clone(),
        title: unit.title.clone(),
        status,
        evidence: evidence(&task.evidence(unit.index, status == UnitStatus::Completed)),
    }
}

/// What a task waits for: a place, or in a conversation, a person.
fn queue_reason(task: &Task, obstacle: Option<String>) -> Option<String> {
    let said = || {
        let wait = if task.is_conversation() {
            "Waiting for your reply."
        } else {
            "Waiting for your answer to an agent."
        };
        task.is_waiting_for_user().then(|| wait.to_owned())
    };
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
pub fn task_update(task: &Task) -> TaskUpdate {
    spec_task(task, Scene::default()).into()
}
