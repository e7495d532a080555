//! Users, their tokens and browser sessions, answers to repeated requests, and the audit log.

use crate::connection::{Executor, Row, Value};
use crate::sql::{self, execute, from_json, number, row, rows, text};
use crate::{Store, StoreError, push};
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
    /// By which it is listed and revoked; it says nothing about the token itself.
    #[serde(default)]
    pub id: String,
    pub user: UserId,
    /// `owner`, `read`, `project` or `task`.
    pub scope: String,
    /// The project or task that the scope is limited to.
    #[serde(default)]
    pub target: Option<String>,
    /// Whether a token that is limited to a project or task may also approve and reject there.
    #[serde(default)]
    pub decides: bool,
    pub label: String,
    /// `created` by a person, or set when a server starts: from its `environment`, or kept in a `file`.
    #[serde(default)]
    pub origin: String,
    pub created_at: Millis,
    #[serde(default)]
    pub expires_at: Option<Millis>,
    #[serde(default)]
    pub last_used_at: Option<Millis>,
    pub revoked_at: Option<Millis>,
}

impl Token {
    /// Returns whether requests may carry the token at a moment.
    pub fn is_valid_at(&self, at: Millis) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| at < end)
    }
}

/// A browser that is signed in, known by the hash of the id in its cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrowserSession {
    pub hash: String,
    pub user: UserId,
    /// The hash of the token it signed in with; the session ends with the token.
    pub token: String,
    /// When the person signed in.
    pub signed_in_at: Millis,
    /// When this id was given out.
    pub issued_at: Millis,
    pub expires_at: Millis,
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

/// The state of an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// The request has no answer yet: it is the first one, or the first one ended at an unknown point.
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

/// How many entries of the audit log are counted at most.
const MAX_COUNTED: i64 = 100_000;

/// An action, done or refused, of a person or program, for the audit log.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEntry {
    pub at: Millis,
    pub user: UserId,
    /// How the request came: `page`, `command_line`, `api`, `git` or `instance`.
    pub way: String,
    /// The name of the token that was used, or that the browser signed in with.
    pub credential: String,
    /// The network address of the client.
    pub peer: String,
    pub action: String,
    pub subject: String,
    /// The name of the subject at that time; empty where it has none.
    pub subject_name: String,
    pub data: serde_json::Value,
}

/// Which part of the audit log is read.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// The user who may see only their own entries.
    pub user: Option<UserId>,
    pub actor: Option<UserId>,
    pub way: Option<String>,
    pub subject: Option<String>,
    pub action: Option<String>,
    /// The first moment, inclusive.
    pub since: Option<Millis>,
    /// The last moment, exclusive.
    pub until: Option<Millis>,
    /// Only entries with a smaller number.
    pub before: Option<i64>,
    pub limit: u64,
}

