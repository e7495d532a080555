//! A listener of the live feed: topics, their positions, and what to send next, in order and without gaps.
//!
//! Every topic counts its own messages without gaps; a listener's number is the sum over its topics, so that it rises by
//! one with each message and a listener that comes back says with one number how much it has seen. Messages of several
//! topics come in the order of their commits, live and read from the store alike: the same number means the same messages.
//!
//! What a listener has missed is read a page at a time as it takes it, so that a slow one costs no memory.

use crate::live::resumption::{History, Resumptions, StreamPosition};
use crate::request::caller::{Caller, Reach};
use crate::request::metrics::{LIVE_LAGS, LIVE_RESYNCS, OpenStream, Transport};
use crate::request::problem::Problem;
use crate::sessions::session::numbered;
use engine::App;
use engine::notifications::updates;
use engine::record::log_archive;
use futures::StreamExt as _;
use metrics::counter;
use protocol::feed::{ControlMessage, Topic};
use protocol::words::TopicKind;
use protocol::{FeedMessage, LiveMessage, StreamMessage};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use store::{FeedPlace, FeedRow, LogRow};
use tokio::sync::broadcast;
use tokio_stream::StreamMap;
use tokio_stream::wrappers::BroadcastStream;
use tokio_stream::wrappers::errors::BroadcastStreamRecvError;
use workflow::SessionId;

/// How many messages are read from the store at once.
const PAGE: u64 = 500;
/// How far a listener may be behind before it has to read everything again.
const BEHIND: u64 = 20_000;
/// How many topics one listener may have.
const TOPICS: usize = 1000;

/// A topic as a client names it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct TopicName {
    topic: String,
    id: Option<String>,
}

impl TopicName {
    /// Reads `fleet`, `task:ID` or `session:ID`.
    pub(crate) fn parse(text: &str, id: Option<String>) -> Self {
        match text.split_once(':') {
            Some((topic, id)) => Self { topic: topic.to_owned(), id: Some(id.to_owned()) },
            None => Self { topic: text.to_owned(), id },
        }
    }
}

/// The source of a topic's messages.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    Feed(String),
    Log(SessionId),
}

struct Followed {
    topic: Topic,
    /// The number of the last message that was taken.
    position: u64,
}

/// Something was committed.
pub(crate) enum Wake {
    Row(Arc<FeedRow>),
    Log(SessionId, Arc<LogRow>),
    /// The listener fell behind the channel of the feed.
    Lagged,
    /// The listener fell behind the channel of a session's log.
    LogLagged(SessionId),
    Closed,
}

/// A listener of some topics.
pub(crate) struct Subscriber {
    app: App,
    streams: Resumptions,
    caller: Caller,
    topics: BTreeMap<Source, Followed>,
    rows: broadcast::Receiver<Arc<FeedRow>>,
    logs: StreamMap<SessionId, BroadcastStream<Arc<LogRow>>>,
    ready: VecDeque<StreamMessage>,
    seq: u64,
    /// The last message of its feed topics that was taken, among all topics' messages.
    taken: i64,
    /// The last message that was heard, of whatever topic.
    heard: i64,
    /// Whether messages of feed topics are to be read from the store.
    needs_catch_up: bool,
    /// Sessions whose entries are to be read from the store.
    lacks_log: BTreeSet<SessionId>,
    /// The position that it was sent last, for a reconnect.
    history: Option<History>,
    /// Counts it as open.
    _open: OpenStream,
}

impl Source {
    fn name(&self) -> String {
        match self {
            Self::Feed(topic) => format!("feed {topic}"),
            Self::Log(session) => format!("log {session}"),
        }
    }
}

impl Subscriber {
    pub(crate) fn new(app: App, streams: Resumptions, caller: Caller, transport: Transport) -> Self {
        let rows = app.feed.subscribe();
        Self {
            app,
            streams,
            caller,
            topics: BTreeMap::new(),
            rows,
            logs: StreamMap::new(),
            ready: VecDeque::new(),
            seq: 0,
            taken: 0,
            heard: 0,
            needs_catch_up: false,
            lacks_log: BTreeSet::new(),
            history: None,
            _open: OpenStream::new(transport),
        }
    }

    /// Returns whether the credential that it was opened with is still good.
    pub(crate) async fn is_still_allowed(&self) -> bool {
        self.caller.is_still_valid(&self.app).await
    }

    /// Returns its position.
    fn position(&self) -> StreamPosition {
        let topics = self.topics.iter().map(|(source, topic)| (source.name(), topic.position)).collect();
        StreamPosition { seq: self.seq, topics, taken: self.taken }
    }

