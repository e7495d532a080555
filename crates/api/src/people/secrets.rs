//! Stored secrets: written and listed, and never read back.

use crate::people::audit;
use crate::request::caller::Caller;
use crate::request::extract::{Query, WholeBody};
use crate::request::page::{PageQuery, Paged, page};
use crate::request::problem::{Problem, sentence};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use engine::App;
use engine::clock::rfc3339;
use engine::settings::secret_store::{MIN_CHARS, SecretError};
use engine::settings::variables;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::StoredSecret;
use utoipa::{IntoParams, ToSchema};
use workflow::ProjectId;

/// The scope of a secret.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ScopeQuery {
    /// The project whose processes alone get the secret; absent is all projects.
    project_id: Option<String>,
}

/// The value of a secret.
#[derive(Deserialize, ToSchema)]
pub(crate) struct SecretValue {
    /// The value. It is encrypted, and no answer has it.
    #[schema(min_length = 8, example = "correct-horse-battery-staple")]
    value: String,
}

/// A secret as it is listed; its value is not.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SecretView {
    /// The name of the variable.
    #[schema(example = "NPM_TOKEN")]
    name: String,
    /// The project whose processes alone get it; null is all projects.
    #[schema(required)]
    project_id: Option<String>,
    /// The same for equal values, and nothing of the value.
    #[schema(example = "9f2c41d07be3")]
    fingerprint: String,
    /// Whether the server's key decrypts it. Sessions that get one that it does not decrypt fail until it is set again.
    readable: bool,
    /// When it was set first.
    created_at: String,
    /// When it was set last.
    updated_at: String,
}

impl SecretView {
    fn of(app: &App, secret: &StoredSecret) -> Self {
        Self {
            name: secret.name.clone(),
            project_id: secret.project.as_ref().map(ToString::to_string),
            fingerprint: secret.fingerprint.clone(),
            readable: app.secret_store.is_readable(secret),
            created_at: rfc3339(secret.created_at),
            updated_at: rfc3339(secret.updated_at),
        }
    }
}

/// Lists your secrets, those of all projects first; their values are in no answer.
#[utoipa::path(get, path = "/secrets", tag = "users", params(PageQuery),
    responses((status = 200, description = "A page of secrets", body = Vec<SecretView>, headers(("X-Total-Count" = u64), ("Link" = String)))))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    uri: Uri,
    Query(query): Query<PageQuery>,
) -> Result<Paged<SecretView>, Problem> {
    let all = app.store.stored_secrets(caller.id()).await?;
    page(&uri, &query, all.iter().map(|secret| SecretView::of(&app, secret)).collect())
}

/// Sets a secret: the processes of all your projects, or of one, get it as a variable. One with the same name and scope is replaced.
#[utoipa::path(put, path = "/secrets/{name}", tag = "users",
    params(("name" = String, Path, description = "The name of the variable"), ScopeQuery), request_body = SecretValue,
    responses((status = 200, description = "The secret, without its value", body = SecretView),
        (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn set(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    Query(query): Query<ScopeQuery>,
    WholeBody(SecretValue { value }): WholeBody<SecretValue>,
) -> Result<Json<SecretView>, Problem> {
    let wrong = |field: &str, message: String| Problem::invalid(field, sentence(&message));
    variables::check_name(&name).map_err(|message| wrong("name", message))?;
    variables::check_value(&value).map_err(|message| wrong("value", message))?;
    if value.trim().chars().count() < MIN_CHARS {
        let message = format!(
            "is shorter than {MIN_CHARS} characters; so short a text cannot be kept out of transcripts. Choose a longer value, or \
             set a value that is no secret as a variable of the project"
        );
        return Err(wrong("value", message));
    }
    let project = scope(&app, &caller, query).await?;
    let stored = app.secret_store.set(caller.id(), project.as_ref(), &name, &value).await;
    let (secret, is_replaced) = stored.map_err(|error| match error {
        SecretError::Store(error) => error.into(),
        error => wrong("value", error.to_string()),
    })?;
    let action = if is_replaced { "replace_secret" } else { "set_secret" };
    record(&app, &caller, action, &name, project.as_ref()).await?;
    Ok(Json(SecretView::of(&app, &secret)))
}

/// Removes a secret: processes that start from now on do not get it.
#[utoipa::path(delete, path = "/secrets/{name}", tag = "users",
    params(("name" = String, Path, description = "The name of the variable"), ScopeQuery),
    responses((status = 204, description = "Removed"), (status = 404, body = Problem)))]