/// The values that the columns of the audit log have, each sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditValues {
    pub actors: Vec<String>,
    pub ways: Vec<String>,
    pub actions: Vec<String>,
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

    /// Saves a token. One that was revoked before and is saved without `revoked_at` is valid again.
    pub async fn put_token(&self, token: Token) -> Result<(), StoreError> {
        self.write(move |on| {
            Box::pin(async move {
                let sql = "INSERT INTO tokens (hash, user_id, data, revoked_at, last_used_at) VALUES (?, ?, ?, ?, ?) \
                           ON CONFLICT (hash) DO UPDATE SET user_id = excluded.user_id, data = excluded.data, \
                           revoked_at = excluded.revoked_at";
                let values = vec![
                    token.hash.as_str().into(),
                    token.user.as_str().into(),
                    sql::json(&token),
                    token.revoked_at.map_or(0, |at| at.0).into(),
                    token.last_used_at.map_or(0, |at| at.0).into(),
                ];
                execute(on, sql, values).await.map(|_| ())
            })
        })
        .await
    }

    /// Returns the token with a hash, valid or not.
    pub async fn token(&self, hash: &str) -> Result<Option<Token>, StoreError> {
        let sql = "SELECT data, revoked_at, last_used_at FROM tokens WHERE hash = ?";
        row(&self.readers, sql, vec![hash.into()]).await?.as_ref().map(read_token).transpose()
    }

    /// Returns the tokens of a user, valid or not, oldest first.
    pub async fn tokens(&self, user: &UserId) -> Result<Vec<Token>, StoreError> {
        let sql = "SELECT data, revoked_at, last_used_at FROM tokens WHERE user_id = ?";
        let found = rows(&self.readers, sql, vec![user.as_str().into()]).await?;
        let mut tokens = found.iter().map(read_token).collect::<Result<Vec<_>, _>>()?;
        tokens.sort_by(|a, b| (a.created_at, &a.hash).cmp(&(b.created_at, &b.hash)));
        Ok(tokens)
    }

    /// Revokes a token and ends the browser sessions and push subscriptions that were begun with it. Returns false when it was revoked before.
    pub async fn revoke_token(&self, hash: &str, at: Millis) -> Result<bool, StoreError> {
        let hash = hash.to_owned();
        self.write(move |on| {
            Box::pin(async move {
                let sql = "UPDATE tokens SET revoked_at = ? WHERE hash = ? AND revoked_at = 0";
                let touched = execute(on, sql, vec![at.0.into(), hash.as_str().into()]).await?;
                let sql = "DELETE FROM browser_sessions WHERE token = ?";
                execute(on, sql, vec![hash.as_str().into()]).await?;
                push::remove(on, "token = ?", vec![hash.into()]).await?;
                Ok(touched > 0)
            })
        })
        .await
    }

    /// Forgets a token and ends the browser sessions and push subscriptions that were begun with it.
    pub async fn remove_token(&self, hash: &str) -> Result<(), StoreError> {
        let hash = hash.to_owned();
        self.write(move |on| {
            Box::pin(async move {
                for sql in
                    ["DELETE FROM tokens WHERE hash = ?", "DELETE FROM browser_sessions WHERE token = ?"]
                {
                    execute(on, sql, vec![hash.as_str().into()]).await?;
                }
                push::remove(on, "token = ?", vec![hash.into()]).await?;
                Ok(())
            })
        })
        .await
    }

    /// Notes when a token was used last.
    pub async fn note_token_use(&self, hash: &str, at: Millis) -> Result<(), StoreError> {
        let values = vec![at.0.into(), hash.into()];
        self.write(move |on| {
            Box::pin(async move {
                execute(on, "UPDATE tokens SET last_used_at = ? WHERE hash = ?", values).await.map(|_| ())
            })
        })
        .await
    }

    /// Saves a browser session, and removes those that have expired.
    pub async fn put_browser_session(&self, session: BrowserSession) -> Result<(), StoreError> {
        self.write(move |on| {
            Box::pin(async move {
                let sql = "DELETE FROM browser_sessions WHERE expires_at < ?";
                execute(on, sql, vec![session.issued_at.0.into()]).await?;
                insert_browser_session(on, session).await
            })
        })
        .await
    }

    /// Returns the browser session with a hash; it may have expired.
    pub async fn browser_session(&self, hash: &str) -> Result<Option<BrowserSession>, StoreError> {
        let sql = "SELECT hash, user_id, token, signed_in_at, issued_at, expires_at FROM browser_sessions WHERE hash = ?";
        let Some(row) = row(&self.readers, sql, vec![hash.into()]).await? else { return Ok(None) };
        Ok(Some(BrowserSession {
            hash: text(&row, "hash")?,
            user: text(&row, "user_id")?.into(),
            token: text(&row, "token")?,
            signed_in_at: Millis(number(&row, "signed_in_at")?),
            issued_at: Millis(number(&row, "issued_at")?),
            expires_at: Millis(number(&row, "expires_at")?),
        }))
    }

    /// Returns whether a browser that signed in at a moment still is, by whatever id.
    pub async fn is_signed_in(
        &self,
        user: &UserId,
        signed_in_at: Millis,
        at: Millis,
    ) -> Result<bool, StoreError> {
        let sql =
            "SELECT hash FROM browser_sessions WHERE user_id = ? AND signed_in_at = ? AND expires_at > ?";
        let values = vec![user.as_str().into(), signed_in_at.0.into(), at.0.into()];
        Ok(row(&self.readers, sql, values).await?.is_some())
    }

    /// Replaces a browser session's id. The old one stays valid until `until`, for requests that are under way. Returns
    /// false when another request has replaced it already.
    pub async fn rotate_browser_session(
        &self,
        old: &str,
        until: Millis,
        new: BrowserSession,
    ) -> Result<bool, StoreError> {
        let old = old.to_owned();
        self.write(move |on| {
            Box::pin(async move {
                let sql = "UPDATE browser_sessions SET replaced = 1, expires_at = ? WHERE hash = ? AND replaced = 0";
                if execute(on, sql, vec![until.0.into(), old.into()]).await? == 0 {
                    return Ok(false);
                }
                insert_browser_session(on, new).await?;
                Ok(true)
            })
        })
        .await
    }

    /// Ends the browser session with a hash, every id that it had and its push subscription, or all of its user's.
    pub async fn end_browser_sessions(&self, hash: &str, everywhere: bool) -> Result<(), StoreError> {
        let hash = hash.to_owned();
        self.write(move |on| {
            Box::pin(async move {
                let sql = "SELECT user_id, signed_in_at FROM browser_sessions WHERE hash = ?";
                let Some(row) = row(on, sql, vec![hash.into()]).await? else { return Ok(()) };
                let user: Value = text(&row, "user_id")?.into();
                if everywhere {
                    push::remove(on, "owner = ? AND signed_in_at > 0", vec![user.clone()]).await?;
                    let sql = "DELETE FROM browser_sessions WHERE user_id = ?";
                    return execute(on, sql, vec![user]).await.map(|_| ());
                }
                let values = vec![user, number(&row, "signed_in_at")?.into()];
                push::remove(on, "owner = ? AND signed_in_at = ?", values.clone()).await?;
                let sql = "DELETE FROM browser_sessions WHERE user_id = ? AND signed_in_at = ?";
                execute(on, sql, values).await.map(|_| ())
            })
        })
        .await
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

    /// Returns what a task, project, token or user is called, by its id.
    pub async fn name_of(&self, id: &str) -> Result<Option<String>, StoreError> {
        let table = match id.split_once('_').map(|(prefix, _)| prefix) {
            Some("spt") => "tasks",
            Some("prj") => "projects",
            Some("usr") => return Ok(self.user(&UserId::from(id)).await?.map(|user| user.name)),
            Some("tok") => {
                let sql = "SELECT data, revoked_at, last_used_at FROM tokens";
                let tokens = rows(&self.readers, sql, Vec::new()).await?;
                let tokens = tokens.iter().map(read_token).collect::<Result<Vec<_>, _>>()?;
                return Ok(tokens.into_iter().find(|token| token.id == id).map(|token| token.label));
            }
            _ => return Ok(None),
        };
        let sql = format!("SELECT name FROM {table} WHERE id = ?");
        row(&self.readers, &sql, vec![id.into()]).await?.map(|row| text(&row, "name")).transpose()
    }

    /// Adds to the audit log.
    pub async fn audit(&self, entry: AuditEntry) -> Result<(), StoreError> {
        self.write(move |on| {
            Box::pin(async move {
                let sql = "INSERT INTO audit (at, user_id, way, credential, peer, action, subject, subject_name, data) \
                           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
                let values = vec![
                    entry.at.0.into(),
                    entry.user.as_str().into(),
                    entry.way.into(),
                    entry.credential.into(),
                    entry.peer.into(),
                    entry.action.into(),
                    entry.subject.into(),
                    entry.subject_name.into(),
                    sql::json(&entry.data),
                ];
                execute(on, sql, values).await.map(|_| ())
            })
        })
        .await
    }

    /// Returns entries of the audit log with their numbers, newest first.
    pub async fn audit_log(&self, filter: AuditFilter) -> Result<Vec<(i64, AuditEntry)>, StoreError> {
        let (conditions, mut values) = audit_conditions(&filter);
        let sql = format!(
            "SELECT id, at, user_id, way, credential, peer, action, subject, subject_name, data FROM audit{conditions} \
             ORDER BY id DESC LIMIT ?"
        );
        values.push(i64::try_from(filter.limit).unwrap_or(i64::MAX).into());
        rows(&self.readers, &sql, values).await?.iter().map(read_audit).collect()
    }

    /// Returns how many entries of the audit log a filter lets through, whatever its `before` and `limit`: at most
    /// 100,000, so that the cost is bounded.
    pub async fn count_audit(&self, filter: AuditFilter) -> Result<u64, StoreError> {
        let (conditions, mut values) = audit_conditions(&AuditFilter { before: None, ..filter });
        values.push(MAX_COUNTED.into());
        let sql = format!(
            "SELECT COUNT(*) AS many FROM (SELECT 1 AS one FROM audit{conditions} LIMIT ?) AS counted"
        );
        let found = row(&self.readers, &sql, values).await?;
        let many = found.map_or(Ok(0), |row| number(&row, "many"))?;
        Ok(u64::try_from(many).unwrap_or(0))
    }

    /// Returns the values by which the audit log can be filtered, of one user or of all.
    pub async fn audit_values(&self, user: Option<UserId>) -> Result<AuditValues, StoreError> {
        let ways = self.audit_column("way", user.as_ref()).await?;
        let actors = match &user {
            None => self.audit_column("user_id", None).await?,
            // Every entry has a way.
            Some(user) => ways.first().map(|_| user.to_string()).into_iter().collect(),
        };
        Ok(AuditValues { actors, ways, actions: self.audit_column("action", user.as_ref()).await? })
    }

    async fn audit_column(&self, column: &str, user: Option<&UserId>) -> Result<Vec<String>, StoreError> {
        let sql = distinct_values(column, user.is_some());
        // The condition stands in two places.
        let values = user.into_iter().flat_map(|user| [user.as_str().into(), user.as_str().into()]).collect();
        rows(&self.readers, &sql, values).await?.iter().map(|row| text(row, "value")).collect()
    }
}

