//! A session that an editor has open: its live updates, and the prompts that wait for the ends of their turns.

use super::files;
use super::follow::{Followed, follow};
use super::permissions::Permissions;
use super::prompt::Message;
use super::replay::Replay;
use super::rpc::RpcError;
use super::server::Server;
use super::translate::{Translator, message, note};
use super::wire::Wire;
use parking_lot::Mutex;
use protocol::{LogEntry, NumberedEntry};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// How long to wait before a stop that did not reach the server is sent again.
const RETRY_INTERVAL: Duration = Duration::from_millis(500);
/// How many entries may wait for an editor that does not read.
const MAX_FOLLOWED: usize = 64;

/// A session that an editor has open.
pub(super) struct Thread {
    pub(super) id: String,
    server: Server,
    wire: Wire,
    /// Held while a message is sent and while an entry is taken in: the entry of a message comes when its id is known.
    order: tokio::sync::Mutex<Translator>,
    state: Mutex<State>,
    permissions: Permissions,
    messages: AtomicU64,
    closed: CancellationToken,
}

#[derive(Default)]
struct State {
    /// The messages that came from this editor, which shows them already.
    own: HashSet<String>,
    waiting: Vec<WaitingPrompt>,
}

/// A prompt whose turn has not ended.
struct WaitingPrompt {
    message: String,
    turn: String,
    has_begun: bool,
    is_cancelled: bool,
    end: oneshot::Sender<Result<Value, RpcError>>,
}

/// How much of a session's log an editor gets when it opens it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beginning {
    /// Everything, as whole messages and final tool calls.
    Replay,
    /// The entries from now on.
    Now,
}

impl Thread {
    pub(super) fn new(id: &str, server: Server, wire: Wire) -> Arc<Self> {
        Arc::new(Self {
            id: id.to_owned(),
            permissions: Permissions::new(id, server.clone(), wire.clone()),
            server,
            wire,
            order: tokio::sync::Mutex::default(),
            state: Mutex::default(),
            messages: AtomicU64::new(0),
            closed: CancellationToken::new(),
        })
    }

    /// Sends what the log says so far, and returns the number of the last entry that is taken in.
    pub(super) async fn begin(&self, beginning: Beginning) -> Result<u64, RpcError> {
        if beginning == Beginning::Now {
            return self.server.log_end(&self.id).await;
        }
        let (mut replay, mut position) = (Replay::default(), 0);
        loop {
            let page = self.server.entries(&self.id, position).await?;
            let Some(last) = page.last() else { break };
            position = last.seq;
            for entry in &page {
                replay.push(entry);
            }
        }
        let (updates, translator) = replay.finish();
        for update in updates {
            self.show(update).await;
        }
        *self.order.lock().await = translator;
        Ok(position)
    }

    /// Sends an update, with the contents of the files that it names.
    async fn show(&self, mut update: Value) {
        files::fill(&self.server, &self.id, &mut update).await;
        self.wire.update(&self.id, update).await;
    }

    /// Streams what follows an entry, until the thread is closed.
    pub(super) fn stream(self: &Arc<Self>, position: u64) {
        let thread = self.clone();
        tokio::spawn(async move {
            let (followed, mut follows) = mpsc::channel(MAX_FOLLOWED);
            let taking = async {
                while let Some(followed) = follows.recv().await {
                    match followed {
                        Followed::Entry(entry) => thread.take(&entry).await,
                        Followed::Connected => {
                            thread.permissions.ask_open().await;
                            thread.check_waiting().await;
                        }
                    }
                }
            };
            tokio::select! {
                () = follow(&thread.server, &thread.id, position, followed) => {}
                () = taking => {}
                () = thread.closed.cancelled() => {}
            }
        });
    }

    /// Ends the live updates. Prompts that wait are answered as cancelled; their turns run on.
    pub(super) fn close(&self) {
        self.closed.cancel();
        for prompt in std::mem::take(&mut self.state.lock().waiting) {
            let _ = prompt.end.send(Ok(stopped("cancelled", None)));
        }
    }

    /// Takes in an entry of the log.
    async fn take(&self, entry: &NumberedEntry) {
        let mut translator = self.order.lock().await;
        let is_own = matches!(&entry.entry, LogEntry::UserMessage(said)
            if said.message_id.as_deref().is_some_and(|id| self.state.lock().own.contains(id)));
        if let Some(update) = translator.update(entry, is_own) {
            self.show(update).await;
        }
        drop(translator);
        match &entry.entry {
            LogEntry::TurnStarted(turn) => self.begin_turn(turn.turn_id.text(), turn.message_ids.items()),
            LogEntry::TurnEnded(turn) => {
                let usage = turn.usage.as_ref();
                let usage = usage.map(|usage| {
                    json!({
                        "inputTokens": usage.input_tokens,
                        "outputTokens": usage.output_tokens,
                        "cachedReadTokens": usage.cached_tokens,
                        "totalTokens": usage.input_tokens + usage.output_tokens,
                    })
                });
                let reason = stop_reason(turn.stop_reason.text());
                self.end(
                    |prompt| prompt.turn == turn.turn_id.text(),
                    |cancelled| Ok(stopped(if cancelled { "cancelled" } else { reason }, usage.clone())),
                );
            }
            LogEntry::TurnFailed(failure) if failure.tried_again.as_ref() != Some(&true) => {
                let message = format!("The turn failed: {}", failure.message.text());
                self.end(
                    |prompt| prompt.turn == failure.turn_id.text(),
                    |cancelled| {
                        if cancelled {
                            return Ok(stopped("cancelled", None));
                        }
                        Err(RpcError::new(RpcError::INTERNAL, message.clone()))
                    },
                );
            }
            LogEntry::MessageWithdrawn(message) => {
                self.end(|prompt| prompt.message == message.message_id, |_| Ok(stopped("cancelled", None)));
            }
            LogEntry::PermissionRequested(request) if request.for_person.as_ref() == Some(&true) => {
                self.permissions.ask(
                    &request.request_id,
                    request.tool_call.as_ref(),
                    request.options.items(),
                );
            }
            LogEntry::PermissionResolved(answer) => self.permissions.resolve(answer).await,
            // What became of a session is a notice in its log.
            LogEntry::Notice(_) => self.check_waiting().await,
            _ => {}
        }
    }

