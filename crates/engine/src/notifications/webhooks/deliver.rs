//! Delivers due messages, endpoint by endpoint, and retries failed deliveries.

use super::Endpoint;
use crate::app::App;
use crate::clock::now;
use crate::failure::chain;
use futures::StreamExt as _;
use rand::Rng as _;
use reqwest::redirect;
use std::sync::Arc;
use std::time::Duration;
use store::{AfterAttempt, Attempt, Delivery};
use tokio_util::sync::CancellationToken;
use workflow::Millis;

/// How long an endpoint may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// How many messages of one endpoint are taken at once.
const BATCH: u64 = 8;
/// How many of these are on their way at once.
const MAX_CONCURRENT_DELIVERIES: usize = 4;
/// How long taken messages belong to this server, in milliseconds: longer than sending a batch takes.
const LEASE_MS: i64 = 30_000;
/// How often an endpoint's sender looks for messages that it was not woken for.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// The delay before the second attempt, in milliseconds; each further one is three times as long.
const FIRST_DELAY_MS: i64 = 5_000;
const MAX_DELAY_MS: i64 = 3 * 3600 * 1000;
/// How long a message is tried, in milliseconds.
const TRY_FOR_MS: i64 = 24 * 3600 * 1000;
/// How many finished messages of an endpoint the log keeps.
pub(crate) const KEPT: u64 = 200;
/// How many pending messages of an endpoint there are at most; the oldest are dropped.
const MAX_PENDING: u64 = 10_000;
/// The longest reason of a failure, in characters.
const MAX_REASON: usize = 300;

