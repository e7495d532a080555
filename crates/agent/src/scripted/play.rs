//! Playing the steps of a scenario in one turn of one session.

use super::mcp;
use super::memory::{Memory, Remembered};
use super::scenario::Part;
use super::step::Action;
use super::told::Told;
use crate::wire::{RpcError, Wire};
use parking_lot::{Mutex, MutexGuard};
use serde_json::{Value, json};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio_util::sync::CancellationToken;

/// The least and the usual length of a streamed piece of text.
const PIECE: usize = 24;

/// The state that all sessions of the process share.
pub(super) struct Stage {
    pub(super) wire: Wire,
    pub(super) memory: Memory,
    pub(super) scenarios: Option<PathBuf>,
    /// Sessions of one task share one progress.md; a session that changes it holds this.
    pub(super) progress: tokio::sync::Mutex<()>,
    pace: Duration,
    /// Tells the ids of this process from those of earlier ones.
    nonce: String,
    last_id: AtomicU64,
}

/// One session.
pub(super) struct Thread {
    pub(super) id: String,
    /// The metadata of the request that opened the session.
    pub(super) told: Option<Told>,
    /// The MCP servers that came with the same request.
    servers: Vec<Value>,
    remembered: Mutex<Remembered>,
    running: Mutex<Option<CancellationToken>>,
}

/// One turn of a session.
pub(super) struct Playing {
    pub(super) stage: Arc<Stage>,
    pub(super) thread: Arc<Thread>,
    pub(super) cancel: CancellationToken,
    pub(super) told: Told,
}

/// Why a turn ends before its steps do.
#[derive(Debug)]
pub(super) enum Stop {
    Cancelled,
    /// The agent has nothing more to do.
    Ended,
    Failed(RpcError),
    /// The client is gone.
    Unheard,
}

pub(super) type Played = Result<(), Stop>;

impl Stage {
    pub(super) fn new(wire: Wire, memory: Memory, scenarios: Option<PathBuf>, pace: Duration) -> Stage {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let nonce = format!("{:x}-{:x}", since.as_nanos(), std::process::id());
        Stage {
            wire,
            memory,
            scenarios,
            progress: tokio::sync::Mutex::default(),
            pace,
            nonce,
            last_id: AtomicU64::default(),
        }
    }

    /// Sets an option of a session to one of its values, and returns all options.
    pub(super) fn set_option(
        &self,
        thread: &Thread,
        id: &str,
        value: &Value,
    ) -> Result<Vec<Value>, RpcError> {
        let mut remembered = lock(&thread.remembered);
        let invalid = |message: String| RpcError::new(RpcError::INVALID_PARAMS, message);
        let option = remembered.options.iter_mut().find(|option| option["id"] == id);
        let option = option.ok_or_else(|| invalid(format!("there is no option {id:?}")))?;
        let is_known = match option["options"].as_array() {
            Some(values) => values.iter().any(|known| known["value"] == *value),
            None => value.is_boolean(),
        };
        if !is_known {
            return Err(invalid(format!("the option {id:?} has no value {value}")));
        }
        option["currentValue"] = value.clone();
        self.memory.save(&thread.id, &remembered).map_err(|error| {
            RpcError::new(RpcError::FAILED, format!("the session cannot be remembered: {error}"))
        })?;
        Ok(remembered.options.clone())
    }

