//! spec-metadata.json: the metadata of a task's documents, for programs.

use crate::{ShortId, Unit};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// The content of the file.
#[derive(Clone, Debug)]
pub struct Facts {
    pub spec_task_id: String,
    pub short_id: Option<String>,
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
    pub units: Vec<PlannedUnit>,
    /// Further data for programs.
    pub custom: Map<String, Value>,
}

/// A planned task and how it stands.
#[derive(Clone, Debug)]
pub struct PlannedUnit {
    pub unit: Unit,
    pub status: String,
    /// The session that carries it out.
    pub assigned_session: Option<String>,
}

#[derive(Serialize)]
struct Metadata<'f> {
    spec_task_id: &'f str,
    short_id: Option<&'f str>,
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
    #[serde(skip_serializing_if = "Map::is_empty")]
    custom_metadata: &'f Map<String, Value>,
}

#[derive(Serialize)]
struct Planned<'f> {
    index: usize,
    uid: &'f str,
    title: &'f str,
    estimated_effort: &'f str,
    dependencies: &'f [usize],
    requirements: &'f [String],
    status: &'f str,
    assigned_session: Option<&'f str>,
}

/// Writes the file.
pub fn render(facts: &Facts) -> String {
    let planned = facts.units.iter().map(|PlannedUnit { unit, status, assigned_session }| Planned {
        index: unit.index,
        uid: unit.id.as_str(),
        title: &unit.title,
        estimated_effort: &unit.effort,
        dependencies: &unit.dependencies,
        requirements: &unit.requirements,
        status,
        assigned_session: assigned_session.as_deref(),
    });
    let metadata = Metadata {
        spec_task_id: &facts.spec_task_id,
        short_id: facts.short_id.as_deref(),
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
        custom_metadata: &facts.custom,
    };
    // A struct of texts and numbers always has a JSON form.
    serde_json::to_string_pretty(&metadata).unwrap_or_default() + "\n"
}

/// Returns the short id of the task that a file is about.
pub fn short_id(text: &str) -> Option<ShortId> {
    let file: Value = serde_json::from_str(text).ok()?;
    ShortId::parse(file["short_id"].as_str()?)
}

/// The JSON Schema of the file.
pub fn schema() -> String {
    let text = json!({ "type": "string" });
    let maybe = json!({ "type": ["string", "null"] });
    let texts = json!({ "type": "array", "items": text });
    let task = json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["index", "uid", "title", "estimated_effort", "dependencies", "requirements", "status", "assigned_session"],
        "properties": {
            "index": { "type": "integer", "minimum": 0 },
            "uid": text,
            "title": text,
            "estimated_effort": { "enum": ["small", "medium", "large"] },
            "dependencies": {
                "type": "array",
                "items": { "type": "integer", "minimum": 0 },
                "description": "Indices of the tasks that come first."
            },
            "requirements": texts,
            "status": text,
            "assigned_session": maybe,
        }
    });
    let mut properties = Map::new();
    for name in [
        "spec_task_id",
        "name",
        "description",
        "type",
        "priority",
        "status",
        "created_by",
        "created_at",
        "updated_at",
        "planning_agent",
        "implementation_agent",
        "generated_at",
        "content_hash",
    ] {
        properties.insert(name.to_owned(), text.clone());
    }
    for name in ["short_id", "spec_approved_by", "spec_approved_at", "project_path", "zed_instance_id"] {
        properties.insert(name.to_owned(), maybe.clone());
    }
    properties.insert("version".to_owned(), json!({ "const": "1.0" }));
    properties.insert("format".to_owned(), json!({ "const": "kiro-style" }));
    properties.insert("multi_session".to_owned(), json!({ "type": "boolean" }));
    properties.insert("implementation_tasks".to_owned(), json!({ "type": "array", "items": task }));
    let required: Vec<String> = properties.keys().cloned().collect();
    properties.insert("custom_metadata".to_owned(), json!({ "type": "object" }));
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "spec-metadata.json",
        "type": "object",
        "required": required,
        "properties": properties,
    });
    format!("{schema:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Unit, UnitId};

    #[test]
    fn the_schema_names_what_the_file_has() {
        let unit = Unit {
            id: UnitId("stit_1".to_owned()),
            index: 0,
            number: "1".to_owned(),
            title: "Do it".to_owned(),
            description: String::new(),
            acceptance_criteria: String::new(),
            effort: "small".to_owned(),
            optional: false,
            dependencies: Vec::new(),
            requirements: vec!["1.1".to_owned()],
            boundary: Vec::new(),
            resources: Vec::new(),
            completed_before: false,
        };
        let word = |word: &str| word.to_owned();
        let facts = Facts {
            spec_task_id: word("spec_1"),
            short_id: Some(word("SPEC-1")),
            name: word("Name"),
            description: word("What"),
            kind: word("feature"),
            priority: word("high"),
            status: word("approved"),
            created_by: word("ada"),
            created_at: word("2026-01-01T00:00:00Z"),
            updated_at: word("2026-01-01T00:00:00Z"),
            spec_approved_by: None,
            spec_approved_at: None,
            planning_agent: word("planner"),
            implementation_agent: word("coder"),
            project_path: None,
            zed_instance_id: None,
            generated_at: word("2026-01-01T00:00:00Z"),
            multi_session: true,
            content_hash: word("00"),
            units: vec![PlannedUnit {
                unit,
                status: word("in_progress"),
                assigned_session: Some(word("stws_1")),
            }],
            custom: Map::from_iter([(word("team"), word("notes").into())]),
        };
        let parse = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
        let (file, schema) = (parse(&render(&facts)), parse(&schema()));
        let names = |value: &Value| -> Vec<String> {
            let mut names: Vec<String> = value.as_object().expect("an object").keys().cloned().collect();
            names.sort();
            names
        };
        assert_eq!(names(&file), names(&schema["properties"]));
        let tasks = &schema["properties"]["implementation_tasks"]["items"]["properties"];
        assert_eq!(names(&file["implementation_tasks"][0]), names(tasks));
        assert_eq!(file["version"], schema["properties"]["version"]["const"]);
        let planned = &file["implementation_tasks"][0];
        assert_eq!(
            (&planned["uid"], &planned["status"], &planned["assigned_session"]),
            (&json!("stit_1"), &json!("in_progress"), &json!("stws_1"))
        );
    }
}
