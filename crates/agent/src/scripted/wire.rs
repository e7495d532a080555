//! The agent's end of the wire: JSON-RPC messages as lines on standard output, and the answers to its own requests.

use serde_json::{Value, json};
use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::io::{AsyncWriteExt as _, Stdout};
use tokio::sync::oneshot;

/// How much of a long line is written at once.
const PIECE: usize = 64 * 1024;

/// A JSON-RPC error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RpcError {
    pub(super) code: i64,
    pub(super) message: String,
}

/// Where messages go. Cheap to clone.
#[derive(Clone)]
pub(super) struct Wire(Arc<Inner>);

struct Inner {
    out: tokio::sync::Mutex<Stdout>,
    waiting: Mutex<HashMap<u64, oneshot::Sender<Value>>>,
    last_request: AtomicU64,
    is_hanging: AtomicBool,
}

impl RpcError {
    pub(super) const SIGN_IN_NEEDED: i64 = -32000;
    pub(super) const NOT_FOUND: i64 = -32002;
    pub(super) const INVALID: i64 = -32600;
    pub(super) const NO_METHOD: i64 = -32601;
    pub(super) const INVALID_PARAMS: i64 = -32602;
    pub(super) const FAILED: i64 = -32603;

    pub(super) fn new(code: i64, message: impl Into<String>) -> RpcError {
        RpcError { code, message: message.into() }
    }
}

impl Wire {
    pub(super) fn new() -> Wire {
        Wire(Arc::new(Inner {
            out: tokio::sync::Mutex::new(tokio::io::stdout()),
            waiting: Mutex::default(),
            last_request: AtomicU64::default(),
            is_hanging: AtomicBool::default(),
        }))
    }

    /// Tells the client what happens in a session.
    pub(super) async fn update(&self, session: &str, update: Value) -> io::Result<()> {
        let params = json!({"sessionId": session, "update": update});
        self.send(&json!({"jsonrpc": "2.0", "method": "session/update", "params": params})).await
    }

    pub(super) async fn respond(&self, id: &Value, answer: Result<Value, RpcError>) -> io::Result<()> {
        let message = match answer {
            Ok(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
            Err(RpcError { code, message }) => {
                json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}})
            }
        };
        self.send(&message).await
    }

    /// Asks the client something; the receiver gets its whole answer.
    pub(super) async fn request(&self, method: &str, params: Value) -> io::Result<oneshot::Receiver<Value>> {
        let id = self.0.last_request.fetch_add(1, Ordering::Relaxed) + 1;
        let (sender, answer) = oneshot::channel();
        self.waiting().insert(id, sender);
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})).await?;
        Ok(answer)
    }

    /// Hands an answer of the client to whoever waits for it.
    pub(super) fn answered(&self, message: Value) {
        let waiting = message["id"].as_u64().and_then(|id| self.waiting().remove(&id));
        if let Some(waiting) = waiting {
            // Who does not wait any more was cancelled.
            let _ = waiting.send(message);
        }
    }

    /// Writes a line that is no message.
    pub(super) async fn noise(&self, text: &str) -> io::Result<()> {
        self.line(text.as_bytes()).await
    }

    /// Writes an update of a session whose line is that many bytes long.
    pub(super) async fn flood(&self, session: &str, bytes: u64) -> io::Result<()> {
        let head = format!(
            r#"{{"jsonrpc":"2.0","method":"session/update","params":{{"sessionId":{},"update":{{"sessionUpdate":"agent_message_chunk","content":{{"type":"text","text":""#,
            json!(session)
        );
        let tail = "\"}}}}\n";
        let mut left =
            usize::try_from(bytes).unwrap_or(usize::MAX).saturating_sub(head.len() + tail.len() - 1);
        let piece = vec![b'x'; PIECE];
        let mut out = self.0.out.lock().await;
        out.write_all(head.as_bytes()).await?;
        while left > 0 {
            let length = left.min(PIECE);
            out.write_all(&piece[..length]).await?;
            left -= length;
        }
        out.write_all(tail.as_bytes()).await?;
        out.flush().await
    }

    /// Ends the process at once, after what was said before has left it.
    pub(super) async fn crash(&self, code: i32) -> ! {
        let mut out = self.0.out.lock().await;
        // Where nobody listens there is nothing to lose.
        let _ = out.flush().await;
        eprintln!("scripted agent: crashing with code {code}, as the scenario says");
        std::process::exit(code)
    }

    /// From here on the agent does not react to the end of its input either.
    pub(super) fn hang(&self) {
        self.0.is_hanging.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_hanging(&self) -> bool {
        self.0.is_hanging.load(Ordering::Relaxed)
    }

    async fn send(&self, message: &Value) -> io::Result<()> {
        self.line(message.to_string().as_bytes()).await
    }

    async fn line(&self, line: &[u8]) -> io::Result<()> {
        let mut out = self.0.out.lock().await;
        out.write_all(line).await?;
        out.write_all(b"\n").await?;
        out.flush().await
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<u64, oneshot::Sender<Value>>> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