/// Serves every endpoint until the server ends.
pub(crate) async fn run(app: App, stop: CancellationToken) {
    let endpoints = app.webhooks.endpoints().to_vec();
    let configured = endpoints.iter().map(|endpoint| endpoint.id.clone()).collect();
    match app.store.remove_other_deliveries(configured).await {
        Ok(0) => {}
        Ok(removed) => tracing::info!(removed, "removed deliveries of webhooks that are not configured"),
        Err(error) => {
            tracing::warn!(%error, "could not remove deliveries of webhooks that are not configured");
        }
    }
    if endpoints.is_empty() {
        return;
    }
    let client = reqwest::Client::builder()
        .user_agent(concat!("SpecTask/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .timeout(ANSWER_WITHIN)
        .build();
    let client = match client {
        Ok(client) => client,
        Err(error) => {
            tracing::error!(error = chain(&error), "webhooks are not sent: no HTTP client can be made");
            return;
        }
    };
    let serve = |endpoint: Arc<Endpoint>| serve(&app, &client, endpoint, &stop);
    futures::future::join_all(endpoints.into_iter().map(serve)).await;
}

async fn serve(app: &App, client: &reqwest::Client, endpoint: Arc<Endpoint>, stop: &CancellationToken) {
    loop {
        let sent = tokio::select! {
            sent = send_due(app, client, &endpoint) => sent,
            () = stop.cancelled() => return,
        };
        match sent {
            Ok(0) => {}
            Ok(_) => continue,
            Err(error) => {
                tracing::warn!(
                    error = chain(&error),
                    webhook = endpoint.id,
                    "could not read or note deliveries"
                );
            }
        }
        tokio::select! {
            () = endpoint.wake.notified() => {}
            () = tokio::time::sleep(POLL_INTERVAL) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// Sends some of what is due, and returns how much that was.
async fn send_due(
    app: &App,
    client: &reqwest::Client,
    endpoint: &Endpoint,
) -> Result<usize, store::StoreError> {
    let at = now();
    if app.store.next_delivery_at(&endpoint.id).await?.is_none_or(|next| next.0 > at.0) {
        return Ok(0);
    }
    let due = app.store.take_deliveries(&endpoint.id, at, at.plus(LEASE_MS), BATCH).await?;
    let taken = due.len();
    let attempts = futures::stream::iter(due)
        .map(async |delivery| {
            let attempt = attempt(client, endpoint, &delivery).await;
            (delivery.id, attempt)
        })
        .buffer_unordered(MAX_CONCURRENT_DELIVERIES);
    let mut attempts = std::pin::pin!(attempts);
    while let Some((id, attempt)) = attempts.next().await {
        app.store.note_attempt(id, attempt).await?;
    }
    app.store.prune_deliveries(&endpoint.id, KEPT, MAX_PENDING).await?;
    Ok(taken)
}

/// Sends a message once. The endpoint's answer counts by its status alone; its body is not read.
async fn attempt(client: &reqwest::Client, endpoint: &Endpoint, delivery: &Delivery) -> Attempt {
    let sent_at = now();
    let timestamp = sent_at.0 / 1000;
    let signature = endpoint.signer.sign(&delivery.message, timestamp, delivery.payload.as_bytes());
    let signature = match signature {
        Ok(signature) => signature,
        Err(error) => return failed(delivery, 0, &format!("could not sign it: {error}"), false),
    };
    let answer = client
        .post(&endpoint.url)
        .header("content-type", "application/json")
        .header("webhook-id", &delivery.message)
        .header("webhook-timestamp", timestamp.to_string())
        .header("webhook-signature", signature)
        .body(delivery.payload.clone())
        .send()
        .await;
    match answer {
        Ok(answer) if answer.status().is_success() => {
            let status = answer.status().as_u16();
            Attempt { status, error: String::new(), at: now(), then: AfterAttempt::Delivered }
        }
        Ok(answer) => {
            let status = answer.status();
            let reason = match status.as_u16() {
                300..=399 => format!("the endpoint answered {status}; redirects are not followed"),
                _ => format!("the endpoint answered {status}"),
            };
            let is_gone = status == reqwest::StatusCode::GONE;
            failed(delivery, status.as_u16(), &reason, is_gone)
        }
        Err(error) => {
            let reason = if error.is_timeout() {
                format!("the endpoint did not answer within {} seconds", ANSWER_WITHIN.as_secs())
            } else {
                // Its address may hold a secret.
                chain(&error.without_url())
            };
            failed(delivery, 0, &reason, false)
        }
    }
}

fn failed(delivery: &Delivery, status: u16, reason: &str, is_final: bool) -> Attempt {
    let at = now();
    let then = match retry_at(delivery, at) {
        Some(next) if !is_final => AfterAttempt::RetryAt(next),
        _ => AfterAttempt::Failed,
    };
    tracing::debug!(message = delivery.message, reason, "a webhook was not delivered");
    Attempt { status, error: reason.chars().take(MAX_REASON).collect(), at, then }
}

/// Returns when a message is sent again: with growing delays, of which a part is random, for a day.
pub(crate) fn retry_at(delivery: &Delivery, at: Millis) -> Option<Millis> {
    if at.0 - delivery.created_at.0 >= TRY_FOR_MS {
        return None;
    }
    let exponent = u32::try_from(delivery.attempts.saturating_sub(1)).unwrap_or(u32::MAX).min(12);
    let delay = (FIRST_DELAY_MS * 3_i64.pow(exponent)).min(MAX_DELAY_MS);
    let jitter = rand::rng().random_range(0..=delay / 4);
    Some(at.plus(delay + jitter))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(attempts: u64) -> Delivery {
        Delivery {
            id: 1,
            message: "msg_1".to_owned(),
            event: "task.done".to_owned(),
            payload: "{}".to_owned(),
            state: "pending".to_owned(),
            attempts,
            created_at: Millis(0),
            next_at: Millis(0),
            status: 0,
            error: String::new(),
        }
    }

    #[test]
    fn delays_grow_up_to_three_hours_and_end_after_a_day() {
        let mut at = Millis(0);
        let mut attempts = 0;
        let mut delays = Vec::new();
        loop {
            attempts += 1;
            let Some(next) = retry_at(&delivery(attempts), at) else { break };
            delays.push(next.0 - at.0);
            at = next;
        }
        assert!((5_000..=6_250).contains(&delays[0]), "{delays:?}");
        assert!((15_000..=18_750).contains(&delays[1]), "{delays:?}");
        assert!(delays.iter().all(|delay| *delay <= MAX_DELAY_MS + MAX_DELAY_MS / 4), "{delays:?}");
        assert!((10..=20).contains(&delays.len()), "{delays:?}");
        assert!(at.0 >= TRY_FOR_MS, "{at:?}");
    }
}
