//! The audit log: each decision with its author, channel, token and address.

use crate::request::caller::{self, Caller, Via};
use crate::request::extract::Query;
use crate::request::page::{Paged, bad_cursor, limit, page_headers};
use crate::request::problem::Problem;
use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use engine::App;
use engine::clock::now;
use engine::clock::rfc3339;
use engine::settings::redaction;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{AuditEntry, AuditFilter, AuditValues};
use utoipa::{IntoParams, ToSchema};
use workflow::{Millis, UserId};

/// Which part of the audit log is asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditQuery {
    /// Only entries about this task, project or token.
    subject: Option<String>,
    /// Only entries of this action, such as `review_specs`.
    action: Option<String>,
    /// Only entries of this user, by id.
    actor: Option<String>,
    /// Only entries that came this way, such as `page`.
    way: Option<String>,
    /// Only entries from this time on, RFC 3339.
    since: Option<String>,
    /// Only entries before this time, RFC 3339.
    until: Option<String>,
    /// 1 to 500; 50 when absent.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u64>,
    /// Where the page before ended, from its `Link` header.
    cursor: Option<String>,
}

/// An entry of the audit log.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditView {
    /// The entry's number; it rises with time.
    id: i64,
    /// When it happened.
    at: String,
    /// The user whose credential was shown.
    #[schema(example = "usr_owner")]
    actor: String,
    /// `page`, `command_line`, `api`, `git`, `instance`, or `agent_process` for a refused request of an agent's process.
    #[schema(example = "page")]
    way: String,
    /// The name of the token that was shown, or that the browser signed in with.
    credential: String,
    /// The client's network address.
    #[schema(example = "127.0.0.1")]
    peer: String,
    /// The action; `refused` is a request that was not allowed.
    #[schema(example = "review_specs")]
    action: String,
    /// The id of the task, project, token or user that it is about.
    object: String,
    /// The display name of the object at that time; null where it has none.
    #[schema(required, example = "Add a search field")]
    object_name: Option<String>,
    /// The data of the action, such as a decision and its comments.
    data: Value,
}

impl AuditView {
    fn of((id, entry): (i64, AuditEntry)) -> Self {
        let AuditEntry { at, user, way, credential, peer, action, subject, subject_name, data } = entry;
        Self {
            id,
            at: rfc3339(at),
            actor: user.to_string(),
            way,
            credential,
            peer,
            action,
            object: subject,
            object_name: Some(subject_name).filter(|name| !name.is_empty()),
            data,
        }
    }
}

/// The values by which the audit log can be filtered.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditValuesView {
    /// The ids of the users who did something.
    #[schema(example = json!(["usr_owner"]))]
    actors: Vec<String>,
    /// The ways that requests came.
    #[schema(example = json!(["command_line", "page"]))]
    ways: Vec<String>,
    /// The actions to list.
    #[schema(example = json!(["create_token", "review_specs"]))]
    actions: Vec<String>,
}

/// Lists the actors, ways and actions that the audit log has, for filters.
#[utoipa::path(get, path = "/audit/values", tag = "users",
    responses((status = 200, description = "The values", body = AuditValuesView)))]
pub(crate) async fn values(State(app): State<App>, caller: Caller) -> Result<Json<AuditValuesView>, Problem> {
    let AuditValues { actors, ways, actions } = app.store.audit_values(visible_user(&caller)).await?;
    Ok(Json(AuditValuesView { actors, ways, actions }))
}

/// Returns the user whose entries alone the caller sees; none for the owner, who sees all.
fn visible_user(caller: &Caller) -> Option<UserId> {
    (!caller.is_owner()).then(|| caller.id().clone())
}

/// Reads the audit log, newest first. `X-Total-Count` counts up to 100,000 entries.
#[utoipa::path(get, path = "/audit", tag = "users", params(AuditQuery),
    responses((status = 200, description = "A page of the audit log", body = Vec<AuditView>, headers(("X-Total-Count" = u64), ("Link" = String)))))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    uri: Uri,
    Query(query): Query<AuditQuery>,
) -> Result<Paged<AuditView>, Problem> {
    let limit = limit(query.limit)?;
    let before = query.cursor.map(|cursor| cursor.parse().map_err(|_| bad_cursor())).transpose()?;
    let filter = AuditFilter {
        user: visible_user(&caller),
        actor: query.actor.map(UserId::from),
        way: query.way,
        subject: query.subject,
        action: query.action,
        since: moment("since", query.since.as_deref())?,
        until: moment("until", query.until.as_deref())?,
        before,
        limit: limit + 1,
    };
    let total = app.store.count_audit(filter.clone()).await?;
    let mut found = app.store.audit_log(filter).await?;
    let has_more = u64::try_from(found.len()).is_ok_and(|found| found > limit);
    found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let next = found.last().filter(|_| has_more).map(|(id, _)| id.to_string());
    let headers = page_headers(&uri, total, next.as_deref());
    Ok((headers, Json(found.into_iter().map(AuditView::of).collect())))
}

/// Reads a time of the query.
fn moment(field: &'static str, text: Option<&str>) -> Result<Option<Millis>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let time: jiff::Timestamp = text.parse().map_err(|_| {
        Problem::invalid(field, format!("{text:?} is not a time such as 2026-11-21T10:00:00Z"))
    })?;
    Ok(Some(Millis(time.as_millisecond())))
}

/// Adds what a person did to the audit log.
pub(crate) async fn record(
    app: &App,
    caller: &Caller,
    action: &str,
    subject: &str,
    data: &Value,
) -> Result<(), Problem> {
    let name = app.store.name_of(subject).await?.unwrap_or_default();
    record_named(app, caller, action, (subject, &name), data).await
}

/// Adds what a person did to the audit log, with the id and the name of what it is about.
pub(crate) async fn record_named(
    app: &App,
    caller: &Caller,
    action: &str,
    (subject, subject_name): (&str, &str),
    data: &Value,
) -> Result<(), Problem> {
    let mut data = data.clone();
    redaction::redact_json(&app.redactor, &mut data);
    let Via { way, credential, peer } = caller.via.clone();
    let entry = AuditEntry {
        at: now(),
        user: caller.id().clone(),
        way: way.to_owned(),
        credential,
        peer,
        action: action.to_owned(),
        subject: subject.to_owned(),
        subject_name: subject_name.to_owned(),
        data,
    };
    Ok(app.store.audit(entry).await?)
}

/// Adds a refused request of an agent to the audit log.
pub(crate) async fn record_refusal(
    app: &App,
    subject: &str,
    way: &str,
    data: &Value,
    parts: &axum::http::request::Parts,
) {
    let peer = caller::address(app, &parts.headers, &parts.extensions);
    let subject_name = app.store.name_of(subject).await.ok().flatten().unwrap_or_default();
    let entry = AuditEntry {
        at: now(),
        user: UserId::from(engine::settings::owner::OWNER),
        way: way.to_owned(),
        credential: data["credential"].as_str().unwrap_or_default().to_owned(),
        peer: peer.map_or_else(String::new, |peer| peer.to_string()),
        action: "refused".to_owned(),
        subject: subject.to_owned(),
        subject_name,
        data: data.clone(),
    };
    if let Err(error) = app.store.audit(entry).await {
        tracing::error!(%error, subject, "could not record a refused request in the audit log");
    }
}
