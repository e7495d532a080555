//! Deliveries of webhooks and of push messages: what an endpoint is to be sent, written with the change that it is about, and what came of it.

use crate::connection::{Row, Transaction};
use crate::feed::{self, FeedEntry, FeedRow};
use crate::sql::{self, execute, number, row, rows, text, unsigned};
use crate::{Store, StoreError};
use workflow::Millis;

/// A message for an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDelivery {
    pub endpoint: String,
    /// The `webhook-id`, the same each time that it is sent.
    pub message: String,
    /// The type of the event.
    pub event: String,
    pub payload: String,
    pub at: Millis,
}

/// A message for an endpoint, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    pub id: i64,
    pub message: String,
    pub event: String,
    pub payload: String,
    /// `pending`, `delivered`, `failed`, or `withdrawn` when it was not needed any more.
    pub state: String,
    pub attempts: u64,
    pub created_at: Millis,
    /// When it is sent next, while it is pending; else when it was sent last.
    pub next_at: Millis,
    /// The status of the last answer; 0 without one.
    pub status: u16,
    /// Why the last attempt failed.
    pub error: String,
}

/// The result of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub status: u16,
    pub error: String,
    pub at: Millis,
    pub then: AfterAttempt,
}

/// The next step after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterAttempt {
    Delivered,
    RetryAt(Millis),
    Failed,
    /// It is not needed any more.
    Withdrawn,
}

/// How many deliveries of an endpoint are in each state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryCounts {
    pub pending: u64,
    pub delivered: u64,
    pub failed: u64,
    pub withdrawn: u64,
}

const COLUMNS: &str = "id, message, event, payload, state, attempts, created_at, next_at, status, error";

impl Store {
    /// Appends feed messages together with what webhooks are to be sent about them.
    pub async fn append_feed_with(
        &self,
        at: Millis,
        entries: Vec<FeedEntry>,
        deliveries: Vec<NewDelivery>,
    ) -> Result<Vec<FeedRow>, StoreError> {
        let entries = feed::prepare(entries);
        self.write(move |on| {
            Box::pin(async move {
                insert(on, deliveries).await?;
                feed::number_and_append(on, at, entries).await
            })
        })
        .await
    }

    /// Adds a delivery and returns its number.
    pub async fn add_delivery(&self, delivery: NewDelivery) -> Result<i64, StoreError> {
        self.write(move |on| {
            Box::pin(async move {
                let inserted = sql::insert(on, TABLE, vec![values(delivery)], "RETURNING id").await?;
                inserted.first().map_or(Ok(0), |row| number(row, "id"))
            })
        })
        .await
    }

    /// Takes deliveries of an endpoint that are due, the oldest first. No other taker gets them before `until`: a server
    /// that ends before it says what came of them leaves them to be sent again then.
    pub async fn take_deliveries(
        &self,
        endpoint: &str,
        now: Millis,
        until: Millis,
        limit: u64,
    ) -> Result<Vec<Delivery>, StoreError> {
        let endpoint = endpoint.to_owned();
        self.write(move |on| {
            Box::pin(async move {
                let sql = format!(
                    "SELECT {COLUMNS} FROM webhook_deliveries WHERE state = 'pending' AND endpoint = ? AND next_at <= ? \
                     ORDER BY next_at, id LIMIT ?"
                );
                let found =
                    rows(on, &sql, vec![endpoint.into(), now.0.into(), sql::signed(limit)]).await?;
                let mut taken = Vec::new();
                for delivery in found.iter().map(read) {
                    let delivery = delivery?;
                    let sql = "UPDATE webhook_deliveries SET next_at = ?, attempts = attempts + 1 \
                               WHERE id = ? AND state = 'pending' AND next_at = ?";
                    let values = vec![until.0.into(), delivery.id.into(), delivery.next_at.0.into()];
                    if execute(on, sql, values).await? == 1 {
                        taken.push(Delivery { attempts: delivery.attempts + 1, ..delivery });
                    }
                }
                Ok(taken)
            })
        })
        .await
    }

    /// Returns when the next delivery of an endpoint is due.
    pub async fn next_delivery_at(&self, endpoint: &str) -> Result<Option<Millis>, StoreError> {
        let sql = "SELECT next_at FROM webhook_deliveries WHERE state = 'pending' AND endpoint = ? \
                   ORDER BY next_at LIMIT 1";
        let found = row(&self.readers, sql, vec![endpoint.into()]).await?;
        found.map(|row| Ok(Millis(number(&row, "next_at")?))).transpose()
    }

    /// Notes what came of an attempt.
    pub async fn note_attempt(&self, id: i64, attempt: Attempt) -> Result<(), StoreError> {
        self.write(move |on| {
            Box::pin(async move {
                let (state, next_at) = match attempt.then {
                    AfterAttempt::Delivered => ("delivered", attempt.at),
                    AfterAttempt::RetryAt(at) => ("pending", at),
                    AfterAttempt::Failed => ("failed", attempt.at),
                    AfterAttempt::Withdrawn => ("withdrawn", attempt.at),
                };
                // One that was withdrawn while it was on its way, and arrived.
                let from = if state == "delivered" { "('pending', 'withdrawn')" } else { "('pending')" };
                let sql = format!(
                    "UPDATE webhook_deliveries SET state = ?, next_at = ?, status = ?, error = ? \
                     WHERE id = ? AND state IN {from}"
                );
                let status = i64::from(attempt.status).into();
                let values = vec![state.into(), next_at.0.into(), status, attempt.error.into(), id.into()];
                execute(on, &sql, values).await.map(|_| ())
            })
        })
        .await
    }

