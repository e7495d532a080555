//! Short ids: the keys of projects, and the numbers of tasks within them.

use crate::connection::{Backend, Executor, Transaction};
use crate::sql::{self, execute, from_json, row, rows, text};
use crate::tasks::search_text;
use crate::{Project, Store, StoreError};
use std::collections::BTreeSet;
use tokio::sync::MutexGuard;
use workflow::{ProjectId, ShortId, Task, TaskId, UserId, derive_key};

/// How many tasks get their short ids in one transaction.
const BATCH: usize = 200;

/// The short id that the next task of a project gets. While it is held, no other task of the project is created by this
/// process.
pub struct NextShortId<'a> {
    pub short_id: ShortId,
    _turn: MutexGuard<'a, ()>,
}

impl Store {
    /// Returns the short id of a project's next task; `None` where there is no such project.
    pub async fn next_short_id(&self, project: &ProjectId) -> Result<Option<NextShortId<'_>>, StoreError> {
        let turn = self.locks.of(project.as_str()).lock().await;
        let Some(found) = self.project(project).await? else { return Ok(None) };
        let last = sql::counted(&self.readers, &counter(project)).await?;
        let short_id = ShortId::new(&found.key, u64::try_from(last).unwrap_or(0) + 1);
        Ok(Some(NextShortId { short_id, _turn: turn }))
    }

    /// Returns the task of an owner that has a short id.
    pub async fn task_by_short_id(
        &self,
        owner: &UserId,
        short_id: &ShortId,
    ) -> Result<Option<TaskId>, StoreError> {
        let sql = "SELECT id FROM tasks WHERE owner = ? AND short_id = ? AND short_id <> ''";
        let found = row(&self.readers, sql, vec![owner.as_str().into(), short_id.as_str().into()]).await?;
        found.map(|row| Ok(text(&row, "id")?.into())).transpose()
    }

    /// Continues the numbers of a project's tasks after a number, where they are not beyond it already.
    pub async fn number_tasks_after(&self, project: &ProjectId, number: u64) -> Result<(), StoreError> {
        let project = project.clone();
        self.write(move |on| Box::pin(async move { raise_counter(on, &project, number).await })).await
    }

    /// Gives a key to each project and a short id to each task that has none.
    pub(crate) async fn assign_short_ids(&self) -> Result<(), StoreError> {
        let sql = "SELECT 1 AS one FROM tasks WHERE short_id = '' UNION ALL \
                   SELECT 1 FROM projects WHERE id NOT IN (SELECT project FROM project_keys) LIMIT 1";
        if row(&self.readers, sql, Vec::new()).await?.is_none() {
            return Ok(());
        }
        self.write(|on| {
            Box::pin(async move {
                lock(on).await?;
                let sql = "SELECT data FROM projects WHERE id NOT IN (SELECT project FROM project_keys) \
                           ORDER BY created_at, id";
                for row in rows(on, sql, Vec::new()).await? {
                    let mut project: Project = from_json(&row, "data", "project")?;
                    project.key = reserve_key(on, &project).await?;
                    let values = vec![sql::json(&project), project.id.as_str().into()];
                    execute(on, "UPDATE projects SET data = ? WHERE id = ?", values).await?;
                }
                Ok(())
            })
        })
        .await?;
        while self.write(|on| Box::pin(assign_batch(on))).await? == BATCH {}
        Ok(())
    }
}

/// Servers that start together assign short ids one after the other.
async fn lock(on: &Transaction<'_>) -> Result<(), StoreError> {
    if on.backend() == Backend::Postgres {
        execute(on, "SELECT pg_advisory_xact_lock(7236)", Vec::new()).await?;
    }
    Ok(())
}

/// Gives short ids to the oldest tasks that have none, and returns to how many.
async fn assign_batch(on: &Transaction<'_>) -> Result<usize, StoreError> {
    lock(on).await?;
    let sql = format!("SELECT state FROM tasks WHERE short_id = '' ORDER BY created_at, id LIMIT {BATCH}");
    let found = rows(on, &sql, Vec::new()).await?;
    for row in &found {
        let mut task: Task = from_json(row, "state", "task")?;
        let key = key_of(on, &task).await?;
        let name = counter(&task.project);
        sql::count_one(on, &name, 1).await?;
        let number = u64::try_from(sql::counted(on, &name).await?).unwrap_or(0);
        task.short_id = Some(ShortId::new(&key, number));
        let values = vec![
            task.shown_id().into(),
            search_text(&task).into(),
            sql::json(&task),
            task.id.as_str().into(),
        ];
        let sql = "UPDATE tasks SET short_id = ?, search = ?, state = ? WHERE id = ?";
        execute(on, sql, values).await?;
    }
    Ok(found.len())
}

