//! Every answer is as the OpenAPI document says, and so is every request that is granted.

use serde_json::Value;
use std::sync::LazyLock;

/// The document of the binary that is tested.
static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_spectask")).arg("openapi").output();
    serde_json::from_slice(&output.expect("the binary runs").stdout).expect("a document")
});

/// What is not as the document says in an answer, and in its request; a route that the document has not is nobody's.
pub(crate) fn faults(method: &str, path: &str, asked: &Value, status: u16, answer: &Value) -> Vec<String> {
    let Some((template, item)) = route(path) else { return Vec::new() };
    let named = format!("{method} {template} {status}");
    let Some(operation) = item.get(method.to_lowercase()) else { return Vec::new() };
    let Some(response) = operation["responses"].get(status.to_string()) else {
        return vec![format!("{named}: the status is not documented")];
    };
    let mut faults = Vec::new();
    // What is not JSON is text here.
    if let Some(schema) = json_schema(response).filter(|_| !answer.is_string()) {
        check(schema, answer, &named, &mut faults);
    }
    if let Some(schema) = json_schema(&operation["requestBody"]).filter(|_| status < 300) {
        // Null is absent, whatever the field.
        let mut asked = asked.clone();
        asked.as_object_mut().into_iter().for_each(|fields| fields.retain(|_, value| !value.is_null()));
        check(schema, &asked, &format!("{named}, asked"), &mut faults);
    }
    faults
}

/// What the JSON of a request or an answer is like.
fn json_schema(body: &'static Value) -> Option<&'static Value> {
    let mut content = body["content"].as_object()?.iter();
    content.find(|(kind, _)| kind.ends_with("json")).and_then(|(_, content)| content.get("schema"))
}

/// The route of a path: of those that match, the one with the fewest names left open.
fn route(path: &str) -> Option<(&'static str, &'static Value)> {
    let parts: Vec<&str> = path.split('/').collect();
    let fits = |template: &str| {
        let names: Vec<&str> = template.split('/').collect();
        let mut pairs = names.iter().zip(&parts);
        names.len() == parts.len() && pairs.all(|(name, part)| name.starts_with('{') || name == part)
    };
    let all = DOCUMENT["paths"].as_object().expect("paths").iter();
    let found =
        all.filter(|(template, _)| fits(template)).min_by_key(|(template, _)| template.matches('{').count());
    found.map(|(template, item)| (template.as_str(), item))
}

/// Compares a value with the parts of JSON Schema that the document uses.
fn check(schema: &Value, value: &Value, at: &str, faults: &mut Vec<String>) {
    if let Some(name) = schema["$ref"].as_str() {
        let target = DOCUMENT.pointer(name.trim_start_matches('#'));
        return check(target.unwrap_or_else(|| panic!("{at}: no {name}")), value, at, faults);
    }
    for all in schema["allOf"].as_array().into_iter().flatten() {
        check(all, value, at, faults);
    }
    for name in ["oneOf", "anyOf"] {
        let Some(any) = schema[name].as_array() else { continue };
        let fits = |one: &Value| {
            let mut own = Vec::new();
            check(one, value, at, &mut own);
            own.is_empty()
        };
        if !any.iter().any(fits) {
            faults.push(format!("{at}: {value} is none of what it may be"));
        }
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::Array(types) => types.iter().filter_map(Value::as_str).collect(),
        Value::String(one) => vec![one],
        _ => Vec::new(),
    };
    if !types.is_empty() && !types.iter().any(|one| is_of(one, value)) {
        faults.push(format!("{at}: {value} is not of type {types:?}"));
    }
    if schema["enum"].as_array().is_some_and(|words| !words.contains(value)) {
        faults.push(format!("{at}: {value} is not one of {}", schema["enum"]));
    }
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if value.as_object().is_some_and(|fields| !fields.contains_key(name)) {
            faults.push(format!("{at}: {name} is missing"));
        }
    }
    for (name, inner) in value.as_object().into_iter().flatten() {
        let known = schema["properties"].get(name).or_else(|| schema.get("additionalProperties"));
        if let Some(schema) = known.filter(|schema| schema.is_object()) {
            check(schema, inner, &format!("{at}.{name}"), faults);
        }
    }
    for (place, inner) in value.as_array().into_iter().flatten().enumerate() {
        check(&schema["items"], inner, &format!("{at}[{place}]"), faults);
    }
}

fn is_of(name: &str, value: &Value) -> bool {
    match name {
        "null" => value.is_null(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    }
}

#[test]
fn what_is_not_as_documented_is_found() {
    let path = "/api/v1/spec-tasks/spt_1/document-status";
    let good = serde_json::json!({
        "spec_task_id": "spt_1", "current_phase": "done", "git_integration_status": "committed",
        "documents_generated": true, "session_recording_active": false, "fully_recorded": true,
        "last_commit_hash": null, "last_commit_time": "now",
    });
    assert_eq!(faults("GET", path, &Value::Null, 200, &good), Vec::<String>::new());
    let mut bad = good.clone();
    bad["fully_recorded"] = Value::Null;
    bad["last_commit_hash"] = 1.into();
    assert_eq!(faults("GET", path, &Value::Null, 200, &bad).len(), 2);
    assert_eq!(faults("GET", path, &Value::Null, 299, &good).len(), 1);
    assert_eq!(faults("GET", path, &Value::Null, 200, &serde_json::json!({})).len(), 8);
    let (path, task) =
        ("/api/v1/spec-tasks/spt_1/approve-implementation", serde_json::json!({ "decision": 1 }));
    let found = faults("POST", path, &task, 200, &Value::Null);
    assert!(found.iter().any(|fault| fault.contains("asked")), "{found:?}");
}