    /// Records the messages that it is sent from here on.
    fn begin_history(&mut self) {
        let user = self.caller.id().to_string();
        self.history = Some(self.streams.begin(&user, self.position()));
    }

    fn set_taken(&mut self, taken: i64) {
        self.taken = taken;
        if let Some(history) = &self.history {
            history.set_taken(taken);
        }
    }

    /// Adds topics. With `after`, messages since that number follow; without, only those from now on.
    pub(crate) async fn subscribe(
        &mut self,
        names: Vec<TopicName>,
        after: Option<u64>,
    ) -> Result<(), Problem> {
        if self.topics.len() + names.len() > TOPICS {
            return Err(Problem::invalid("subscribe", format!("a connection has at most {TOPICS} topics")));
        }
        let mut added = BTreeMap::new();
        for name in names {
            let (source, kind) = self.source(&name).await?;
            added.insert(source, Topic { topic: kind, id: name.id });
        }
        added.retain(|source, _| !self.topics.contains_key(source));
        let topics = added.values().cloned().collect();
        self.add(added).await?;
        let resumed = match after {
            Some(after) => self.resume(after).await?,
            None => true,
        };
        self.begin_history();
        self.tell(ControlMessage::Subscribed { after: self.seq, topics });
        if !resumed {
            self.snapshot();
        }
        Ok(())
    }

    /// Adds topics at their present positions; those there are already keep theirs.
    async fn add(&mut self, added: BTreeMap<Source, Topic>) -> Result<(), Problem> {
        let before = self.feed_topics();
        for (source, topic) in added {
            let position = match &source {
                Source::Feed(_) => 0,
                Source::Log(session) => {
                    // Listening begins before the position is read, so that nothing falls between.
                    let entries = BroadcastStream::new(self.app.feed.subscribe_log(session));
                    self.logs.insert(session.clone(), entries);
                    // Reading the log as such says why it cannot be read.
                    if let Err(error) = log_archive::ensure_present(&self.app, session).await {
                        tracing::warn!(%session, error = engine::failure::chain(&error), "could not restore a session log");
                    }
                    self.app.store.log_tail(session).await?
                }
            };
            self.topics.insert(source, Followed { topic, position });
        }
        let place = self.app.store.feed_place(&self.feed_topics()).await?;
        // Until this moment, messages of the earlier topics had their earlier numbers.
        let mut is_behind = !before.is_empty();
        while is_behind {
            let rows = self.app.store.read_feed(&before, self.taken, PAGE).await?;
            is_behind = is_full(rows.len());
            for row in rows {
                if row.id > place.id {
                    is_behind = false;
                    break;
                }
                self.taken = row.id;
                self.push(&Source::Feed(row.topic.clone()), row.seq, row.message);
            }
        }
        self.take_place(place);
        self.count();
        self.needs_catch_up = true;
        Ok(())
    }

    /// Removes topics.
    pub(crate) async fn unsubscribe(&mut self, names: Vec<TopicName>) -> Result<(), Problem> {
        for name in names {
            let (source, _) = self.source(&name).await?;
            self.topics.remove(&source);
            if let Source::Log(session) = &source {
                self.logs.remove(session);
                self.lacks_log.remove(session);
            }
        }
        self.count();
        self.begin_history();
        Ok(())
    }

    async fn source(&self, name: &TopicName) -> Result<(Source, TopicKind), Problem> {
        let id = || {
            let missing = || Problem::invalid("id", format!("is required for the topic {:?}", name.topic));
            name.id.as_deref().filter(|id| !id.is_empty()).ok_or_else(missing)
        };
        match name.topic.as_str() {
            "fleet" if self.caller.rights.reach != Reach::All => Err(Problem::invalid(
                "topic",
                "fleet is of all tasks, and the token is for some of them only",
            )),
            "fleet" => Ok((Source::Feed(updates::fleet_topic(self.caller.id())), TopicKind::Fleet)),
            "task" => {
                let task = self.caller.task(&self.app, id()?).await?;
                Ok((Source::Feed(updates::task_topic(&task.id)), TopicKind::Task))
            }
            "session" => {
                let id = id()?;
                self.caller.task_of(&self.app, id).await?;
                Ok((Source::Log(SessionId::from(id)), TopicKind::Session))
            }
            other => Err(Problem::invalid("topic", format!("{other:?} is not one of fleet, task, session"))),
        }
    }