/// Returns the key of a task's project. A project that was removed before it had one gets one all the same.
async fn key_of(on: &Transaction<'_>, task: &Task) -> Result<String, StoreError> {
    let sql = "SELECT data FROM projects WHERE id = ?";
    if let Some(row) = row(on, sql, vec![task.project.as_str().into()]).await? {
        let project: Project = from_json(&row, "data", "project")?;
        if !project.key.is_empty() {
            return Ok(project.key);
        }
    }
    reserve(on, &task.owner, &task.project, "", "").await
}

/// Reserves the key of a project for it and returns it: the one it has, or else one derived from its name.
pub(crate) async fn reserve_key(on: &Transaction<'_>, project: &Project) -> Result<String, StoreError> {
    reserve(on, &project.owner, &project.id, &project.key, &project.name).await
}

async fn reserve(
    on: &Transaction<'_>,
    owner: &UserId,
    project: &ProjectId,
    key: &str,
    name: &str,
) -> Result<String, StoreError> {
    let sql = "SELECT key, project FROM project_keys WHERE owner = ? ORDER BY key";
    let found = rows(on, sql, vec![owner.as_str().into()]).await?;
    let known: Vec<(String, String)> = found
        .iter()
        .map(|row| Ok((text(row, "key")?, text(row, "project")?)))
        .collect::<Result<_, StoreError>>()?;
    let is_own = |holder: &str| holder == project.as_str();
    let key = if key.is_empty() {
        if let Some((own, _)) = known.iter().find(|(_, holder)| is_own(holder)) {
            return Ok(own.clone());
        }
        let taken: BTreeSet<&str> = known.iter().map(|(key, _)| key.as_str()).collect();
        derive_key(name, |key| taken.contains(key))
    } else {
        match known.iter().find(|(known, _)| known == key) {
            Some((_, holder)) if is_own(holder) => return Ok(key.to_owned()),
            Some(_) => return Err(StoreError::KeyTaken { key: key.to_owned() }),
            None => key.to_owned(),
        }
    };
    let sql =
        "INSERT INTO project_keys (owner, key, project) VALUES (?, ?, ?) ON CONFLICT (owner, key) DO NOTHING";
    let values = vec![owner.as_str().into(), key.as_str().into(), project.as_str().into()];
    if execute(on, sql, values).await? == 1 { Ok(key) } else { Err(StoreError::KeyTaken { key }) }
}

/// Frees the keys of a project that never had a task.
pub(crate) async fn release_keys(on: &impl Executor, project: &ProjectId) -> Result<(), StoreError> {
    let sql =
        "DELETE FROM project_keys WHERE project = ? AND NOT EXISTS (SELECT 1 FROM tasks WHERE project = ?)";
    execute(on, sql, vec![project.as_str().into(), project.as_str().into()]).await.map(|_| ())
}

/// Takes the number of a task that is being created; it has to be the next one of the project.
pub(crate) async fn take_next(on: &impl Executor, task: &Task) -> Result<(), StoreError> {
    let Some(short_id) = &task.short_id else { return Ok(()) };
    let name = counter(&task.project);
    sql::count_one(on, &name, 1).await?;
    let taken = u64::try_from(sql::counted(on, &name).await?).unwrap_or(0);
    if taken == short_id.number() { Ok(()) } else { Err(StoreError::Overtaken) }
}

/// Takes the short id that a record gives a task; false where another task has it.
pub(crate) async fn take_rebuilt(on: &Transaction<'_>, task: &Task) -> Result<bool, StoreError> {
    let Some(short_id) = &task.short_id else { return Ok(true) };
    let sql = "SELECT 1 AS one FROM tasks WHERE owner = ? AND short_id = ?";
    if row(on, sql, vec![task.owner.as_str().into(), short_id.as_str().into()]).await?.is_some() {
        return Ok(false);
    }
    match reserve(on, &task.owner, &task.project, short_id.key(), "").await {
        Ok(_) => {}
        Err(StoreError::KeyTaken { .. }) => return Ok(false),
        Err(error) => return Err(error),
    }
    raise_counter(on, &task.project, short_id.number()).await?;
    Ok(true)
}

async fn raise_counter(on: &impl Executor, project: &ProjectId, number: u64) -> Result<(), StoreError> {
    let name = counter(project);
    let last = u64::try_from(sql::counted(on, &name).await?).unwrap_or(0);
    match usize::try_from(number.saturating_sub(last)) {
        Ok(missing) if missing > 0 => sql::count_one(on, &name, missing).await,
        _ => Ok(()),
    }
}

/// The counter of a project's tasks.
fn counter(project: &ProjectId) -> String {
    format!("task_numbers/{project}")
}
