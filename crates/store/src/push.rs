//! Push messages: the keys by which the server is known to push services, the subscriptions of browsers, and the messages that
//! are queued for these. The queue is that of webhooks: an endpoint of it is `push:` and the subscription's id.

use crate::connection::{Executor, Row, Transaction, Value};
use crate::sql::{execute, number, row, rows, text, unsigned};
use crate::{Store, StoreError};
use protocol::InboxItem;
use protocol::words::InboxEvent;
use serde_json::json;
use workflow::{Millis, UserId};

/// The event of a message about an item of the inbox.
const ITEM_EVENT: &str = "inbox.item";

/// A key by which push services know the server; the private part is encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushKey {
    /// The key that encrypts the private part. A server with another one has another key.
    pub key_id: String,
    /// The public part, as base64url of an uncompressed point.
    pub public_key: String,
    pub sealed: String,
    pub created_at: Millis,
}

/// A browser that is sent push messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushSubscription {
    pub id: String,
    pub user: UserId,
    /// The hash of the token that it was made with, or that the browser signed in with. It ends with the token.
    pub token: String,
    /// When the browser signed in that made it; zero for a program.
    pub signed_in_at: Millis,
    /// The project that the token is limited to; empty is all.
    pub project: String,
    /// The task that the token is limited to; empty is all.
    pub task: String,
    /// The name of the browser in lists.
    pub name: String,
    /// The scheme, host and port of the push service.
    pub service: String,
    /// The key that encrypted the rest.
    pub key_id: String,
    /// The address and the keys of the browser, encrypted.
    pub sealed: String,
    pub created_at: Millis,
    /// When the browser said last that it has the subscription.
    pub confirmed_at: Millis,
}

impl PushSubscription {
    /// Returns its endpoint in the queue.
    pub fn endpoint(&self) -> String {
        endpoint(&self.id)
    }
}

const COLUMNS: &str =
    "id, owner, token, signed_in_at, project, task, name, service, key_id, sealed, created_at, confirmed_at";

fn endpoint(id: &str) -> String {
    format!("push:{id}")
}

impl Store {
    /// Returns the key that was encrypted with a key.
    pub async fn push_key(&self, key_id: &str) -> Result<Option<PushKey>, StoreError> {
        read_key(&self.readers, key_id).await
    }

    /// Keeps a key, and returns the one that is kept: another server may have been first.
    pub async fn add_push_key(&self, key: PushKey) -> Result<PushKey, StoreError> {
        self.write(move |on| {
            Box::pin(async move {
                let sql = "INSERT INTO push_keys (key_id, public_key, sealed, created_at) VALUES (?, ?, ?, ?) \
                           ON CONFLICT (key_id) DO NOTHING";
                let values = vec![
                    key.key_id.as_str().into(),
                    key.public_key.as_str().into(),
                    key.sealed.as_str().into(),
                    key.created_at.0.into(),
                ];
                execute(on, sql, values).await?;
                Ok(read_key(on, &key.key_id).await?.unwrap_or(key))
            })
        })
        .await
    }

    /// Keeps a subscription; one with the same id is replaced, and stays as old as it is. Returns false when the user has
    /// `most` others already.
    pub async fn put_push_subscription(
        &self,
        subscription: PushSubscription,
        most: u64,
    ) -> Result<bool, StoreError> {
        self.write(move |on| {
            Box::pin(async move {
                let sql = "SELECT COUNT(*) AS total FROM push_subscriptions WHERE owner = ? AND id <> ?";
                let values = vec![subscription.user.as_str().into(), subscription.id.as_str().into()];
                let others = row(on, sql, values).await?.map_or(Ok(0), |row| unsigned(&row, "total"))?;
                if others >= most {
                    return Ok(false);
                }
                // Another person who signed in with the browser does not see what the one before was sent.
                let sql = "SELECT owner FROM push_subscriptions WHERE id = ?";
                let before = row(on, sql, vec![subscription.id.as_str().into()]).await?;
                let before = before.map(|row| text(&row, "owner")).transpose()?;
                if before.is_some_and(|owner| owner != subscription.user.as_str()) {
                    remove(on, "id = ?", vec![subscription.id.as_str().into()]).await?;
                }
                let sql = format!(
                    "INSERT INTO push_subscriptions ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
                     ON CONFLICT (id) DO UPDATE SET token = excluded.token, signed_in_at = excluded.signed_in_at, \
                     project = excluded.project, task = excluded.task, name = excluded.name, service = excluded.service, \
                     key_id = excluded.key_id, sealed = excluded.sealed, confirmed_at = excluded.confirmed_at"
                );
                execute(on, &sql, values_of(subscription)).await?;
                Ok(true)
            })
        })
        .await
    }

