//! The fleet: the present work of every agent.

use crate::request::caller::Caller;
use crate::request::problem::Problem;
use axum::Json;
use axum::extract::State;
use engine::App;
use engine::clock::now;
use engine::clock::rfc3339;
use engine::insight::views;
use engine::wire;
use protocol::words::ItemStatus;
use protocol::{ChecklistItem, ChecklistView};
use serde::Serialize;
use utoipa::ToSchema;
use workflow::{PlanEntry, Session, SessionGraph, SessionPhase, SessionState, SessionStatus, Task};

/// How many items are shown around the current one.
const NEIGHBORS: usize = 3;

/// Every agent at work.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Fleet {
    agents: Vec<FleetAgent>,
    timestamp: String,
}

/// One agent thread and where it is in its list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FleetAgent {
    /// The agent instance that serves the session.
    agent_id: String,
    /// The configured agent that it is.
    agent: String,
    task_id: String,
    /// The short form of the task's id, such as `SPEC-12`.
    task_short_id: String,
    task_name: String,
    phase: SessionPhase,
    work_session_id: String,
    session_name: String,
    #[schema(required)]
    current_task: Option<FleetItem>,
    /// The items of this session: the sub-tasks of its planned task, else its agent's own plan, else its steps.
    task_list: Vec<FleetItem>,
    /// The items before and after the current one in the plan of the whole task.
    tasks_before: Vec<FleetItem>,
    tasks_after: Vec<FleetItem>,
    progress: f64,
    /// The reason why the session waits, as a sentence; null while its agent works.
    #[schema(required)]
    queue_reason: Option<String>,
    /// When its turn is retried or a limit of its agent ends, while it waits for that.
    #[schema(required)]
    waits_until: Option<String>,
    last_update: String,
}

/// An item of the list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct FleetItem {
    index: usize,
    #[schema(required)]
    number: Option<String>,
    description: String,
    status: ItemStatus,
    /// When work on the item began, while it is in progress.
    #[schema(required)]
    started_at: Option<String>,
}

/// Shows what every agent of the caller's is doing now.
#[utoipa::path(get, path = "/agents/fleet/live-progress", tag = "fleet", responses((status = 200, body = Fleet)))]
pub(crate) async fn live(State(app): State<App>, caller: Caller) -> Result<Json<Fleet>, Problem> {
    let mut agents = Vec::new();
    for task in app.store.live_tasks().await?.into_iter().filter(|task| caller.covers(task)) {
        let active: Vec<&Session> = task
            .sessions
            .iter()
            .filter(|session| task.session_status(session) == SessionStatus::Active)
            // A session that waits for a person's message is not at work.
            .filter(|session| session.state != SessionState::Idle)
            .collect();
        if active.is_empty() {
            continue;
        }
        let checklist = views::checklist(&app, &task).await.unwrap_or_default();
        let graph = SessionGraph::of(&task);
        agents.extend(active.into_iter().map(|session| {
            let queue_reason = graph.waits_for(session);
            FleetAgent { queue_reason, ..card(&task, session, &checklist) }
        }));
    }
    Ok(Json(Fleet { agents, timestamp: rfc3339(now()) }))
}

fn card(task: &Task, session: &Session, checklist: &ChecklistView) -> FleetAgent {
    let plan = leaves(checklist);
    let (own, of_plan) = own_items(task, session, checklist);
    let at = own.iter().position(|item| item.status == ItemStatus::InProgress);
    let at = at.or_else(|| own.iter().position(|item| item.status == ItemStatus::Pending));
    let since = session.item_since.or(session.started_at).map(rfc3339);
    let current =
        at.map(|at| FleetItem { started_at: own[at].started_at.clone().or(since), ..own[at].clone() });
    // The context of an item is that of the plan, for each session that carries it out.
    let of_task = current.as_ref().filter(|_| of_plan);
    let of_task = of_task.and_then(|current| plan.iter().position(|item| item.index == current.index));
    let (around, at) = match of_task {
        Some(at) => (plan.as_slice(), at),
        None => (own.as_slice(), at.unwrap_or(own.len())),
    };
    let done = own.iter().filter(|item| item.status == ItemStatus::Completed).count();
    FleetAgent {
        agent_id: workflow::InstanceId::of(&task.id).to_string(),
        agent: session.agent.clone(),
        task_id: task.id.to_string(),
        task_short_id: task.shown_id().to_owned(),
        task_name: task.name.clone(),
        phase: session.phase,
        work_session_id: session.id.to_string(),
        session_name: session.display_name().to_owned(),
        tasks_before: around[at.saturating_sub(NEIGHBORS)..at].to_vec(),
        tasks_after: around.iter().skip(at + 1).take(NEIGHBORS).cloned().collect(),
        progress: match session.phase {
            SessionPhase::Planning => workflow::share(done, own.len()),
            SessionPhase::Implementation | SessionPhase::Validation => task.session_progress(session),
        },
        current_task: current,
        task_list: own,
        queue_reason: None,
        waits_until: session.retry_at.map(rfc3339),
        last_update: rfc3339(session.updated_at),
    }
}

