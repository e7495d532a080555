//! The inbox of each user: what waits for a person, as rows that live messages add and remove.

use crate::connection::{Row, Transaction, Value};
use crate::sql::{self, execute, from_json, number, row, rows, text, unsigned};
use crate::{Store, StoreError, push};
use protocol::words::{InboxEvent, InboxKind};
use protocol::{FeedMessage, InboxItem, InboxUpdate};
use workflow::{Millis, ProjectId, TaskId, UserId};

/// The prefix of users' topics; the message of such a topic changes the user's inbox.
const USER_TOPIC: &str = "fleet:";

/// Which items of the inbox are listed.
#[derive(Clone, Debug)]
pub struct InboxFilter {
    pub owner: UserId,
    pub project: Option<ProjectId>,
    pub task: Option<TaskId>,
    pub limit: u64,
    /// Where the page before ended.
    pub after: Option<InboxPlace>,
}

/// An item's place in the list: the most urgent kinds first, and among one kind the oldest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboxPlace {
    urgency: i64,
    since: String,
    id: String,
}

impl InboxPlace {
    /// Reads a place from what [`std::fmt::Display`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let text = String::from_utf8(hex::decode(text).ok()?).ok()?;
        let mut parts = text.splitn(3, ' ');
        let urgency = parts.next()?.parse().ok()?;
        Some(Self { urgency, since: parts.next()?.to_owned(), id: parts.next()?.to_owned() })
    }
}

impl std::fmt::Display for InboxPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::encode(format!("{} {} {}", self.urgency, self.since, self.id)))
    }
}

/// A page of the inbox.
#[derive(Clone, Debug)]
pub struct InboxPage {
    pub items: Vec<InboxItem>,
    pub total: u64,
    /// Where this page ends, when more follow.
    pub next: Option<InboxPlace>,
}

impl Store {
    /// Returns a page of what waits for a user.
    pub async fn inbox(&self, filter: &InboxFilter) -> Result<InboxPage, StoreError> {
        let (mut condition, mut values) = condition(filter);
        let sql = format!("SELECT COUNT(*) AS total FROM inbox i WHERE {condition}");
        let total = row(&self.readers, &sql, values.clone()).await?;
        let total = total.map_or(Ok(0), |row| unsigned(&row, "total"))?;
        if let Some(place) = &filter.after {
            condition.push_str(" AND (i.urgency, i.since, i.id) > (?, ?, ?)");
            values.extend([place.urgency.into(), place.since.as_str().into(), place.id.as_str().into()]);
        }
        values.push(sql::signed(filter.limit.saturating_add(1)));
        let sql = format!(
            "SELECT i.urgency AS urgency, i.since AS since, i.id AS id, i.data AS data, t.name AS name \
             FROM inbox i JOIN tasks t ON t.id = i.task WHERE {condition} \
             ORDER BY i.urgency, i.since, i.id LIMIT ?"
        );
        let mut found = rows(&self.readers, &sql, values).await?;
        let shown = usize::try_from(filter.limit).unwrap_or(usize::MAX);
        let follows = found.len() > shown;
        found.truncate(shown);
        let next = found.last().filter(|_| follows).map(place).transpose()?;
        Ok(InboxPage { items: found.iter().map(read).collect::<Result<_, _>>()?, total, next })
    }

    /// Returns an item of the inbox, with its owner.
    pub async fn inbox_item(&self, id: &str) -> Result<Option<(UserId, InboxItem)>, StoreError> {
        let sql = "SELECT i.owner AS owner, i.data AS data, t.name AS name FROM inbox i \
                   JOIN tasks t ON t.id = i.task WHERE i.id = ?";
        let found = row(&self.readers, sql, vec![id.into()]).await?;
        found.map(|row| Ok((UserId::from(text(&row, "owner")?), read(&row)?))).transpose()
    }

    /// Returns the whole inbox of all users.
    pub async fn all_inbox_items(&self) -> Result<Vec<InboxItem>, StoreError> {
        let found = rows(&self.readers, "SELECT data FROM inbox", Vec::new()).await?;
        found.iter().map(|row| from_json(row, "data", "inbox item")).collect()
    }
}

fn condition(filter: &InboxFilter) -> (String, Vec<Value>) {
    let mut condition = "i.owner = ?".to_owned();
    let mut values: Vec<Value> = vec![filter.owner.as_str().into()];
    if let Some(project) = &filter.project {
        condition.push_str(" AND i.project = ?");
        values.push(project.as_str().into());
    }
    if let Some(task) = &filter.task {
        condition.push_str(" AND i.task = ?");
        values.push(task.as_str().into());
    }
    (condition, values)
}

fn place(row: &Row) -> Result<InboxPlace, StoreError> {
    Ok(InboxPlace { urgency: number(row, "urgency")?, since: text(row, "since")?, id: text(row, "id")? })
}

/// Returns an item with its task's present name.
fn read(row: &Row) -> Result<InboxItem, StoreError> {
    let mut item: InboxItem = from_json(row, "data", "inbox item")?;
    item.task.name = text(row, "name")?;
    Ok(item)
}

/// Keeps the inbox as a message says, and queues the push messages about it.
pub(crate) async fn project(
    on: &Transaction<'_>,
    at: Millis,
    topic: &str,
    message: &FeedMessage,
) -> Result<(), StoreError> {
    let (Some(owner), FeedMessage::Inbox(InboxUpdate { event, item })) =
        (topic.strip_prefix(USER_TOPIC), message)
    else {
        return Ok(());
    };
    push::queue(on, at, owner, *event, item).await?;
    if *event == InboxEvent::Resolved {
        execute(on, "DELETE FROM inbox WHERE id = ?", vec![item.id.as_str().into()]).await?;
        return Ok(());
    }
    let sql = "INSERT INTO inbox (id, owner, project, task, urgency, since, data) VALUES (?, ?, ?, ?, ?, ?, ?) \
               ON CONFLICT (id) DO UPDATE SET data = excluded.data";
    let values = vec![
        item.id.as_str().into(),
        owner.into(),
        item.task.project_id.as_str().into(),
        item.task.id.as_str().into(),
        urgency(item.kind).into(),
        item.since.as_str().into(),
        sql::json(item),
    ];
    execute(on, sql, values).await.map(|_| ())
}

/// Returns the order of the kinds: what has a deadline first, then what keeps agents from work, then reviews and
/// conversations.
fn urgency(kind: InboxKind) -> i64 {
    match kind {
        InboxKind::Permission => 0,
        InboxKind::Question => 1,
        InboxKind::Failure => 2,
        InboxKind::Landing => 3,
        InboxKind::ChangeReview => 4,
        InboxKind::SpecReview => 5,
        InboxKind::Message => 6,
    }
}
