//! spec-metadata.json: what programs want to know of a task's documents.

use crate::Unit;
use serde::Serialize;

/// What the file says.
#[derive(Clone, Debug)]
pub struct Facts {
    pub spec_task_id: String,
    pub name: String,
    pub description: String,
    pub kind: String,
    pub priority: String,
    pub status: String,
    pub created_by: String,
    pub created_at: String,
    pub updated_at: String,
    pub spec_approved_by: Option<String>,
    pub spec_approved_at: Option<String>,
    pub planning_agent: String,
    pub implementation_agent: String,
    pub project_path: Option<String>,
    pub zed_instance_id: Option<String>,
    pub generated_at: String,
    pub multi_session: bool,
    pub content_hash: String,
    pub units: Vec<Unit>,
}

#[derive(Serialize)]
struct Metadata<'f> {
    spec_task_id: &'f str,
    name: &'f str,
    description: &'f str,
    #[serde(rename = "type")]
    kind: &'f str,
    priority: &'f str,
    status: &'f str,
    created_by: &'f str,
    created_at: &'f str,
    updated_at: &'f str,
    spec_approved_by: Option<&'f str>,
    spec_approved_at: Option<&'f str>,
    planning_agent: &'f str,
    implementation_agent: &'f str,
    project_path: Option<&'f str>,
    zed_instance_id: Option<&'f str>,
    version: &'static str,
    format: &'static str,
    generated_at: &'f str,
    multi_session: bool,
    content_hash: &'f str,
    implementation_tasks: Vec<Planned<'f>>,
}

#[derive(Serialize)]
struct Planned<'f> {
    index: usize,
    uid: &'f str,
    title: &'f str,
    estimated_effort: &'f str,
    dependencies: &'f [usize],
    requirements: &'f [String],
    status: &'static str,
    assigned_session: Option<&'f str>,
}

/// Writes the file.
pub fn render(facts: &Facts) -> String {
    let planned = facts.units.iter().map(|unit| Planned {
        index: unit.index,
        uid: unit.id.as_str(),
        title: &unit.title,
        estimated_effort: &unit.effort,
        dependencies: &unit.dependencies,
        requirements: &unit.requirements,
        status: "pending",
        assigned_session: None,
    });
    let metadata = Metadata {
        spec_task_id: &facts.spec_task_id,
        name: &facts.name,
        description: &facts.description,
        kind: &facts.kind,
        priority: &facts.priority,
        status: &facts.status,
        created_by: &facts.created_by,
        created_at: &facts.created_at,
        updated_at: &facts.updated_at,
        spec_approved_by: facts.spec_approved_by.as_deref(),
        spec_approved_at: facts.spec_approved_at.as_deref(),
        planning_agent: &facts.planning_agent,
        implementation_agent: &facts.implementation_agent,
        project_path: facts.project_path.as_deref(),
        zed_instance_id: facts.zed_instance_id.as_deref(),
        version: "1.0",
        format: "kiro-style",
        generated_at: &facts.generated_at,
        multi_session: facts.multi_session,
        content_hash: &facts.content_hash,
        implementation_tasks: planned.collect(),
    };
    // A struct of texts and numbers always has a JSON form.
    serde_json::to_string_pretty(&metadata).unwrap_or_default() + "\n"
}
