//! Push messages: the browsers that get them, and the log of what each was sent.

use crate::people::audit;
use crate::request::caller::{Caller, Level, Reach};
use crate::request::extract::{JsonBody, Query};
use crate::request::page::{PageQuery, Paged, bad_cursor, limit, page, page_headers};
use crate::request::path::Path;
use crate::request::problem::{Problem, sentence};
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use engine::App;
use engine::clock::rfc3339;
use engine::notifications::push::{KeyError, NewSubscription, SubscribeError};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{Delivery, PushSubscription};
use utoipa::ToSchema;

/// The longest name of a browser, in characters.
const MAX_NAME: usize = 100;

/// The key by which push services know the server.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PushKeyView {
    /// The public key, as a browser takes it for `applicationServerKey`: base64url of an uncompressed point of P-256.
    public_key: String,
}

/// A subscription, in the shape that browsers give theirs.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NewPushSubscription {
    /// The address of the browser at its push service: `https`, and public unless the setting `push.private_services` names it.
    #[schema(example = "https://push.example.org/send/4f0c")]
    endpoint: String,
    /// The keys for which messages are encrypted.
    keys: PushKeys,
    /// The name of the browser in lists.
    #[serde(default)]
    #[schema(example = "Firefox on Linux")]
    name: String,
}

/// The keys of a browser.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct PushKeys {
    /// The public key of the browser, as base64url of an uncompressed point of P-256.
    p256dh: String,
    /// The secret that the browser shares with its senders: 16 bytes as base64url.
    auth: String,
}

/// A browser that gets push messages.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PushSubscriptionView {
    /// The first 24 hexadecimal digits of the SHA-256 of its `endpoint`, after `psh_`.
    #[schema(example = "psh_1f3a90b1c47d52e6a8b09c7d")]
    id: String,
    /// The name of the browser.
    name: String,
    /// The push service, without the address of the browser there.
    #[schema(example = "https://push.example.org")]
    service: String,
    created_at: String,
    /// When the browser said last that it has the subscription.
    confirmed_at: String,
    /// Whether the server can send to it. It cannot where its key of stored secrets is another one than when the subscription was
    /// made.
    readable: bool,
    /// How many messages wait to be sent, or to be sent again.
    pending: u64,
    /// How many of the messages in its log were delivered.
    delivered: u64,
    /// How many of the messages in its log were given up.
    failed: u64,
    /// How many of the messages in its log were not needed any more, because the item was answered.
    withdrawn: u64,
}

/// A message to a browser. Its text is written when it is sent.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PushDelivery {
    /// Its number in the log.
    id: i64,
    /// The inbox item that it is about; null for a test.
    #[schema(required, example = "inb_0a1b2c3d4e5f")]
    item_id: Option<String>,
    /// The request to the person.
    #[schema(example = "Review the specification")]
    title: String,
    /// The short form of the task's id, such as `SPEC-12`; null for a test.
    #[schema(required)]
    task_short_id: Option<String>,
    /// `pending`, `delivered` to the push service, `failed`, or `withdrawn` because the item was answered or changed.
    #[schema(example = "delivered")]
    state: String,
    /// How often it was sent.
    attempts: u64,
    created_at: String,
    /// When it is sent next; null when it is not sent again.
    #[schema(required)]
    next_attempt_at: Option<String>,
    /// When it was delivered, given up or withdrawn; null while it is pending.
    #[schema(required)]
    finished_at: Option<String>,
    /// The status of the last answer; null when there was none.
    #[schema(required)]
    status: Option<u16>,
    /// Why the last attempt failed, or why it was withdrawn; null when neither is so.
    #[schema(required)]
    error: Option<String>,
}