pub(crate) async fn remove(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    Query(query): Query<ScopeQuery>,
) -> Result<StatusCode, Problem> {
    let project = scope(&app, &caller, query).await?;
    if !app.store.remove_stored_secret(caller.id(), project.as_ref(), &name).await? {
        return Err(Problem::not_found("secret"));
    }
    record(&app, &caller, "remove_secret", &name, project.as_ref()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The project that a request names, which the caller may use.
async fn scope(app: &App, caller: &Caller, query: ScopeQuery) -> Result<Option<ProjectId>, Problem> {
    match query.project_id {
        Some(id) => Ok(Some(caller.project(app, &id).await?.id)),
        None => Ok(None),
    }
}

async fn record(
    app: &App,
    caller: &Caller,
    action: &str,
    name: &str,
    project: Option<&ProjectId>,
) -> Result<(), Problem> {
    let subject = project.map_or(name, ProjectId::as_str);
    let data = json!({ "name": name, "project_id": project });
    audit::record(app, caller, action, subject, &data).await
}

#[cfg(test)]
mod tests {
    use crate::testing::{Answer, Api, anonymous};
    use axum::http::Method;
    use serde_json::{Value, json};

    const VALUE: &str = "correct-horse-7Q2x9Zk4";

    async fn set(api: &Api, path: &str, value: &str) -> Answer {
        api.send(api.request(Method::PUT, path), &json!({ "value": value })).await
    }

    #[tokio::test]
    async fn a_secret_is_set_listed_replaced_and_removed_and_its_value_is_in_no_answer() {
        let api = Api::open().await;
        let project = api.project().await;
        let own = format!("/secrets/NPM_TOKEN?project_id={project}");
        let first = set(&api, "/secrets/NPM_TOKEN", VALUE).await;
        assert_eq!((first.status, &first.body["project_id"]), (200, &Value::Null), "{:#}", first.body);
        assert_eq!(first.body["readable"], true);
        assert_eq!(set(&api, &own, "another-value-8Kz").await.body["project_id"], json!(project));
        let again = set(&api, "/secrets/NPM_TOKEN", "a-third-value-8Kz").await.body;
        assert_ne!(again["fingerprint"], first.body["fingerprint"]);
        let listed = api.get("/secrets").await;
        let scopes: Vec<&Value> =
            listed.as_array().expect("a list").iter().map(|secret| &secret["project_id"]).collect();
        assert_eq!(scopes, [&Value::Null, &json!(project)]);
        let audit = api.get("/audit").await;
        for (text, what) in [(listed.to_string(), "list"), (audit.to_string(), "audit log")] {
            for value in [VALUE, "another-value-8Kz", "a-third-value-8Kz"] {
                assert!(!text.contains(value), "the {what} has a value");
            }
        }
        let actions: Vec<&str> =
            audit.as_array().expect("a list").iter().filter_map(|entry| entry["action"].as_str()).collect();
        assert_eq!(actions[..3], ["replace_secret", "set_secret", "set_secret"]);
        assert!(!api.app.redactor.redact(&format!("it is {VALUE}")).contains(VALUE));
        for status in [204, 404] {
            let answer = api.send(api.request(Method::DELETE, &own), &Value::Null).await;
            assert_eq!(answer.status, status);
        }
        api.send(api.request(Method::DELETE, &format!("/projects/{project}")), &Value::Null).await;
        assert_eq!(api.get("/secrets").await.as_array().expect("a list").len(), 1);
    }

    #[tokio::test]
    async fn names_values_and_projects_that_cannot_be_are_refused() {
        let api = Api::open().await;
        for (path, value, status, field) in [
            ("/secrets/1A", VALUE, 422, "name"),
            ("/secrets/PATH", VALUE, 422, "name"),
            ("/secrets/SPECTASK_TOKEN", VALUE, 422, "name"),
            ("/secrets/TOKEN", "short", 422, "value"),
            ("/secrets/TOKEN?project_id=prj_none", VALUE, 404, ""),
        ] {
            let (found, problem) = set(&api, path, value).await.problem();
            assert_eq!(found, status, "{path}: {problem:#}");
            assert!(field.is_empty() || problem["errors"][0]["field"] == field, "{path}: {problem:#}");
            assert!(!problem.to_string().contains(VALUE));
        }
        assert_eq!(api.get("/secrets").await, json!([]));
    }

    #[tokio::test]
    async fn only_the_users_own_credential_may_use_the_store() {
        let api = Api::open().await;
        let project = api.project().await;
        for scope in ["project", "read"] {
            let body = json!({ "name": scope, "scope": scope, "can_decide": scope == "project",
                "project_id": (scope == "project").then_some(&project) });
            let token = api.post("/tokens", &body).await["token"].as_str().expect("a token").to_owned();
            for (method, path) in [
                (Method::GET, "/secrets".to_owned()),
                (Method::PUT, format!("/secrets/TOKEN?project_id={project}")),
                (Method::DELETE, format!("/secrets/TOKEN?project_id={project}")),
            ] {
                let request = anonymous(method, &format!("/api/v1{path}"))
                    .header("authorization", format!("Bearer {token}"));
                let answer = api.send(request, &json!({ "value": VALUE })).await;
                assert_eq!(answer.status, 403, "{scope} {path}: {:#}", answer.body);
            }
        }
    }

    #[tokio::test]
    async fn variables_of_a_project_are_checked_and_hold_no_secret() {
        let api = Api::open().await;
        let project = api.project().await;
        let path = format!("/projects/{project}");
        api.put(
            &path,
            &json!({ "settings": { "env": { "NODE_ENV": "test" }, "resources": { "simulator": 2 } } }),
        )
        .await;
        let kept = api.get(&path).await;
        assert_eq!(kept["effective_settings"]["env"]["value"], json!({ "NODE_ENV": "test" }));
        set(&api, "/secrets/TOKEN", VALUE).await;
        for (settings, field) in [
            (json!({ "env": { "PATH": "/tmp" } }), "settings.env"),
            (json!({ "env": { "TOKEN": VALUE } }), "settings.env"),
            (json!({ "resources": { "simulator": 0 } }), "settings.resources"),
            (json!({ "resources": { "two words": 1 } }), "settings.resources"),
        ] {
            let answer = api.send(api.request(Method::PUT, &path), &json!({ "settings": settings })).await;
            let (status, problem) = answer.problem();
            assert_eq!((status, &problem["errors"][0]["field"]), (422, &json!(field)), "{problem:#}");
        }
    }
}
