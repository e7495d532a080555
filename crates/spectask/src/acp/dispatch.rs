//! The editor's requests and notifications.

use super::rpc::RpcError;
use super::server::Server;
use super::thread::{Beginning, Thread};
use super::wire::Wire;
use super::{commands, prompt};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How long after the answer to `session/new` further updates of the session come: an editor has to know the session by then.
const INTRODUCTION_DELAY: Duration = Duration::from_millis(150);
/// The most sessions that are listed, on one page.
const MAX_LISTED: u64 = 200;

/// The agent that an editor talks to. Cheap to clone.
#[derive(Clone)]
pub(super) struct Agent(Arc<Inner>);

struct Inner {
    server: Server,
    wire: Wire,
    /// The task of new sessions, where the command line names one.
    task: Option<String>,
    threads: Mutex<HashMap<String, Arc<Thread>>>,
    /// The prompts that the next cancellation of each session ends: those that came before it.
    cancellations: Mutex<HashMap<String, CancellationToken>>,
}

/// The answer to a request, and what follows it.
struct Reply {
    result: Value,
    then: Option<Then>,
}

/// A session that begins to stream after the answer.
struct Then {
    thread: Arc<Thread>,
    start: Start,
    /// How many MCP servers the editor has for the session.
    mcp_servers: usize,
}

/// Where the stream of a session begins.
enum Start {
    /// After an entry of the log.
    After(u64),
    /// After a replay, which follows the answer.
    Replayed,
}

impl From<Value> for Reply {
    fn from(result: Value) -> Self {
        Self { result, then: None }
    }
}

impl Agent {
    pub(super) fn new(server: Server, wire: Wire, task: Option<String>) -> Self {
        Self(Arc::new(Inner {
            server,
            wire,
            task,
            threads: Mutex::default(),
            cancellations: Mutex::default(),
        }))
    }

    /// Returns what tells whether a request is cancelled, in the order in which the editor says so.
    pub(super) fn arrive(&self, method: &str, params: &Value) -> CancellationToken {
        let session = session_id(params).unwrap_or_default();
        let mut cancellations = self.0.cancellations.lock();
        match method {
            "session/prompt" => cancellations.entry(session.to_owned()).or_default().clone(),
            "session/cancel" => {
                let ended = cancellations.remove(session).unwrap_or_default();
                ended.cancel();
                ended
            }
            _ => CancellationToken::new(),
        }
    }

    /// Answers a request.
    pub(super) async fn answer(
        &self,
        id: Value,
        method: String,
        params: Value,
        cancelled: CancellationToken,
    ) {
        // A bug in one request is that request's error.
        let this = self.clone();
        let done = tokio::spawn(async move { this.reply(&method, &params, &cancelled).await }).await;
        let done = done.unwrap_or_else(|_| {
            let message =
                "SpecTask could not do this because of a bug; the editor's log of the agent has it.";
            Err(RpcError::new(RpcError::INTERNAL, message))
        });
        match done {
            Ok(Reply { result, then }) => {
                self.0.wire.respond(id, Ok(result)).await;
                if let Some(then) = then {
                    self.introduce(then).await;
                }
            }
            Err(error) => self.0.wire.respond(id, Err(error)).await,
        }
    }

    /// Takes in a notification; unknown ones are ignored.
    pub(super) async fn notice(&self, method: &str, params: &Value) {
        if method != "session/cancel" {
            return;
        }
        let id = session_id(params).unwrap_or_default();
        match self.thread(id) {
            Some(thread) => thread.cancel().await,
            None => {
                // The session is another process's, or was not opened here yet.
                if self.0.server.session(id).await.is_ok() {
                    let _ = self.0.server.post(&format!("/work-sessions/{id}/stop-turn"), &json!({})).await;
                }
            }
        }
    }

    async fn reply(
        &self,
        method: &str,
        params: &Value,
        cancelled: &CancellationToken,
    ) -> Result<Reply, RpcError> {
        match method {
            "initialize" => Ok(initialize().into()),
            "authenticate" => Ok(json!({}).into()),
            "session/new" => self.new_session(params).await,
            "session/load" => self.open(params, Beginning::Replay).await,
            "session/resume" => self.open(params, Beginning::Now).await,
            "session/list" => self.list(params).await.map(Reply::from),
            "session/prompt" => self.prompt(params, cancelled).await.map(Reply::from),
            "session/set_mode" => {
                Err(RpcError::invalid("SpecTask's sessions have no modes; the project's permissions decide."))
            }
            "session/set_model" | "session/set_config_option" => Err(RpcError::invalid(
                "SpecTask's sessions have no options to set; the task's agent decides its model.",
            )),
            other => Err(RpcError::new(
                RpcError::NO_METHOD,
                format!("SpecTask does not know the method {other:?}."),
            )),
        }
    }

    async fn new_session(&self, params: &Value) -> Result<Reply, RpcError> {
        let cwd = cwd(params)?.ok_or_else(|| RpcError::invalid("cwd is missing."))?;
        let body = json!({ "cwd": cwd, "task_id": self.0.task });
        let opened = self.0.server.post_once("/editor-threads", &body).await?;
        let id = opened["work_session"]["id"].as_str().unwrap_or_default().to_owned();
        let thread = self.attach(&id);
        // A session that was opened on the page has a history.
        let start = if opened["origin"] == "adopted" { Start::Replayed } else { Start::After(0) };
        let then = Then { thread, start, mcp_servers: mcp_servers(params) };
        Ok(Reply { result: json!({ "sessionId": id }), then: Some(then) })
    }

