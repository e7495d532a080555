//! Agent instances: which process serves a task, so that the next start can end exactly that one.

use crate::connection::Executor;
use crate::feed::{self, FeedEntry, FeedRow};
use crate::sql::{self, execute, from_json, row, rows};
use crate::{Store, StoreError};
use protocol::words::InstanceStatus;
use serde::{Deserialize, Serialize};
use workflow::{InstanceId, Millis, TaskId};

/// A process; both numbers together name one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessRow {
    pub pid: u32,
    /// When it began, as the kernel counts.
    pub start_time: u64,
}

/// A task's agent instance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InstanceRow {
    pub id: InstanceId,
    pub task: TaskId,
    pub status: InstanceStatus,
    pub agent: serde_json::Value,
    /// The process that began last.
    pub pid: Option<i64>,
    /// All processes that serve it.
    #[serde(default)]
    pub processes: Vec<ProcessRow>,
    /// When the process began, as it was written down while there was but one.
    #[serde(default, skip_serializing)]
    pub start_time: Option<u64>,
    pub restarts: i64,
    pub started_at: Option<Millis>,
    pub last_activity: Option<Millis>,
    pub project_path: Option<String>,
}

impl InstanceRow {
    /// Returns the processes that served it, which it has no more.
    pub fn take_processes(&mut self) -> Vec<ProcessRow> {
        let only = self.pid.take().and_then(|pid| u32::try_from(pid).ok()).zip(self.start_time.take());
        let only = only.map(|(pid, start_time)| ProcessRow { pid, start_time });
        let mut all = std::mem::take(&mut self.processes);
        all.extend(only);
        all
    }
}

impl Store {
    pub async fn put_instance(&self, instance: InstanceRow) -> Result<(), StoreError> {
        let at = instance.last_activity.unwrap_or(Millis(0));
        self.announce_instance(instance, at, Vec::new()).await.map(|_| ())
    }

    /// Saves an instance together with its feed entries.
    pub async fn announce_instance(
        &self,
        instance: InstanceRow,
        at: Millis,
        news: Vec<FeedEntry>,
    ) -> Result<Vec<FeedRow>, StoreError> {
        let news = feed::prepare(news);
        self.write(move |on| {
            Box::pin(async move {
                put(on, &instance).await?;
                feed::number_and_append(on, at, news).await
            })
        })
        .await
    }

    /// Returns the instance of a task.
    pub async fn instance_of(&self, task: &TaskId) -> Result<Option<InstanceRow>, StoreError> {
        let found =
            row(&self.readers, "SELECT data FROM instances WHERE task = ?", vec![task.as_str().into()])
                .await?;
        found.map(|row| from_json(&row, "data", "instance")).transpose()
    }

    /// Returns the task of an instance.
    pub async fn task_of_instance(&self, id: &InstanceId) -> Result<Option<TaskId>, StoreError> {
        let found =
            row(&self.readers, "SELECT task FROM instances WHERE id = ?", vec![id.as_str().into()]).await?;
        found.map(|row| Ok(sql::text(&row, "task")?.into())).transpose()
    }

    /// Returns every instance that counts as running.
    pub async fn active_instances(&self) -> Result<Vec<InstanceRow>, StoreError> {
        let found =
            rows(&self.readers, "SELECT data FROM instances WHERE status = 'active'", Vec::new()).await?;
        found.iter().map(|row| from_json(row, "data", "instance")).collect()
    }
}

pub(crate) async fn put(on: &impl Executor, instance: &InstanceRow) -> Result<(), StoreError> {
    let sql = "INSERT INTO instances (id, task, status, data) VALUES (?, ?, ?, ?) \
               ON CONFLICT (task) DO UPDATE SET status = excluded.status, data = excluded.data";
    let values = vec![
        instance.id.as_str().into(),
        instance.task.as_str().into(),
        instance.status.as_str().into(),
        sql::json(instance),
    ];
    execute(on, sql, values).await.map(|_| ())
}
