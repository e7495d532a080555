//! Writes what an agent says into its session's log: in order, coalesced, without losing or piling up anything.

use crate::clock::now;
use crate::feed::Feed;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use store::Store;
use tokio::sync::{mpsc, oneshot};
use workflow::{Millis, SessionId};

/// How long entries gather before they are written.
const GATHER: Duration = Duration::from_millis(50);
/// How many entries may wait; a writer that is full slows the agent down instead of growing.
const WAITING: usize = 1024;
/// How many entries are written at once.
const BATCH: usize = 512;
/// How long one entry's text may grow by joining the chunks after it, in bytes.
const JOINED: usize = 16 * 1024;

/// The writing end of a session's log.
#[derive(Clone)]
pub(crate) struct Recorder {
    entries: mpsc::Sender<Item>,
    heard: Arc<AtomicI64>,
}

enum Item {
    Entry(Value),
    Flush(oneshot::Sender<()>),
}

impl Recorder {
    pub(crate) fn start(store: Store, feed: Feed, session: SessionId) -> Self {
        let (entries, receiver) = mpsc::channel(WAITING);
        tokio::spawn(write(store, feed, session, receiver));
        Self { entries, heard: Arc::new(AtomicI64::new(now().0)) }
    }

    /// Adds an entry; waits while the writer is full.
    pub(crate) async fn record(&self, entry: Value) {
        self.heard.store(now().0, Ordering::Relaxed);
        // A closed channel means that the server is going down.
        let _ = self.entries.send(Item::Entry(entry)).await;
    }

    /// Waits until everything added so far is written.
    pub(crate) async fn flush(&self) {
        let (done, written) = oneshot::channel();
        if self.entries.send(Item::Flush(done)).await.is_ok() {
            let _ = written.await;
        }
    }

    /// When the agent was last heard.
    pub(crate) fn last_heard(&self) -> Millis {
        Millis(self.heard.load(Ordering::Relaxed))
    }
}

async fn write(store: Store, feed: Feed, session: SessionId, mut items: mpsc::Receiver<Item>) {
    while let Some(first) = items.recv().await {
        let mut flushes = Vec::new();
        let mut batch: Vec<Value> = Vec::new();
        let until = tokio::time::Instant::now() + GATHER;
        let mut next = Some(first);
        while let Some(item) = next {
            match item {
                Item::Entry(entry) => push(&mut batch, entry),
                Item::Flush(done) => flushes.push(done),
            }
            if batch.len() >= BATCH || !flushes.is_empty() {
                break;
            }
            next = tokio::time::timeout_at(until, items.recv()).await.ok().flatten();
        }
        write_batch(&store, &feed, &session, batch).await;
        for done in flushes {
            let _ = done.send(());
        }
    }
}

/// Writes a batch, again and again while the database is away: the agent waits meanwhile.
async fn write_batch(store: &Store, feed: &Feed, session: &SessionId, batch: Vec<Value>) {
    if batch.is_empty() {
        return;
    }
    loop {
        match store.append_log(session, now(), batch.clone()).await {
            Ok(rows) => return feed.publish_log(session, rows),
            Err(error) => {
                tracing::error!(%error, %session, "could not write to a session's log; trying again");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

/// Adds an entry, joining a chunk of text to the one it continues.
fn push(batch: &mut Vec<Value>, entry: Value) {
    let kind = entry["kind"].as_str().unwrap_or_default();
    if let Some(last) = batch.last_mut()
        && matches!(kind, "agent_message" | "agent_thought")
        && last["kind"] == entry["kind"]
        && last["message_id"] == entry["message_id"]
        && let (Some(before), Some(after)) = (last["text"].as_str(), entry["text"].as_str())
        && before.len() < JOINED
    {
        last["text"] = json!(format!("{before}{after}"));
        return;
    }
    batch.push(entry);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_of_one_message_are_joined_and_others_keep_their_place() {
        let mut batch = Vec::new();
        for (kind, text) in
            [("agent_message", "a"), ("agent_message", "b"), ("agent_thought", "c"), ("agent_message", "d")]
        {
            push(&mut batch, json!({ "kind": kind, "text": text }));
        }
        let texts: Vec<&str> = batch.iter().filter_map(|entry| entry["text"].as_str()).collect();
        assert_eq!(texts, ["ab", "c", "d"]);
    }
}
