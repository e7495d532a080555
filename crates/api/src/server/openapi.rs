//! The OpenAPI document of every route.

use crate::request::caller::Caller;
use crate::request::problem::Problem;
use crate::server::vocabulary::{meaning, path_meaning};
use axum::Json;
use serde_json::{Value, json};
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    Content, ObjectBuilder, PathItem, Ref, RefOr, Required, Response, ResponseBuilder, Type,
};
use utoipa::{OpenApi, PartialSchema as _, ToSchema as _};
use utoipa_axum::router::OpenApiRouter;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "SpecTask",
        description = "Turns a prompt into reviewed, merged work done by a crew of coding agents.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    security(("bearer" = []), ("cookie" = []))
)]
struct Head;

/// The groups of operations, in the order in which they are shown, and what each is about.
const TAGS: [(&str, &str); 16] = [
    (
        "spec-tasks",
        "Tasks that are planned first: create and start them, review and approve, read progress and changes.",
    ),
    ("documents", "Requirements, design and plan of a task, reviews of them, and comments."),
    (
        "work-sessions",
        "The sessions that carry out a plan: read, message, spawn, fork, retry and cancel them.",
    ),
    ("coordination", "Messages between the sessions of a task."),
    ("tasks", "Tasks without a plan, and templates."),
    ("projects", "Repositories that tasks work in, and the demo repositories."),
    ("fleet", "Agents, what they do now, and what waits for you."),
    ("live", "Changes as they happen, as a WebSocket or as server-sent events."),
    ("search", "Full-text search of tasks, specifications and conversations."),
    ("analytics", "Throughput, lead time, failures and cost."),
    ("git", "Repositories over git's smart HTTP protocol: clone, fetch and push."),
    ("zed", "Agent processes and their threads, and reports of agents about them."),
    ("webhooks", "Endpoints that are sent signed messages, and the log of these."),
    ("push", "Browsers that are sent notifications also while no page is open, and the log of these."),
    ("users", "Sign-in, access tokens and the audit log."),
    ("about", "The server itself: settings, storage, health, metrics and this document."),
];

/// Returns the document, made from the routes themselves.
pub fn document() -> Value {
    // Plain data, whose serialization cannot fail.
    let mut document = serde_json::to_value(routed()).unwrap_or_default();
    document["tags"] = TAGS.iter().map(|(name, text)| json!({ "name": name, "description": text })).collect();
    document["servers"] = json!([{ "url": "/", "description": "The server that this document comes from." }]);
    for (_, schema) in document["components"]["schemas"].as_object_mut().into_iter().flatten() {
        describe_properties(schema);
    }
    for (path, item) in document["paths"].as_object_mut().into_iter().flatten() {
        for (_, operation) in item.as_object_mut().into_iter().flatten() {
            let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
            for parameter in parameters.into_iter().flatten() {
                describe_parameter(path, parameter);
            }
            if path.contains("/git/") {
                operation["security"] = json!([{ "basic": [] }, { "bearer": [] }]);
            } else if is_open(path) {
                operation["security"] = json!([{}]);
            }
        }
    }
    document
}

/// Adds a description and an example to every property that has none.
fn describe_properties(schema: &mut Value) {
    // Indexing would add what is not there.
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    for (name, property) in properties.into_iter().flatten() {
        if let Some((description, example)) = meaning(name) {
            complete_schema(property, description, example);
        }
        describe_properties(property);
    }
    for part in ["allOf", "oneOf", "anyOf"] {
        schema
            .get_mut(part)
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
            .for_each(describe_properties);
    }
    schema.get_mut("items").into_iter().for_each(describe_properties);
}

fn complete_schema(schema: &mut Value, description: &str, example: Option<&str>) {
    let Some(fields) = schema.as_object_mut() else { return };
    if fields.get("description").is_none() {
        fields.insert("description".to_owned(), description.into());
    }
    let is_text = match &fields.get("type") {
        Some(Value::String(name)) => name == "string",
        Some(Value::Array(names)) => names.contains(&json!("string")),
        _ => false,
    };
    let is_told = ["enum", "example", "examples"].iter().any(|name| fields.contains_key(*name));
    if let Some(example) = example.filter(|_| is_text && !is_told) {
        fields.insert("examples".to_owned(), json!([example]));
    }
}

