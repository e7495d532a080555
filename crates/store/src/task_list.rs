//! Lists of tasks: which ones, in which order, page by page.

use crate::sql::{from_json, row, rows, unsigned};
use crate::{Store, StoreError};
use sea_orm::Value;
use serde::{Deserialize, Serialize};
use std::fmt;
use workflow::{Priority, ProjectId, SessionId, Task, TaskId, TaskKind, TaskStatus, UserId};

/// Which tasks are listed, and in which order.
#[derive(Clone, Debug, Default)]
pub struct TaskFilter {
    pub owner: Option<UserId>,
    pub project: Option<ProjectId>,
    pub statuses: Vec<TaskStatus>,
    pub kinds: Vec<TaskKind>,
    pub label: Option<String>,
    pub priority: Option<Priority>,
    /// Words to be found in name, prompt or description.
    pub q: Option<String>,
    pub archived: Option<bool>,
    /// Whether a person is to act next.
    pub needs_person: Option<bool>,
    /// Sessions whose agents ask for a permission now: their tasks need a person, too.
    pub asking: Vec<SessionId>,
    /// `created_at`, `updated_at`, `priority`, `name`, `status` or `attention`; a `-` before it turns the order around.
    pub sort: Option<String>,
    pub limit: u64,
    /// Where the page before ended.
    pub after: Option<Place>,
}

/// A page of a list.
#[derive(Clone, Debug)]
pub struct Page {
    pub tasks: Vec<Task>,
    pub total: u64,
    /// Where this page ends, when more follow.
    pub next: Option<Place>,
}

/// A task's place in a sorted list. What comes before it may grow or shrink; what follows it stays what follows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    sort: String,
    key: Key,
    id: TaskId,
}

/// What a list is sorted by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum Key {
    Number(i64),
    Text(String),
}

impl Place {
    /// Reads a place in a list of this order from what [`fmt::Display`] wrote.
    pub fn parse(text: &str, sort: Option<&str>) -> Option<Self> {
        let place: Self = serde_json::from_slice(&hex::decode(text).ok()?).ok()?;
        let is_text = matches!(SortKey::of(sort), SortKey::Name | SortKey::Status);
        let fits = is_text == matches!(place.key, Key::Text(_));
        (fits && place.sort == sort.unwrap_or(NEWEST_FIRST)).then_some(place)
    }

    fn of(task: &Task, filter: &TaskFilter) -> Self {
        let sort = filter.sort.as_deref();
        let key = match SortKey::of(sort) {
            SortKey::Created => Key::Number(task.created_at.0),
            SortKey::Updated => Key::Number(task.updated_at.0),
            SortKey::Priority => Key::Number(task.priority as i64),
            SortKey::Name => Key::Text(task.name.clone()),
            SortKey::Status => Key::Text(task.status().as_str().to_owned()),
            SortKey::Attention => Key::Number(attention(task, &filter.asking)),
        };
        Self { sort: sort.unwrap_or(NEWEST_FIRST).to_owned(), key, id: task.id.clone() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Plain data, whose serialization cannot fail.
        f.write_str(&hex::encode(serde_json::to_vec(self).unwrap_or_default()))
    }
}

impl Store {
    /// A page of the tasks that pass a filter.
    pub async fn tasks(&self, filter: &TaskFilter) -> Result<Page, StoreError> {
        let (condition, values) = condition(filter);
        let sql = format!("SELECT COUNT(*) AS total FROM tasks WHERE {condition}");
        let total =
            row(&self.readers, &sql, values.clone()).await?.map_or(Ok(0), |row| unsigned(&row, "total"))?;
        let Order { column, bound, way, beyond } = Order::of(filter);
        let (mut condition, mut values) = (condition, values);
        if let Some(place) = &filter.after {
            condition.push_str(&format!(" AND ({column}, id) {beyond} (?, ?)"));
            values.extend(bound.clone());
            values.push(match &place.key {
                Key::Number(number) => (*number).into(),
                Key::Text(text) => text.as_str().into(),
            });
            values.push(place.id.as_str().into());
        }
        let order = format!("{column} {way}, id {way}");
        // The order stands in the statement twice.
        values.extend(bound.iter().chain(&bound).cloned());
        // One more than is shown tells whether more follow.
        let most = filter.limit.saturating_add(1);
        let sql = format!(
            "SELECT state FROM tasks WHERE id IN (SELECT id FROM (SELECT id FROM tasks WHERE {condition} ORDER BY {order} \
             LIMIT {most}) AS page) ORDER BY {order}"
        );
        let found = rows(&self.readers, &sql, values).await?;
        let mut tasks: Vec<Task> =
            found.iter().map(|row| from_json(row, "state", "task")).collect::<Result<_, _>>()?;
        let shown = usize::try_from(filter.limit).unwrap_or(usize::MAX);
        let follows = tasks.len() > shown;
        tasks.truncate(shown);
        let next = tasks.last().filter(|_| follows).map(|last| Place::of(last, filter));
        Ok(Page { tasks, total, next })
    }
}

fn condition(filter: &TaskFilter) -> (String, Vec<Value>) {
    let mut conditions = vec!["1 = 1".to_owned()];
    let mut values: Vec<Value> = Vec::new();
    let mut and = |condition: &str, value: Value| {
        conditions.push(condition.to_owned());
        values.push(value);
    };
    if let Some(owner) = &filter.owner {
        and("owner = ?", owner.as_str().into());
    }
    if let Some(project) = &filter.project {
        and("project = ?", project.as_str().into());
    }
    if let Some(priority) = filter.priority {
        and("priority = ?", (priority as i64).into());
    }
    if let Some(archived) = filter.archived {
        and("archived = ?", i64::from(archived).into());
    }
    if let Some(label) = &filter.label {
        and("labels LIKE ? ESCAPE '\\'", like(&serde_json::json!(label).to_string()).into());
    }
    for word in filter.q.iter().flat_map(|q| q.split_whitespace()) {
        and("search LIKE ? ESCAPE '\\'", like(&word.to_lowercase()).into());
    }
    if let Some(needs_person) = filter.needs_person {
        let asks = asks(&filter.asking);
        conditions.push(match (filter.asking.is_empty(), needs_person) {
            (true, _) => "needs_person = ?".to_owned(),
            (false, true) => format!("(needs_person = ? OR {asks})"),
            (false, false) => format!("(needs_person = ? AND NOT {asks})"),
        });
        values.push(i64::from(needs_person).into());
        values.extend(filter.asking.iter().map(|session| Value::from(session.as_str())));
    }
    let statuses: Vec<&str> = filter.statuses.iter().map(|status| status.as_str()).collect();
    let kinds: Vec<&str> = filter.kinds.iter().map(|kind| kind.as_str()).collect();
    for (column, words) in [("status", statuses), ("kind", kinds)] {
        if !words.is_empty() {
            let marks = vec!["?"; words.len()].join(", ");
            conditions.push(format!("{column} IN ({marks})"));
            values.extend(words.into_iter().map(Value::from));
        }
    }
    (conditions.join(" AND "), values)
}

/// A pattern that finds a text anywhere, whatever characters it has.
fn like(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{escaped}%")
}

/// How a list is sorted by default.
const NEWEST_FIRST: &str = "-created_at";

/// The condition that one of these sessions is a task's own.
fn asks(asking: &[SessionId]) -> String {
    let marks = vec!["?"; asking.len()].join(", ");
    format!("id IN (SELECT task FROM work_sessions WHERE id IN ({marks}))")
}

/// By what a list is sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SortKey {
    Created,
    Updated,
    Priority,
    Name,
    Status,
    /// Tasks come together that ask for the same attention: a person's, none while agents work, a start, none any more.
    /// Within each, their age decides.
    Attention,
}

