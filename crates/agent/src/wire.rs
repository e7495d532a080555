//! The end of the wire of this binary's own agents: JSON-RPC messages as lines on standard output, and the answers to the
//! agent's own requests.

use parking_lot::{Mutex, MutexGuard};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::sync::{mpsc, oneshot};

/// How much of a long line is written at once.
const PIECE: usize = 64 * 1024;
/// How many pieces may wait for the writer.
const CHANNEL_CAPACITY: usize = 256;

/// A JSON-RPC error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RpcError {
    pub code: i64,
    pub message: String,
}

/// Where messages go. Cheap to clone.
#[derive(Clone)]
pub struct Wire(Arc<Inner>);

struct Inner {
    /// Held while a line is handed over, so that lines of several sessions do not mix.
    out: tokio::sync::Mutex<mpsc::Sender<Piece>>,
    waiting: Mutex<HashMap<u64, oneshot::Sender<Value>>>,
    last_request: AtomicU64,
    is_hanging: AtomicBool,
}

/// The pieces that the writer gets.
enum Piece {
    Text(Vec<u8>),
    /// Answered when everything before it has left the process.
    Mark(oneshot::Sender<()>),
}

/// Writes what comes, as much at once as waits: a hundred sessions may speak at the same time.
fn write(mut out: impl io::Write, mut pieces: mpsc::Receiver<Piece>) {
    let mut waiting = Vec::new();
    while pieces.blocking_recv_many(&mut waiting, CHANNEL_CAPACITY) > 0 {
        let mut text = Vec::new();
        let mut marks = Vec::new();
        for piece in waiting.drain(..) {
            match piece {
                Piece::Text(more) => text.extend(more),
                Piece::Mark(mark) => marks.push(mark),
            }
        }
        // The next sender gets the error if the client is gone.
        if out.write_all(&text).and_then(|()| out.flush()).is_err() {
            return;
        }
        for mark in marks {
            let _ = mark.send(());
        }
    }
}

impl RpcError {
    pub const SIGN_IN_NEEDED: i64 = -32000;
    pub const NOT_FOUND: i64 = -32002;
    pub const INVALID: i64 = -32600;
    pub const NO_METHOD: i64 = -32601;
    pub const INVALID_PARAMS: i64 = -32602;
    pub const FAILED: i64 = -32603;

    pub fn new(code: i64, message: impl Into<String>) -> RpcError {
        RpcError { code, message: message.into() }
    }
}

impl Wire {
    /// Returns a wire that writes to a client.
    pub fn to(client: impl io::Write + Send + 'static) -> Wire {
        let (out, pieces) = mpsc::channel(CHANNEL_CAPACITY);
        std::thread::spawn(move || write(client, pieces));
        Wire(Arc::new(Inner {
            out: tokio::sync::Mutex::new(out),
            waiting: Mutex::default(),
            last_request: AtomicU64::default(),
            is_hanging: AtomicBool::default(),
        }))
    }

    /// Tells the client what happens in a session.
    pub async fn update(&self, session: &str, update: Value) -> io::Result<()> {
        let params = json!({"sessionId": session, "update": update});
        self.send(&json!({"jsonrpc": "2.0", "method": "session/update", "params": params})).await
    }

    pub async fn respond(&self, id: &Value, answer: Result<Value, RpcError>) -> io::Result<()> {
        let message = match answer {
            Ok(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
            Err(RpcError { code, message }) => {
                json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}})
            }
        };
        self.send(&message).await
    }

    /// Asks the client something; the receiver gets its whole answer.
    pub async fn request(&self, method: &str, params: Value) -> io::Result<oneshot::Receiver<Value>> {
        let id = self.0.last_request.fetch_add(1, Ordering::Relaxed) + 1;
        let (sender, answer) = oneshot::channel();
        self.waiting().insert(id, sender);
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})).await?;
        Ok(answer)
    }

    /// Hands an answer of the client to the request that waits for it.
    pub fn answered(&self, message: Value) {
        let waiting = message["id"].as_u64().and_then(|id| self.waiting().remove(&id));
        if let Some(waiting) = waiting {
            // Who does not wait any more was cancelled.
            let _ = waiting.send(message);
        }
    }

    /// Writes a line that is no message.
    pub(crate) async fn noise(&self, text: &str) -> io::Result<()> {
        self.line(text.as_bytes().to_vec()).await
    }

    /// Writes an update of a session whose line is that many bytes long.
    pub(crate) async fn flood(&self, session: &str, bytes: u64) -> io::Result<()> {
        let head = format!(
            r#"{{"jsonrpc":"2.0","method":"session/update","params":{{"sessionId":{},"update":{{"sessionUpdate":"agent_message_chunk","content":{{"type":"text","text":""#,
            json!(session)
        );
        let tail = "\"}}}}\n";
        let mut left =
            usize::try_from(bytes).unwrap_or(usize::MAX).saturating_sub(head.len() + tail.len() - 1);
        let piece = vec![b'x'; PIECE];
        let out = self.0.out.lock().await;
        put(&out, head.into_bytes()).await?;
        while left > 0 {
            let length = left.min(PIECE);
            put(&out, piece[..length].to_vec()).await?;
            left -= length;
        }
        put(&out, tail.as_bytes().to_vec()).await
    }

    /// Waits until all messages have left the process.
    pub async fn drain(&self) {
        let (mark, written) = oneshot::channel();
        // Without a client there is nothing to lose.
        if self.0.out.lock().await.send(Piece::Mark(mark)).await.is_ok() {
            let _ = written.await;
        }
    }

    /// Ends the process at once, after all messages have left it.
    pub(crate) async fn crash(&self, code: i32) -> ! {
        self.drain().await;
        eprintln!("scripted agent: crashing with code {code}, as the scenario says");
        std::process::exit(code)
    }

    /// From here on the agent does not react to the end of its input either.
    pub(crate) fn hang(&self) {
        self.0.is_hanging.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_hanging(&self) -> bool {
        self.0.is_hanging.load(Ordering::Relaxed)
    }

    async fn send(&self, message: &Value) -> io::Result<()> {
        self.line(message.to_string().into_bytes()).await
    }

    async fn line(&self, mut line: Vec<u8>) -> io::Result<()> {
        line.push(b'\n');
        put(&*self.0.out.lock().await, line).await
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<u64, oneshot::Sender<Value>>> {
        self.0.waiting.lock()
    }
}

async fn put(out: &mpsc::Sender<Piece>, text: Vec<u8>) -> io::Result<()> {
    out.send(Piece::Text(text)).await.map_err(|_| io::ErrorKind::BrokenPipe.into())
}
