//! Lists of tasks: which ones, in which order, page by page.

use crate::connection::Value;
use crate::sql::{from_json, row, rows, text, unsigned};
use crate::{Store, StoreError};
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

/// The sort key of a list.
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
    /// Returns a page of the tasks that pass a filter.
    pub async fn tasks(&self, filter: &TaskFilter) -> Result<Page, StoreError> {
        let asking = self.tasks_of_sessions(&filter.asking).await?;
        let total = self.count_listed(filter, &asking).await?;
        let (sql, values) = page_statement(filter, &asking);
        let found = rows(&self.readers, &sql, values).await?;
        let mut tasks: Vec<Task> =
            found.iter().map(|row| from_json(row, "state", "task")).collect::<Result<_, _>>()?;
        let shown = usize::try_from(filter.limit).unwrap_or(usize::MAX);
        let follows = tasks.len() > shown;
        tasks.truncate(shown);
        let next = tasks.last().filter(|_| follows).map(|last| Place::of(last, filter));
        Ok(Page { tasks, total, next })
    }

    async fn tasks_of_sessions(&self, sessions: &[SessionId]) -> Result<Vec<TaskId>, StoreError> {
        if sessions.is_empty() {
            return Ok(Vec::new());
        }
        let marks = vec!["?"; sessions.len()].join(", ");
        let sql = format!("SELECT DISTINCT task FROM work_sessions WHERE id IN ({marks})");
        let values = sessions.iter().map(|session| Value::from(session.as_str())).collect();
        let found = rows(&self.readers, &sql, values).await?;
        found.iter().map(|row| Ok(text(row, "task")?.into())).collect()
    }

    /// Returns how many tasks pass a filter, on whichever page. The tasks `asking` need a person, too.
    async fn count_listed(&self, filter: &TaskFilter, asking: &[TaskId]) -> Result<u64, StoreError> {
        let total = match filter.needs_person {
            None => self.count_by_totals(filter, "1 = 1").await?,
            Some(true) => self.count_by_totals(filter, "needs_person = 1").await?,
            Some(false) => self.count_by_totals(filter, "needs_person = 0").await?,
        };
        let Some(needs_person) = filter.needs_person.filter(|_| !asking.is_empty()) else {
            return Ok(total);
        };
        let (asks, asking) = is_one_of(asking);
        let also = self
            .count_where(filter, "tasks", "COUNT(*)", &format!("needs_person = 0 AND {asks}"), asking)
            .await?;
        Ok(if needs_person { total + also } else { total.saturating_sub(also) })
    }

    /// Counts tasks by the totals that triggers keep, where there are any and the filter needs nothing else.
    async fn count_by_totals(&self, filter: &TaskFilter, own: &str) -> Result<u64, StoreError> {
        let is_kept = filter.kinds.is_empty()
            && filter.label.is_none()
            && filter.priority.is_none()
            && filter.q.as_deref().is_none_or(|q| q.trim().is_empty());
        if is_kept && self.keeps_totals() {
            self.count_where(filter, "task_totals", "SUM(total)", own, Vec::new()).await
        } else {
            self.count_where(filter, "tasks", "COUNT(*)", own, Vec::new()).await
        }
    }

    async fn count_where(
        &self,
        filter: &TaskFilter,
        table: &str,
        count: &str,
        own: &str,
        own_values: Vec<Value>,
    ) -> Result<u64, StoreError> {
        let (condition, mut values) = condition(filter);
        values.extend(own_values);
        let sql = format!(
            "SELECT CAST(COALESCE({count}, 0) AS BIGINT) AS total FROM {table} WHERE {condition} AND {own}"
        );
        row(&self.readers, &sql, values).await?.map_or(Ok(0), |row| unsigned(&row, "total"))
    }
}

/// Returns the statement that reads a page, and one task more, which tells whether others follow.
fn page_statement(filter: &TaskFilter, asking: &[TaskId]) -> (String, Vec<Value>) {
    let (condition, condition_values) = condition(filter);
    let sort = filter.sort.as_deref().unwrap_or(NEWEST_FIRST);
    let (way, beyond) = if sort.starts_with('-') { ("DESC", "<") } else { ("ASC", ">") };
    let most = filter.limit.saturating_add(1);
    let (mut parts, mut values) = (Vec::new(), Vec::new());
    for (number, part) in parts_of(filter, asking).into_iter().enumerate() {
        let Part { condition: own, values: own_values, column } = part;
        let mut sql = format!("SELECT id, {column} AS position FROM tasks WHERE {condition} AND {own}");
        values.extend(condition_values.iter().cloned().chain(own_values));
        if let Some(place) = &filter.after {
            sql.push_str(&format!(" AND ({column}, id) {beyond} (?, ?)"));
            values.push(match &place.key {
                Key::Number(number) => (*number).into(),
                Key::Text(text) => text.as_str().into(),
            });
            values.push(place.id.as_str().into());
        }
        sql.push_str(&format!(" ORDER BY {column} {way}, id {way} LIMIT {most}"));
        parts.push(format!("SELECT id, position FROM ({sql}) AS part_{number}"));
    }
    let sql = format!(
        "SELECT t.state AS state FROM ({}) AS page JOIN tasks t ON t.id = page.id \
         ORDER BY page.position {way}, page.id {way} LIMIT {most}",
        parts.join(" UNION ALL ")
    );
    (sql, values)
}

