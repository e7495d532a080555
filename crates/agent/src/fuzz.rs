//! What holds for everything that an agent may write to its standard output.

use crate::AgentEvent;
use crate::lines::{BoundedLines, Line};
use crate::tail::Tail;
use crate::tap::{Loading, Tap};
use crate::turn::Turns;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::io::AsyncRead;
use tokio::sync::{Semaphore, mpsc};
use tokio_util::io::StreamReader;

/// The longest line, in bytes: short enough for inputs to have longer ones.
const LIMIT: usize = 4096;

/// The session whose turn runs and the one whose past is replayed; seeds name them.
const SESSIONS: [&str; 2] = ["s1", "s2"];

/// Reads bytes as the output of an agent, at once and in pieces.
///
/// # Panics
/// When the pieces are read in another way than the whole, or something else than a message is passed on.
pub fn output(bytes: &[u8]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let Ok(runtime) = runtime else { return };
    runtime.block_on(async {
        let (lines, heard) = (lines(bytes).await, tapped(bytes).await);
        let read: u64 = lines.iter().map(length).sum();
        let ends = bytes.split(|byte| *byte == b'\n').count() as u64 - 1;
        assert_eq!(read + ends, bytes.len() as u64, "bytes are lost");
        for size in [1, 5, 100] {
            assert_eq!(self::lines(pieces(bytes, size)).await, lines, "in pieces of {size}");
        }
        assert_eq!(tapped(pieces(bytes, 64)).await, heard);
    });
}

fn length(line: &Line) -> u64 {
    match line {
        Line::Whole(line) => line.len() as u64,
        Line::TooLong { head, length } => {
            assert!(head.len() <= LIMIT && *length > LIMIT as u64);
            *length
        }
    }
}

/// Bytes that arrive in pieces.
fn pieces(bytes: &[u8], size: usize) -> impl AsyncRead + Unpin {
    StreamReader::new(futures::stream::iter(bytes.chunks(size).map(Ok::<_, std::io::Error>)))
}

async fn lines(output: impl AsyncRead + Unpin) -> Vec<Line> {
    let mut lines = BoundedLines::new(output, LIMIT);
    let mut all = Vec::new();
    while let Ok(Some(line)) = lines.next().await {
        all.push(line);
    }
    all
}

/// Returns the updates of an output and the lines that it has for the protocol library.
async fn tapped(output: impl AsyncRead + Unpin) -> (Vec<(String, bool, Value)>, Vec<String>) {
    let (events, mut updates) = mpsc::channel(1);
    let (protocol, mut messages) = mpsc::channel(1);
    let (turns, loading, count) = (Turns::default(), Loading::default(), Arc::new(AtomicU64::new(0)));
    turns.begin(SESSIONS[0]);
    loading.begin("1".to_owned(), SESSIONS[1].to_owned());
    let tap = Tap {
        events,
        protocol,
        loading,
        turns: turns.clone(),
        offers: crate::offers::Offers::default(),
        updates: Arc::clone(&count),
        requests: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
        noise: Tail::new(1000),
        ended: tokio_util::sync::CancellationToken::new(),
    };
    let reported = async {
        let mut all = Vec::new();
        while let Some(event) = updates.recv().await {
            if let AgentEvent::Update { session, replay, raw, .. } = event {
                all.push((session, replay, raw));
            }
        }
        all
    };
    let passed = async {
        let mut all = Vec::new();
        while let Some(message) = messages.recv().await {
            all.push(message.unwrap_or_default());
        }
        all
    };
    let ((), updates, messages) = tokio::join!(tap.run(output, LIMIT), reported, passed);
    assert_eq!(count.load(Ordering::Relaxed), updates.len() as u64);
    for message in &messages {
        let json: Value = serde_json::from_str(message).unwrap_or_default();
        assert_eq!(json["jsonrpc"], "2.0", "no message: {message}");
        assert!(json.get("id").is_some() || json.get("method").is_some(), "no message: {message}");
        assert!(!message.contains('\n'), "a message of two lines");
    }
    let heard = turns.end(SESSIONS[0]);
    let _ = heard.failure("end_turn");
    heard.into_last_message();
    (updates, messages)
}

#[cfg(test)]
mod tests {
    #[test]
    fn outputs() {
        fuzz_seeds::run("agent_output", &[], 300, super::output);
    }
}
