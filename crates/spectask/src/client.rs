//! Talks to a server over its API.

use crate::cli::Cli;
use crate::config;
use crate::failure::Failure;
use crate::output::text;
use anyhow::Context as _;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Duration;
use workflow::ShortId;

/// A server and the right to talk to it.
pub(crate) struct Client {
    http: reqwest::Client,
    pub(crate) url: String,
    pub(crate) token: String,
}

/// An answer with its list's size.
pub(crate) struct Answer {
    pub(crate) body: Value,
    pub(crate) total: Option<u64>,
}

impl Client {
    /// Finds the server: the one named, else the one that runs on the data directory.
    pub(crate) fn find(cli: &Cli) -> anyhow::Result<Self> {
        let config = config::load(cli, None)?;
        let url = match &cli.server {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => {
                let none = || {
                    Failure::NoServer(format!(
                        "no server runs on {}; start one with `spectask serve` or `spectask demo`, or name one with --server",
                        config.data_dir.display()
                    ))
                };
                let file = std::fs::read(config.data_dir.join("server.json")).map_err(|_| none())?;
                let found: Value = serde_json::from_slice(&file).map_err(|_| none())?;
                text(&found, "url").to_owned()
            }
        };
        let kept = || {
            std::fs::read_to_string(config.data_dir.join("token")).ok().map(|token| token.trim().to_owned())
        };
        let token = config.token.clone().or_else(kept).ok_or_else(|| {
            Failure::NoToken("no token is known for this server; set SPECTASK_TOKEN".to_owned())
        })?;
        Self::at(url, token)
    }

    /// Finds a server whose address is given, and which is reached through a socket.
    pub(crate) fn through(cli: &Cli, socket: &Path) -> anyhow::Result<Self> {
        let url = cli.server.as_deref().unwrap_or("http://localhost").trim_end_matches('/').to_owned();
        let token = std::env::var("SPECTASK_TOKEN").ok().filter(|token| !token.trim().is_empty());
        let token =
            token.ok_or_else(|| Failure::NoToken("no token is known; set SPECTASK_TOKEN".to_owned()))?;
        Self::new(url, token, Some(socket))
    }

    pub(crate) fn at(url: String, token: String) -> anyhow::Result<Self> {
        Self::new(url, token, None)
    }

    fn new(url: String, token: String, socket: Option<&Path>) -> anyhow::Result<Self> {
        let mut builder = reqwest::Client::builder();
        if let Some(socket) = socket {
            builder = builder.no_proxy().unix_socket(socket);
        }
        let http = builder
            // By it the audit log tells the command line from other programs.
            .user_agent(concat!("spectask/", env!("CARGO_PKG_VERSION")))
            .timeout(Duration::from_secs(120))
            .build()
            .context("could not make an HTTP client")?;
        Ok(Self { http, url, token })
    }

    pub(crate) async fn get(&self, path: &str, query: &[(&str, String)]) -> anyhow::Result<Answer> {
        self.send(self.http.get(self.address(&with_query(path, query)))).await
    }

    /// Returns an answer that is a text and no JSON.
    pub(crate) async fn text(&self, path: &str, query: &[(&str, String)]) -> anyhow::Result<String> {
        String::from_utf8(self.bytes(path, query).await?).context("the server's answer is no text")
    }

    /// Reads a file as it is.
    pub(crate) async fn bytes(&self, path: &str, query: &[(&str, String)]) -> anyhow::Result<Vec<u8>> {
        let (_, bytes) = self.exchange(self.http.get(self.address(&with_query(path, query)))).await?;
        Ok(bytes)
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        Ok(self.send(self.http.post(self.address(path)).json(body)).await?.body)
    }

    /// Uploads a file to a task, for its prompt or for messages, and returns the attachment.
    pub(crate) async fn attach(&self, task: &str, purpose: &str, file: &Path) -> anyhow::Result<Value> {
        let content = std::fs::read(file).with_context(|| format!("could not read {}", file.display()))?;
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let uploaded =
            self.upload(&format!("/spec-tasks/{task}/attachments"), purpose, (&name, ""), content).await;
        uploaded.with_context(|| format!("{} is not attached", file.display()))
    }

    /// Uploads the content of an attachment, with its name and its media type, to a task's path for them. An empty media type is
    /// that of the name.
    pub(crate) async fn upload(
        &self,
        path: &str,
        purpose: &str,
        (name, media_type): (&str, &str),
        content: Vec<u8>,
    ) -> anyhow::Result<Value> {
        let mut query = vec![("name", name.to_owned()), ("purpose", purpose.to_owned())];
        if !media_type.is_empty() {
            query.push(("media_type", media_type.to_owned()));
        }
        let address = self.address(&with_query(path, &query));
        let request =
            self.http.post(address).header("content-type", "application/octet-stream").body(content);
        Ok(self.send(request).await?.body)
    }