impl From<Delivery> for PushDelivery {
    fn from(delivery: Delivery) -> Self {
        let is_pending = delivery.state == "pending";
        let at = rfc3339(delivery.next_at);
        let about: Value = serde_json::from_str(&delivery.payload).unwrap_or_default();
        let text = |name: &str| about[name].as_str().map(str::to_owned);
        let task_short_id = text("short_id");
        Self {
            id: delivery.id,
            item_id: task_short_id.is_some().then_some(delivery.message),
            title: text("title").unwrap_or_default(),
            task_short_id,
            attempts: delivery.attempts,
            created_at: rfc3339(delivery.created_at),
            next_attempt_at: is_pending.then(|| at.clone()),
            finished_at: (!is_pending).then_some(at),
            status: Some(delivery.status).filter(|status| *status > 0),
            error: Some(delivery.error).filter(|error| !error.is_empty()),
            state: delivery.state,
        }
    }
}

/// Shows the server's key for push messages, which is made at first use.
#[utoipa::path(get, path = "/push/key", tag = "push",
    responses((status = 200, body = PushKeyView)))]
pub(crate) async fn key(State(app): State<App>) -> Result<Json<PushKeyView>, Problem> {
    Ok(Json(PushKeyView { public_key: app.push.public_key().await.map_err(unusable_key)? }))
}

/// Lists the browsers that get push messages: the owner's token sees all of the user, another one those that it made.
#[utoipa::path(get, path = "/push/subscriptions", tag = "push", params(PageQuery),
    responses((status = 200, body = Vec<PushSubscriptionView>, headers(("X-Total-Count" = u64), ("Link" = String)))))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    uri: Uri,
    Query(query): Query<PageQuery>,
) -> Result<Paged<PushSubscriptionView>, Problem> {
    let mut all = Vec::new();
    for subscription in app.store.push_subscriptions(caller.id()).await? {
        if is_callers(&caller, &subscription) {
            all.push(view(&app, subscription).await?);
        }
    }
    page(&uri, &query, all)
}

/// Keeps a subscription of a browser. One with the same `endpoint` is replaced. It ends with the token that was shown, or with the
/// sign-out of the browser.
#[utoipa::path(post, path = "/push/subscriptions", tag = "push", request_body = NewPushSubscription,
    responses((status = 200, body = PushSubscriptionView), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn subscribe(
    State(app): State<App>,
    caller: Caller,
    JsonBody(body): JsonBody<NewPushSubscription>,
) -> Result<Json<PushSubscriptionView>, Problem> {
    let name = body.name.trim();
    if name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
        let message = format!("must be at most {MAX_NAME} characters on one line");
        return Err(Problem::invalid("name", message));
    }
    let (project, task) = match &caller.rights.reach {
        Reach::All => (None, None),
        Reach::Project(project) => (Some(project.to_string()), None),
        Reach::Task(task) => (None, Some(task.to_string())),
    };
    let new = NewSubscription {
        user: caller.id().clone(),
        token: caller.token.clone(),
        signed_in_at: caller.session.as_ref().map(|session| session.signed_in_at),
        project,
        task,
        name: if name.is_empty() { "A browser".to_owned() } else { name.to_owned() },
        address: body.endpoint,
        p256dh: body.keys.p256dh,
        auth: body.keys.auth,
    };
    let kept = app.push.subscribe(new).await.map_err(|error| match error {
        SubscribeError::Address(why) => Problem::invalid("endpoint", why),
        SubscribeError::PublicKey => Problem::invalid("keys.p256dh", error.to_string()),
        SubscribeError::Auth => Problem::invalid("keys.auth", error.to_string()),
        SubscribeError::TooMany => Problem::conflict("too_many", sentence(&error.to_string())),
        SubscribeError::Key(error) => unusable_key(error),
        SubscribeError::Store(error) => error.into(),
    })?;
    // A page says with each visit that its browser has the subscription.
    if kept.created_at == kept.confirmed_at {
        let data = json!({ "name": kept.name, "service": kept.service });
        audit::record_named(&app, &caller, "subscribe_push", (&kept.id, &kept.name), &data).await?;
    }
    Ok(Json(view(&app, kept).await?))
}