/// Returns the query for the different values of a column of the audit log, of one user's entries or of all.
///
/// Each step takes the smallest value after the one before from an index, so that the cost grows with the values and not
/// with the entries. Neither database does so for `SELECT DISTINCT`.
fn distinct_values(column: &str, of_user: bool) -> String {
    let condition = if of_user { "user_id = ? AND " } else { "" };
    format!(
        "WITH RECURSIVE found (value) AS (SELECT MIN({column}) FROM audit WHERE {condition}{column} >= '' \
         UNION ALL SELECT (SELECT MIN({column}) FROM audit WHERE {condition}{column} > found.value) FROM found \
         WHERE found.value IS NOT NULL) SELECT value FROM found WHERE value IS NOT NULL ORDER BY value"
    )
}

fn audit_conditions(filter: &AuditFilter) -> (String, Vec<Value>) {
    let mut conditions = Vec::new();
    let mut values: Vec<Value> = Vec::new();
    for (column, value) in [
        ("user_id = ?", filter.user.as_ref().map(|user| user.as_str().into())),
        ("user_id = ?", filter.actor.as_ref().map(|actor| actor.as_str().into())),
        ("way = ?", filter.way.as_deref().map(Into::into)),
        ("subject = ?", filter.subject.as_deref().map(Into::into)),
        ("action = ?", filter.action.as_deref().map(Into::into)),
        ("at >= ?", filter.since.map(|at| at.0.into())),
        ("at < ?", filter.until.map(|at| at.0.into())),
        ("id < ?", filter.before.map(Into::into)),
    ] {
        if let Some(value) = value {
            conditions.push(column);
            values.push(value);
        }
    }
    if conditions.is_empty() {
        return (String::new(), values);
    }
    (format!(" WHERE {}", conditions.join(" AND ")), values)
}