/// A part of a list: the tasks that pass a condition of its own beside the filter's, and what they are sorted by.
struct Part {
    condition: String,
    values: Vec<Value>,
    column: &'static str,
}

/// Returns the parts that make a list. Sessions that ask for a permission now are not in the database, so their tasks are a part
/// of their own; each part is read in its order by an index.
fn parts_of(filter: &TaskFilter, asking: &[TaskId]) -> Vec<Part> {
    let key = SortKey::of(filter.sort.as_deref());
    let part = |condition: &str, column: &'static str| Part {
        condition: condition.to_owned(),
        values: Vec::new(),
        column,
    };
    if asking.is_empty() || (filter.needs_person.is_none() && key != SortKey::Attention) {
        let condition = match filter.needs_person {
            None => "1 = 1",
            Some(true) => "needs_person = 1",
            Some(false) => "needs_person = 0",
        };
        return vec![part(condition, key.column())];
    }
    let (asks, asking) = is_one_of(asking);
    let asking_column = if key == SortKey::Attention { ATTENTION_OF_ASKING } else { key.column() };
    let with_asking =
        |condition: String, column: &'static str| Part { condition, values: asking.clone(), column };
    match filter.needs_person {
        None => vec![with_asking(format!("NOT {asks}"), key.column()), with_asking(asks, asking_column)],
        Some(true) => vec![
            part("needs_person = 1", key.column()),
            with_asking(format!("needs_person = 0 AND {asks}"), asking_column),
        ],
        Some(false) => vec![with_asking(format!("needs_person = 0 AND NOT {asks}"), key.column())],
    }
}

/// Returns the filter's condition on the columns of a task's row, without that of who needs a person.
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

/// Returns a pattern that finds a text anywhere, whatever characters it has.
fn like(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{escaped}%")
}

/// How a list is sorted by default.
const NEWEST_FIRST: &str = "-created_at";

/// Returns the condition that a task is one of these.
fn is_one_of(tasks: &[TaskId]) -> (String, Vec<Value>) {
    let marks = vec!["?"; tasks.len()].join(", ");
    (format!("id IN ({marks})"), tasks.iter().map(|task| Value::from(task.as_str())).collect())
}

/// The expression of [`SortKey::Attention`]; an index has the same expression. Times are smaller than the distance of
/// the groups.
pub(crate) const ATTENTION: &str = "(CASE WHEN needs_person = 1 THEN 400000000000000 \
    WHEN status = 'backlog' THEN 200000000000000 WHEN status = 'done' THEN 100000000000000 \
    WHEN status = 'cancelled' THEN 0 ELSE 300000000000000 END + created_at)";
/// The same for tasks that need a person because a session asks for a permission.
const ATTENTION_OF_ASKING: &str = "(400000000000000 + created_at)";

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

    /// Returns what the rows are sorted by.
    fn column(self) -> &'static str {
        match self {
            Self::Created => "created_at",
            Self::Updated => "updated_at",
            Self::Priority => "priority",
            Self::Name => "name",
            Self::Status => "status",
            Self::Attention => ATTENTION,
        }
    }
}

/// Returns the value of [`SortKey::Attention`] for a task.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(sort: &str) -> TaskFilter {
        TaskFilter {
            owner: Some("usr_1".into()),
            archived: Some(false),
            sort: Some(sort.to_owned()),
            limit: 50,
            ..TaskFilter::default()
        }
    }

    /// Each order is read by an index as far as the page reaches, so that its cost does not grow with the list.
    #[tokio::test]
    async fn no_order_sorts_the_whole_list() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("test.db");
        let store = Store::open(&format!("sqlite://{}", path.display())).await.expect("it opens");
        let mut filters = Vec::new();
        for sort in ["created_at", "updated_at", "priority", "name", "status", "attention"] {
            for sort in [sort.to_owned(), format!("-{sort}")] {
                filters.push((filter(&sort), Vec::new()));
                filters.push((filter(&sort), vec![TaskId::from("spt_1")]));
            }
        }
        filters.push((TaskFilter { statuses: vec![TaskStatus::Done], ..filter(NEWEST_FIRST) }, Vec::new()));
        let needs_person = TaskFilter { needs_person: Some(true), ..filter(NEWEST_FIRST) };
        filters.push((needs_person.clone(), Vec::new()));
        filters.push((needs_person, vec![TaskId::from("spt_1")]));
        for (filter, asking) in filters {
            let (sql, values) = page_statement(&filter, &asking);
            let plan =
                rows(&store.readers, &format!("EXPLAIN QUERY PLAN {sql}"), values).await.expect("a plan");
            let plan: Vec<String> = plan.iter().map(|row| text(row, "detail").expect("a step")).collect();
            // The list is read by its order, or is that of the few tasks that ask.
            let reads_list = |step: &&String| step.starts_with("SEARCH tasks USING");
            let by_index = |step: &&String| {
                step.contains("(owner=? AND archived=?")
                    || step.ends_with("(id=?)")
                    || step.contains("<expr>")
            };
            let steps: Vec<&String> = plan.iter().filter(reads_list).collect();
            assert!(!steps.is_empty() && steps.iter().all(by_index), "{:?}: {plan:#?}", filter.sort);
            // A page is sorted as a whole only where it is made of two parts.
            let sorts = plan.iter().any(|step| step.contains("TEMP B-TREE"));
            assert!(!sorts || plan.iter().any(|step| step == "UNION ALL"), "{:?}: {plan:#?}", filter.sort);
        }
        store.close().await;
    }
}
