//! Users, their tokens, what they asked before, and what they decided.

use crate::sql::{self, execute, from_json, number, row, rows, text};
use crate::{Store, StoreError};
use serde::{Deserialize, Serialize};
use workflow::{Millis, UserId};

/// A person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct User {
    pub id: UserId,
    pub name: String,
    pub roles: Vec<String>,
    pub created_at: Millis,
}

/// A token, known by its hash.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Token {
    pub hash: String,
    pub user: UserId,
    pub scope: String,
    pub label: String,
    pub created_at: Millis,
    pub revoked_at: Option<Millis>,
}

/// A request with an idempotency key that is about to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyClaim {
    pub user: UserId,
    pub route: String,
    pub key: String,
    pub body_hash: String,
    pub at: Millis,
}

/// What is known of an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// The request has no answer yet: it is the first one, or nobody knows how far that one came.
    Unanswered {
        since: Millis,
    },
    Answered(Remembered),
    /// The key belongs to a request with another body.
    OtherBody,
}

/// The answer that a request with an idempotency key got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    pub status: u16,
    pub response: String,
}

/// The status of a key whose request has no answer yet.
const UNANSWERED: i64 = 0;

/// A person's decision, for the audit log.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEntry {
    pub at: Millis,
    pub user: UserId,
    pub action: String,
    pub subject: String,
    pub data: serde_json::Value,
}

impl Store {
    pub async fn put_user(&self, user: User) -> Result<(), StoreError> {
        self.write(move |on| {
            Box::pin(async move {
                let sql = "INSERT INTO users (id, data) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET data = excluded.data";
                execute(on, sql, vec![user.id.as_str().into(), sql::json(&user)]).await.map(|_| ())
            })
        })
        .await
    }

    pub async fn user(&self, id: &UserId) -> Result<Option<User>, StoreError> {
        let found =
            row(&self.readers, "SELECT data FROM users WHERE id = ?", vec![id.as_str().into()]).await?;
        found.map(|row| from_json(&row, "data", "user")).transpose()
    }

    pub async fn put_token(&self, token: Token) -> Result<(), StoreError> {
        self.write(move |on| {
            Box::pin(async move {
                let sql = "INSERT INTO tokens (hash, user_id, data) VALUES (?, ?, ?) \
                           ON CONFLICT (hash) DO UPDATE SET user_id = excluded.user_id, data = excluded.data";
                let values = vec![token.hash.as_str().into(), token.user.as_str().into(), sql::json(&token)];
                execute(on, sql, values).await.map(|_| ())
            })
        })
        .await
    }

    /// The token with a hash, revoked or not.
    pub async fn token(&self, hash: &str) -> Result<Option<Token>, StoreError> {
        let found = row(&self.readers, "SELECT data FROM tokens WHERE hash = ?", vec![hash.into()]).await?;
        found.map(|row| from_json(&row, "data", "token")).transpose()
    }

    /// Takes a key for a request before anything is done for it, so that a repeat is known even when its answer was lost.
    pub async fn claim_key(&self, claim: KeyClaim) -> Result<KeyState, StoreError> {
        self.write(move |on| {
            Box::pin(async move {
                let KeyClaim { user, route, key, body_hash, at } = claim;
                let sql = "INSERT INTO idempotency (user_id, route, name, body_hash, status, response, at) \
                           VALUES (?, ?, ?, ?, ?, '', ?) ON CONFLICT (user_id, route, name) DO NOTHING";
                let names = || vec![user.as_str().into(), route.as_str().into(), key.as_str().into()];
                let mut values = names();
                values.extend([body_hash.as_str().into(), UNANSWERED.into(), at.0.into()]);
                execute(on, sql, values).await?;
                let sql = "SELECT body_hash, status, response, at FROM idempotency WHERE user_id = ? AND route = ? AND name = ?";
                let Some(row) = row(on, sql, names()).await? else {
                    return Err(StoreError::Conflict(format!("the key {key}")));
                };
                if text(&row, "body_hash")? != body_hash {
                    return Ok(KeyState::OtherBody);
                }
                let status = number(&row, "status")?;
                if status == UNANSWERED {
                    return Ok(KeyState::Unanswered { since: Millis(number(&row, "at")?) });
                }
                let status = u16::try_from(status).unwrap_or(500);
                Ok(KeyState::Answered(Remembered { status, response: text(&row, "response")? }))
            })
        })
        .await
    }

    /// Remembers the answer to a request with a key; the first one stays.
    pub async fn remember(
        &self,
        user: &UserId,
        route: &str,
        key: &str,
        answer: Remembered,
    ) -> Result<(), StoreError> {
        let values = vec![
            i64::from(answer.status).into(),
            answer.response.into(),
            user.as_str().into(),
            route.into(),
            key.into(),
            UNANSWERED.into(),
        ];
        self.write(move |on| {
            Box::pin(async move {
                let sql = "UPDATE idempotency SET status = ?, response = ? \
                           WHERE user_id = ? AND route = ? AND name = ? AND status = ?";
                execute(on, sql, values).await.map(|_| ())
            })
        })
        .await
    }

    /// Writes a person's decision into the audit log.
    pub async fn audit(&self, entry: AuditEntry) -> Result<(), StoreError> {
        self.write(move |on| {
            Box::pin(async move {
                let sql = "INSERT INTO audit (at, user_id, action, subject, data) VALUES (?, ?, ?, ?, ?)";
                let values = vec![
                    entry.at.0.into(),
                    entry.user.as_str().into(),
                    entry.action.into(),
                    entry.subject.into(),
                    sql::json(&entry.data),
                ];
                execute(on, sql, values).await.map(|_| ())
            })
        })
        .await
    }

    /// The audit log of a subject, oldest first.
    pub async fn audit_of(&self, subject: &str) -> Result<Vec<AuditEntry>, StoreError> {
        let sql = "SELECT at, user_id, action, subject, data FROM audit WHERE subject = ? ORDER BY id";
        let found = rows(&self.readers, sql, vec![subject.into()]).await?;
        found
            .iter()
            .map(|row| {
                Ok(AuditEntry {
                    at: Millis(number(row, "at")?),
                    user: text(row, "user_id")?.into(),
                    action: text(row, "action")?,
                    subject: text(row, "subject")?,
                    data: from_json(row, "data", "audit entry")?,
                })
            })
            .collect()
    }
}
