//! Sends due messages, push service by push service: one that does not answer holds up its own alone.

use super::message::{self, Content};
use super::service::{ANSWER_WITHIN, Clients};
use super::{Inner, KeyError, Push};
use crate::app::App;
use crate::clock::now;
use crate::failure::chain;
use crate::notifications::webhooks::retry_at;
use futures::StreamExt as _;
use reqwest::header::RETRY_AFTER;
use reqwest::{Response, StatusCode};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;
use store::{AfterAttempt, Attempt, Delivery, PushSubscription, StoreError};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use workflow::Millis;

/// How often the sender looks for messages that it was not woken for.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// How many subscriptions of one push service are served at once.
const MAX_CONCURRENT: usize = 4;
/// How many messages of one subscription are taken at once, and how long they belong to this server, in milliseconds: longer than
/// sending them takes.
const BATCH: u64 = 2;
const LEASE_MS: i64 = 30_000;
/// How many finished and pending messages of a subscription are kept.
const KEPT: u64 = 100;
const MAX_PENDING: u64 = 200;
/// The longest delay that a push service can ask for, in seconds.
const MAX_RETRY_AFTER: i64 = 3 * 3600;
/// The longest reason of a failure, in characters.
const MAX_REASON: usize = 300;

/// Sends messages until the server ends.
pub(crate) async fn run(app: App, stop: CancellationToken) {
    let clients = match Clients::new() {
        Ok(clients) => Arc::new(clients),
        Err(error) => {
            tracing::error!(error = chain(&error), "push messages are not sent: no HTTP client can be made");
            return;
        }
    };
    let mut serving: JoinSet<()> = JoinSet::new();
    let mut busy: HashMap<tokio::task::Id, String> = HashMap::new();
    loop {
        match due(&app).await {
            Ok(due) => {
                for (service, subscriptions) in due {
                    if busy.values().any(|known| *known == service) {
                        continue;
                    }
                    let served = serving.spawn(serve(app.clone(), Arc::clone(&clients), subscriptions));
                    busy.insert(served.id(), service);
                }
            }
            Err(error) => tracing::warn!(error = chain(&error), "could not read the due push messages"),
        }
        tokio::select! {
            () = app.push.0.wake.notified() => {}
            () = tokio::time::sleep(POLL_INTERVAL) => {}
            Some(ended) = serving.join_next_with_id(), if !serving.is_empty() => {
                let id = match ended {
                    Ok((id, ())) => id,
                    Err(error) => {
                        tracing::error!(%error, "sending push messages panicked");
                        error.id()
                    }
                };
                busy.remove(&id);
            }
            // What is on its way is sent again by the next start.
            () = stop.cancelled() => return,
        }
    }
}

/// Returns the subscriptions with messages that are due, by their push services.
async fn due(app: &App) -> Result<BTreeMap<String, Vec<PushSubscription>>, StoreError> {
    let mut by_service: BTreeMap<String, Vec<PushSubscription>> = BTreeMap::new();
    for subscription in app.store.due_push_subscriptions(now()).await? {
        by_service.entry(subscription.service.clone()).or_default().push(subscription);
    }
    Ok(by_service)
}

/// Sends some of what is due for the subscriptions of one push service.
async fn serve(app: App, clients: Arc<Clients>, subscriptions: Vec<PushSubscription>) {
    let app = &app;
    let clients = &*clients;
    futures::stream::iter(subscriptions)
        .for_each_concurrent(MAX_CONCURRENT, |subscription| async move {
            if let Err(error) = send_due(app, clients, &subscription).await {
                tracing::warn!(
                    error = chain(&error),
                    subscription = subscription.id,
                    "could not send push messages"
                );
            }
        })
        .await;
}

