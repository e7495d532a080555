//! The courses of many tasks, for figures about all of them.

use crate::sql::{from_json, number, rows, text};
use crate::{Store, StoreError};
use sea_orm::Value;
use workflow::{Course, Millis, ProjectId, TaskId, UserId};

/// A task's course, with the fields that figures are grouped by.
#[derive(Clone, Debug, PartialEq)]
pub struct CourseRow {
    pub task: TaskId,
    pub project: ProjectId,
    pub created_at: Millis,
    /// None while it is not folded yet.
    pub course: Option<Course>,
}

impl Store {
    /// The courses of an owner's tasks to which something happened in a stretch of time, archived ones too.
    pub async fn courses(
        &self,
        owner: &UserId,
        project: Option<&ProjectId>,
        from: Millis,
        until: Millis,
    ) -> Result<Vec<CourseRow>, StoreError> {
        let of_project = if project.is_some() { " AND t.project = ?" } else { "" };
        let sql = format!(
            "SELECT t.id, t.project, t.created_at, c.data FROM tasks t LEFT JOIN task_courses c ON c.task = t.id \
             WHERE t.owner = ? AND t.created_at < ? AND t.updated_at >= ?{of_project}"
        );
        let mut values: Vec<Value> = vec![owner.as_str().into(), until.0.into(), from.0.into()];
        values.extend(project.map(|project| project.as_str().into()));
        let read = |row: &sea_orm::QueryResult| {
            let data: Option<String> = row.try_get("", "data")?;
            Ok(CourseRow {
                task: text(row, "id")?.into(),
                project: text(row, "project")?.into(),
                created_at: Millis(number(row, "created_at")?),
                course: data.map(|_| from_json(row, "data", "course")).transpose()?,
            })
        };
        rows(&self.readers, &sql, values).await?.iter().map(read).collect()
    }
}