fn describe_parameter(path: &str, parameter: &mut Value) {
    let name = parameter["name"].as_str().unwrap_or_default().to_owned();
    let placeholder = format!("{{{name}}}");
    let parts = path.split('/').take_while(|part| *part != placeholder);
    let before = parts.last().unwrap_or_default();
    let known = match parameter["in"].as_str() {
        Some("path") => path_meaning(before, &name).map(|(text, example)| (text, Some(example))),
        _ => meaning(&name),
    };
    if let Some((description, example)) = known {
        if parameter.get("description").is_none() {
            parameter["description"] = description.into();
        }
        if let Some(example) = example.filter(|_| parameter.get("example").is_none()) {
            let is_number = parameter["schema"]["type"].to_string().contains("integer");
            parameter["example"] = if is_number {
                example.parse::<u64>().map_or(Value::Null, Value::from)
            } else {
                example.into()
            };
        }
    }
    if let Some(values) = values(path, &name) {
        parameter["schema"] = json!({ "type": "string", "enum": values });
        parameter.as_object_mut().into_iter().for_each(|fields| {
            fields.remove("example");
        });
    }
    if name == "cursor" {
        parameter["schema"]["minLength"] = 1.into();
    }
}

/// Returns the values of a parameter that is a text and takes some values only.
fn values(path: &str, name: &str) -> Option<Vec<String>> {
    let some = |values: &[&str]| Some(values.iter().map(|value| (*value).to_owned()).collect());
    match (path.rsplit('/').next().unwrap_or_default(), name) {
        ("report", "format") => some(&["md", "json", "csv"]),
        ("analytics", "format") => some(&["json", "csv"]),
        ("analytics", "bucket") => some(&["day", "week"]),
        ("search", "kind") => some(&["task", "spec", "transcript"]),
        ("refs", "service") => some(&["git-upload-pack", "git-receive-pack"]),
        ("spec-tasks" | "tasks", "sort") => {
            let sorts = crate::tasks::task::SORTS.iter();
            Some(sorts.flat_map(|sort| [(*sort).to_owned(), format!("-{sort}")]).collect())
        }
        _ => None,
    }
}

fn routed() -> utoipa::openapi::OpenApi {
    let (_, mut document) = OpenApiRouter::with_openapi(Head::openapi())
        .nest("/api/v1", crate::routes())
        .merge(crate::ops_routes())
        .split_for_parts();
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            complete(path, method, operation);
        }
    }
    let components = document.components.get_or_insert_default();
    components.schemas.insert(Problem::name().into_owned(), Problem::schema());
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    let basic = HttpBuilder::new()
        .scheme(HttpAuthScheme::Basic)
        .description(Some("For git: the token is the password, whatever the user name."))
        .build();
    components.add_security_scheme("basic", SecurityScheme::Http(basic));
    let cookie = ApiKey::Cookie(ApiKeyValue::new(crate::request::caller::COOKIE));
    components.add_security_scheme("cookie", SecurityScheme::ApiKey(cookie));
    document
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    [
        ("get", item.get.as_mut()),
        ("post", item.post.as_mut()),
        ("put", item.put.as_mut()),
        ("delete", item.delete.as_mut()),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation?)))
}

/// Returns whether a route of the API takes requests without a credential.
fn is_open(path: &str) -> bool {
    path.ends_with("/login") || path.ends_with("/logout")
}

