//! The live feed: messages of topics, numbered without gaps in each topic.

use crate::sql::{self, execute, from_json, number, row, rows, text, unsigned};
use crate::{Store, StoreError};
use sea_orm::DatabaseTransaction;
use serde_json::Value;
use std::collections::BTreeMap;
use workflow::Millis;

/// A message for those who watch a topic.
#[derive(Clone, Debug, PartialEq)]
pub struct FeedEntry {
    pub topic: String,
    pub kind: String,
    pub data: Value,
}

/// A message in its place.
#[derive(Clone, Debug, PartialEq)]
pub struct FeedRow {
    /// Its place among all topics' messages.
    pub id: i64,
    pub topic: String,
    /// Its place in its topic.
    pub seq: u64,
    pub kind: String,
    pub data: Value,
    pub at: Millis,
}

impl Store {
    /// Appends messages that no task's change brings, such as progress seen in git.
    pub async fn append_feed(&self, at: Millis, entries: Vec<FeedEntry>) -> Result<Vec<FeedRow>, StoreError> {
        self.write(move |on| Box::pin(async move { append(on, at, entries).await })).await
    }

    /// The last messages of some topics, oldest first.
    pub async fn last_of_feed(&self, topics: &[String], limit: u64) -> Result<Vec<FeedRow>, StoreError> {
        if topics.is_empty() || limit == 0 {
            return Ok(Vec::new());
        }
        let marks = vec!["?"; topics.len()].join(", ");
        let sql = format!(
            "SELECT id, topic, seq, kind, data, at FROM feed WHERE topic IN ({marks}) ORDER BY id DESC LIMIT ?"
        );
        let mut values: Vec<sea_orm::Value> = topics.iter().map(|topic| topic.as_str().into()).collect();
        values.push(sql::signed(limit));
        let mut found =
            rows(&self.readers, &sql, values).await?.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        found.reverse();
        Ok(found)
    }

    /// A topic's messages after a number.
    pub async fn read_feed(&self, topic: &str, after: u64, limit: u64) -> Result<Vec<FeedRow>, StoreError> {
        let sql = "SELECT id, topic, seq, kind, data, at FROM feed WHERE topic = ? AND seq > ? ORDER BY seq LIMIT ?";
        let found =
            rows(&self.readers, sql, vec![topic.into(), sql::signed(after), sql::signed(limit)]).await?;
        found.iter().map(read).collect()
    }

    /// The number of a topic's last message; 0 when it has none.
    pub async fn feed_position(&self, topic: &str) -> Result<u64, StoreError> {
        Ok(u64::try_from(sql::counted(&self.readers, &counter(topic)).await?).unwrap_or(0))
    }

    /// Forgets all but the last messages of each topic.
    pub async fn trim_feed(&self, keep: u64) -> Result<u64, StoreError> {
        let keep = i64::try_from(keep).unwrap_or(i64::MAX);
        self.write(move |on| {
            Box::pin(async move {
                let sql = "DELETE FROM feed WHERE seq <= (SELECT c.value FROM counters c WHERE c.name = 'feed/' || feed.topic) - ?";
                execute(on, sql, vec![keep.into()]).await
            })
        })
        .await
    }
}

pub(crate) async fn append(
    on: &DatabaseTransaction,
    at: Millis,
    entries: Vec<FeedEntry>,
) -> Result<Vec<FeedRow>, StoreError> {
    // Counters are taken in one order everywhere, so that two transactions never wait for each other.
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for entry in &entries {
        *counts.entry(entry.topic.clone()).or_default() += 1;
    }
    let mut next: BTreeMap<String, i64> = BTreeMap::new();
    for (topic, many) in counts {
        let last = sql::count(on, &counter(&topic), many).await?;
        next.insert(topic, last - i64::try_from(many).unwrap_or(0) + 1);
    }
    let mut appended = Vec::with_capacity(entries.len());
    for FeedEntry { topic, kind, data } in entries {
        let Some(seq) = next.get_mut(&topic) else { continue };
        let sql = "INSERT INTO feed (topic, seq, kind, data, at) VALUES (?, ?, ?, ?, ?) RETURNING id";
        let values =
            vec![topic.as_str().into(), (*seq).into(), kind.as_str().into(), sql::json(&data), at.0.into()];
        let id = row(on, sql, values).await?.map_or(Ok(0), |row| key(&row))?;
        appended.push(FeedRow {
            id,
            topic: topic.clone(),
            seq: u64::try_from(*seq).unwrap_or(0),
            kind,
            data,
            at,
        });
        *seq += 1;
    }
    Ok(appended)
}

fn read(row: &sea_orm::QueryResult) -> Result<FeedRow, StoreError> {
    Ok(FeedRow {
        id: key(row)?,
        topic: text(row, "topic")?,
        seq: unsigned(row, "seq")?,
        kind: text(row, "kind")?,
        data: from_json(row, "data", "feed message")?,
        at: Millis(number(row, "at")?),
    })
}

/// A key that the database counts up.
fn key(row: &sea_orm::QueryResult) -> Result<i64, StoreError> {
    number(row, "id")
}

fn counter(topic: &str) -> String {
    format!("feed/{topic}")
}