impl SortKey {
    fn of(sort: Option<&str>) -> Self {
        match sort.unwrap_or(NEWEST_FIRST).trim_start_matches('-') {
            "updated_at" => Self::Updated,
            "priority" => Self::Priority,
            "name" => Self::Name,
            "status" => Self::Status,
            "attention" => Self::Attention,
            _ => Self::Created,
        }
    }
}

/// A list's order as SQL has it.
struct Order {
    column: String,
    /// What is bound in the column.
    bound: Vec<Value>,
    way: &'static str,
    /// What a place further on is, compared with one before.
    beyond: &'static str,
}

impl Order {
    fn of(filter: &TaskFilter) -> Self {
        let sort = filter.sort.as_deref().unwrap_or(NEWEST_FIRST);
        let (way, beyond) = if sort.starts_with('-') { ("DESC", "<") } else { ("ASC", ">") };
        let mut bound = Vec::new();
        let column = match SortKey::of(filter.sort.as_deref()) {
            SortKey::Created => "created_at".to_owned(),
            SortKey::Updated => "updated_at".to_owned(),
            SortKey::Priority => "priority".to_owned(),
            SortKey::Name => "name".to_owned(),
            SortKey::Status => "status".to_owned(),
            SortKey::Attention => {
                let mut needs_person = "needs_person = 1".to_owned();
                if !filter.asking.is_empty() {
                    needs_person = format!("({needs_person} OR {})", asks(&filter.asking));
                    bound.extend(filter.asking.iter().map(|session| Value::from(session.as_str())));
                }
                format!(
                    "(CASE WHEN {needs_person} THEN 400000000000000 WHEN status = 'backlog' THEN 200000000000000 \
                     WHEN status = 'done' THEN 100000000000000 WHEN status = 'cancelled' THEN 0 \
                     ELSE 300000000000000 END + created_at)"
                )
            }
        };
        Self { column, bound, way, beyond }
    }
}

/// The value of [`SortKey::Attention`] for a task.
fn attention(task: &Task, asking: &[SessionId]) -> i64 {
    let asks = || task.sessions.iter().any(|session| asking.contains(&session.id));
    let group = match task.status() {
        _ if task.needs_person() || asks() => 4,
        TaskStatus::Backlog => 2,
        TaskStatus::Done => 1,
        TaskStatus::Cancelled => 0,
        TaskStatus::SpecGeneration
        | TaskStatus::SpecReview
        | TaskStatus::SpecRevision
        | TaskStatus::SpecApproved
        | TaskStatus::ImplementationQueued
        | TaskStatus::Implementation
        | TaskStatus::ImplementationReview
        | TaskStatus::SpecFailed
        | TaskStatus::ImplementationFailed => 3,
    };
    group * 100_000_000_000_000 + task.created_at.0
}
