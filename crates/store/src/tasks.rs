//! Tasks: their state, their events, and the one transaction that changes them.

use crate::comments;
use crate::connection::{Executor, Transaction, Value};
use crate::daily_usage;
use crate::dependencies;
use crate::effects::{self, Claimed, Fence, Lease};
use crate::feed::{self, FeedEntry, FeedRow, PreparedEntry};
use crate::logs::{self, LogAppend, LogRow};
use crate::revisions;
use crate::session_list;
use crate::short_ids;
use crate::sql::{self, Taken, Wanted, execute, from_json, number, row, rows, unsigned};
use crate::webhooks::{self, NewDelivery};
use crate::{Store, StoreError};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use tokio::sync::Mutex;
use workflow::{
    EffectRow, Event, EventId, HelixSessionId, Millis, ProjectId, Rejected, Session, SessionGraph, SessionId,
    ShortId, Step, Task, TaskId, ThreadId,
};

/// How many of a task's effects are claimed along with a decision at most.
const CLAIMED: u64 = 64;
/// How often a decision is made again because another process changed the task meanwhile.
const MAX_DECISIONS: usize = 32;
/// The length of a task's state in bytes from which on a decision leaves the runtime's threads to others.
const LARGE_STATE: usize = 128 * 1024;
/// How many locks tasks share.
const TASK_LOCKS: usize = 1024;

/// The outcome of a decision, for the store to save.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub step: Step,
    /// The feed entries for watchers.
    pub feed: Vec<FeedEntry>,
    /// The entries for the sessions' logs.
    pub logs: Vec<LogAppend>,
    /// The webhook deliveries.
    pub deliveries: Vec<NewDelivery>,
}

/// The saved outcome.
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

/// The result of an input.
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

impl Store {
    /// Saves a task that was just created; one that is there already stays as it is, and that is a conflict. With a lease,
    /// the task's effects are claimed at once. The task has the next short id of its project; where another task took that
    /// meanwhile, the answer is [`StoreError::Overtaken`].
    pub async fn create_task(&self, outcome: Outcome, lease: Option<Lease>) -> Result<Saved, StoreError> {
        let prepared = Prepared::from(outcome);
        let saved = self
            .write(move |on| {
                Box::pin(async move {
                    short_ids::take_next(on, &prepared.step.task).await?;
                    insert_prepared(on, &prepared).await?;
                    record(on, prepared, lease).await
                })
            })
            .await?;
        self.changes.saved(&saved);
        Ok(saved)
    }

    /// Decides about a task and saves what follows: state, events, effects, feed and logs in one transaction, together with
    /// the end of the effect whose report this is. With a lease, the task's effects that may run are claimed at once.
    ///
    /// The decision is made before the transaction, on the version that the transaction then replaces; where another
    /// one came first it is made again. A decision that takes long or panics does not block other writers.
    pub async fn advance<F>(
        &self,
        id: &TaskId,
        fence: Option<Fence>,
        lease: Option<Lease>,
        decide: F,
    ) -> Result<Advanced, StoreError>
    where
        F: Fn(&Task) -> Result<Outcome, Rejected> + Send + 'static,
    {
        let _turn = self.locks.of(id.as_str()).lock().await;
        let mut decide = decide;
        for _ in 0..MAX_DECISIONS {
            let sql = "SELECT state FROM tasks WHERE id = ?";
            let stored = row(&self.readers, sql, vec![id.as_str().into()]).await?;
            let stored = stored.map(|row| sql::text(&row, "state")).transpose()?;
            let decision = match stored {
                None => Decision::NotFound,
                Some(stored) if stored.len() < LARGE_STATE => Decision::of(&stored, &decide)?,
                Some(stored) => {
                    let made = tokio::task::spawn_blocking(move || {
                        let decision = Decision::of(&stored, &decide);
                        (decision, decide)
                    });
                    let (decision, used) = made.await.map_err(|_| StoreError::Panicked)?;
                    decide = used;
                    decision?
                }
            };
            let written = match decision {
                Decision::Step { before, prepared } => {
                    self.write_step(id, before, prepared, fence.clone(), lease.clone()).await
                }
                Decision::NotFound if fence.is_none() => return Ok(Advanced::NotFound),
                Decision::Rejected { rejected, .. } if fence.is_none() => {
                    return Ok(Advanced::Rejected(rejected));
                }
                Decision::NotFound => {
                    self.finish_unchanged(id, None, fence.clone(), Advanced::NotFound).await
                }
                Decision::Rejected { before, rejected } => {
                    let answer = Advanced::Rejected(rejected);
                    self.finish_unchanged(id, Some(before), fence.clone(), answer).await
                }
            };
            match written {
                Err(StoreError::Overtaken) => {}
                Ok(Advanced::Saved(saved)) => {
                    self.changes.saved(&saved);
                    return Ok(Advanced::Saved(saved));
                }
                written => return written,
            }
        }
        Err(StoreError::Conflict(format!("task {id}")))
    }