    /// Returns the subscriptions of a user, the oldest first.
    pub async fn push_subscriptions(&self, user: &UserId) -> Result<Vec<PushSubscription>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM push_subscriptions WHERE owner = ? ORDER BY created_at, id");
        rows(&self.readers, &sql, vec![user.as_str().into()]).await?.iter().map(read).collect()
    }

    /// Returns the subscription of an id.
    pub async fn push_subscription(&self, id: &str) -> Result<Option<PushSubscription>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM push_subscriptions WHERE id = ?");
        row(&self.readers, &sql, vec![id.into()]).await?.as_ref().map(read).transpose()
    }

    /// Returns the subscriptions with messages that are due.
    pub async fn due_push_subscriptions(&self, now: Millis) -> Result<Vec<PushSubscription>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM push_subscriptions s WHERE EXISTS (SELECT 1 FROM webhook_deliveries d \
             WHERE d.state = 'pending' AND d.endpoint = 'push:' || s.id AND d.next_at <= ?)"
        );
        rows(&self.readers, &sql, vec![now.0.into()]).await?.iter().map(read).collect()
    }

    /// Removes a subscription with its messages; false when there is none of this id.
    pub async fn remove_push_subscription(&self, id: &str) -> Result<bool, StoreError> {
        let id = id.to_owned();
        self.write(move |on| Box::pin(async move { Ok(remove(on, "id = ?", vec![id.into()]).await? > 0) }))
            .await
    }

    /// Returns whether a later message about the same item waits for the same endpoint.
    pub async fn is_replaced(&self, endpoint: &str, message: &str, id: i64) -> Result<bool, StoreError> {
        let sql = "SELECT id FROM webhook_deliveries WHERE state = 'pending' AND endpoint = ? AND message = ? AND id > ?";
        let values = vec![endpoint.into(), message.into(), id.into()];
        Ok(row(&self.readers, sql, values).await?.is_some())
    }
}

async fn read_key(on: &impl Executor, key_id: &str) -> Result<Option<PushKey>, StoreError> {
    let sql = "SELECT key_id, public_key, sealed, created_at FROM push_keys WHERE key_id = ?";
    let found = row(on, sql, vec![key_id.into()]).await?;
    let read = |row: Row| {
        Ok(PushKey {
            key_id: text(&row, "key_id")?,
            public_key: text(&row, "public_key")?,
            sealed: text(&row, "sealed")?,
            created_at: Millis(number(&row, "created_at")?),
        })
    };
    found.map(read).transpose()
}

/// Removes subscriptions with their messages, and returns how many there were.
pub(crate) async fn remove(
    on: &Transaction<'_>,
    condition: &str,
    values: Vec<Value>,
) -> Result<u64, StoreError> {
    let sql = format!(
        "DELETE FROM webhook_deliveries WHERE endpoint IN (SELECT 'push:' || id FROM push_subscriptions WHERE {condition})"
    );
    execute(on, &sql, values.clone()).await?;
    execute(on, &format!("DELETE FROM push_subscriptions WHERE {condition}"), values).await
}

/// Queues messages about a change of the inbox for the subscriptions of its owner. What waits about an earlier state of the item
/// is withdrawn, and nothing is queued for an item that does not wait any more.
pub(crate) async fn queue(
    on: &Transaction<'_>,
    at: Millis,
    owner: &str,
    event: InboxEvent,
    item: &InboxItem,
) -> Result<(), StoreError> {
    let why = if event == InboxEvent::Resolved {
        "answered before it was sent"
    } else {
        "replaced by a later state"
    };
    let sql = "UPDATE webhook_deliveries SET state = 'withdrawn', next_at = ?, error = ? WHERE state = 'pending' AND message = ? \
               AND endpoint IN (SELECT 'push:' || id FROM push_subscriptions WHERE owner = ?)";
    execute(on, sql, vec![at.0.into(), why.into(), item.id.as_str().into(), owner.into()]).await?;
    if event == InboxEvent::Resolved {
        return Ok(());
    }
    // The message itself is written when it is sent: it says what the item says then. This is for the log.
    let payload = json!({ "title": item.title, "kind": item.kind, "task": item.task.id, "short_id": item.task.short_id });
    let sql = "SELECT id FROM push_subscriptions WHERE owner = ? AND (project = '' OR project = ?) AND (task = '' OR task = ?)";
    let values = vec![owner.into(), item.task.project_id.as_str().into(), item.task.id.as_str().into()];
    let mut deliveries = Vec::new();
    for row in rows(on, sql, values).await? {
        deliveries.push(crate::NewDelivery {
            endpoint: endpoint(&text(&row, "id")?),
            message: item.id.clone(),
            event: ITEM_EVENT.to_owned(),
            payload: payload.to_string(),
            at,
        });
    }
    crate::webhooks::insert(on, deliveries).await
}

fn values_of(subscription: PushSubscription) -> Vec<Value> {
    vec![
        subscription.id.into(),
        subscription.user.as_str().into(),
        subscription.token.into(),
        subscription.signed_in_at.0.into(),
        subscription.project.into(),
        subscription.task.into(),
        subscription.name.into(),
        subscription.service.into(),
        subscription.key_id.into(),
        subscription.sealed.into(),
        subscription.created_at.0.into(),
        subscription.confirmed_at.0.into(),
    ]
}

fn read(row: &Row) -> Result<PushSubscription, StoreError> {
    Ok(PushSubscription {
        id: text(row, "id")?,
        user: text(row, "owner")?.into(),
        token: text(row, "token")?,
        signed_in_at: Millis(number(row, "signed_in_at")?),
        project: text(row, "project")?,
        task: text(row, "task")?,
        name: text(row, "name")?,
        service: text(row, "service")?,
        key_id: text(row, "key_id")?,
        sealed: text(row, "sealed")?,
        created_at: Millis(number(row, "created_at")?),
        confirmed_at: Millis(number(row, "confirmed_at")?),
    })
}
