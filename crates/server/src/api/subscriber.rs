//! A listener of the live feed: topics, their positions, and what to send next, in order and without gaps.
//!
//! Every topic counts its own messages without gaps; a listener's number is the sum over its topics, so that it rises by
//! one with each message and a listener that comes back says with one number how much it has seen.

use super::caller::Caller;
use super::problem::Problem;
use super::sessions::log_entry;
use crate::App;
use crate::news;
use futures::StreamExt as _;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use store::{FeedRow, LogRow};
use tokio::sync::broadcast;
use tokio_stream::StreamMap;
use tokio_stream::wrappers::BroadcastStream;
use tokio_stream::wrappers::errors::BroadcastStreamRecvError;
use workflow::SessionId;

/// How many messages are read from the store at once.
const PAGE: u64 = 500;
/// How far a listener may be behind before it is told to read everything anew.
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

    fn to_json(&self) -> Value {
        match &self.id {
            Some(id) => json!({ "topic": self.topic, "id": id }),
            None => json!({ "topic": self.topic }),
        }
    }
}

/// What a topic is read from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    Feed(String),
    Log(SessionId),
}

struct Topic {
    name: TopicName,
    /// The number of the last message that was taken.
    position: u64,
}

/// Something was committed.
pub(crate) enum Wake {
    Row(Arc<FeedRow>),
    Log(SessionId, Arc<LogRow>),
    /// The listener fell behind its channel.
    Lagged,
    Closed,
}

/// A listener of some topics.
pub(crate) struct Subscriber {
    app: App,
    caller: Caller,
    topics: BTreeMap<Source, Topic>,
    rows: broadcast::Receiver<Arc<FeedRow>>,
    logs: StreamMap<SessionId, BroadcastStream<Arc<LogRow>>>,
    ready: VecDeque<Value>,
    seq: u64,
}

impl Subscriber {
    pub(crate) fn new(app: App, caller: Caller) -> Self {
        let rows = app.feed.subscribe();
        Self {
            app,
            caller,
            topics: BTreeMap::new(),
            rows,
            logs: StreamMap::new(),
            ready: VecDeque::new(),
            seq: 0,
        }
    }

    /// Adds topics. With `after`, what came since that number follows; without, only what comes from now on.
    pub(crate) async fn subscribe(
        &mut self,
        names: Vec<TopicName>,
        after: Option<u64>,
    ) -> Result<(), Problem> {
        if self.topics.len() + names.len() > TOPICS {
            return Err(Problem::invalid("subscribe", format!("a connection has at most {TOPICS} topics")));
        }
        let mut added = Vec::new();
        for name in names {
            let source = self.source(&name).await?;
            if self.topics.contains_key(&source) {
                continue;
            }
            // Listening begins before the position is read, so that nothing falls between.
            if let Source::Log(session) = &source {
                self.logs.insert(session.clone(), BroadcastStream::new(self.app.feed.subscribe_log(session)));
            }
            let position = match &source {
                Source::Feed(topic) => self.app.store.feed_position(topic).await?,
                Source::Log(session) => self.app.store.log_tail(session).await?,
            };
            added.push(name.to_json());
            self.topics.insert(source, Topic { name, position });
        }
        self.seq = self.topics.values().map(|topic| topic.position).sum();
        if let Some(after) = after {
            self.resume(after).await?;
        }
        self.ready.push_front(json!({ "type": "subscribed", "seq": self.seq, "topics": added }));
        self.catch_up_all().await
    }

    /// Removes topics.
    pub(crate) async fn unsubscribe(&mut self, names: Vec<TopicName>) -> Result<(), Problem> {
        for name in names {
            let source = self.source(&name).await?;
            self.topics.remove(&source);
            if let Source::Log(session) = &source {
                self.logs.remove(session);
            }
        }
        self.seq = self.topics.values().map(|topic| topic.position).sum();
        Ok(())
    }

    async fn source(&self, name: &TopicName) -> Result<Source, Problem> {
        let id = || {
            let missing = || Problem::invalid("id", format!("is required for the topic {:?}", name.topic));
            name.id.as_deref().filter(|id| !id.is_empty()).ok_or_else(missing)
        };
        match name.topic.as_str() {
            "fleet" => Ok(Source::Feed(news::fleet_topic(self.caller.id()))),
            "task" => Ok(Source::Feed(news::task_topic(&self.caller.task(&self.app, id()?).await?.id))),
            "session" => {
                let id = id()?;
                self.caller.task_of(&self.app, id).await?;
                Ok(Source::Log(SessionId::from(id)))
            }
            other => Err(Problem::invalid("topic", format!("{other:?} is not one of fleet, task, session"))),
        }
    }