    fn begin_turn(&self, turn: &str, messages: &[String]) {
        for prompt in &mut self.state.lock().waiting {
            if prompt.turn == turn || messages.contains(&prompt.message) {
                turn.clone_into(&mut prompt.turn);
                prompt.has_begun = true;
            }
        }
    }

    /// Answers the prompts that are meant.
    fn end(
        &self,
        is_meant: impl Fn(&WaitingPrompt) -> bool,
        answer: impl Fn(bool) -> Result<Value, RpcError>,
    ) {
        let mut state = self.state.lock();
        let (ended, waiting) = std::mem::take(&mut state.waiting).into_iter().partition(is_meant);
        state.waiting = waiting;
        drop(state);
        let ended: Vec<WaitingPrompt> = ended;
        for prompt in ended {
            // The editor may have given up the request.
            let _ = prompt.end.send(answer(prompt.is_cancelled));
        }
    }

    /// Answers the prompts of a session that has ended without a turn for them.
    async fn check_waiting(&self) {
        if self.state.lock().waiting.is_empty() {
            return;
        }
        let Ok(found) = self.server.session(&self.id).await else { return };
        let session = &found["work_session"];
        match session["status"].as_str().unwrap_or_default() {
            "cancelled" => self.end(|_| true, |_| Ok(stopped("cancelled", None))),
            "failed" => {
                let why = session["last_error"]["message"].as_str().unwrap_or("The session failed.");
                self.end(|prompt| !prompt.has_begun, |_| Err(RpcError::new(RpcError::INTERNAL, why)));
            }
            _ => {}
        }
    }

    /// Sends a person's message and waits for the end of the turn that carries it.
    pub(super) async fn prompt(
        &self,
        message: &Message,
        cancelled: &CancellationToken,
    ) -> Result<Value, RpcError> {
        let attachments = self.server.attach(&self.id, &message.files).await?;
        let order = self.order.lock().await;
        if cancelled.is_cancelled() {
            return Ok(stopped("cancelled", None));
        }
        let (id, turn) = self.server.say(&self.id, &message.text, &attachments).await?;
        let (end, ended) = oneshot::channel();
        {
            let mut state = self.state.lock();
            state.own.insert(id.clone());
            let is_cancelled = cancelled.is_cancelled();
            state.waiting.push(WaitingPrompt { message: id, turn, has_begun: false, is_cancelled, end });
        }
        drop(order);
        // It was cancelled while it was sent.
        if cancelled.is_cancelled() {
            self.cancel().await;
        }
        let closed = || RpcError::new(RpcError::INTERNAL, "The session was closed before its turn ended.");
        ended.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Stops the turn, and takes back what waits for one. A server that is away is asked until it answers.
    pub(super) async fn cancel(&self) {
        let (queued, has_waiting) = {
            let mut state = self.state.lock();
            for prompt in &mut state.waiting {
                prompt.is_cancelled = true;
            }
            let queued = state.waiting.iter().filter(|prompt| !prompt.has_begun);
            (queued.map(|prompt| prompt.message.clone()).collect::<Vec<_>>(), !state.waiting.is_empty())
        };
        for message in queued {
            // One that a turn carries meanwhile is stopped with the turn.
            let _ = self.server.delete(&format!("/work-sessions/{}/messages/{message}", self.id)).await;
        }
        loop {
            let stopped =
                self.server.post(&format!("/work-sessions/{}/stop-turn", self.id), &json!({})).await;
            match stopped {
                Err(error) if error.code == RpcError::INTERNAL && has_waiting => {
                    tracing::debug!(error = error.message, "could not stop a turn yet");
                }
                Ok(_) | Err(_) => return,
            }
            if self.state.lock().waiting.is_empty() || self.closed.is_cancelled() {
                return;
            }
            tokio::time::sleep(RETRY_INTERVAL).await;
        }
    }

    /// Shows a message of SpecTask itself.
    pub(super) async fn say(&self, text: &str) {
        let number = self.messages.fetch_add(1, Ordering::Relaxed);
        self.wire.update(&self.id, message(text, &format!("spectask-{number}"))).await;
    }

    /// Shows something to know about the thread.
    pub(super) async fn note(&self, text: &str) {
        self.wire.update(&self.id, note(0, text)).await;
    }
}

/// Returns the answer to a prompt.
fn stopped(reason: &str, usage: Option<Value>) -> Value {
    let mut answer = json!({ "stopReason": reason });
    if let Some(usage) = usage {
        answer["usage"] = usage;
    }
    answer
}

/// Returns a stop reason that editors know.
fn stop_reason(reason: &str) -> &str {
    match reason {
        "max_tokens" | "max_turn_requests" | "refusal" | "cancelled" => reason,
        _ => "end_turn",
    }
}