fn read_audit(row: &Row) -> Result<(i64, AuditEntry), StoreError> {
    let entry = AuditEntry {
        at: Millis(number(row, "at")?),
        user: text(row, "user_id")?.into(),
        way: text(row, "way")?,
        credential: text(row, "credential")?,
        peer: text(row, "peer")?,
        action: text(row, "action")?,
        subject: text(row, "subject")?,
        subject_name: text(row, "subject_name")?,
        data: from_json(row, "data", "audit entry")?,
    };
    Ok((number(row, "id")?, entry))
}

/// Reads a token; what changes after it was made has columns of its own.
fn read_token(row: &Row) -> Result<Token, StoreError> {
    let mut token: Token = from_json(row, "data", "token")?;
    let moment = |column| Ok::<_, StoreError>(Some(number(row, column)?).filter(|at| *at > 0).map(Millis));
    token.revoked_at = moment("revoked_at")?.or(token.revoked_at);
    token.last_used_at = moment("last_used_at")?.or(token.last_used_at);
    if token.id.is_empty() {
        token.id = format!("tok_{}", token.hash.get(..16).unwrap_or(&token.hash));
    }
    Ok(token)
}

async fn insert_browser_session(on: &impl Executor, session: BrowserSession) -> Result<(), StoreError> {
    let sql = "INSERT INTO browser_sessions (hash, user_id, token, signed_in_at, issued_at, expires_at) \
               VALUES (?, ?, ?, ?, ?, ?)";
    let BrowserSession { hash, user, token, signed_in_at, issued_at, expires_at } = session;
    let values = vec![
        hash.into(),
        user.as_str().into(),
        token.into(),
        signed_in_at.0.into(),
        issued_at.0.into(),
        expires_at.0.into(),
    ];
    execute(on, sql, values).await.map(|_| ())
}