/// Returns a session's own items, and whether they are lines of the task's plan.
fn own_items(task: &Task, session: &Session, checklist: &ChecklistView) -> (Vec<FleetItem>, bool) {
    let mut of_plan: Vec<FleetItem> = Vec::new();
    for unit in task.units_of(session) {
        let own = checklist.tasks.iter().position(|item| item.number.as_ref() == Some(&unit.number));
        let Some(own) = own else { continue };
        let depth = checklist.tasks[own].depth;
        let parts = || checklist.tasks[own + 1..].iter().take_while(|item| item.depth > depth);
        if parts().next().is_some() {
            // A planned task with sub-tasks is shown by these; its own line is the card's title.
            of_plan.extend(parts().map(FleetItem::of));
        } else if session.plan.is_empty() {
            of_plan.push(FleetItem::of(&checklist.tasks[own]));
        }
    }
    if !of_plan.is_empty() {
        return (of_plan, true);
    }
    if !session.plan.is_empty() {
        let item = |(index, entry): (usize, &PlanEntry)| FleetItem {
            index,
            number: None,
            description: entry.content.clone(),
            status: wire::plan_entry_status(entry),
            started_at: None,
        };
        return (session.plan.iter().enumerate().map(item).collect(), false);
    }
    let steps = if session.phase == SessionPhase::Planning { planning_steps(task) } else { steps(session) };
    (steps, false)
}

/// Returns the items of a checklist that have no parts, in the order of the plan.
fn leaves(checklist: &ChecklistView) -> Vec<FleetItem> {
    let has_parts =
        |at: usize| checklist.tasks.get(at + 1).is_some_and(|next| next.depth > checklist.tasks[at].depth);
    (0..checklist.tasks.len())
        .filter(|at| !has_parts(*at))
        .map(|at| FleetItem::of(&checklist.tasks[at]))
        .collect()
}

impl FleetItem {
    fn of(item: &ChecklistItem) -> Self {
        Self {
            index: item.index,
            number: item.number.clone(),
            description: item.description.clone(),
            status: item.status,
            started_at: None,
        }
    }
}

/// Returns what a planning session goes through, which no checklist says.
fn planning_steps(task: &Task) -> Vec<FleetItem> {
    use workflow::{Phase, PlanningStep};
    let step = match &task.phase {
        Phase::SpecGeneration { planning } => planning.step,
        _ => PlanningStep::Waiting,
    };
    let at = match step {
        PlanningStep::Waiting | PlanningStep::Preparing => 0,
        PlanningStep::Writing => 1,
        PlanningStep::Committing => 2,
    };
    let steps = [
        "Prepare the repository",
        "Write requirements, design and plan",
        "Validate and commit the documents",
    ];
    in_progress_at(&steps, at)
}

/// Returns what a session without items of its own goes through.
fn steps(session: &Session) -> Vec<FleetItem> {
    let at = match session.state {
        SessionState::Pending | SessionState::Opening => 0,
        SessionState::Working { .. } | SessionState::External { .. } | SessionState::Idle => 1,
        SessionState::Saving { .. } => 2,
        SessionState::WaitingToMerge | SessionState::Merging => 3,
        SessionState::Completed
        | SessionState::Failed { .. }
        | SessionState::Skipped
        | SessionState::Cancelled => 4,
    };
    let name = session.display_name();
    in_progress_at(&["Open the worktree", name, "Commit the work", "Merge it into the task's branch"], at)
}

/// Steps of which those before one are completed and that one is in progress.
fn in_progress_at(steps: &[&str], at: usize) -> Vec<FleetItem> {
    let step = |(index, description): (usize, &&str)| FleetItem {
        index,
        number: None,
        description: (*description).to_owned(),
        status: match index.cmp(&at) {
            std::cmp::Ordering::Less => ItemStatus::Completed,
            std::cmp::Ordering::Equal => ItemStatus::InProgress,
            std::cmp::Ordering::Greater => ItemStatus::Pending,
        },
        started_at: None,
    };
    steps.iter().enumerate().map(step).collect()
}