    /// Has a delivery sent again, with the same `webhook-id`. Returns false when the endpoint has none of this number.
    pub async fn redeliver(&self, endpoint: &str, id: i64, now: Millis) -> Result<bool, StoreError> {
        let endpoint = endpoint.to_owned();
        self.write(move |on| {
            Box::pin(async move {
                let sql = "UPDATE webhook_deliveries SET state = 'pending', next_at = ?, created_at = ?, attempts = 0 \
                           WHERE id = ? AND endpoint = ?";
                let values = vec![now.0.into(), now.0.into(), id.into(), endpoint.into()];
                Ok(execute(on, sql, values).await? == 1)
            })
        })
        .await
    }

    /// Returns the last deliveries of an endpoint, the newest first.
    pub async fn deliveries(
        &self,
        endpoint: &str,
        before: Option<i64>,
        limit: u64,
    ) -> Result<Vec<Delivery>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM webhook_deliveries WHERE endpoint = ? AND id < ? ORDER BY id DESC LIMIT ?"
        );
        let values = vec![endpoint.into(), before.unwrap_or(i64::MAX).into(), sql::signed(limit)];
        rows(&self.readers, &sql, values).await?.iter().map(read).collect()
    }

    /// Returns how many deliveries an endpoint has in each state.
    pub async fn count_deliveries(&self, endpoint: &str) -> Result<DeliveryCounts, StoreError> {
        let sql = "SELECT state, COUNT(*) AS total FROM webhook_deliveries WHERE endpoint = ? GROUP BY state";
        let mut counts = DeliveryCounts::default();
        for row in rows(&self.readers, sql, vec![endpoint.into()]).await? {
            let total = unsigned(&row, "total")?;
            match text(&row, "state")?.as_str() {
                "pending" => counts.pending = total,
                "delivered" => counts.delivered = total,
                "withdrawn" => counts.withdrawn = total,
                _ => counts.failed = total,
            }
        }
        Ok(counts)
    }

    /// Removes the finished deliveries of an endpoint beyond the last ones, and the oldest pending ones where there are too
    /// many: an endpoint that is away for long does not fill the disk.
    pub async fn prune_deliveries(
        &self,
        endpoint: &str,
        finished: u64,
        pending: u64,
    ) -> Result<u64, StoreError> {
        let endpoint = endpoint.to_owned();
        self.write(move |on| {
            Box::pin(async move {
                let mut removed = 0;
                for (states, most) in [("state <> 'pending'", finished), ("state = 'pending'", pending)] {
                    let sql = format!(
                        "DELETE FROM webhook_deliveries WHERE endpoint = ? AND {states} AND id <= \
                         (SELECT id FROM webhook_deliveries WHERE endpoint = ? AND {states} ORDER BY id DESC LIMIT 1 OFFSET ?)"
                    );
                    let values =
                        vec![endpoint.as_str().into(), endpoint.as_str().into(), sql::signed(most)];
                    removed += execute(on, &sql, values).await?;
                }
                Ok(removed)
            })
        })
        .await
    }

    /// Removes the deliveries of webhooks that are not configured.
    pub async fn remove_other_deliveries(&self, configured: Vec<String>) -> Result<u64, StoreError> {
        self.write(move |on| {
            Box::pin(async move {
                let marks = vec!["?"; configured.len()].join(", ");
                let mut sql = "DELETE FROM webhook_deliveries WHERE endpoint NOT LIKE 'push:%'".to_owned();
                if !configured.is_empty() {
                    sql.push_str(&format!(" AND endpoint NOT IN ({marks})"));
                }
                execute(on, &sql, configured.into_iter().map(Into::into).collect()).await
            })
        })
        .await
    }
}

const TABLE: &str = "webhook_deliveries (endpoint, message, event, payload, state, attempts, created_at, next_at, status, error)";

/// Adds deliveries in the transaction of the change that they are about.
pub(crate) async fn insert(on: &Transaction<'_>, deliveries: Vec<NewDelivery>) -> Result<(), StoreError> {
    sql::insert(on, TABLE, deliveries.into_iter().map(values).collect(), "").await.map(|_| ())
}

fn values(delivery: NewDelivery) -> Vec<crate::connection::Value> {
    let NewDelivery { endpoint, message, event, payload, at } = delivery;
    vec![
        endpoint.into(),
        message.into(),
        event.into(),
        payload.into(),
        "pending".into(),
        0_i64.into(),
        at.0.into(),
        at.0.into(),
        0_i64.into(),
        "".into(),
    ]
}

fn read(row: &Row) -> Result<Delivery, StoreError> {
    Ok(Delivery {
        id: number(row, "id")?,
        message: text(row, "message")?,
        event: text(row, "event")?,
        payload: text(row, "payload")?,
        state: text(row, "state")?,
        attempts: unsigned(row, "attempts")?,
        created_at: Millis(number(row, "created_at")?),
        next_at: Millis(number(row, "next_at")?),
        status: u16::try_from(number(row, "status")?).unwrap_or(0),
        error: text(row, "error")?,
    })
}