    /// Opens a session that there is.
    async fn open(&self, params: &Value, beginning: Beginning) -> Result<Reply, RpcError> {
        let id = session_id(params)?;
        self.0.server.session(id).await?;
        let thread = self.attach(id);
        let position = match thread.begin(beginning).await {
            Ok(position) => position,
            Err(error) => {
                self.detach(&thread);
                return Err(error);
            }
        };
        let then = Then { thread, start: Start::After(position), mcp_servers: mcp_servers(params) };
        Ok(Reply { result: json!({}), then: Some(then) })
    }

    /// Begins the stream of a session after the answer that names it.
    async fn introduce(&self, then: Then) {
        let Then { thread, start, mcp_servers } = then;
        tokio::time::sleep(INTRODUCTION_DELAY).await;
        self.0.wire.update(&thread.id, commands::available()).await;
        if mcp_servers > 0 {
            let text = format!(
                "The editor's MCP servers ({mcp_servers}) are not used: SpecTask's agents run on the server, with the MCP \
                 servers of their own configuration."
            );
            thread.note(&text).await;
        }
        let position = match start {
            Start::After(position) => position,
            Start::Replayed => match thread.begin(Beginning::Replay).await {
                Ok(position) => position,
                Err(error) => {
                    thread.note(&format!("The session's history cannot be shown: {}", error.message)).await;
                    0
                }
            },
        };
        thread.stream(position);
    }

    async fn list(&self, params: &Value) -> Result<Value, RpcError> {
        let mut query = vec![("limit", MAX_LISTED.to_string())];
        if let Some(cwd) = cwd(params)? {
            query.push(("cwd", cwd.to_owned()));
        }
        let found = self.0.server.get("/work-sessions", &query).await?.body;
        let session = |session: &Value| {
            json!({
                "sessionId": session["id"], "cwd": session["cwd"], "title": session["title"],
                "updatedAt": session["updated_at"],
            })
        };
        let sessions: Vec<Value> = found.as_array().into_iter().flatten().map(session).collect();
        Ok(json!({ "sessions": sessions }))
    }

    async fn prompt(&self, params: &Value, cancelled: &CancellationToken) -> Result<Value, RpcError> {
        let id = session_id(params)?;
        let message = prompt::message(&params["prompt"])?;
        let thread = match self.thread(id) {
            Some(thread) => thread,
            // An editor may know the session from another process.
            None => {
                self.0.server.session(id).await?;
                let thread = self.attach(id);
                let position = thread.begin(Beginning::Now).await?;
                thread.stream(position);
                thread
            }
        };
        match commands::run(&self.0.server, id, &message.text).await {
            Some(said) => {
                thread.say(&said?).await;
                Ok(json!({ "stopReason": "end_turn" }))
            }
            None => thread.prompt(&message, cancelled).await,
        }
    }

    fn thread(&self, id: &str) -> Option<Arc<Thread>> {
        self.0.threads.lock().get(id).cloned()
    }

    /// Makes a session one that the editor has open; a second time it begins again.
    fn attach(&self, id: &str) -> Arc<Thread> {
        let thread = Thread::new(id, self.0.server.clone(), self.0.wire.clone());
        let before = self.0.threads.lock().insert(id.to_owned(), thread.clone());
        if let Some(before) = before {
            before.close();
        }
        thread
    }

    fn detach(&self, thread: &Arc<Thread>) {
        let mut threads = self.0.threads.lock();
        if threads.get(&thread.id).is_some_and(|known| Arc::ptr_eq(known, thread)) {
            threads.remove(&thread.id);
        }
    }
}

fn initialize() -> Value {
    json!({
        // Whatever the editor asks for: it is the only one that there is here.
        "protocolVersion": 1,
        "agentCapabilities": {
            "loadSession": true,
            "promptCapabilities": { "image": true, "audio": false, "embeddedContext": true },
            "mcpCapabilities": { "http": false, "sse": false },
            "sessionCapabilities": { "list": {}, "resume": {} },
        },
        "agentInfo": { "name": "spectask", "title": "SpecTask", "version": env!("CARGO_PKG_VERSION") },
        "authMethods": [],
    })
}

fn session_id(params: &Value) -> Result<&str, RpcError> {
    params["sessionId"].as_str().ok_or_else(|| RpcError::invalid("sessionId is missing."))
}

/// Returns the folder of a request, if it names one.
fn cwd(params: &Value) -> Result<Option<&str>, RpcError> {
    match &params["cwd"] {
        Value::Null => Ok(None),
        Value::String(cwd) if std::path::Path::new(cwd).is_absolute() => Ok(Some(cwd)),
        _ => Err(RpcError::invalid("cwd is not an absolute path.")),
    }
}

fn mcp_servers(params: &Value) -> usize {
    params["mcpServers"].as_array().map_or(0, Vec::len)
}