async fn send_due(app: &App, clients: &Clients, subscription: &PushSubscription) -> Result<(), StoreError> {
    let at = now();
    let token = app.store.token(&subscription.token).await?.filter(|token| token.is_valid_at(at));
    let Some(token) = token else {
        app.store.remove_push_subscription(&subscription.id).await?;
        tracing::info!(subscription = subscription.id, "removed a push subscription whose token ended");
        return Ok(());
    };
    let endpoint = subscription.endpoint();
    for delivery in app.store.take_deliveries(&endpoint, at, at.plus(LEASE_MS), BATCH).await? {
        if app.store.is_replaced(&endpoint, &delivery.message, delivery.id).await? {
            withdraw(app, &delivery, "replaced by a later state").await?;
            continue;
        }
        let message = match message::content(app, subscription, &token, &delivery, now()).await? {
            Content::Message(message) => message,
            Content::Answered => {
                withdraw(app, &delivery, "answered before it was sent").await?;
                continue;
            }
            Content::NotVisible => {
                withdraw(app, &delivery, "the token is not for this task").await?;
                continue;
            }
        };
        match app.push.send(clients, subscription, &message).await {
            Ok(answer) if answer.status().is_success() => {
                let status = answer.status().as_u16();
                let attempt =
                    Attempt { status, error: String::new(), at: now(), then: AfterAttempt::Delivered };
                app.store.note_attempt(delivery.id, attempt).await?;
            }
            Ok(answer) if matches!(answer.status(), StatusCode::NOT_FOUND | StatusCode::GONE) => {
                app.store.remove_push_subscription(&subscription.id).await?;
                tracing::info!(
                    subscription = subscription.id,
                    "removed a push subscription that its service does not know"
                );
                return Ok(());
            }
            Ok(answer) => {
                let status = answer.status();
                let reason = format!("the push service answered {status}");
                let attempt = failed(&delivery, status.as_u16(), &reason, retry_after(&answer));
                app.store.note_attempt(delivery.id, attempt).await?;
            }
            Err(SendError::Http(error)) => {
                let reason = if error.is_timeout() {
                    format!("the push service did not answer within {} seconds", ANSWER_WITHIN.as_secs())
                } else {
                    // Whoever knows the address can send to the browser.
                    chain(&error.without_url())
                };
                app.store.note_attempt(delivery.id, failed(&delivery, 0, &reason, Some(0))).await?;
            }
            Err(error) => {
                app.store.note_attempt(delivery.id, failed(&delivery, 0, &error.to_string(), None)).await?;
            }
        }
    }
    app.store.prune_deliveries(&endpoint, KEPT, MAX_PENDING).await?;
    Ok(())
}

async fn withdraw(app: &App, delivery: &Delivery, why: &str) -> Result<(), StoreError> {
    let attempt = Attempt { status: 0, error: why.to_owned(), at: now(), then: AfterAttempt::Withdrawn };
    app.store.note_attempt(delivery.id, attempt).await
}

/// Why a message could not be sent.
#[derive(Debug, thiserror::Error)]
enum SendError {
    #[error("the push service cannot be reached")]
    Http(#[source] reqwest::Error),
    #[error("the address {0}")]
    Address(#[from] super::service::AddressError),
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(
        "the subscription was encrypted with another key of this server; restore that key, or turn notifications on again in the \
         browser"
    )]
    OtherKey,
    #[error("the message cannot be encrypted for the browser")]
    Encryption,
}

impl Push {
    /// Sends a message once. The service's answer counts by its status; its body is not read.
    async fn send(
        &self,
        clients: &Clients,
        subscription: &PushSubscription,
        message: &message::Message,
    ) -> Result<Response, SendError> {
        let Inner { services, contact, .. } = &*self.0;
        let browser = self.browser(subscription).ok_or(SendError::OtherKey)?;
        // The settings may have changed since.
        let service = services.check(&browser.address)?;
        let body = browser.encrypt(&message.payload).ok_or(SendError::Encryption)?;
        let authorization = self.server_key().await?.authorization(&service, contact.as_deref(), now());
        clients
            .of(services.is_private(&service))
            .post(&browser.address)
            .header("authorization", authorization)
            .header("content-encoding", "aes128gcm")
            .header("content-type", "application/octet-stream")
            .header("ttl", message.ttl)
            .header("urgency", message.urgency)
            .header("topic", &message.topic)
            .body(body)
            .send()
            .await
            .map_err(SendError::Http)
    }

    /// Queues a message by which a person tries a subscription, and returns its number in the log.
    pub async fn send_test(&self, subscription: &PushSubscription) -> Result<i64, StoreError> {
        let number = self.0.store.add_delivery(message::test(subscription, now())).await?;
        self.wake();
        Ok(number)
    }
}

/// Returns in how many seconds a push service may be asked again at the earliest; none when asking again is of no use.
fn retry_after(answer: &Response) -> Option<i64> {
    let status = answer.status();
    let can_heal = status.is_server_error()
        || matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY
        );
    let named = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse::<i64>().ok());
    can_heal.then(|| named.unwrap_or(0).clamp(0, MAX_RETRY_AFTER))
}

/// Returns a failed attempt; without `retry_after`, in seconds, it is the last one.
fn failed(delivery: &Delivery, status: u16, reason: &str, retry_after: Option<i64>) -> Attempt {
    let at: Millis = now();
    let next = retry_after.and_then(|seconds| {
        let earliest = at.plus(seconds * 1000);
        retry_at(delivery, at).map(|next| next.max(earliest))
    });
    let then = next.map_or(AfterAttempt::Failed, AfterAttempt::RetryAt);
    tracing::debug!(delivery = delivery.id, reason, "a push message was not delivered");
    Attempt { status, error: reason.chars().take(MAX_REASON).collect(), at, then }
}