    fn feed_topics(&self) -> Vec<String> {
        let feed = |source: &Source| match source {
            Source::Feed(topic) => Some(topic.clone()),
            Source::Log(_) => None,
        };
        self.topics.keys().filter_map(feed).collect()
    }

    fn log_topics(&self) -> Vec<SessionId> {
        let log = |source: &Source| match source {
            Source::Feed(_) => None,
            Source::Log(session) => Some(session.clone()),
        };
        self.topics.keys().filter_map(log).collect()
    }

    /// Takes every topic's present position; no message is missing then.
    async fn skip_to_head(&mut self) -> Result<(), Problem> {
        let place = self.app.store.feed_place(&self.feed_topics()).await?;
        self.take_place(place);
        for session in self.log_topics() {
            let tail = self.app.store.log_tail(&session).await?;
            if let Some(topic) = self.topics.get_mut(&Source::Log(session)) {
                topic.position = tail;
            }
        }
        self.needs_catch_up = false;
        self.lacks_log.clear();
        self.count();
        Ok(())
    }

    fn take_place(&mut self, place: FeedPlace) {
        for (name, position) in place.positions {
            if let Some(topic) = self.topics.get_mut(&Source::Feed(name)) {
                topic.position = position;
            }
        }
        self.taken = place.id;
    }

    fn count(&mut self) {
        self.seq = self.topics.values().map(|topic| topic.position).sum();
    }

    /// Resumes at the listener's position; false when it is not known exactly.
    async fn resume(&mut self, after: u64) -> Result<bool, Problem> {
        let missed = match self.seq.checked_sub(after) {
            Some(0) => return Ok(true),
            Some(missed) if missed <= BEHIND => missed,
            Some(_) | None => return Ok(false),
        };
        let (feeds, logs) = (self.feed_topics(), self.log_topics());
        match (feeds.is_empty(), logs.as_slice()) {
            (false, []) => {
                let Some(place) = self.app.store.feed_place_before(&feeds, missed).await? else {
                    return Ok(false);
                };
                if place.positions.values().sum::<u64>() != after {
                    return Ok(false);
                }
                self.take_place(place);
                self.needs_catch_up = true;
            }
            (true, [session]) => {
                let source = Source::Log(session.clone());
                if let Some(topic) = self.topics.get_mut(&source) {
                    topic.position = after;
                }
                self.lacks_log.insert(session.clone());
            }
            // Messages of feeds and logs, or of several logs, have no common order in the store.
            (_, _) => {
                let user = self.caller.id().to_string();
                let Some(before) = self.streams.find(&user, &self.position().topics, after) else {
                    return Ok(false);
                };
                for (source, topic) in &mut self.topics {
                    if let Some(position) = before.topics.get(&source.name()) {
                        topic.position = *position;
                    }
                }
                self.taken = before.taken;
                self.needs_catch_up = !feeds.is_empty();
                self.lacks_log = logs.into_iter().collect();
            }
        }
        self.count();
        Ok(true)
    }

    fn snapshot(&mut self) {
        self.tell(ControlMessage::SnapshotRequired { after: self.seq });
    }

    fn tell(&mut self, message: ControlMessage) {
        self.ready.push_back(StreamMessage::Control(message));
    }

    /// Puts the next message of a topic behind what is ready; one that was taken before is left out, and false says that
    /// messages before it are missing.
    fn push(&mut self, source: &Source, seq: u64, message: Arc<FeedMessage>) -> bool {
        let Some(topic) = self.topics.get_mut(source) else { return true };
        if seq != topic.position + 1 {
            return seq <= topic.position;
        }
        topic.position = seq;
        self.seq += 1;
        if let Some(history) = &self.history {
            history.push(&source.name(), self.taken);
        }
        let message = LiveMessage { topic: topic.topic.clone(), seq: self.seq, message };
        self.ready.push_back(StreamMessage::Live(message));
        true
    }

    /// Waits until a message was committed; cancelling the wait loses nothing.
    pub(crate) async fn wait(&mut self) -> Wake {
        tokio::select! {
            row = self.rows.recv() => match row {
                Ok(row) => Wake::Row(row),
                Err(broadcast::error::RecvError::Lagged(_)) => Wake::Lagged,
                Err(broadcast::error::RecvError::Closed) => Wake::Closed,
            },
            Some((session, row)) = self.logs.next(), if !self.logs.is_empty() => match row {
                Ok(row) => Wake::Log(session, row),
                Err(BroadcastStreamRecvError::Lagged(_)) => Wake::LogLagged(session),
            },
        }
    }

