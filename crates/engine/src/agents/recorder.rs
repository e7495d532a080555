//! Writes the messages of an agent into its session's log: in order, coalesced, without loss and with bounded memory.

use crate::agents::redacting_log::RedactingLog;
use crate::agents::sent_files::{FileLimits, Sent, SentFiles};
use crate::agents::turn_log::TurnLog;
use crate::clock::now;
use crate::failure::chain;
use crate::feed::Feed;
use crate::settings::redaction::without_blocking;
use protocol::LogEntry;
use secrets::Redactor;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use store::{AttachmentRow, Store, StoreError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use tokio::time::Instant;
use workflow::{Millis, SessionId, TurnId};

/// How long words gather after others were written.
const FLUSH_DELAY: Duration = Duration::from_millis(50);
/// How long a prompt waits for the beginning of its answer, to be written along with it.
const ANSWERED: Duration = Duration::from_millis(20);
/// How many entries may wait; a writer that is full slows the agent down instead of growing.
const CHANNEL_CAPACITY: usize = 1024;
/// How much may wait, in KiB: entries may be large, and an agent that says much fills it.
const ROOM: u32 = 4 * 1024;
/// How many entries are written at once.
const BATCH: usize = 512;
/// How much is written at once, in KiB. A batch is in memory several times on its way to the database: as values, as rows
/// and as JSON.
const BATCH_SIZE: usize = 1024;
/// How long one entry's text may grow by joining the chunks after it, in bytes.
const JOINED: usize = 16 * 1024;

/// The writing end of a session's log.
#[derive(Clone)]
pub struct Recorder {
    entries: mpsc::Sender<Item>,
    /// A permit for each KiB that may wait.
    room: Arc<Semaphore>,
    heard: Arc<AtomicI64>,
    /// How many batches were written.
    written: watch::Receiver<u64>,
}

enum Item {
    Entry(Box<LogEntry>, OwnedSemaphorePermit),
    TurnBegins(TurnId),
    TurnEnds,
    Flush(oneshot::Sender<()>),
}

impl Recorder {
    /// `turn_log_mb` is how much one turn adds to the log beside its files, in MiB; 0 is no limit.
    pub(crate) fn start(
        store: Store,
        feed: Feed,
        redactor: Redactor,
        session: SessionId,
        turn_log_mb: u64,
        files: FileLimits,
    ) -> Self {
        let (entries, receiver) = mpsc::channel(CHANNEL_CAPACITY);
        let (batches, written) = watch::channel(0);
        let log = CleanLog {
            files: SentFiles::new(session.clone(), redactor.clone(), files),
            redacted: RedactingLog::new(redactor),
            turn: TurnLog::new(turn_log_mb),
        };
        tokio::spawn(write(store, feed, log, session, receiver, batches));
        let room = Arc::new(Semaphore::new(ROOM as usize));
        Self { entries, room, heard: Arc::new(AtomicI64::new(now().0)), written }
    }

    /// Adds an entry; waits while the writer is full.
    pub async fn record(&self, entry: impl Into<LogEntry>) {
        let entry = entry.into();
        self.heard.store(now().0, Ordering::Relaxed);
        let size = u32::try_from(entry.text_bytes() / 1024 + 1).unwrap_or(ROOM).min(ROOM);
        // The channel closes when the server shuts down.
        let Ok(permit) = self.room.clone().acquire_many_owned(size).await else { return };
        let _ = self.entries.send(Item::Entry(Box::new(entry), permit)).await;
    }

    /// Begins a turn: its entries are counted from here, unless it has begun before.
    pub(crate) async fn begin_turn(&self, turn: &TurnId) {
        // The channel closes when the server shuts down.
        let _ = self.entries.send(Item::TurnBegins(turn.clone())).await;
    }

    /// Ends the turn: writes its end where it was over its limit, and waits until everything is written.
    pub(crate) async fn end_turn(&self) {
        if self.entries.send(Item::TurnEnds).await.is_ok() {
            self.flush().await;
        }
    }

    /// Waits until everything added so far is written.
    pub(crate) async fn flush(&self) {
        let (done, written) = oneshot::channel();
        if self.entries.send(Item::Flush(done)).await.is_ok() {
            let _ = written.await;
        }
    }

    /// Returns a future that waits until something is written, from now on.
    pub(crate) fn next_written(&self) -> impl Future<Output = ()> + use<> {
        let mut written = self.written.clone();
        written.mark_unchanged();
        async move {
            // A writer that is gone writes nothing any more.
            let _ = written.changed().await;
        }
    }

    /// Returns the time of the agent's last output.
    pub(crate) fn last_heard(&self) -> Millis {
        Millis(self.heard.load(Ordering::Relaxed))
    }
}

/// Entries on their way into the log: without the content of files and without secrets, and within the limit of their turn.
struct CleanLog {
    files: SentFiles,
    redacted: RedactingLog,
    turn: TurnLog,
}

impl CleanLog {
    fn take(&mut self, mut entry: LogEntry, into: &mut Vec<LogEntry>) {
        self.files.take(&mut entry);
        let clean = self.redacted.take(entry);
        self.limit(clean, into);
    }

    /// Flushes the rest of the message, which is over.
    fn finish(&mut self, into: &mut Vec<LogEntry>) {
        let rest = self.redacted.finish();
        self.limit(rest, into);
    }

    /// Flushes the word at which the agent paused.
    fn settle(&mut self, into: &mut Vec<LogEntry>) {
        let word = self.redacted.settle();
        self.limit(word, into);
    }

    fn begin_turn(&mut self, turn: TurnId, into: &mut Vec<LogEntry>) {
        self.finish(into);
        self.turn.begin(turn).into_iter().for_each(|entry| push(into, entry));
    }

    fn end_turn(&mut self, into: &mut Vec<LogEntry>) {
        self.finish(into);
        self.turn.end().into_iter().for_each(|entry| push(into, entry));
    }

    fn limit(&mut self, entries: impl IntoIterator<Item = LogEntry>, into: &mut Vec<LogEntry>) {
        for entry in entries.into_iter().flat_map(|entry| self.turn.take(entry)) {
            push(into, entry);
        }
    }
}

async fn write(
    store: Store,
    feed: Feed,
    mut log: CleanLog,
    session: SessionId,
    mut items: mpsc::Receiver<Item>,
    batches: watch::Sender<u64>,
) {
    // The first words after a pause are written at once; those that follow in quick succession gather.
    let mut quiet_from = Instant::now();
    while let Some(first) = items.recv().await {
        let begun = Instant::now();
        let mut flushes = Vec::new();
        let mut batch: Vec<LogEntry> = Vec::new();
        // Given back once the batch is written.
        let mut permits: Vec<OwnedSemaphorePermit> = Vec::new();
        let mut next = Some(first);
        while let Some(item) = next {
            match item {
                Item::Entry(entry, permit) => {
                    let bytes = permit.num_permits() * 1024;
                    permits.push(permit);
                    if log.files.asks_for_sent(&entry)
                        && let Some(sent) = until_stored(&session, || sent_so_far(&store, &session)).await
                    {
                        log.files.set_sent(sent);
                    }
                    without_blocking(bytes, || log.take(*entry, &mut batch));
                    // Many small entries take as long to scan as one large one.
                    tokio::task::yield_now().await;
                }
                Item::TurnBegins(turn) => log.begin_turn(turn, &mut batch),
                Item::TurnEnds => log.end_turn(&mut batch),
                Item::Flush(done) => {
                    log.finish(&mut batch);
                    flushes.push(done);
                }
            }
            let size: usize = permits.iter().map(OwnedSemaphorePermit::num_permits).sum();
            if batch.len() >= BATCH || size >= BATCH_SIZE || !flushes.is_empty() {
                break;
            }
            next = match items.try_recv() {
                Ok(item) => Some(item),
                Err(_) => {
                    let is_prompt = !batch.is_empty()
                        && batch.iter().all(|entry| matches!(entry, LogEntry::UserMessage(_)));
                    let until = if is_prompt { quiet_from.max(begun + ANSWERED) } else { quiet_from };
                    tokio::time::timeout_at(until, items.recv()).await.ok().flatten()
                }
            };
        }
        // The agent may pause here: a word that is no secret does not wait for what comes after it.
        log.settle(&mut batch);
        if batch.iter().any(LogEntry::is_chunk) {
            quiet_from = Instant::now() + FLUSH_DELAY;
        }
        write_files(&store, &session, log.files.take_new()).await;
        write_batch(&store, &feed, &session, batch).await;
        batches.send_modify(|count| *count += 1);
        for done in flushes {
            let _ = done.send(());
        }
    }
}

async fn write_batch(store: &Store, feed: &Feed, session: &SessionId, batch: Vec<LogEntry>) {
    if !batch.is_empty() {
        let rows = until_stored(session, || store.append_log(session, now(), batch.clone())).await;
        feed.publish_log(session, rows);
    }
}

/// Stores the files that agents sent, before the entries that name them.
async fn write_files(store: &Store, session: &SessionId, files: Vec<AttachmentRow>) {
    for file in files {
        until_stored(session, || store.put_attachment(file.clone())).await;
    }
}

/// Returns what the agents of a session's task sent so far.
async fn sent_so_far(store: &Store, session: &SessionId) -> Result<Option<Sent>, StoreError> {
    let Some(task) = store.task_of_session(session).await? else { return Ok(None) };
    let (files, bytes) = store.sent_files(&task).await?;
    Ok(Some(Sent { task, files, bytes }))
}

/// Does something with the database, and repeats it while the database is away: the agent waits meanwhile.
async fn until_stored<T, F>(session: &SessionId, act: impl Fn() -> F) -> T
where
    F: Future<Output = Result<T, StoreError>>,
{
    let mut attempt = 1_u64;
    loop {
        match act().await {
            Ok(done) => return done,
            Err(error) => {
                // An outage may last for hours: only attempts 1, 2, 4, 8 … are logged.
                if attempt.is_power_of_two() {
                    tracing::error!(error = chain(&error), %session, attempt, "could not write to a session's log; trying again");
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
        attempt += 1;
    }
}

/// Adds an entry, joining a chunk of text to the one it continues.
fn push(batch: &mut Vec<LogEntry>, entry: LogEntry) {
    if let Some(last) = batch.last_mut()
        && last.is_continued_by(&entry)
        && let (Some(before), Some(after)) = (last.chunk_mut(), entry.text())
        && before.len() < JOINED
    {
        before.push_str(after);
        return;
    }
    batch.push(entry);
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn chunks_of_one_message_are_joined_and_others_keep_their_place() {
        let mut batch = Vec::new();
        for (kind, text) in
            [("agent_message", "a"), ("agent_message", "b"), ("agent_thought", "c"), ("agent_message", "d")]
        {
            push(&mut batch, json!({ "kind": kind, "text": text }).into());
        }
        let texts: Vec<&str> = batch.iter().filter_map(LogEntry::text).collect();
        assert_eq!(texts, ["ab", "c", "d"]);
    }
}