    /// Uploads files to the task of a session, and returns their ids for a message to it.
    pub(crate) async fn attach_all(&self, task: &str, files: &[PathBuf]) -> anyhow::Result<Vec<String>> {
        let mut ids = Vec::new();
        for file in files {
            ids.push(text(&self.attach(task, "message", file).await?, "id").to_owned());
        }
        Ok(ids)
    }

    /// Does something once, under a key that the server knows it by when it is sent again.
    pub(crate) async fn post_once(&self, path: &str, body: &Value, key: &str) -> anyhow::Result<Value> {
        let request = self.http.post(self.address(path)).header("idempotency-key", key).json(body);
        Ok(self.send(request).await?.body)
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        Ok(self.send(self.http.put(self.address(path)).json(body)).await?.body)
    }

    pub(crate) async fn delete(&self, path: &str) -> anyhow::Result<Value> {
        Ok(self.send(self.http.delete(self.address(path))).await?.body)
    }

    fn address(&self, path: &str) -> String {
        format!("{}/api/v1{path}", self.url)
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> anyhow::Result<Answer> {
        let (total, bytes) = self.exchange(request).await?;
        Ok(Answer { body: serde_json::from_slice(&bytes).unwrap_or(Value::Null), total })
    }

    /// Returns the body of an answer that is a success, with the size of its list.
    async fn exchange(&self, request: reqwest::RequestBuilder) -> anyhow::Result<(Option<u64>, Vec<u8>)> {
        let answer = request.bearer_auth(&self.token).send().await.map_err(|error| {
            if error.is_connect() {
                Failure::NoServer(format!(
                    "no server answers at {}; start it with `spectask serve`",
                    self.url
                ))
                .into()
            } else {
                anyhow::Error::new(error).context(format!("the server at {} did not answer", self.url))
            }
        })?;
        let status = answer.status();
        let total = answer.headers().get("x-total-count").and_then(|value| value.to_str().ok()?.parse().ok());
        let bytes = answer.bytes().await.context("the server's answer broke off")?;
        if status.is_success() {
            return Ok((total, bytes.to_vec()));
        }
        let body: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        let detail = match text(&body, "detail") {
            "" => format!("the server answered {status}"),
            detail => detail.to_owned(),
        };
        Err(Failure::Refused { status: status.as_u16(), detail }.into())
    }

    /// The id of a task that a person named by its short id, its id, its end, or words of its name.
    pub(crate) async fn task_id(&self, named: &str) -> anyhow::Result<String> {
        if named.starts_with("spt_") {
            return Ok(named.to_owned());
        }
        if let Some(short_id) = ShortId::parse(named) {
            match self.get(&format!("/spec-tasks/{short_id}"), &[]).await {
                Ok(found) => return Ok(text(&found.body, "id").to_owned()),
                Err(error) if matches!(error.downcast_ref(), Some(Failure::NotFound(_))) => {}
                Err(error) => return Err(error),
            }
        }
        if named.trim().is_empty() {
            let detail = "name a task by its short id, its id, the end of its id, or words of its name; `spectask list` shows them";
            return Err(Failure::NotFound(detail.to_owned()).into());
        }
        let found =
            self.get("/spec-tasks", &[("q", named.to_owned()), ("limit", "10".to_owned())]).await?.body;
        let found = found.as_array().cloned().unwrap_or_default();
        match found.as_slice() {
            [] => Err(Failure::NotFound(format!("no task has {named:?} in its id, name or prompt")).into()),
            [one] => Ok(text(one, "id").to_owned()),
            several => {
                let mut exact = several.iter().filter(|task| text(task, "name") == named);
                if let (Some(one), None) = (exact.next(), exact.next()) {
                    return Ok(text(one, "id").to_owned());
                }
                let names: Vec<String> = several
                    .iter()
                    .map(|task| format!("{} ({})", text(task, "short_id"), text(task, "name")))
                    .collect();
                Err(Failure::NotFound(format!("{named:?} names several tasks: {}", names.join("; "))).into())
            }
        }
    }
}

/// Returns a path with what is asked in it.
fn with_query(path: &str, query: &[(&str, String)]) -> String {
    let query: Vec<String> = query.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) }
}

/// A value in a query string.
pub(crate) fn encode(value: &str) -> String {
    value.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
        text
    })
}