    /// Saves a step where the task still has the version that it was decided on.
    async fn write_step(
        &self,
        id: &TaskId,
        before: u64,
        mut prepared: Box<Prepared>,
        fence: Option<Fence>,
        lease: Option<Lease>,
    ) -> Result<Advanced, StoreError> {
        let mut values = std::mem::take(&mut prepared.columns);
        values.extend([id.as_str().into(), sql::signed(before)]);
        self.write(move |on| {
            Box::pin(async move {
                if let Some(fence) = &fence
                    && !effects::finish(on, fence).await?
                {
                    return Ok(Advanced::Fenced);
                }
                if let Some(chain) = dependencies::cycle(on, &prepared.step.task.id, &prepared.needed).await? {
                    return Ok(Advanced::Rejected(Rejected::DependencyCycle { chain }));
                }
                let sql = "UPDATE tasks SET owner = ?, project = ?, name = ?, status = ?, kind = ?, priority = ?, labels = ?, \
                           archived = ?, needs_person = ?, search = ?, updated_at = ?, version = ?, state = ? WHERE id = ? AND version = ?";
                if execute(on, sql, values).await? != 1 {
                    return Err(StoreError::Overtaken);
                }
                Ok(Advanced::Saved(Box::new(record(on, *prepared, lease).await?)))
            })
        })
        .await
    }

    /// Ends an effect whose report changes nothing, where the task still has the version that this was decided on.
    async fn finish_unchanged(
        &self,
        id: &TaskId,
        before: Option<u64>,
        fence: Option<Fence>,
        answer: Advanced,
    ) -> Result<Advanced, StoreError> {
        let id = id.clone();
        self.write(move |on| {
            Box::pin(async move {
                if let Some(fence) = &fence
                    && !effects::finish(on, fence).await?
                {
                    return Ok(Advanced::Fenced);
                }
                let found =
                    row(on, "SELECT version FROM tasks WHERE id = ?", vec![id.as_str().into()]).await?;
                let version = found.map(|row| unsigned(&row, "version")).transpose()?;
                if version == before { Ok(answer) } else { Err(StoreError::Overtaken) }
            })
        })
        .await
    }

    /// Returns a task.
    pub async fn task(&self, id: &TaskId) -> Result<Option<Task>, StoreError> {
        let sql = "SELECT state FROM tasks WHERE id = ?";
        let found = row(&self.readers, sql, vec![id.as_str().into()]).await?;
        found.map(|row| from_json(&row, "state", "task")).transpose()
    }

    /// Returns every task that is under way or waits for something.
    pub async fn live_tasks(&self) -> Result<Vec<Task>, StoreError> {
        let sql = "SELECT state FROM tasks WHERE status NOT IN ('done', 'cancelled', 'backlog') ORDER BY created_at, id";
        let found = rows(&self.readers, sql, Vec::new()).await?;
        found.iter().map(|row| from_json(row, "state", "task")).collect()
    }

    /// Returns whether a project has a task that is under way or waits for something.
    pub async fn has_live_task(&self, project: &ProjectId) -> Result<bool, StoreError> {
        let sql = "SELECT 1 AS one FROM tasks WHERE status NOT IN ('done', 'cancelled', 'backlog') AND project = ? LIMIT 1";
        let found = row(&self.readers, sql, vec![project.as_str().into()]).await?;
        Ok(found.is_some())
    }

