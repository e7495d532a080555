//! The live feed: messages of topics, numbered without gaps in each topic.

use crate::connection::{Row, Transaction, Value};
use crate::inbox;
use crate::sql::{self, Taken, Wanted, from_json, number, row, rows, text, unsigned};
use crate::{Store, StoreError};
use protocol::FeedMessage;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use workflow::Millis;

/// A message for those who watch a topic.
#[derive(Clone, Debug, PartialEq)]
pub struct FeedEntry {
    pub topic: String,
    /// Shared with the same message of another topic.
    pub message: Arc<FeedMessage>,
}

/// A message in its place.
#[derive(Clone, Debug, PartialEq)]
pub struct FeedRow {
    /// Its place among all topics' messages.
    pub id: i64,
    pub topic: String,
    /// Its place in its topic.
    pub seq: u64,
    pub message: Arc<FeedMessage>,
    pub at: Millis,
}

/// Where topics stand. Messages of one owner's topics are numbered in the order of their commits, since each takes the
/// owner's own counter first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedPlace {
    /// The number of each topic's last message; 0 when it has none.
    pub positions: BTreeMap<String, u64>,
    /// The last message's place among all topics' messages.
    pub id: i64,
}

impl Store {
    /// Appends messages that no task's change brings, such as progress seen in git.
    pub async fn append_feed(&self, at: Millis, entries: Vec<FeedEntry>) -> Result<Vec<FeedRow>, StoreError> {
        let entries = prepare(entries);
        self.write(move |on| Box::pin(async move { number_and_append(on, at, entries).await })).await
    }

    /// Returns when the last message was appended; `None` where there is none.
    pub async fn last_message_at(&self) -> Result<Option<Millis>, StoreError> {
        let sql = "SELECT at FROM feed ORDER BY id DESC LIMIT 1";
        let found = row(&self.readers, sql, Vec::new()).await?;
        found.map(|row| Ok(Millis(number(&row, "at")?))).transpose()
    }

    /// Returns where some topics stand now, all at one moment.
    pub async fn feed_place(&self, topics: &[String]) -> Result<FeedPlace, StoreError> {
        let mut place =
            FeedPlace { positions: topics.iter().map(|topic| (topic.clone(), 0)).collect(), id: 0 };
        if topics.is_empty() {
            return Ok(place);
        }
        let marks = marks(topics);
        let sql = format!(
            "SELECT name, value, (SELECT COALESCE(MAX(id), 0) FROM feed WHERE topic IN ({marks})) AS id \
             FROM counters WHERE name IN ({marks})"
        );
        let mut values = names(topics);
        values.extend(topics.iter().map(|topic| Value::from(counter(topic))));
        for row in rows(&self.readers, &sql, values).await? {
            let name = text(&row, "name")?;
            let topic = name.strip_prefix(COUNTER).unwrap_or(&name).to_owned();
            place.positions.insert(topic, unsigned(&row, "value")?);
            place.id = key(&row)?;
        }
        Ok(place)
    }

    /// Returns where some topics stood before their last messages, of all together; none when that cannot be told any
    /// more.
    pub async fn feed_place_before(
        &self,
        topics: &[String],
        last: u64,
    ) -> Result<Option<FeedPlace>, StoreError> {
        if topics.is_empty() || last == 0 {
            return Ok(None);
        }
        let marks = marks(topics);
        let sql = format!("SELECT id FROM feed WHERE topic IN ({marks}) ORDER BY id DESC LIMIT 1 OFFSET ?");
        let mut values = names(topics);
        values.push(sql::signed(last - 1));
        let Some(first) = row(&self.readers, &sql, values).await? else { return Ok(None) };
        let first = key(&first)?;
        let sql = format!(
            "SELECT topic, MIN(seq) AS kept, COALESCE(MAX(CASE WHEN id < ? THEN seq END), 0) AS taken \
             FROM feed WHERE topic IN ({marks}) GROUP BY topic"
        );
        let mut values: Vec<Value> = vec![first.into()];
        values.extend(names(topics));
        let mut place =
            FeedPlace { positions: topics.iter().map(|topic| (topic.clone(), 0)).collect(), id: first - 1 };
        for row in rows(&self.readers, &sql, values).await? {
            let taken = unsigned(&row, "taken")?;
            if taken == 0 && unsigned(&row, "kept")? > 1 {
                return Ok(None);
            }
            place.positions.insert(text(&row, "topic")?, taken);
        }
        Ok(Some(place))
    }