/// Removes a subscription, with its log.
#[utoipa::path(delete, path = "/push/subscriptions/{id}", tag = "push", params(("id" = String, Path)),
    responses((status = 204, description = "Removed"), (status = 404, body = Problem)))]
pub(crate) async fn unsubscribe(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let subscription = own(&app, &caller, &id).await?;
    app.store.remove_push_subscription(&id).await?;
    let data = json!({ "name": subscription.name, "service": subscription.service });
    audit::record_named(&app, &caller, "unsubscribe_push", (&id, &subscription.name), &data).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A push message that is about to be sent.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct QueuedPush {
    /// Its number in the log.
    id: i64,
}

/// Sends a test message to a browser; its log says what came of it.
#[utoipa::path(post, path = "/push/subscriptions/{id}/test", tag = "push", params(("id" = String, Path)),
    responses((status = 202, body = QueuedPush), (status = 404, body = Problem)))]
pub(crate) async fn test(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<QueuedPush>), Problem> {
    let subscription = own(&app, &caller, &id).await?;
    let id = app.push.send_test(&subscription).await?;
    Ok((StatusCode::ACCEPTED, Json(QueuedPush { id })))
}

/// Lists the last messages to a browser, the newest first.
#[utoipa::path(get, path = "/push/subscriptions/{id}/deliveries", tag = "push", params(("id" = String, Path), PageQuery),
    responses((status = 200, body = Vec<PushDelivery>, headers(("X-Total-Count" = u64), ("Link" = String))), (status = 404, body = Problem)))]
pub(crate) async fn deliveries(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    uri: Uri,
    Query(query): Query<PageQuery>,
) -> Result<Paged<PushDelivery>, Problem> {
    let endpoint = own(&app, &caller, &id).await?.endpoint();
    let limit = limit(query.limit)?;
    let before = query.cursor.map(|cursor| cursor.parse().map_err(|_| bad_cursor())).transpose()?;
    let counts = app.store.count_deliveries(&endpoint).await?;
    let mut found = app.store.deliveries(&endpoint, before, limit + 1).await?;
    let has_more = u64::try_from(found.len()).is_ok_and(|found| found > limit);
    found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let next = found.last().filter(|_| has_more).map(|last| last.id.to_string());
    let total = counts.pending + counts.delivered + counts.failed + counts.withdrawn;
    let headers = page_headers(&uri, total, next.as_deref());
    Ok((headers, Json(found.into_iter().map(PushDelivery::from).collect())))
}

/// Returns a subscription of the caller's; another one is as unknown as one that does not exist.
async fn own(app: &App, caller: &Caller, id: &str) -> Result<PushSubscription, Problem> {
    let found = app.store.push_subscription(id).await?;
    found
        .filter(|subscription| subscription.user == *caller.id() && is_callers(caller, subscription))
        .ok_or_else(|| Problem::not_found("push subscription"))
}

/// Returns whether a credential may see a subscription of its user.
fn is_callers(caller: &Caller, subscription: &PushSubscription) -> bool {
    caller.rights.level >= Level::Own || subscription.token == caller.token
}

async fn view(app: &App, subscription: PushSubscription) -> Result<PushSubscriptionView, Problem> {
    let counts = app.store.count_deliveries(&subscription.endpoint()).await?;
    Ok(PushSubscriptionView {
        readable: app.push.is_readable(&subscription),
        id: subscription.id,
        name: subscription.name,
        service: subscription.service,
        created_at: rfc3339(subscription.created_at),
        confirmed_at: rfc3339(subscription.confirmed_at),
        pending: counts.pending,
        delivered: counts.delivered,
        failed: counts.failed,
        withdrawn: counts.withdrawn,
    })
}

fn unusable_key(error: KeyError) -> Problem {
    match error {
        KeyError::Store(error) => error.into(),
        KeyError::Damaged => Problem::conflict("push_key", sentence(&error.to_string())),
    }
}
