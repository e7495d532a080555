//! The fleet: what every agent is doing now.

use super::caller::Caller;
use super::problem::Problem;
use super::scenes;
use crate::App;
use crate::clock::now;
use crate::documents::{ChecklistItem, ChecklistView};
use crate::wire::rfc3339;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use workflow::{Session, SessionPhase, SessionState, SessionStatus, Task};

/// How many items are shown around the current one.
const AROUND: usize = 3;

/// Every agent at work.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Fleet {
    agents: Vec<FleetAgent>,
    timestamp: String,
}

/// One agent thread and where it is in its list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FleetAgent {
    agent_id: String,
    task_id: String,
    task_name: String,
    #[schema(schema_with = crate::wire::session_phase)]
    phase: SessionPhase,
    work_session_id: String,
    session_name: String,
    #[schema(required)]
    current_task: Option<FleetItem>,
    task_list: Vec<FleetItem>,
    tasks_before: Vec<FleetItem>,
    tasks_after: Vec<FleetItem>,
    progress: f64,
    last_update: String,
}

/// An item of the list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct FleetItem {
    index: usize,
    #[schema(required)]
    number: Option<String>,
    description: String,
    status: String,
    #[schema(required)]
    started_at: Option<String>,
}

/// Shows what every agent of the caller's is doing now.
#[utoipa::path(get, path = "/agents/fleet/live-progress", tag = "fleet", responses((status = 200, body = Fleet)))]
pub(crate) async fn live(State(app): State<App>, caller: Caller) -> Result<Json<Fleet>, Problem> {
    let mut agents = Vec::new();
    for task in app.store.live_tasks().await?.into_iter().filter(|task| task.owner == *caller.id()) {
        let active: Vec<&Session> = task
            .sessions
            .iter()
            .filter(|session| task.session_status(session) == SessionStatus::Active)
            // What waits for a person's words is nobody's work.
            .filter(|session| session.state != SessionState::Idle)
            .collect();
        if active.is_empty() {
            continue;
        }
        let checklist = scenes::checklist(&app, &task).await.unwrap_or_default();
        agents.extend(active.into_iter().map(|session| card(&task, session, &checklist)));
    }
    Ok(Json(Fleet { agents, timestamp: rfc3339(now()) }))
}

fn card(task: &Task, session: &Session, checklist: &ChecklistView) -> FleetAgent {
    let started = session.started_at.map(rfc3339);
    let item = |item: &ChecklistItem| FleetItem {
        index: item.index,
        number: item.number.clone(),
        description: item.description.clone(),
        status: item.status.clone(),
        started_at: (item.status == "in_progress").then(|| started.clone()).flatten(),
    };
    let own: Vec<FleetItem> = match session.unit.and_then(|index| task.units().get(index)) {
        Some(unit) => {
            let inside = format!("{}.", unit.number);
            let mine = |found: &&ChecklistItem| {
                found
                    .number
                    .as_ref()
                    .is_some_and(|number| number.starts_with(&inside) || *number == unit.number)
            };
            let found: Vec<&ChecklistItem> = checklist.tasks.iter().filter(mine).collect();
            // A planned task with sub-tasks is shown by these; its own line is the card's title.
            let has_parts = found.iter().any(|item| item.number.as_ref() != Some(&unit.number));
            found
                .into_iter()
                .filter(|found| !has_parts || found.number.as_ref() != Some(&unit.number))
                .map(item)
                .collect()
        }
        None => planning_steps(task, started.as_deref()),
    };
    let at = own.iter().position(|item| item.status == "in_progress");
    let at = at.or_else(|| own.iter().position(|item| item.status == "pending"));
    let split = at.unwrap_or(own.len());
    let done = own.iter().filter(|item| item.status == "completed").count();
    #[expect(clippy::cast_precision_loss, reason = "a plan has few items")]
    let progress = if own.is_empty() { 0.0 } else { done as f64 / own.len() as f64 };
    FleetAgent {
        agent_id: session.agent.clone(),
        task_id: task.id.to_string(),
        task_name: task.name.clone(),
        phase: session.phase,
        work_session_id: session.id.to_string(),
        session_name: session.shown_name().to_owned(),
        current_task: at
            .map(|at| FleetItem { started_at: own[at].started_at.clone().or(started), ..own[at].clone() }),
        tasks_before: own[split.saturating_sub(AROUND)..split].to_vec(),
        tasks_after: own.iter().skip(split + 1).take(AROUND).cloned().collect(),
        task_list: own,
        progress,
        last_update: rfc3339(session.updated_at),
    }
}

/// What a planning session goes through, which no checklist says.
fn planning_steps(task: &Task, started: Option<&str>) -> Vec<FleetItem> {
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
    ["Prepare the repository", "Write requirements, design and plan", "Validate and commit the documents"]
        .iter()
        .enumerate()
        .map(|(index, description)| {
            let status = match index.cmp(&at) {
                std::cmp::Ordering::Less => "completed",
                std::cmp::Ordering::Equal => "in_progress",
                std::cmp::Ordering::Greater => "pending",
            };
            FleetItem {
                index,
                number: None,
                description: (*description).to_owned(),
                status: status.to_owned(),
                started_at: (index == at).then(|| started.map(str::to_owned)).flatten(),
            }
        })
        .collect()
}
