//! Tasks: their state, their events, and the one transaction that changes them.

use crate::comments;
use crate::effects::{self, Claimed, Fence, Lease};
use crate::feed::{self, FeedEntry, FeedRow};
use crate::logs::{self, LogEntry, LogRow};
use crate::sql::{self, Taken, Wanted, execute, from_json, number, row, rows, unsigned};
use crate::{Store, StoreError};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, Value};
use serde::{Deserialize, Serialize};
use std::fmt;
use workflow::{
    EffectRow, Event, EventId, HelixSessionId, Millis, Priority, ProjectId, Rejected, Session, SessionId,
    Step, Task, TaskId, TaskKind, TaskStatus, ThreadId, UserId,
};

/// How many of a task's effects are claimed along with a decision at most.
const CLAIMED: u64 = 64;

/// What a decision gives the store to save.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub step: Step,
    /// What watchers are told.
    pub feed: Vec<FeedEntry>,
    /// What the sessions' logs get.
    pub logs: Vec<LogEntry>,
}

/// What was saved.
#[derive(Clone, Debug)]
pub struct Saved {
    pub task: Task,
    pub events: Vec<LoggedEvent>,
    pub feed: Vec<FeedRow>,
    pub logs: Vec<(SessionId, Vec<LogRow>)>,
    pub effects: Vec<EffectRow>,
    /// The task's effects that were claimed in the same transaction.
    pub claimed: Vec<Claimed>,
}

/// What came of an input.
#[derive(Clone, Debug)]
pub enum Advanced {
    Saved(Box<Saved>),
    /// The workflow refused; with a fence, the effect has ended all the same.
    Rejected(Rejected),
    /// The effect belongs to another claim by now; nothing was changed.
    Fenced,
    NotFound,
}

