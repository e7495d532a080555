//! A task as clients see it.

use super::evidence;
use crate::clock::rfc3339;
use crate::projects::daily_budget;
use protocol::feed::TaskUpdate;
use protocol::{
    BudgetView, ChangeView, CheckView, ItemView, LastError, RepairProblem, RepairView, SpecTask, UsageView,
};
use store::Revision;
use workflow::{
    Budget, CheckResult, EvidenceState, Failure, FailureClass, Landing, Millis, Phase, Session, SessionPhase,
    Task, TaskStatus, Unit, UnitStatus, Usage,
};

/// The context of a task that its state does not have.
#[derive(Clone, Debug, Default)]
pub struct TaskSurroundings {
    pub project_path: Option<String>,
    pub documents: Option<Revision>,
    /// The reason why the server cannot work.
    pub obstacle: Option<String>,
    /// Why a step failed that is about to be tried again.
    pub waits: Option<String>,
}

/// Returns a task in its surroundings.
pub fn spec_task(task: &Task, surroundings: TaskSurroundings) -> SpecTask {
    let approved = task.approved();
    let documents = surroundings.documents;
    let text = |part: fn(&Revision) -> &String| documents.as_ref().map(part).cloned().into();
    SpecTask {
        id: task.id.to_string(),
        short_id: task.shown_id().to_owned(),
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
        zed_instance_id: task.instance().map(|instance| instance.to_string()),
        project_path: surroundings.project_path.into(),
        agent_options: task.agent_options.clone(),
        workspace_config: task.workspace_config.clone().unwrap_or_else(|| serde_json::json!({})),
        complexity: task.complexity,
        queue_reason: queue_reason(task, surroundings.obstacle).or(surroundings.waits),
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

/// Returns what was spent.
pub fn usage(usage: Usage) -> UsageView {
    let Usage { input_tokens, output_tokens, cached_tokens, cost_usd } = usage;
    UsageView { input_tokens, output_tokens, cached_tokens, cost_usd: cost_usd.map(rounded_cost) }
}

/// Returns a sum of costs without the noise of its summation: to a millionth of a dollar.
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
    let repairs = task.repairs.iter().map(|repair| self::repair(task, repair)).collect();
    ChangeView {
        head: change.head.to_string(),
        is_empty,
        approved_by,
        checks: checks.collect(),
        items,
        repairs,
    }
}

fn repair(task: &Task, repair: &workflow::Repair) -> RepairView {
    let name = task.session(&repair.session).map_or("", |session| session.display_name());
    let outcome = repair.outcome.as_ref();
    let problem = |problem: &workflow::Problem| RepairProblem {
        kind: problem.kind,
        name: problem.name.clone(),
        details: problem.details.clone(),
    };
    RepairView {
        round: repair.round,
        work_session_id: repair.session.to_string(),
        session_name: name.to_owned(),
        problems: repair.problems.iter().map(problem).collect(),
        before: repair.head.to_string(),
        after: outcome.map(|outcome| outcome.head.to_string()),
        fixed: outcome.map(|outcome| outcome.is_fixed),
        started_at: rfc3339(repair.at),
        ended_at: outcome.map(|outcome| rfc3339(outcome.at)),
    }
}

/// Returns a check command's result.
pub fn check(check: &CheckResult) -> CheckView {
    CheckView {
        command: check.command.clone(),
        passed: check.passed,
        exit_code: check.exit_code,
        output: check.output.clone(),
        took_ms: check.took_ms,
        at: rfc3339(check.at),
        fails_on_base: check.fails_on_base,
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

/// Returns what a task waits for: a place, or in a conversation, a person.
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
    // A task whose sessions all wait says what the first of them waits for.
    let awaited = || {
        let rests = !task.sessions.iter().any(workflow::Session::has_work_in_flight);
        let first = task.awaiting_resources().into_iter().next().filter(|_| rests)?;
        first.resource_wait.clone()
    };
    held_up().or_else(|| task.queue_reason.clone()).or_else(awaited).or_else(said).or_else(|| limit(task))
}

/// Returns what a task waits for whose sessions at work all wait for the end of a limit, with the first end.
fn limit(task: &Task) -> Option<String> {
    let mut at_work = task.sessions.iter().filter(|session| session.has_work_in_flight()).peekable();
    at_work.peek()?;
    let mut first: Option<(Millis, &Session)> = None;
    for session in at_work {
        let failure = session.last_error.as_ref().filter(|failure| failure.class == FailureClass::Limit)?;
        let until = session.retry_at.filter(|until| *until >= failure.at)?;
        if first.is_none_or(|(at, _)| until < at) {
            first = Some((until, session));
        }
    }
    let (until, session) = first?;
    let said = session.last_error.as_ref().map_or("", |failure| failure.message.as_str());
    // A budget says by itself what is used up, and when it renews.
    if daily_budget::is_reason(said) {
        return Some(said.to_owned());
    }
    Some(format!("The agent {} reached a limit, and continues at {}: {said}", session.agent, rfc3339(until)))
}

/// Returns whether the branch of the change is cut: at approval, else with the first session.
fn has_branch(task: &Task) -> bool {
    let works = |session: &workflow::Session| session.is_crew() && session.turns > 0;
    task.approved().is_some() || task.sessions.iter().any(works)
}

/// Returns a task as watchers get it: without the documents and what only a lookup knows.
pub fn task_update(task: &Task) -> TaskUpdate {
    spec_task(task, TaskSurroundings::default()).into()
}