/// Adds what the rules for every route say and no route says for itself: its name, its key, and how it may fail.
fn complete(path: &str, method: &str, operation: &mut Operation) {
    let words: Vec<&str> = path
        .trim_start_matches("/api/v1")
        .split(['/', '-', '.'])
        .map(|word| word.trim_matches(['{', '}']))
        .filter(|word| !word.is_empty())
        .collect();
    operation.operation_id = Some(format!("{method}_{}", words.join("_")));
    if !path.starts_with("/api/v1") {
        return;
    }
    let is_open = is_open(path);
    let has_body = operation.request_body.is_some();
    let has_query = operation.parameters.iter().flatten().any(|parameter| match parameter {
        RefOr::T(parameter) => parameter.parameter_in == ParameterIn::Query,
        RefOr::Ref(_) => false,
    });
    if method == "post" && !is_open {
        operation.parameters.get_or_insert_default().push(RefOr::T(idempotency_key()));
    }
    let changes = method != "get";
    for (status, may_be) in [
        ("400", true),
        ("401", !is_open),
        ("403", true),
        ("404", path.contains('{') || has_body || has_query),
        ("405", true),
        ("408", has_body),
        ("409", changes && !is_open),
        ("413", has_body),
        ("415", has_body),
        ("422", has_body || has_query || changes),
        ("429", true),
        ("503", true),
    ] {
        if may_be {
            let unsaid = || RefOr::T(Response::new(""));
            operation.responses.responses.entry(status.to_owned()).or_insert_with(unsaid);
        }
    }
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else { continue };
        if let Some(title) = problem_title(status) {
            let headers = std::mem::take(&mut response.headers);
            *response = ResponseBuilder::new()
                .description(title)
                .content(
                    "application/problem+json",
                    Content::new(Some(Ref::from_schema_name(Problem::name()))),
                )
                .build();
            response.headers = headers;
        } else if response.description.is_empty() {
            "Done".clone_into(&mut response.description);
        }
    }
}

/// Returns what a status says, when it tells of a problem.
fn problem_title(status: &str) -> Option<&'static str> {
    let status = axum::http::StatusCode::from_bytes(status.as_bytes()).ok()?;
    (status.is_client_error() || status.is_server_error())
        .then(|| status.canonical_reason().unwrap_or("Error"))
}

fn idempotency_key() -> Parameter {
    let schema = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(255));
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some("The same key with the same body gets the first answer and does nothing again."))
        .schema(Some(schema))
        .build()
}

/// Reads the OpenAPI document.
#[utoipa::path(get, path = "/openapi.json", tag = "about", responses((status = 200, description = "This document", body = Value)))]
pub(crate) async fn read(_caller: Caller) -> Json<Value> {
    Json(document())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The properties of a schema that do not say what they mean.
    fn silent(at: &str, schema: &Value, found: &mut Vec<String>) {
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            if property["description"].as_str().is_none_or(str::is_empty) {
                found.push(format!("{at}.{name}"));
            }
            silent(&format!("{at}.{name}"), property, found);
        }
        for part in ["allOf", "oneOf", "anyOf"] {
            for one in schema[part].as_array().into_iter().flatten() {
                silent(at, one, found);
            }
        }
        if schema["items"].is_object() {
            silent(at, &schema["items"], found);
        }
    }

    #[test]
    fn every_tag_is_described_and_used() {
        let document = document();
        let operations = document["paths"].as_object().expect("paths").values();
        let used: std::collections::BTreeSet<&str> = operations
            .flat_map(|item| item.as_object().expect("operations").values())
            .flat_map(|operation| operation["tags"].as_array().expect("tags"))
            .filter_map(Value::as_str)
            .collect();
        assert_eq!(used, TAGS.iter().map(|(name, _)| *name).collect());
        assert_eq!(document["tags"][0]["name"], TAGS[0].0);
    }

    #[test]
    fn every_property_and_parameter_says_what_it_means() {
        let document = document();
        let mut found = Vec::new();
        for (name, schema) in document["components"]["schemas"].as_object().expect("schemas") {
            silent(name, schema, &mut found);
        }
        for (path, item) in document["paths"].as_object().expect("paths") {
            for (method, operation) in item.as_object().expect("operations") {
                for parameter in operation["parameters"].as_array().into_iter().flatten() {
                    if parameter["description"].as_str().is_none_or(str::is_empty) {
                        found.push(format!("{method} {path} {}", parameter["name"]));
                    }
                }
                for status in ["405", "503"] {
                    let is_documented = operation["responses"][status].is_object();
                    if path.starts_with("/api/v1") && !is_documented {
                        found.push(format!("{method} {path} {status}"));
                    }
                }
            }
        }
        assert!(found.is_empty(), "write a doc comment, or add the name to vocabulary.rs: {found:#?}");
        assert_eq!(document["servers"][0]["url"], "/");
    }
}