    /// Goes back to where the listener was, or tells it to read everything anew when that cannot be told exactly.
    async fn resume(&mut self, after: u64) -> Result<(), Problem> {
        let Some(missed) = self.seq.checked_sub(after) else { return self.snapshot() };
        if missed == 0 {
            return Ok(());
        }
        let feeds: Vec<String> = self
            .topics
            .keys()
            .filter_map(|source| match source {
                Source::Feed(topic) => Some(topic.clone()),
                Source::Log(_) => None,
            })
            .collect();
        if missed > BEHIND {
            return self.snapshot();
        }
        if feeds.len() == self.topics.len() {
            let rows = self.app.store.last_of_feed(&feeds, missed).await?;
            if u64::try_from(rows.len()).unwrap_or(0) < missed {
                return self.snapshot();
            }
            self.seq = after;
            for row in rows {
                // The same messages may be heard again; the position tells that they were taken.
                self.push(&Source::Feed(row.topic.clone()), &row.kind, row.data);
            }
            return Ok(());
        }
        if let (1, Some((_, topic))) = (self.topics.len(), self.topics.iter_mut().next()) {
            topic.position = after;
            self.seq = after;
            return Ok(());
        }
        // Messages of feeds and logs have no common order that survives the connection.
        self.snapshot()
    }

    #[expect(clippy::unnecessary_wraps, reason = "ends the paths of resume")]
    fn snapshot(&mut self) -> Result<(), Problem> {
        self.ready.push_back(json!({ "type": "snapshot_required", "seq": self.seq }));
        Ok(())
    }

    fn push(&mut self, source: &Source, kind: &str, data: Value) {
        let Some(topic) = self.topics.get(source) else { return };
        self.seq += 1;
        let mut message = topic.name.to_json();
        message["seq"] = self.seq.into();
        message["type"] = kind.into();
        message["data"] = data;
        self.ready.push_back(message);
    }

    /// Waits until something was committed; nothing is lost when the wait is given up.
    pub(crate) async fn wait(&mut self) -> Wake {
        tokio::select! {
            row = self.rows.recv() => match row {
                Ok(row) => Wake::Row(row),
                Err(broadcast::error::RecvError::Lagged(_)) => Wake::Lagged,
                Err(broadcast::error::RecvError::Closed) => Wake::Closed,
            },
            Some((session, row)) = self.logs.next(), if !self.logs.is_empty() => match row {
                Ok(row) => Wake::Log(session, row),
                Err(BroadcastStreamRecvError::Lagged(_)) => Wake::Lagged,
            },
        }
    }

    /// Takes in what was committed.
    pub(crate) async fn take(&mut self, wake: Wake) -> Result<(), Problem> {
        match wake {
            Wake::Row(row) => {
                let source = Source::Feed(row.topic.clone());
                let Some(topic) = self.topics.get_mut(&source) else { return Ok(()) };
                if row.seq == topic.position + 1 {
                    topic.position = row.seq;
                    self.push(&source, &row.kind, row.data.clone());
                } else if row.seq > topic.position {
                    self.catch_up(&source).await?;
                }
                Ok(())
            }
            Wake::Log(session, row) => {
                let source = Source::Log(session);
                let Some(topic) = self.topics.get_mut(&source) else { return Ok(()) };
                if row.seq == topic.position + 1 {
                    topic.position = row.seq;
                    self.push(&source, "session.event", log_entry(&row));
                } else if row.seq > topic.position {
                    self.catch_up(&source).await?;
                }
                Ok(())
            }
            Wake::Lagged => self.catch_up_all().await,
            Wake::Closed => Ok(()),
        }
    }

    async fn catch_up_all(&mut self) -> Result<(), Problem> {
        for source in self.topics.keys().cloned().collect::<Vec<_>>() {
            self.catch_up(&source).await?;
        }
        Ok(())
    }

    /// Reads from the store what a topic's position lacks; one that is too far behind jumps to the present.
    async fn catch_up(&mut self, source: &Source) -> Result<(), Problem> {
        loop {
            let Some(topic) = self.topics.get(source) else { return Ok(()) };
            let position = topic.position;
            let messages: Vec<(u64, String, Value)> = match source {
                Source::Feed(name) => {
                    let rows = self.app.store.read_feed(name, position, PAGE).await?;
                    rows.into_iter().map(|row| (row.seq, row.kind, row.data)).collect()
                }
                Source::Log(session) => {
                    let rows = self.app.store.read_log(session, position, PAGE).await?;
                    rows.iter().map(|row| (row.seq, "session.event".to_owned(), log_entry(row))).collect()
                }
            };
            let Some((first, ..)) = messages.first() else { return Ok(()) };
            let is_trimmed = *first != position + 1;
            if is_trimmed || u64::try_from(self.ready.len()).unwrap_or(u64::MAX) > BEHIND {
                return self.jump(source).await;
            }
            for (seq, kind, data) in messages {
                if let Some(topic) = self.topics.get_mut(source) {
                    topic.position = seq;
                }
                self.push(source, &kind, data);
            }
        }
    }

    async fn jump(&mut self, source: &Source) -> Result<(), Problem> {
        let present = match source {
            Source::Feed(name) => self.app.store.feed_position(name).await?,
            Source::Log(session) => self.app.store.log_tail(session).await?,
        };
        if let Some(topic) = self.topics.get_mut(source) {
            topic.position = present;
        }
        self.ready.clear();
        self.seq = self.topics.values().map(|topic| topic.position).sum();
        self.snapshot()
    }

    /// The next message to send, if one is ready.
    pub(crate) fn next_ready(&mut self) -> Option<Value> {
        self.ready.pop_front()
    }
}
