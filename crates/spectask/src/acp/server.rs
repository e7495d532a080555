//! The server, at its present address: it may have another one after a restart.

use super::prompt::File;
use super::rpc::RpcError;
use crate::cli::Cli;
use crate::client::{Answer, Client, encode};
use crate::failure::Failure;
use parking_lot::Mutex;
use protocol::NumberedEntry;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How many entries of a log are read at once.
const PAGE: u64 = 500;
/// How long a request whose answer broke off is tried again.
const RETRY_TIME: Duration = Duration::from_secs(5);
/// How long to wait in between.
const RETRY_INTERVAL: Duration = Duration::from_millis(200);

/// The way to the server. Cheap to clone.
#[derive(Clone)]
pub(super) struct Server(Arc<Inner>);

struct Inner {
    cli: Cli,
    known: Mutex<Option<Arc<Client>>>,
}

/// A request that may be sent again.
enum Request<'r> {
    Get(&'r str, &'r [(&'r str, String)]),
    Post(&'r str, &'r Value),
    Delete(&'r str),
    Upload(&'r str, &'r File),
}

impl Request<'_> {
    async fn send(&self, client: &Client) -> anyhow::Result<Answer> {
        let body = match self {
            Self::Get(path, query) => return client.get(path, query).await,
            Self::Post(path, body) => client.post(path, body).await?,
            Self::Delete(path) => client.delete(path).await?,
            Self::Upload(path, file) => {
                client.upload(path, "message", (&file.name, &file.media_type), file.content.clone()).await?
            }
        };
        Ok(Answer { body, total: None })
    }
}

impl Server {
    pub(super) fn new(cli: Cli) -> Self {
        Self(Arc::new(Inner { cli, known: Mutex::default() }))
    }

    /// Returns the client of the server as it was found last, or finds it.
    pub(super) fn client(&self) -> anyhow::Result<Arc<Client>> {
        let mut known = self.0.known.lock();
        if let Some(client) = &*known {
            return Ok(client.clone());
        }
        let client = Arc::new(Client::find(&self.0.cli)?);
        *known = Some(client.clone());
        Ok(client)
    }

    /// Has the next request find the server again.
    pub(super) fn forget(&self) {
        *self.0.known.lock() = None;
    }

    /// Sends a request; one that does not reach the server is sent once more to where it is now.
    async fn send(&self, request: Request<'_>) -> Result<Answer, RpcError> {
        let had_client = self.0.known.lock().is_some();
        let first = match self.client() {
            Ok(client) => request.send(&client).await,
            Err(error) => Err(error),
        };
        match first {
            Err(error) if is_away(&error) => {
                self.forget();
                if !had_client {
                    return Err(error.into());
                }
                let client = self.client()?;
                let second = request.send(&client).await;
                if second.as_ref().is_err_and(is_away) {
                    self.forget();
                }
                Ok(second?)
            }
            other => Ok(other?),
        }
    }

    pub(super) async fn get(&self, path: &str, query: &[(&str, String)]) -> Result<Answer, RpcError> {
        self.send(Request::Get(path, query)).await
    }

    /// Does something that may be done again.
    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<Value, RpcError> {
        Ok(self.send(Request::Post(path, body)).await?.body)
    }

    pub(super) async fn delete(&self, path: &str) -> Result<(), RpcError> {
        self.send(Request::Delete(path)).await.map(drop)
    }

    /// Does something once, however often its answer is lost: the server knows the key.
    pub(super) async fn post_once(&self, path: &str, body: &Value) -> Result<Value, RpcError> {
        let key = fresh_key();
        let begun = Instant::now();
        let mut was_sent = false;
        loop {
            let sent = match self.client() {
                Ok(client) => client.post_once(path, body, &key).await,
                Err(error) => Err(error),
            };
            match sent {
                Ok(answer) => return Ok(answer),
                Err(error) if is_refused(&error) => return Err(error.into()),
                Err(error) => {
                    self.forget();
                    // What never reached a server is not waited for, but one that moved is found.
                    was_sent |= !is_unreachable(&error);
                    let patience = if was_sent { RETRY_TIME } else { RETRY_INTERVAL };
                    if begun.elapsed() >= patience {
                        return Err(error.into());
                    }
                    tokio::time::sleep(RETRY_INTERVAL).await;
                }
            }
        }
    }

    /// Reads the entries of a log after a number, at most a page of them.
    pub(super) async fn entries(&self, session: &str, after: u64) -> Result<Vec<NumberedEntry>, RpcError> {
        let query = [("after", after.to_string()), ("limit", PAGE.to_string())];
        let page = self.get(&format!("/work-sessions/{session}/events"), &query).await?.body;
        serde_json::from_value(page)
            .map_err(|error| RpcError::new(RpcError::INTERNAL, format!("The log cannot be read: {error}.")))
    }

    /// Returns the number of a log's last entry.
    pub(super) async fn log_end(&self, session: &str) -> Result<u64, RpcError> {
        let query = [("limit", "1".to_owned())];
        Ok(self.get(&format!("/work-sessions/{session}/events"), &query).await?.total.unwrap_or(0))
    }

    /// Reads a work session.
    pub(super) async fn session(&self, id: &str) -> Result<Value, RpcError> {
        let known = id.strip_prefix("stws_");
        if !known.is_some_and(|id| id.bytes().all(|byte| byte.is_ascii_alphanumeric())) {
            return Err(RpcError::new(RpcError::NOT_FOUND, format!("There is no work session {id:?}.")));
        }
        Ok(self.get(&format!("/work-sessions/{id}"), &[]).await?.body)
    }

    /// Uploads files to the task of a work session, and returns their ids.
    pub(super) async fn attach(&self, session: &str, files: &[File]) -> Result<Vec<String>, RpcError> {
        if files.is_empty() {
            return Ok(Vec::new());
        }
        let task = self.task_of(session).await?;
        let mut ids = Vec::new();
        for file in files {
            let path = format!("/spec-tasks/{task}/attachments");
            let uploaded = self.send(Request::Upload(&path, file)).await?.body;
            ids.push(uploaded["id"].as_str().unwrap_or_default().to_owned());
        }
        Ok(ids)
    }

    /// Reads the content of a file of a work session's task.
    pub(super) async fn attachment(&self, session: &str, id: &str) -> Result<Vec<u8>, RpcError> {
        let task = self.task_of(session).await?;
        let path = format!("/spec-tasks/{task}/attachments/{}", encode(id));
        Ok(self.client()?.bytes(&path, &[]).await?)
    }

    async fn task_of(&self, session: &str) -> Result<String, RpcError> {
        let found = self.session(session).await?;
        Ok(found["work_session"]["spec_task_id"].as_str().unwrap_or_default().to_owned())
    }

    /// Sends a person's message, and returns the ids of the message and of its turn.
    pub(super) async fn say(
        &self,
        session: &str,
        text: &str,
        attachments: &[String],
    ) -> Result<(String, String), RpcError> {
        let path = format!("/work-sessions/{session}/messages");
        let said = self.post_once(&path, &json!({ "content": text, "attachments": attachments })).await?;
        let id = |member: &str| said[member].as_str().unwrap_or_default().to_owned();
        Ok((id("message_id"), id("turn_id")))
    }
}

fn is_refused(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref::<Failure>(), Some(Failure::Refused { status, .. }) if *status != 503)
}

fn is_unreachable(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref::<Failure>(), Some(Failure::NoServer(_) | Failure::NoToken(_)))
}

/// Returns whether a request may not have reached a server.
fn is_away(error: &anyhow::Error) -> bool {
    !matches!(error.downcast_ref::<Failure>(), Some(Failure::Refused { .. }))
}

/// Returns a key that no other request has.
fn fresh_key() -> String {
    use std::hash::{BuildHasher as _, Hasher as _, RandomState};
    let random = || RandomState::new().build_hasher().finish();
    format!("acp-{:016x}{:016x}", random(), random())
}
