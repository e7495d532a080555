//! The agent's end of the wire: messages as lines on standard output, and the editor's answers to requests.

use super::rpc::RpcError;
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::{mpsc, oneshot};

/// How many lines may wait for an editor that does not read; the sender of another one waits.
const MAX_WAITING: usize = 256;

/// Where messages go. Cheap to clone.
#[derive(Clone)]
pub(super) struct Wire(Arc<Inner>);

struct Inner {
    lines: mpsc::Sender<Line>,
    asked: Mutex<HashMap<u64, oneshot::Sender<Value>>>,
    last_request: AtomicU64,
}

enum Line {
    Message(Vec<u8>),
    /// Answered when everything before it is written.
    Mark(oneshot::Sender<()>),
}

impl Wire {
    pub(super) fn new() -> Self {
        let (lines, waiting) = mpsc::channel(MAX_WAITING);
        std::thread::spawn(move || write(waiting));
        Self(Arc::new(Inner { lines, asked: Mutex::default(), last_request: AtomicU64::new(0) }))
    }

    pub(super) async fn respond(&self, id: Value, result: Result<Value, RpcError>) {
        let message = match result {
            Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
            Err(error) => json!({ "jsonrpc": "2.0", "id": id, "error": error.to_json() }),
        };
        self.send(&message).await;
    }

    pub(super) async fn notify(&self, method: &str, params: Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params })).await;
    }

    /// Sends an update of a session.
    pub(super) async fn update(&self, session: &str, update: Value) {
        self.notify("session/update", json!({ "sessionId": session, "update": update })).await;
    }

    /// Sends a request, and returns its number and where its answer comes.
    pub(super) async fn request(&self, method: &str, params: Value) -> (u64, oneshot::Receiver<Value>) {
        let number = self.0.last_request.fetch_add(1, Ordering::Relaxed) + 1;
        let (answer, answered) = oneshot::channel();
        self.0.asked.lock().insert(number, answer);
        self.send(&json!({ "jsonrpc": "2.0", "id": number, "method": method, "params": params })).await;
        (number, answered)
    }

    /// Tells the editor that a request needs no answer any more; one that comes all the same is ignored.
    pub(super) async fn withdraw(&self, number: u64) {
        self.0.asked.lock().remove(&number);
        self.notify("$/cancel_request", json!({ "requestId": number })).await;
    }

    /// Hands over an answer of the editor.
    pub(super) fn answered(&self, mut message: Value) {
        let Some(number) = message["id"].as_u64() else { return };
        if let Some(answer) = self.0.asked.lock().remove(&number) {
            // Nothing waits for the answer to a request that was withdrawn.
            let _ = answer.send(message["result"].take());
        }
    }

    /// Waits until everything is written.
    pub(super) async fn flush(&self) {
        let (mark, reached) = oneshot::channel();
        if self.0.lines.send(Line::Mark(mark)).await.is_ok() {
            let _ = reached.await;
        }
    }

    async fn send(&self, message: &Value) {
        let mut line = message.to_string().into_bytes();
        line.push(b'\n');
        // The writer ends when the editor is gone; the end of the input follows.
        let _ = self.0.lines.send(Line::Message(line)).await;
    }
}

/// Writes what comes, as much at once as waits.
fn write(mut waiting: mpsc::Receiver<Line>) {
    let mut out = std::io::stdout().lock();
    let mut lines = Vec::new();
    while waiting.blocking_recv_many(&mut lines, MAX_WAITING) > 0 {
        let (mut text, mut marks) = (Vec::new(), Vec::new());
        for line in lines.drain(..) {
            match line {
                Line::Message(message) => text.extend(message),
                Line::Mark(mark) => marks.push(mark),
            }
        }
        if out.write_all(&text).and_then(|()| out.flush()).is_err() {
            return;
        }
        for mark in marks {
            let _ = mark.send(());
        }
    }
}
