//! The task of a crew: its plan, and the planned task of the session that asks.

use super::member::{Member, shortened};
use crate::request::path::Path;
use crate::request::problem::Problem;
use axum::Json;
use axum::extract::State;
use engine::App;
use engine::insight::views;
use serde::Serialize;
use utoipa::ToSchema;
use workflow::{SessionStatus, Task, TaskStatus, Unit, UnitStatus};

/// How much of a longer text is shown, in bytes.
const MAX_TEXT: usize = 8 * 1024;
/// How many planned tasks are shown.
const MAX_UNITS: usize = 200;

/// A task as a member of its crew sees it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CrewTask {
    spec_task_id: String,
    name: String,
    status: TaskStatus,
    /// The prompt of the task.
    prompt: String,
    /// The planned tasks, in order.
    plan: Vec<CrewPlanItem>,
    /// The planned task of the session that asks; null for a person and for sessions without a planned task.
    #[schema(required)]
    planned_task: Option<CrewPlannedTask>,
    /// The session that asks; null for a person.
    #[schema(required)]
    session: Option<CrewSelf>,
}

/// A planned task in a few words.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CrewPlanItem {
    number: String,
    title: String,
    status: UnitStatus,
    /// The session that carries it out.
    #[schema(required)]
    session_id: Option<String>,
}

/// A planned task in full.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CrewPlannedTask {
    number: String,
    title: String,
    description: String,
    acceptance_criteria: String,
    /// The acceptance criteria of the requirements that it fulfils.
    requirements: Vec<String>,
    /// The paths that it may touch.
    boundary: Vec<String>,
}

/// The session that asks.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CrewSelf {
    /// The id of the session.
    session_id: String,
    name: String,
    status: SessionStatus,
    #[schema(required)]
    branch: Option<String>,
    /// How many messages wait for it.
    unread_messages: usize,
}

/// Shows the task of a crew: the plan, and what the session that asks carries out.
#[utoipa::path(get, path = "/spec-tasks/{id}/crew/task", tag = "coordination", params(("id" = String, Path)),
    responses((status = 200, body = CrewTask), (status = 404, body = Problem)))]
pub(crate) async fn read(
    State(app): State<App>,
    member: Member,
    Path(id): Path<String>,
) -> Result<Json<CrewTask>, Problem> {
    let task = member.task(&app, &id).await?;
    let session = member.session.as_ref().and_then(|id| task.session(id));
    let unit = session.and_then(|session| session.unit).and_then(|index| task.units().get(index));
    let requirements = match unit {
        Some(_) => views::in_force(&app, &task).await?.map(|found| found.requirements).unwrap_or_default(),
        None => String::new(),
    };
    Ok(Json(CrewTask {
        spec_task_id: task.id.to_string(),
        name: task.name.clone(),
        status: task.status(),
        prompt: shortened(&task.prompt, MAX_TEXT),
        plan: task.units().iter().take(MAX_UNITS).map(|unit| plan_item(&task, unit)).collect(),
        planned_task: unit.map(|unit| CrewPlannedTask {
            number: unit.number.clone(),
            title: unit.title.clone(),
            description: shortened(&unit.description, MAX_TEXT),
            acceptance_criteria: shortened(&unit.acceptance_criteria, MAX_TEXT),
            requirements: workflow::prompts::cited_criteria(&requirements, &unit.requirements),
            boundary: unit.boundary.clone(),
        }),
        session: session.map(|session| CrewSelf {
            session_id: session.id.to_string(),
            name: session.name.clone(),
            status: task.session_status(session),
            branch: session.branch.clone(),
            unread_messages: task.unread(&session.id).len(),
        }),
    }))
}

fn plan_item(task: &Task, unit: &Unit) -> CrewPlanItem {
    CrewPlanItem {
        number: unit.number.clone(),
        title: unit.title.clone(),
        status: task.unit_status(unit.index),
        session_id: task.session_of_unit(unit.index).map(|session| session.id.to_string()),
    }
}
