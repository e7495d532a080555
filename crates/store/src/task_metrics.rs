//! The metrics of many tasks, for analytics over all of them.

use crate::connection::{Row, Value};
use crate::sql::{from_json, number, rows, text};
use crate::{Store, StoreError};
use workflow::{Millis, ProjectId, TaskId, TaskMetrics, UserId};

/// A task's metrics, with the fields that figures are grouped by.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskMetricsRow {
    pub task: TaskId,
    pub project: ProjectId,
    pub created_at: Millis,
    /// `None` while its events are not folded.
    pub metrics: Option<TaskMetrics>,
}

impl Store {
    /// Returns the metrics of an owner's tasks that had events between two times, archived ones too.
    pub async fn task_metrics_between(
        &self,
        owner: &UserId,
        project: Option<&ProjectId>,
        from: Millis,
        until: Millis,
    ) -> Result<Vec<TaskMetricsRow>, StoreError> {
        let of_project = if project.is_some() { " AND t.project = ?" } else { "" };
        let sql = format!(
            "SELECT t.id, t.project, t.created_at, c.data FROM tasks t LEFT JOIN task_courses c ON c.task = t.id \
             WHERE t.owner = ? AND t.created_at < ? AND t.updated_at >= ?{of_project}"
        );
        let mut values: Vec<Value> = vec![owner.as_str().into(), until.0.into(), from.0.into()];
        values.extend(project.map(|project| project.as_str().into()));
        let read = |row: &Row| {
            let data: Option<String> = row.get("data")?;
            Ok(TaskMetricsRow {
                task: text(row, "id")?.into(),
                project: text(row, "project")?.into(),
                created_at: Millis(number(row, "created_at")?),
                metrics: data.map(|_| from_json(row, "data", "task metrics")).transpose()?,
            })
        };
        rows(&self.readers, &sql, values).await?.iter().map(read).collect()
    }
}