    /// An id that no other process and no other call gives.
    pub(super) fn fresh(&self, prefix: &str) -> String {
        format!("{prefix}-{}-{}", self.nonce, self.last_id.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

impl Thread {
    pub(super) fn new(id: String, remembered: Remembered, told: Option<Told>, servers: Vec<Value>) -> Thread {
        Thread { id, told, servers, remembered: Mutex::new(remembered), running: Mutex::default() }
    }

    pub(super) fn remembered(&self) -> Remembered {
        lock(&self.remembered).clone()
    }

    pub(super) fn cwd(&self) -> PathBuf {
        lock(&self.remembered).cwd.clone()
    }

    /// The options with their values, one a line.
    fn options_as_text(&self) -> String {
        let remembered = self.remembered();
        let line = |option: &Value| {
            let value = &option["currentValue"];
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            format!("{} = {value}", option["id"].as_str().unwrap_or_default())
        };
        remembered.options.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    /// Begins a turn unless one is under way.
    pub(super) fn begin(&self, closing: &CancellationToken) -> Option<CancellationToken> {
        let mut running = lock(&self.running);
        if running.is_some() {
            return None;
        }
        let cancel = closing.child_token();
        *running = Some(cancel.clone());
        Some(cancel)
    }

    pub(super) fn finish(&self) {
        *lock(&self.running) = None;
    }

    pub(super) fn cancel(&self) {
        if let Some(running) = &*lock(&self.running) {
            running.cancel();
        }
    }
}

impl Stop {
    pub(super) fn failed(message: impl Into<String>) -> Stop {
        Stop::Failed(RpcError::new(RpcError::FAILED, message))
    }
}

impl From<io::Error> for Stop {
    /// A turn has one stream only: the one to the client.
    fn from(_: io::Error) -> Stop {
        Stop::Unheard
    }
}

impl Playing {
    /// Plays steps in order, those that are played once only if they were not.
    pub(super) async fn play(&self, part: &Part<'_>) -> Played {
        for (index, step) in part.steps.iter().enumerate() {
            if step.once && !self.is_first_time(&format!("{}/{index}", part.name))? {
                continue;
            }
            self.heed()?;
            Box::pin(self.act(&step.action)).await?;
            self.pause().await?;
        }
        Ok(())
    }

    async fn act(&self, action: &Action) -> Played {
        let wire = &self.stage.wire;
        match action {
            Action::Say(text) => self.say(text).await,
            Action::ShowOptions => self.say(&self.thread.options_as_text()).await,
            Action::SetOption { id, value } => {
                let options = self.stage.set_option(&self.thread, id, value).map_err(Stop::Failed)?;
                self.update(json!({"sessionUpdate": "config_option_update", "configOptions": options})).await
            }
            Action::Think(text) => self.stream("agent_thought_chunk", text).await,
            Action::Write { path, content } => self.write(path, content).await,
            Action::Edit { path, find, replace } => self.edit(path, find, replace).await,
            Action::Delete(path) => self.delete(path).await,
            Action::Run { command, expect } => self.run(command, *expect).await,
            Action::Plan { entries, done } => self.plan(entries, *done).await,
            Action::Tick { number, mark } => self.tick(number, *mark, false).await,
            Action::Commit(message) => self.commit(message).await,
            Action::Ask { question, kind } => self.ask(question, kind).await,
            Action::Wait(time) => self.wait(*time).await,
            Action::Burst { times, text, every } => {
                // Each is due at its own time, so that what one took does not slow down those that follow.
                let mut due = Instant::now();
                for _ in 0..*times {
                    self.chunk("agent_message_chunk", text).await?;
                    due += *every;
                    self.wait(due.saturating_duration_since(Instant::now())).await?;
                }
                Ok(())
            }
            Action::Fail(message) => Err(Stop::failed(message)),
            Action::Auth(message) => Err(Stop::Failed(RpcError::new(RpcError::SIGN_IN_NEEDED, message))),
            Action::Crash(code) => wire.crash(*code).await,
            Action::Hang => {
                wire.hang();
                std::future::pending().await
            }
            Action::Noise(text) => Ok(wire.noise(text).await?),
            Action::UseTokens(tokens) => {
                let usage = json!({"usage": {"inputTokens": tokens}});
                let content = json!({"type": "text", "text": ""});
                let update =
                    json!({"sessionUpdate": "agent_thought_chunk", "content": content, "_meta": usage});
                self.update(update).await
            }
            Action::Flood(bytes) => Ok(wire.flood(&self.thread.id, *bytes).await?),
            Action::Quiet => {
                self.cancel.cancelled().await;
                Err(Stop::Cancelled)
            }
            Action::Stray(command) => self.stray(command).await,
            Action::CallTool { server, tool, arguments } => self.call_tool(server, tool, arguments).await,
        }
    }

    /// Says something, in pieces as a model would.
    pub(super) async fn say(&self, text: &str) -> Played {
        self.stream("agent_message_chunk", text).await
    }

    async fn stream(&self, kind: &str, text: &str) -> Played {
        for (index, piece) in pieces(text).into_iter().enumerate() {
            if index > 0 {
                self.pause().await?;
            }
            self.chunk(kind, piece).await?;
        }
        Ok(())
    }

    async fn chunk(&self, kind: &str, text: &str) -> Played {
        self.update(json!({"sessionUpdate": kind, "content": {"type": "text", "text": text}})).await
    }

    pub(super) async fn update(&self, update: Value) -> Played {
        Ok(self.stage.wire.update(&self.thread.id, update).await?)
    }

    async fn plan(&self, entries: &[String], done: usize) -> Played {
        let status = |index: usize| match index.cmp(&done) {
            std::cmp::Ordering::Less => "completed",
            std::cmp::Ordering::Equal => "in_progress",
            std::cmp::Ordering::Greater => "pending",
        };
        let entries = entries.iter().enumerate();
        let entries: Vec<_> = entries
            .map(|(index, entry)| json!({"content": entry, "status": status(index), "priority": "medium"}))
            .collect();
        self.update(json!({"sessionUpdate": "plan", "entries": entries})).await
    }

    /// Asks the client whether something may be done; a refusal ends the turn.
    async fn ask(&self, question: &str, kind: &str) -> Played {
        let call = self.stage.fresh("call");
        let shown = json!({"toolCallId": call, "title": question, "kind": kind, "status": "pending"});
        let mut begun = shown.clone();
        begun["sessionUpdate"] = json!("tool_call");
        self.update(begun).await?;
        let options = json!([
            {"optionId": "allow", "name": "Allow", "kind": "allow_once"},
            {"optionId": "reject", "name": "Reject", "kind": "reject_once"},
        ]);
        let params = json!({"sessionId": self.thread.id, "toolCall": shown, "options": options});
        let answer = self.stage.wire.request("session/request_permission", params).await?;
        let answer = tokio::select! {
            answer = answer => answer.map_err(|_| Stop::Unheard)?,
            () = self.cancel.cancelled() => return Err(Stop::Cancelled),
        };
        let outcome = &answer["result"]["outcome"];
        match (outcome["outcome"].as_str(), outcome["optionId"].as_str()) {
            (Some("selected"), Some("allow")) => self.close_call(&call, "completed").await,
            (Some("selected"), _) => {
                self.close_call(&call, "failed").await?;
                self.say(&format!("I was not allowed to go on: {question}")).await?;
                Err(Stop::Ended)
            }
            (Some("cancelled"), _) => Err(Stop::Cancelled),
            _ => Err(Stop::failed(format!("the client did not answer the question {question:?}"))),
        }
    }

    pub(super) async fn close_call(&self, call: &str, status: &str) -> Played {
        self.update(json!({"sessionUpdate": "tool_call_update", "toolCallId": call, "status": status})).await
    }

    /// Calls a tool of an MCP server, as a model would; what it answers is the call's output.
    async fn call_tool(&self, server: &str, tool: &str, arguments: &Value) -> Played {
        let call = self.stage.fresh("call");
        let begun = json!({
            "sessionUpdate": "tool_call", "toolCallId": call, "title": format!("{server}: {tool}"), "kind": "other",
            "status": "in_progress", "rawInput": arguments,
        });
        self.update(begun).await?;
        let answer = tokio::select! {
            answer = mcp::call(&self.thread.servers, server, tool, arguments) => answer,
            () = self.cancel.cancelled() => return Err(Stop::Cancelled),
        };
        let (status, text) = match answer {
            Ok(text) => ("completed", text),
            Err(text) => ("failed", text),
        };
        let content = json!([{ "type": "content", "content": { "type": "text", "text": text } }]);
        let ended = json!({
            "sessionUpdate": "tool_call_update", "toolCallId": call, "status": status, "content": content,
        });
        self.update(ended).await
    }

    /// Waits as long as a model would think, unless the turn is cancelled.
    pub(super) async fn pause(&self) -> Played {
        self.wait(self.stage.pace).await
    }

    async fn wait(&self, time: Duration) -> Played {
        if !time.is_zero() {
            tokio::select! {
                () = tokio::time::sleep(time) => {}
                () = self.cancel.cancelled() => {}
            }
        }
        self.heed()
    }

    fn heed(&self) -> Played {
        if self.cancel.is_cancelled() { Err(Stop::Cancelled) } else { Ok(()) }
    }

    /// Returns whether a step was never begun in this session; from here on it was.
    fn is_first_time(&self, step: &str) -> Result<bool, Stop> {
        let mut remembered = lock(&self.thread.remembered);
        if self.told.attempt > 1 || !remembered.played.insert(step.to_owned()) {
            return Ok(false);
        }
        let saved = self.stage.memory.save(&self.thread.id, &remembered);
        saved.map_err(|error| Stop::failed(format!("the session cannot be remembered: {error}")))?;
        Ok(true)
    }
}

/// Text in pieces that end where words do.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.char_indices().find(|(index, letter)| *index >= PIECE && letter.is_whitespace());
        let (piece, after) =
            rest.split_at(end.map_or(rest.len(), |(index, letter)| index + letter.len_utf8()));
        pieces.push(piece);
        rest = after;
    }
    pieces
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_make_the_text() {
        let text = "Ich lese das Repository, bevor ich etwas plane – gründlich.\n\nDann schreibe ich.";
        assert!(pieces(text).len() > 2);
        assert_eq!(pieces(text).concat(), text);
        assert!(pieces("").is_empty());
    }
}
