//! Webhooks: the endpoints of the configuration, their deliveries, and the results of these.

use crate::people::audit;
use crate::request::caller::Caller;
use crate::request::extract::Query;
use crate::request::page::{PageQuery, Paged, bad_cursor, limit, page, page_headers};
use crate::request::path::Path;
use crate::request::problem::Problem;
use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use engine::App;
use engine::clock::now;
use engine::clock::rfc3339;
use engine::notifications::webhooks::Endpoint;
use serde::Serialize;
use serde_json::json;
use std::sync::Arc;
use store::Delivery;
use utoipa::ToSchema;

/// An endpoint that is sent messages.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WebhookView {
    id: String,
    /// Where messages are sent, without the query of the URL.
    #[schema(example = "https://example.org/hooks/spectask")]
    url: String,
    #[schema(example = json!(["inbox.added", "task.done"]))]
    events: Vec<String>,
    /// The projects whose events it is sent; empty is all.
    project_ids: Vec<String>,
    /// How many messages wait to be sent, or to be sent again.
    pending: u64,
    /// How many of the messages in its log were delivered.
    delivered: u64,
    /// How many of the messages in its log were given up.
    failed: u64,
    /// The newest message; null before there is one.
    #[schema(required)]
    last_delivery: Option<WebhookDelivery>,
}

/// A message to an endpoint.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WebhookDelivery {
    /// Its number in the log.
    id: i64,
    /// The `webhook-id` that it has each time it is sent.
    message_id: String,
    /// The type of the event.
    #[schema(example = "inbox.added")]
    event: String,
    /// `pending`, `delivered` or `failed`.
    #[schema(example = "delivered")]
    state: String,
    /// How often it was sent.
    attempts: u64,
    created_at: String,
    /// When it is sent next; null when it is not sent again.
    #[schema(required)]
    next_attempt_at: Option<String>,
    /// When it was delivered or given up; null while it is pending.
    #[schema(required)]
    finished_at: Option<String>,
    /// The status of the last answer; null when there was none.
    #[schema(required)]
    status: Option<u16>,
    /// Why the last attempt failed; null when it did not.
    #[schema(required)]
    error: Option<String>,
    /// The body, as it is sent.
    payload: String,
}

impl From<Delivery> for WebhookDelivery {
    fn from(delivery: Delivery) -> Self {
        let is_pending = delivery.state == "pending";
        let at = rfc3339(delivery.next_at);
        Self {
            id: delivery.id,
            message_id: delivery.message,
            event: delivery.event,
            attempts: delivery.attempts,
            created_at: rfc3339(delivery.created_at),
            next_attempt_at: is_pending.then(|| at.clone()),
            finished_at: (!is_pending).then_some(at),
            status: Some(delivery.status).filter(|status| *status > 0),
            error: Some(delivery.error).filter(|error| !error.is_empty()),
            state: delivery.state,
            payload: delivery.payload,
        }
    }
}

/// Lists the endpoints of the configuration.
#[utoipa::path(get, path = "/webhooks", tag = "webhooks", params(PageQuery),
    responses((status = 200, body = Vec<WebhookView>, headers(("X-Total-Count" = u64), ("Link" = String)))))]
pub(crate) async fn list(
    State(app): State<App>,
    uri: Uri,
    Query(query): Query<PageQuery>,
) -> Result<Paged<WebhookView>, Problem> {
    let mut all = Vec::new();
    for endpoint in app.webhooks.endpoints() {
        let counts = app.store.count_deliveries(&endpoint.id).await?;
        let last = app.store.deliveries(&endpoint.id, None, 1).await?.pop();
        all.push(WebhookView {
            id: endpoint.id.clone(),
            url: endpoint.url.split(['?', '#']).next().unwrap_or_default().to_owned(),
            events: endpoint.events.clone(),
            project_ids: endpoint.projects.clone(),
            pending: counts.pending,
            delivered: counts.delivered,
            failed: counts.failed,
            last_delivery: last.map(WebhookDelivery::from),
        });
    }
    page(&uri, &query, all)
}

/// Lists the last messages to an endpoint, the newest first.
#[utoipa::path(get, path = "/webhooks/{id}/deliveries", tag = "webhooks", params(("id" = String, Path), PageQuery),
    responses((status = 200, body = Vec<WebhookDelivery>, headers(("X-Total-Count" = u64), ("Link" = String))), (status = 404, body = Problem)))]
pub(crate) async fn deliveries(
    State(app): State<App>,
    Path(id): Path<String>,
    uri: Uri,
    Query(query): Query<PageQuery>,
) -> Result<Paged<WebhookDelivery>, Problem> {
    let endpoint = endpoint(&app, &id)?;
    let limit = limit(query.limit)?;
    let before = query.cursor.map(|cursor| cursor.parse().map_err(|_| bad_cursor())).transpose()?;
    let counts = app.store.count_deliveries(&endpoint.id).await?;
    let mut found = app.store.deliveries(&endpoint.id, before, limit + 1).await?;
    let has_more = u64::try_from(found.len()).is_ok_and(|found| found > limit);
    found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let next = found.last().filter(|_| has_more).map(|last| last.id.to_string());
    let total = counts.pending + counts.delivered + counts.failed;
    let headers = page_headers(&uri, total, next.as_deref());
    Ok((headers, Json(found.into_iter().map(WebhookDelivery::from).collect())))
}

/// A message that is about to be sent.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct QueuedDelivery {
    /// Its number in the log.
    id: i64,
}

/// Sends a message to an endpoint again, with the same `webhook-id`.
#[utoipa::path(post, path = "/webhooks/{id}/deliveries/{delivery}/redeliver", tag = "webhooks",
    params(("id" = String, Path), ("delivery" = i64, Path)),
    responses((status = 202, body = QueuedDelivery), (status = 404, body = Problem)))]
pub(crate) async fn redeliver(
    State(app): State<App>,
    caller: Caller,
    Path((id, delivery)): Path<(String, i64)>,
) -> Result<(axum::http::StatusCode, Json<QueuedDelivery>), Problem> {
    let endpoint = endpoint(&app, &id)?;
    if !app.store.redeliver(&endpoint.id, delivery, now()).await? {
        return Err(Problem::not_found("delivery"));
    }
    app.webhooks.wake();
    audit::record_named(&app, &caller, "redeliver_webhook", (&id, &id), &json!({ "delivery": delivery }))
        .await?;
    Ok((axum::http::StatusCode::ACCEPTED, Json(QueuedDelivery { id: delivery })))
}

/// Sends a test message to an endpoint; its log says what came of it.
#[utoipa::path(post, path = "/webhooks/{id}/test", tag = "webhooks", params(("id" = String, Path)),
    responses((status = 202, body = QueuedDelivery), (status = 404, body = Problem)))]
pub(crate) async fn test(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<(axum::http::StatusCode, Json<QueuedDelivery>), Problem> {
    let endpoint = endpoint(&app, &id)?;
    let delivery = app.store.add_delivery(app.webhooks.test(&endpoint)).await?;
    app.webhooks.wake();
    audit::record_named(&app, &caller, "test_webhook", (&id, &id), &json!({ "delivery": delivery })).await?;
    Ok((axum::http::StatusCode::ACCEPTED, Json(QueuedDelivery { id: delivery })))
}

fn endpoint(app: &App, id: &str) -> Result<Arc<Endpoint>, Problem> {
    app.webhooks.endpoint(id).cloned().ok_or_else(|| Problem::not_found("webhook"))
}