    /// Returns the messages of some topics that follow one message, in the order in which they were committed.
    pub async fn read_feed(
        &self,
        topics: &[String],
        after: i64,
        limit: u64,
    ) -> Result<Vec<FeedRow>, StoreError> {
        if topics.is_empty() {
            return Ok(Vec::new());
        }
        let sql = format!(
            "SELECT id, topic, seq, kind, data, at FROM feed WHERE topic IN ({}) AND id > ? ORDER BY id LIMIT ?",
            marks(topics)
        );
        let mut values = names(topics);
        values.extend([after.into(), sql::signed(limit)]);
        rows(&self.readers, &sql, values).await?.iter().map(read).collect()
    }
}

/// A message with its data as JSON.
pub(crate) struct PreparedEntry {
    entry: FeedEntry,
    json: Value,
}

/// Makes messages ready to be written; a message that consecutive ones share becomes JSON once.
pub(crate) fn prepare(entries: Vec<FeedEntry>) -> Vec<PreparedEntry> {
    let mut prepared: Vec<PreparedEntry> = Vec::with_capacity(entries.len());
    for entry in entries {
        let before = prepared.last().filter(|before| Arc::ptr_eq(&before.entry.message, &entry.message));
        let json = before.map_or_else(|| sql::json(&entry.message.data()), |before| before.json.clone());
        prepared.push(PreparedEntry { entry, json });
    }
    prepared
}

/// Adds the numbers that entries need to what is taken of the counters.
pub(crate) fn want(wanted: &mut Wanted, entries: &[PreparedEntry]) {
    for PreparedEntry { entry, .. } in entries {
        *wanted.entry(counter(&entry.topic)).or_default() += 1;
    }
}

/// Appends entries and takes numbers for them.
pub(crate) async fn number_and_append(
    on: &Transaction<'_>,
    at: Millis,
    entries: Vec<PreparedEntry>,
) -> Result<Vec<FeedRow>, StoreError> {
    let mut wanted = Wanted::new();
    want(&mut wanted, &entries);
    let taken = sql::count(on, &wanted).await?;
    append(on, at, entries, taken).await
}

/// Appends entries with the numbers that were taken for them.
pub(crate) async fn append(
    on: &Transaction<'_>,
    at: Millis,
    entries: Vec<PreparedEntry>,
    mut taken: Taken,
) -> Result<Vec<FeedRow>, StoreError> {
    let mut next = |topic: &str| {
        let next = taken.get_mut(&counter(topic))?;
        *next += 1;
        Some(*next - 1)
    };
    let mut numbered: Vec<FeedRow> = Vec::with_capacity(entries.len());
    let mut values = Vec::with_capacity(entries.len());
    for PreparedEntry { entry: FeedEntry { topic, message }, json } in entries {
        let Some(seq) = next(&topic) else { continue };
        inbox::project(on, at, &topic, &message).await?;
        values.push(vec![topic.as_str().into(), sql::signed(seq), message.kind().into(), json, at.0.into()]);
        numbered.push(FeedRow { id: 0, topic, seq, message, at });
    }
    let table = "feed (topic, seq, kind, data, at)";
    let kept = sql::insert(on, table, values, "RETURNING id, topic, seq").await?;
    let mut ids: HashMap<(String, u64), i64> = HashMap::with_capacity(kept.len());
    for row in &kept {
        ids.insert((text(row, "topic")?, unsigned(row, "seq")?), key(row)?);
    }
    for row in &mut numbered {
        row.id = ids.get(&(row.topic.clone(), row.seq)).copied().unwrap_or(0);
    }
    Ok(numbered)
}

fn read(row: &Row) -> Result<FeedRow, StoreError> {
    Ok(FeedRow {
        id: key(row)?,
        topic: text(row, "topic")?,
        seq: unsigned(row, "seq")?,
        message: Arc::new(FeedMessage::read_exact(
            &text(row, "kind")?,
            from_json(row, "data", "feed message")?,
        )),
        at: Millis(number(row, "at")?),
    })
}

/// Returns a key that the database counts up.
fn key(row: &Row) -> Result<i64, StoreError> {
    number(row, "id")
}

/// The prefix of topics' counters.
const COUNTER: &str = "feed/";

fn counter(topic: &str) -> String {
    format!("{COUNTER}{topic}")
}

fn marks(topics: &[String]) -> String {
    vec!["?"; topics.len()].join(", ")
}

fn names(topics: &[String]) -> Vec<Value> {
    topics.iter().map(|topic| topic.as_str().into()).collect()
}
