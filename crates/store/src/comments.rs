//! By which comments are found; what they say is part of their tasks.

use crate::connection::Executor;
use crate::sql::{self, execute, row};
use crate::{Store, StoreError};
use workflow::{CommentId, TaskId};

impl Store {
    /// Returns the task of a comment.
    pub async fn task_of_comment(&self, comment: &CommentId) -> Result<Option<TaskId>, StoreError> {
        let sql = "SELECT task FROM comments WHERE id = ?";
        let found = row(&self.readers, sql, vec![comment.as_str().into()]).await?;
        found.map(|row| Ok(sql::text(&row, "task")?.into())).transpose()
    }
}

/// Makes a comment findable; one that is known stays.
pub(crate) async fn insert(on: &impl Executor, task: &TaskId, comment: &CommentId) -> Result<(), StoreError> {
    let sql = "INSERT INTO comments (id, task) VALUES (?, ?) ON CONFLICT (id) DO NOTHING";
    execute(on, sql, vec![comment.as_str().into(), task.as_str().into()]).await.map(|_| ())
}
