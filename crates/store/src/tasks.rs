//! Tasks: their state, their events, and the one transaction that changes them.

use crate::effects::{self, Fence};
use crate::feed::{self, FeedEntry, FeedRow};
use crate::logs::{self, LogEntry, LogRow};
use crate::sql::{self, execute, from_json, number, row, rows, unsigned};
use crate::{Store, StoreError};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, Value};
use workflow::{
    EffectRow, Event, EventId, HelixSessionId, Millis, Priority, ProjectId, Rejected, SessionId, Step, Task,
    TaskId, TaskStatus, ThreadId, UserId,
};

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
    pub event: Event,
}

/// Which tasks are listed, and in which order.
#[derive(Clone, Debug, Default)]
pub struct TaskFilter {
    pub owner: Option<UserId>,
    pub project: Option<ProjectId>,
    pub statuses: Vec<TaskStatus>,
    pub label: Option<String>,
    pub priority: Option<Priority>,
    /// Words to be found in name, prompt or description.
    pub q: Option<String>,
    pub archived: Option<bool>,
    /// `created_at`, `updated_at`, `priority`, `name` or `status`; a `-` before it turns the order around.
    pub sort: Option<String>,
    pub limit: u64,
    /// Where the page before ended.
    pub cursor: Option<String>,
}

/// A page of a list.
#[derive(Clone, Debug)]
pub struct Page {
    pub tasks: Vec<Task>,
    pub total: u64,
    pub next: Option<String>,
}

impl Store {
    /// Saves a task that was just created.
    pub async fn create_task(&self, outcome: Outcome) -> Result<Saved, StoreError> {
        self.write(move |on| {
            Box::pin(async move {
                let task = &outcome.step.task;
                let columns = columns(task);
                let sql = "INSERT INTO tasks (owner, project, name, status, kind, priority, labels, archived, search, updated_at, \
                           version, state, id, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
                let mut values = columns;
                values.extend([task.id.as_str().into(), task.created_at.0.into()]);
                execute(on, sql, values).await?;
                record(on, outcome).await
            })
        })
        .await
    }