/// An event with its place in the task's log.
#[derive(Clone, Debug, PartialEq)]
pub struct LoggedEvent {
    pub seq: u64,
    pub id: EventId,
    pub at: Millis,
    /// The task's version after the step that the event is part of.
    pub version: u64,
    pub event: Event,
}

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
    /// `created_at`, `updated_at`, `priority`, `name` or `status`; a `-` before it turns the order around.
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
        let fits = matches!(
            (Order::of(sort).column, &place.key),
            ("name" | "status", Key::Text(_)) | ("created_at" | "updated_at" | "priority", Key::Number(_))
        );
        (fits && place.sort == sort.unwrap_or(NEWEST_FIRST)).then_some(place)
    }

    fn of(task: &Task, sort: Option<&str>) -> Self {
        let key = match Order::of(sort).column {
            "updated_at" => Key::Number(task.updated_at.0),
            "priority" => Key::Number(task.priority as i64),
            "name" => Key::Text(task.name.clone()),
            "status" => Key::Text(task.status().as_str().to_owned()),
            _ => Key::Number(task.created_at.0),
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
    /// Saves a task that was just created; one that is there already stays as it is, and that is a conflict. With a lease,
    /// the task's effects are claimed at once.
    pub async fn create_task(&self, outcome: Outcome, lease: Option<Lease>) -> Result<Saved, StoreError> {
        let saved = self
            .write(move |on| {
                Box::pin(async move {
                    insert_task(on, &outcome.step.task).await?;
                    record(on, outcome, lease).await
                })
            })
            .await?;
        self.changes.saved(&saved);
        Ok(saved)
    }

    /// Decides about a task and saves what follows: state, events, effects, feed and logs in one transaction, together with
    /// the end of the effect whose report this is. With a lease, the task's effects that may run are claimed at once.
    pub async fn advance<F>(
        &self,
        id: &TaskId,
        fence: Option<Fence>,
        lease: Option<Lease>,
        decide: F,
    ) -> Result<Advanced, StoreError>
    where
        F: FnOnce(&Task) -> Result<Outcome, Rejected> + Send + 'static,
    {
        let id = id.clone();
        let advance = self.write(move |on| {
            Box::pin(async move {
                if let Some(fence) = &fence
                    && !effects::finish(on, fence).await?
                {
                    return Ok(Advanced::Fenced);
                }
                let Some(before) = load(on, &id, true).await? else { return Ok(Advanced::NotFound) };
                let outcome = match decide(&before) {
                    Ok(outcome) => outcome,
                    Err(rejected) => return Ok(Advanced::Rejected(rejected)),
                };
                let task = &outcome.step.task;
                let sql = "UPDATE tasks SET owner = ?, project = ?, name = ?, status = ?, kind = ?, priority = ?, labels = ?, \
                           archived = ?, needs_person = ?, search = ?, updated_at = ?, version = ?, state = ? WHERE id = ? AND version = ?";
                let mut values = columns(task);
                values.extend([task.id.as_str().into(), sql::signed(before.version)]);
                if execute(on, sql, values).await? != 1 {
                    return Err(StoreError::Conflict(format!("task {id}")));
                }
                Ok(Advanced::Saved(Box::new(record(on, outcome, lease).await?)))
            })
        });
        let advanced = advance.await?;
        if let Advanced::Saved(saved) = &advanced {
            self.changes.saved(saved);
        }
        Ok(advanced)
    }

    /// A task.
    pub async fn task(&self, id: &TaskId) -> Result<Option<Task>, StoreError> {
        load(&self.readers, id, false).await
    }

    /// Every task that is under way or waits for something.
    pub async fn live_tasks(&self) -> Result<Vec<Task>, StoreError> {
        let sql = "SELECT state FROM tasks WHERE status NOT IN ('done', 'cancelled', 'backlog') ORDER BY created_at, id";
        let found = rows(&self.readers, sql, Vec::new()).await?;
        found.iter().map(|row| from_json(row, "state", "task")).collect()
    }

    /// Writes down which of these tasks need a person, where that is not known as it is: a database from before it was
    /// knows only their status.
    pub async fn note_who_needs_person(&self, tasks: &[Task]) -> Result<(), StoreError> {
        let known: Vec<(TaskId, i64, u64)> = tasks
            .iter()
            .map(|task| (task.id.clone(), i64::from(task.needs_person()), task.version))
            .collect();
        self.write(move |on| {
            Box::pin(async move {
                for (id, needs, version) in known {
                    let sql = "UPDATE tasks SET needs_person = ? WHERE id = ? AND version = ? AND needs_person <> ?";
                    execute(on, sql, vec![needs.into(), id.as_str().into(), sql::signed(version), needs.into()])
                        .await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// A page of the tasks that pass a filter.
    pub async fn tasks(&self, filter: &TaskFilter) -> Result<Page, StoreError> {
        let (condition, values) = condition(filter);
        let sql = format!("SELECT COUNT(*) AS total FROM tasks WHERE {condition}");
        let total =
            row(&self.readers, &sql, values.clone()).await?.map_or(Ok(0), |row| unsigned(&row, "total"))?;
        let Order { column, way, beyond } = Order::of(filter.sort.as_deref());
        let (mut condition, mut values) = (condition, values);
        if let Some(place) = &filter.after {
            condition.push_str(&format!(" AND ({column}, id) {beyond} (?, ?)"));
            values.push(match &place.key {
                Key::Number(number) => (*number).into(),
                Key::Text(text) => text.as_str().into(),
            });
            values.push(place.id.as_str().into());
        }
        let order = format!("{column} {way}, id {way}");
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
        let next = tasks.last().filter(|_| follows).map(|last| Place::of(last, filter.sort.as_deref()));
        Ok(Page { tasks, total, next })
    }

    /// How many tasks a project has.
    pub async fn count_tasks_of_project(&self, project: &ProjectId) -> Result<u64, StoreError> {
        let sql = "SELECT COUNT(*) AS total FROM tasks WHERE project = ?";
        row(&self.readers, sql, vec![project.as_str().into()])
            .await?
            .map_or(Ok(0), |row| unsigned(&row, "total"))
    }

    /// How many tasks are in each status.
    pub async fn count_tasks(&self) -> Result<Vec<(String, u64)>, StoreError> {
        let sql = "SELECT status, COUNT(*) AS total FROM tasks GROUP BY status ORDER BY status";
        let found = rows(&self.readers, sql, Vec::new()).await?;
        found.iter().map(|row| Ok((sql::text(row, "status")?, unsigned(row, "total")?))).collect()
    }

    /// The task of a work session.
    pub async fn task_of_session(&self, session: &SessionId) -> Result<Option<TaskId>, StoreError> {
        self.task_by("id", session.as_str()).await
    }

    /// The task and work session of a Helix session.
    pub async fn session_of_helix(
        &self,
        session: &HelixSessionId,
    ) -> Result<Option<(TaskId, SessionId)>, StoreError> {
        let sql = "SELECT task, id FROM work_sessions WHERE helix_session = ?";
        let found = row(&self.readers, sql, vec![session.as_str().into()]).await?;
        found.map(|row| Ok((sql::text(&row, "task")?.into(), sql::text(&row, "id")?.into()))).transpose()
    }

    /// The task of a thread.
    pub async fn task_of_thread(&self, thread: &ThreadId) -> Result<Option<TaskId>, StoreError> {
        self.task_by("thread", thread.as_str()).await
    }

    async fn task_by(&self, column: &str, value: &str) -> Result<Option<TaskId>, StoreError> {
        let sql = format!("SELECT task FROM work_sessions WHERE {column} = ?");
        let found = row(&self.readers, &sql, vec![value.into()]).await?;
        found.map(|row| Ok(sql::text(&row, "task")?.into())).transpose()
    }

    /// The number of a task's last event.
    pub async fn last_event(&self, id: &TaskId) -> Result<u64, StoreError> {
        Ok(u64::try_from(sql::counted(&self.readers, &events_counter(id)).await?).unwrap_or(0))
    }

    /// A task's events after a number, in their order.
    pub async fn task_events(
        &self,
        id: &TaskId,
        after: u64,
        limit: u64,
    ) -> Result<Vec<LoggedEvent>, StoreError> {
        let sql = "SELECT seq, id, at, version, event FROM task_events WHERE task = ? AND seq > ? ORDER BY seq LIMIT ?";
        let found =
            rows(&self.readers, sql, vec![id.as_str().into(), sql::signed(after), sql::signed(limit)])
                .await?;
        found
            .iter()
            .map(|row| {
                Ok(LoggedEvent {
                    seq: unsigned(row, "seq")?,
                    id: sql::text(row, "id")?.into(),
                    at: Millis(number(row, "at")?),
                    version: unsigned(row, "version")?,
                    event: from_json(row, "event", "event")?,
                })
            })
            .collect()
    }
}

async fn load(on: &impl ConnectionTrait, id: &TaskId, lock: bool) -> Result<Option<Task>, StoreError> {
    let lock = if lock && on.get_database_backend() == DbBackend::Postgres { " FOR UPDATE" } else { "" };
    let found =
        row(on, &format!("SELECT state FROM tasks WHERE id = ?{lock}"), vec![id.as_str().into()]).await?;
    found.map(|row| from_json(&row, "state", "task")).transpose()
}

/// The task's own row; a task of this name that is there already stays.
pub(crate) async fn insert_task(on: &impl ConnectionTrait, task: &Task) -> Result<(), StoreError> {
    let sql = "INSERT INTO tasks (owner, project, name, status, kind, priority, labels, archived, needs_person, \
               search, updated_at, version, state, id, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
               ON CONFLICT (id) DO NOTHING";
    let mut values = columns(task);
    values.extend([task.id.as_str().into(), task.created_at.0.into()]);
    if execute(on, sql, values).await? != 1 {
        return Err(StoreError::Conflict(format!("task {}", task.id)));
    }
    Ok(())
}

/// Everything a step leaves beside the task's own row.
pub(crate) async fn record(
    on: &DatabaseTransaction,
    outcome: Outcome,
    lease: Option<Lease>,
) -> Result<Saved, StoreError> {
    let Outcome { step, feed, logs } = outcome;
    let Step { task, events, effects } = step;
    put_sessions(on, &task).await?;
    for event in &events {
        if let Event::Commented { comment } = event {
            comments::insert(on, &task.id, &comment.id).await?;
        }
    }
    let mut wanted =
        Wanted::from([(events_counter(&task.id), events.len()), (effects::counter(&task.id), effects.len())]);
    feed::want(&mut wanted, &feed);
    logs::want(&mut wanted, &logs);
    let taken = sql::count(on, &wanted).await?;
    let logged = number_events(&task, events, &taken);
    put_events(on, &task.id, &logged).await?;
    effects::enqueue(on, &task.id, &effects, &taken).await?;
    let feed = feed::append(on, task.updated_at, feed, taken.clone()).await?;
    let logs = logs::append(on, task.updated_at, logs, taken).await?;
    let claimed = match lease {
        Some(lease) => effects::claim(on, &lease, Some(&task.id), CLAIMED).await?,
        None => Vec::new(),
    };
    Ok(Saved { task, events: logged, feed, logs, effects, claimed })
}

/// The rows by which sessions are found.
pub(crate) async fn put_sessions(on: &impl ConnectionTrait, task: &Task) -> Result<(), StoreError> {
    let row = |session: &Session| {
        vec![
            session.id.as_str().into(),
            task.id.as_str().into(),
            session.helix_session.as_str().into(),
            session.thread.as_str().into(),
            task.session_status(session).as_str().into(),
            i64::try_from(session.rank).unwrap_or(i64::MAX).into(),
        ]
    };
    let table = "work_sessions (id, task, helix_session, thread, status, rank)";
    let then = "ON CONFLICT (id) DO UPDATE SET status = excluded.status, rank = excluded.rank";
    sql::insert(on, table, task.sessions.iter().map(row).collect(), then).await.map(|_| ())
}

/// A task's events in their places.
fn number_events(task: &Task, events: Vec<Event>, taken: &Taken) -> Vec<LoggedEvent> {
    let first = taken.get(&events_counter(&task.id)).copied().unwrap_or(1);
    let numbered = (first..).zip(events).map(|(seq, event)| LoggedEvent {
        seq,
        id: LoggedEvent::identity(&task.id, seq),
        at: task.updated_at,
        version: task.version,
        event,
    });
    numbered.collect()
}

pub(crate) async fn put_events(
    on: &impl ConnectionTrait,
    task: &TaskId,
    events: &[LoggedEvent],
) -> Result<(), StoreError> {
    let row = |logged: &LoggedEvent| {
        vec![
            task.as_str().into(),
            sql::signed(logged.seq),
            logged.id.as_str().into(),
            logged.at.0.into(),
            sql::signed(logged.version),
            sql::json(&logged.event),
        ]
    };
    let table = "task_events (task, seq, id, at, version, event)";
    sql::insert(on, table, events.iter().map(row).collect(), "").await.map(|_| ())
}

/// The counter of a task's events.
pub(crate) fn events_counter(task: &TaskId) -> String {
    format!("events/{task}")
}

impl LoggedEvent {
    /// An event's identity: its number within its task's own log makes it.
    pub fn identity(task: &TaskId, seq: u64) -> EventId {
        EventId(format!("evt_{}_{seq}", task.as_str().trim_start_matches("spt_")))
    }
}

/// The columns by which tasks are found, in the order of the statements above.
fn columns(task: &Task) -> Vec<Value> {
    let search = format!("{}\n{}\n{}\n{}", task.id, task.name, task.prompt, task.description).to_lowercase();
    vec![
        task.owner.as_str().into(),
        task.project.as_str().into(),
        task.name.clone().into(),
        task.status().as_str().into(),
        task.kind.as_str().into(),
        (task.priority as i64).into(),
        sql::json(&task.labels),
        i64::from(task.archived).into(),
        i64::from(task.needs_person()).into(),
        search.into(),
        task.updated_at.0.into(),
        sql::signed(task.version),
        sql::json(task),
    ]
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
    if let Some(needs_person) = filter.needs_person {
        and("needs_person = ?", i64::from(needs_person).into());
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

/// A pattern that finds a text anywhere, whatever characters it has.
fn like(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{escaped}%")
}

/// How a list is sorted when nobody says how.
const NEWEST_FIRST: &str = "-created_at";

/// A list's order as SQL has it.
struct Order {
    column: &'static str,
    way: &'static str,
    /// What a place further on is, compared with one before.
    beyond: &'static str,
}

impl Order {
    fn of(sort: Option<&str>) -> Self {
        let sort = sort.unwrap_or(NEWEST_FIRST);
        let (name, way, beyond) = match sort.strip_prefix('-') {
            Some(name) => (name, "DESC", "<"),
            None => (sort, "ASC", ">"),
        };
        let column = match name {
            "updated_at" => "updated_at",
            "priority" => "priority",
            "name" => "name",
            "status" => "status",
            _ => "created_at",
        };
        Self { column, way, beyond }
    }
}