    /// Handles a committed message.
    pub(crate) async fn on_wake(&mut self, wake: Wake) -> Result<(), Problem> {
        match wake {
            Wake::Row(row) => {
                // Concurrent commits may be announced in another order; the store has the right one.
                let in_order = row.id == self.heard + 1;
                self.heard = self.heard.max(row.id);
                let source = Source::Feed(row.topic.clone());
                let is_ours = self.topics.contains_key(&source);
                if is_ours && in_order && !self.needs_catch_up {
                    self.needs_catch_up = !self.push(&source, row.seq, row.message.clone());
                    if !self.needs_catch_up {
                        self.set_taken(self.taken.max(row.id));
                    }
                } else if row.id > self.taken && (is_ours || !in_order) {
                    self.needs_catch_up = true;
                }
                Ok(())
            }
            Wake::Log(session, row) => {
                let source = Source::Log(session.clone());
                let is_next = !self.lacks_log.contains(&session);
                if !is_next || !self.push(&source, row.seq, session_event((*row).clone())) {
                    self.lacks_log.insert(session);
                }
                Ok(())
            }
            Wake::Lagged => {
                counter!(LIVE_LAGS, "channel" => "feed").increment(1);
                self.fell_behind().await
            }
            Wake::LogLagged(session) => {
                counter!(LIVE_LAGS, "channel" => "log").increment(1);
                let tail = self.app.store.log_tail(&session).await?;
                let position =
                    self.topics.get(&Source::Log(session.clone())).map_or(tail, |topic| topic.position);
                if tail.saturating_sub(position) > BEHIND {
                    return self.resync().await;
                }
                self.lacks_log.insert(session);
                Ok(())
            }
            Wake::Closed => Ok(()),
        }
    }

    /// Handles a listener that did not keep up with the feed: it reads on from its position, unless that is too far
    /// back.
    async fn fell_behind(&mut self) -> Result<(), Problem> {
        let at = self.seq;
        let place = self.app.store.feed_place(&self.feed_topics()).await?;
        let mut present: u64 = place.positions.values().sum();
        for session in self.log_topics() {
            present += self.app.store.log_tail(&session).await?;
        }
        if present.saturating_sub(at) > BEHIND {
            return self.resync().await;
        }
        self.needs_catch_up = true;
        self.lacks_log = self.log_topics().into_iter().collect();
        Ok(())
    }

    /// Returns whether the store has messages that the listener lacks.
    pub(crate) fn lacks_any(&self) -> bool {
        self.needs_catch_up || !self.lacks_log.is_empty()
    }

    /// Reads the next page of missing messages.
    pub(crate) async fn read_on(&mut self) -> Result<(), Problem> {
        if self.needs_catch_up {
            let rows = self.app.store.read_feed(&self.feed_topics(), self.taken, PAGE).await?;
            self.needs_catch_up = is_full(rows.len());
            for row in rows {
                if !self.push(&Source::Feed(row.topic.clone()), row.seq, row.message) {
                    return self.resync().await;
                }
                self.set_taken(row.id);
            }
            return Ok(());
        }
        let Some(session) = self.lacks_log.pop_first() else { return Ok(()) };
        let source = Source::Log(session.clone());
        let Some(position) = self.topics.get(&source).map(|topic| topic.position) else { return Ok(()) };
        let rows = self.app.store.read_log(&session, position, PAGE).await?;
        // What follows is found by reading on: a page of large entries has few.
        if !rows.is_empty() {
            self.lacks_log.insert(session);
        }
        for row in rows {
            let seq = row.seq;
            if !self.push(&source, seq, session_event(row)) {
                return self.resync().await;
            }
        }
        Ok(())
    }

    /// Skips to the present and makes the listener read everything again.
    async fn resync(&mut self) -> Result<(), Problem> {
        counter!(LIVE_RESYNCS).increment(1);
        self.ready.clear();
        self.skip_to_head().await?;
        self.begin_history();
        self.snapshot();
        Ok(())
    }

    /// Returns the next message to send, if one is ready.
    pub(crate) fn next_ready(&mut self) -> Option<StreamMessage> {
        self.ready.pop_front()
    }
}

fn session_event(row: LogRow) -> Arc<FeedMessage> {
    Arc::new(FeedMessage::SessionEvent(numbered(row)))
}

fn is_full(page: usize) -> bool {
    u64::try_from(page).is_ok_and(|page| page >= PAGE)
}