    /// Decides about a task and saves what follows: state, events, effects, feed and logs in one transaction, together with
    /// the end of the effect whose report this is.
    pub async fn advance<F>(
        &self,
        id: &TaskId,
        fence: Option<Fence>,
        decide: F,
    ) -> Result<Advanced, StoreError>
    where
        F: FnOnce(&Task) -> Result<Outcome, Rejected> + Send + 'static,
    {
        let id = id.clone();
        self.write(move |on| {
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
                           archived = ?, search = ?, updated_at = ?, version = ?, state = ? WHERE id = ? AND version = ?";
                let mut values = columns(task);
                values.extend([task.id.as_str().into(), sql::signed(before.version)]);
                if execute(on, sql, values).await? != 1 {
                    return Err(StoreError::Conflict(format!("task {id}")));
                }
                Ok(Advanced::Saved(Box::new(record(on, outcome).await?)))
            })
        })
        .await
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

    /// A page of the tasks that pass a filter.
    pub async fn tasks(&self, filter: &TaskFilter) -> Result<Page, StoreError> {
        let (condition, values) = condition(filter);
        let sql = format!("SELECT COUNT(*) AS total FROM tasks WHERE {condition}");
        let total =
            row(&self.readers, &sql, values.clone()).await?.map_or(Ok(0), |row| unsigned(&row, "total"))?;
        let skip: u64 = filter.cursor.as_ref().and_then(|cursor| cursor.parse().ok()).unwrap_or(0);
        let sql = format!(
            "SELECT state FROM tasks WHERE id IN (SELECT id FROM (SELECT id FROM tasks WHERE {condition} ORDER BY {order} \
             LIMIT {limit} OFFSET {skip}) AS page) ORDER BY {order}",
            order = order(filter.sort.as_deref()),
            limit = filter.limit,
        );
        let found = rows(&self.readers, &sql, values).await?;
        let tasks: Vec<Task> =
            found.iter().map(|row| from_json(row, "state", "task")).collect::<Result<_, _>>()?;
        let end = skip + u64::try_from(tasks.len()).unwrap_or(0);
        Ok(Page { tasks, total, next: (end < total).then(|| end.to_string()) })
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
        Ok(u64::try_from(sql::counted(&self.readers, &format!("events/{id}")).await?).unwrap_or(0))
    }

    /// A task's events after a number, in their order.
    pub async fn task_events(
        &self,
        id: &TaskId,
        after: u64,
        limit: u64,
    ) -> Result<Vec<LoggedEvent>, StoreError> {
        let sql =
            "SELECT seq, id, at, event FROM task_events WHERE task = ? AND seq > ? ORDER BY seq LIMIT ?";
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

/// Everything a step leaves beside the task's own row.
async fn record(on: &DatabaseTransaction, outcome: Outcome) -> Result<Saved, StoreError> {
    let Outcome { step, feed, logs } = outcome;
    let Step { task, events, effects } = step;
    for session in &task.sessions {
        let sql = "INSERT INTO work_sessions (id, task, helix_session, thread, status, rank) VALUES (?, ?, ?, ?, ?, ?) \
                   ON CONFLICT (id) DO UPDATE SET status = excluded.status, rank = excluded.rank";
        let values = vec![
            session.id.as_str().into(),
            task.id.as_str().into(),
            session.helix_session.as_str().into(),
            session.thread.as_str().into(),
            task.session_status(session).as_str().into(),
            i64::try_from(session.rank).unwrap_or(i64::MAX).into(),
        ];
        execute(on, sql, values).await?;
    }
    let logged = record_events(on, &task, events).await?;
    effects::enqueue(on, &task.id, &effects).await?;
    let feed = feed::append(on, task.updated_at, feed).await?;
    let logs = logs::append_all(on, task.updated_at, logs).await?;
    Ok(Saved { task, events: logged, feed, logs, effects })
}

async fn record_events(
    on: &DatabaseTransaction,
    task: &Task,
    events: Vec<Event>,
) -> Result<Vec<LoggedEvent>, StoreError> {
    if events.is_empty() {
        return Ok(Vec::new());
    }
    let last = sql::count(on, &format!("events/{}", task.id), events.len()).await?;
    let first = last - i64::try_from(events.len()).unwrap_or(0) + 1;
    let mut logged = Vec::with_capacity(events.len());
    for (seq, event) in (first..).zip(events) {
        // The number within the task's own log makes the identity.
        let id = EventId(format!("evt_{}_{seq}", task.id.as_str().trim_start_matches("spt_")));
        let sql = "INSERT INTO task_events (task, seq, id, at, event) VALUES (?, ?, ?, ?, ?)";
        let at = task.updated_at;
        let values =
            vec![task.id.as_str().into(), seq.into(), id.as_str().into(), at.0.into(), sql::json(&event)];
        execute(on, sql, values).await?;
        logged.push(LoggedEvent { seq: u64::try_from(seq).unwrap_or(0), id, at, event });
    }
    Ok(logged)
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
    if let Some(label) = &filter.label {
        and("labels LIKE ? ESCAPE '\\'", like(&serde_json::json!(label).to_string()).into());
    }
    for word in filter.q.iter().flat_map(|q| q.split_whitespace()) {
        and("search LIKE ? ESCAPE '\\'", like(&word.to_lowercase()).into());
    }
    if !filter.statuses.is_empty() {
        let marks = vec!["?"; filter.statuses.len()].join(", ");
        conditions.push(format!("status IN ({marks})"));
        values.extend(filter.statuses.iter().map(|status| Value::from(status.as_str())));
    }
    (conditions.join(" AND "), values)
}

/// A pattern that finds a text anywhere, whatever characters it has.
fn like(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{escaped}%")
}

fn order(sort: Option<&str>) -> String {
    let sort = sort.unwrap_or("-created_at");
    let (column, way) = sort.strip_prefix('-').map_or((sort, "ASC"), |column| (column, "DESC"));
    let column = match column {
        "updated_at" | "priority" | "name" | "status" => column,
        _ => "created_at",
    };
    format!("{column} {way}, id {way}")
}