    /// Writes down which of these tasks need a person, where that is not known as it is: a database from before it was
    /// knows only their status.
    pub async fn backfill_needs_person(&self, tasks: &[Task]) -> Result<(), StoreError> {
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

    /// Returns all tasks of a project, the oldest first.
    pub async fn project_tasks(&self, project: &ProjectId) -> Result<Vec<Task>, StoreError> {
        let sql = "SELECT state FROM tasks WHERE project = ? ORDER BY created_at, id";
        let found = rows(&self.readers, sql, vec![project.as_str().into()]).await?;
        found.iter().map(|row| from_json(row, "state", "task")).collect()
    }

    /// Returns how many tasks a project has.
    pub async fn count_tasks_of_project(&self, project: &ProjectId) -> Result<u64, StoreError> {
        let sql = if self.keeps_totals() {
            "SELECT COALESCE(SUM(total), 0) AS total FROM task_totals WHERE project = ?"
        } else {
            "SELECT COUNT(*) AS total FROM tasks WHERE project = ?"
        };
        row(&self.readers, sql, vec![project.as_str().into()])
            .await?
            .map_or(Ok(0), |row| unsigned(&row, "total"))
    }

    /// Returns how many tasks are in each status.
    pub async fn count_tasks(&self) -> Result<Vec<(String, u64)>, StoreError> {
        let sql = if self.keeps_totals() {
            "SELECT status, SUM(total) AS total FROM task_totals GROUP BY status HAVING SUM(total) > 0 ORDER BY status"
        } else {
            "SELECT status, COUNT(*) AS total FROM tasks GROUP BY status ORDER BY status"
        };
        let found = rows(&self.readers, sql, Vec::new()).await?;
        found.iter().map(|row| Ok((sql::text(row, "status")?, unsigned(row, "total")?))).collect()
    }

    /// Returns how many work sessions are in each status.
    pub async fn count_sessions(&self) -> Result<Vec<(String, u64)>, StoreError> {
        let sql = "SELECT status, COUNT(*) AS total FROM work_sessions GROUP BY status ORDER BY status";
        let found = rows(&self.readers, sql, Vec::new()).await?;
        found.iter().map(|row| Ok((sql::text(row, "status")?, unsigned(row, "total")?))).collect()
    }

    /// Returns the task of a work session.
    pub async fn task_of_session(&self, session: &SessionId) -> Result<Option<TaskId>, StoreError> {
        self.task_by("id", session.as_str()).await
    }

    /// Returns the task and work session of a Helix session.
    pub async fn session_of_helix(
        &self,
        session: &HelixSessionId,
    ) -> Result<Option<(TaskId, SessionId)>, StoreError> {
        let sql = "SELECT task, id FROM work_sessions WHERE helix_session = ?";
        let found = row(&self.readers, sql, vec![session.as_str().into()]).await?;
        found.map(|row| Ok((sql::text(&row, "task")?.into(), sql::text(&row, "id")?.into()))).transpose()
    }

    /// Returns the task of a thread.
    pub async fn task_of_thread(&self, thread: &ThreadId) -> Result<Option<TaskId>, StoreError> {
        self.task_by("thread", thread.as_str()).await
    }

    async fn task_by(&self, column: &str, value: &str) -> Result<Option<TaskId>, StoreError> {
        let sql = format!("SELECT task FROM work_sessions WHERE {column} = ?");
        let found = row(&self.readers, &sql, vec![value.into()]).await?;
        found.map(|row| Ok(sql::text(&row, "task")?.into())).transpose()
    }

    /// Returns the number of a task's last event.
    pub async fn last_event(&self, id: &TaskId) -> Result<u64, StoreError> {
        Ok(u64::try_from(sql::counted(&self.readers, &events_counter(id)).await?).unwrap_or(0))
    }

    /// Returns a task's events after a number, in their order.
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

/// A decision about a version of a task.
enum Decision {
    Step { before: u64, prepared: Box<Prepared> },
    Rejected { before: u64, rejected: Rejected },
    NotFound,
}

impl Decision {
    fn of(stored: &str, decide: &impl Fn(&Task) -> Result<Outcome, Rejected>) -> Result<Self, StoreError> {
        let task: Task =
            serde_json::from_str(stored).map_err(|source| StoreError::Unreadable { what: "task", source })?;
        let before = task.version;
        Ok(match decide(&task) {
            Ok(outcome) => Self::Step { before, prepared: Box::new(outcome.into()) },
            Err(rejected) => Self::Rejected { before, rejected },
        })
    }
}

/// An outcome with its rows, ready to be written.
pub(crate) struct Prepared {
    step: Step,
    feed: Vec<PreparedEntry>,
    logs: Vec<LogAppend>,
    deliveries: Vec<NewDelivery>,
    /// The task's own row.
    columns: Vec<Value>,
    sessions: Vec<Vec<Value>>,
    /// The events as JSON.
    events: Vec<Value>,
    /// The tasks that the task now waits for, where that changes.
    needed: Vec<TaskId>,
}

impl From<Outcome> for Prepared {
    fn from(outcome: Outcome) -> Self {
        let Outcome { step, feed, logs, deliveries } = outcome;
        let columns = columns(&step.task);
        let sessions = session_rows(&step.task);
        let events = step.events.iter().map(sql::json).collect();
        let is_of_dependencies =
            |event: &Event| matches!(event, Event::TaskEdited { edit } if edit.depends_on.is_some());
        let needed = if step.events.iter().any(is_of_dependencies) {
            step.task.depends_on.clone()
        } else {
            Vec::new()
        };
        Self { step, feed: feed::prepare(feed), logs, deliveries, columns, sessions, events, needed }
    }
}

/// The locks of decisions about a task in this process: one at a time, so that none decides in vain.
#[derive(Clone)]
pub(crate) struct TaskLocks(Arc<[Mutex<()>]>);

impl Default for TaskLocks {
    fn default() -> Self {
        Self(std::iter::repeat_with(Mutex::default).take(TASK_LOCKS).collect())
    }
}

impl TaskLocks {
    /// The lock of a task or a project, which it may share with others.
    pub(crate) fn of(&self, id: &str) -> &Mutex<()> {
        let mut hasher = DefaultHasher::new();
        id.hash(&mut hasher);
        let at = usize::try_from(hasher.finish() % TASK_LOCKS as u64).unwrap_or(0);
        &self.0[at]
    }
}

/// The task's own row; a task of this name that is there already stays.
pub(crate) async fn insert_task(on: &impl Executor, task: &Task) -> Result<(), StoreError> {
    insert_row(on, task, columns(task)).await
}

async fn insert_prepared(on: &impl Executor, prepared: &Prepared) -> Result<(), StoreError> {
    insert_row(on, &prepared.step.task, prepared.columns.clone()).await
}

async fn insert_row(on: &impl Executor, task: &Task, mut values: Vec<Value>) -> Result<(), StoreError> {
    let sql = "INSERT INTO tasks (owner, project, name, status, kind, priority, labels, archived, needs_person, \
               search, updated_at, version, state, id, created_at, short_id) \
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING";
    let short_id = task.short_id.as_ref().map_or("", ShortId::as_str);
    values.extend([task.id.as_str().into(), task.created_at.0.into(), short_id.into()]);
    if execute(on, sql, values).await? != 1 {
        return Err(StoreError::Conflict(format!("task {}", task.id)));
    }
    Ok(())
}

/// Everything a step leaves beside the task's own row.
pub(crate) async fn record(
    on: &Transaction<'_>,
    prepared: Prepared,
    lease: Option<Lease>,
) -> Result<Saved, StoreError> {
    let Prepared { step, feed, logs, deliveries, sessions, events: as_json, columns: _, needed: _ } =
        prepared;
    let Step { task, events, effects } = step;
    insert_sessions(on, sessions).await?;
    for event in &events {
        if let Event::Commented { comment } = event {
            comments::insert(on, &task.id, &comment.id).await?;
        }
    }
    revisions::decide(on, &task, &events).await?;
    daily_usage::add(on, &task, &events).await?;
    let mut wanted =
        Wanted::from([(events_counter(&task.id), events.len()), (effects::counter(&task.id), effects.len())]);
    feed::want(&mut wanted, &feed);
    logs::want(&mut wanted, &logs);
    let taken = sql::count(on, &wanted).await?;
    let logged = number_events(&task, events, &taken);
    insert_events(on, &task.id, logged.iter().zip(as_json)).await?;
    effects::enqueue(on, &task.id, &effects, &taken).await?;
    webhooks::insert(on, deliveries).await?;
    let feed = feed::append(on, task.updated_at, feed, taken.clone()).await?;
    let logs = logs::append(on, task.updated_at, logs, taken).await?;
    let claimed = match lease {
        Some(lease) => effects::claim(on, &lease, Some(&task.id), CLAIMED).await?,
        None => Vec::new(),
    };
    Ok(Saved { task, events: logged, feed, logs, effects, claimed })
}

/// Returns the rows by which sessions are found.
fn session_rows(task: &Task) -> Vec<Vec<Value>> {
    let graph = SessionGraph::of(task);
    let row = |session: &Session| {
        vec![
            session.id.as_str().into(),
            task.id.as_str().into(),
            session.helix_session.as_str().into(),
            session.thread.as_str().into(),
            graph.status(session).as_str().into(),
            i64::try_from(session.rank).unwrap_or(i64::MAX).into(),
            task.owner.as_str().into(),
            session.updated_at.0.into(),
            session_list::title(task, session).into(),
            i64::from(session_list::is_shared(task, session)).into(),
        ]
    };
    task.sessions.iter().map(row).collect()
}

/// Writes the rows by which a task's sessions are found.
pub(crate) async fn put_sessions(on: &impl Executor, task: &Task) -> Result<(), StoreError> {
    insert_sessions(on, session_rows(task)).await
}

async fn insert_sessions(on: &impl Executor, sessions: Vec<Vec<Value>>) -> Result<(), StoreError> {
    let table =
        "work_sessions (id, task, helix_session, thread, status, rank, owner, updated_at, title, is_shared)";
    // A session that did not change is not written.
    let then = "ON CONFLICT (id) DO UPDATE SET status = excluded.status, rank = excluded.rank, \
                updated_at = excluded.updated_at, title = excluded.title, is_shared = excluded.is_shared \
                WHERE work_sessions.updated_at <> excluded.updated_at OR work_sessions.status <> excluded.status \
                OR work_sessions.rank <> excluded.rank OR work_sessions.title <> excluded.title \
                OR work_sessions.is_shared <> excluded.is_shared";
    sql::insert(on, table, sessions, then).await.map(|_| ())
}

/// Returns a task's events in their places.
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
    on: &impl Executor,
    task: &TaskId,
    events: &[LoggedEvent],
) -> Result<(), StoreError> {
    insert_events(on, task, events.iter().map(|logged| (logged, sql::json(&logged.event)))).await
}

async fn insert_events(
    on: &impl Executor,
    task: &TaskId,
    events: impl Iterator<Item = (&LoggedEvent, Value)>,
) -> Result<(), StoreError> {
    let row = |(logged, as_json): (&LoggedEvent, Value)| {
        vec![
            task.as_str().into(),
            sql::signed(logged.seq),
            logged.id.as_str().into(),
            logged.at.0.into(),
            sql::signed(logged.version),
            as_json,
        ]
    };
    let table = "task_events (task, seq, id, at, version, event)";
    sql::insert(on, table, events.map(row).collect(), "").await.map(|_| ())
}

/// Returns the counter of a task's events.
pub(crate) fn events_counter(task: &TaskId) -> String {
    format!("events/{task}")
}

impl LoggedEvent {
    /// Returns an event's identity: its number within its task's own log makes it.
    pub fn identity(task: &TaskId, seq: u64) -> EventId {
        EventId(format!("evt_{}_{seq}", task.as_str().trim_start_matches("spt_")))
    }
}

/// The text in which a list of tasks looks for words.
pub(crate) fn search_text(task: &Task) -> String {
    let (short_id, Task { id, name, prompt, description, .. }) = (task.shown_id(), task);
    format!("{id}\n{short_id}\n{name}\n{prompt}\n{description}").to_lowercase()
}

/// The columns by which tasks are found, in the order of the statements above.
fn columns(task: &Task) -> Vec<Value> {
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
        search_text(task).into(),
        task.updated_at.0.into(),
        sql::signed(task.version),
        sql::json(task),
    ]
}
