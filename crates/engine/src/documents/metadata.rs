//! spec-metadata.json: made with the documents, and written again along with the record.

use crate::App;
use crate::clock::rfc3339;
use serde_json::{Map, Value};
use store::StoreError;
use workflow::records::metadata::{Facts, PlannedUnit, render};
use workflow::{Complexity, Specs, Task, TaskStatus, UnitStatus};

/// Returns the file for some documents of a task, with what else programs want to find in it.
pub async fn of(
    app: &App,
    task: &Task,
    specs: &Specs,
    status: TaskStatus,
    custom: Map<String, Value>,
) -> Result<String, StoreError> {
    Ok(render(&facts(app, task, specs, status, custom).await?))
}

/// Returns the file as the task is now, in place of one for the same documents.
pub(crate) async fn again(
    app: &App,
    task: &Task,
    specs: &Specs,
    before: &Value,
) -> Result<String, StoreError> {
    let custom = before["custom_metadata"].as_object().cloned().unwrap_or_default();
    let mut facts = facts(app, task, specs, task.status(), custom).await?;
    if let Some(at) = before["generated_at"].as_str().filter(|_| is_of(before, specs)) {
        at.clone_into(&mut facts.generated_at);
    }
    Ok(render(&facts))
}

/// Returns whether a file is for some documents.
pub fn is_of(file: &Value, specs: &Specs) -> bool {
    file["content_hash"].as_str() == Some(&specs.hash)
}

async fn facts(
    app: &App,
    task: &Task,
    specs: &Specs,
    status: TaskStatus,
    custom: Map<String, Value>,
) -> Result<Facts, StoreError> {
    let project = app.store.project(&task.project).await?;
    let approved = task.approved();
    // Sessions carry out the plan that is in force.
    let is_in_force = task.specs().is_some_and(|in_force| in_force.hash == specs.hash);
    let units = specs.units.iter().map(|unit| {
        let session = task.session_of_unit(unit.index).filter(|_| is_in_force);
        PlannedUnit {
            unit: unit.clone(),
            status: session.map_or(UnitStatus::Pending, |_| task.unit_status(unit.index)).to_string(),
            assigned_session: session.map(|session| session.id.to_string()),
        }
    });
    Ok(Facts {
        spec_task_id: task.id.to_string(),
        short_id: task.short_id.as_ref().map(ToString::to_string),
        name: task.name.clone(),
        description: task.description.clone(),
        kind: task.kind.to_string(),
        priority: task.priority.to_string(),
        status: status.to_string(),
        created_by: task.owner.to_string(),
        created_at: rfc3339(task.created_at),
        updated_at: rfc3339(task.updated_at),
        spec_approved_by: approved.map(|approved| approved.by.clone()),
        spec_approved_at: approved.map(|approved| rfc3339(approved.at)),
        planning_agent: task.spec_agent.clone(),
        implementation_agent: task.implementation_agent.clone(),
        project_path: project.map(|project| project.repository_path),
        zed_instance_id: task.instance().map(|instance| instance.to_string()),
        generated_at: rfc3339(approved.map_or(task.updated_at, |approved| approved.at)),
        multi_session: task.complexity == Complexity::Complex,
        content_hash: specs.hash.clone(),
        units: units.collect(),
        custom,
    })
}
