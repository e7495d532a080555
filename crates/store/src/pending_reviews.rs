//! What a reviewer has written about a change and not sent yet.

use crate::sql::{execute, from_json, row};
use crate::{Store, StoreError};
use serde_json::Value;
use workflow::{TaskId, UserId};

impl Store {
    /// Returns what a user has written about a task's change.
    pub async fn pending_review(&self, task: &TaskId, user: &UserId) -> Result<Option<Value>, StoreError> {
        let sql = "SELECT data FROM pending_reviews WHERE task = ? AND user_id = ?";
        let found = row(&self.readers, sql, vec![task.as_str().into(), user.as_str().into()]).await?;
        found.map(|row| from_json(&row, "data", "pending review")).transpose()
    }

    /// Keeps what a user has written about a task's change; `None` forgets it.
    pub async fn put_pending_review(
        &self,
        task: &TaskId,
        user: &UserId,
        review: Option<Value>,
    ) -> Result<(), StoreError> {
        let (task, user) = (task.to_string(), user.to_string());
        self.write(move |on| {
            Box::pin(async move {
                match review {
                    None => {
                        let sql = "DELETE FROM pending_reviews WHERE task = ? AND user_id = ?";
                        execute(on, sql, vec![task.into(), user.into()]).await?;
                    }
                    Some(review) => {
                        let sql = "INSERT INTO pending_reviews (task, user_id, data) VALUES (?, ?, ?) \
                                   ON CONFLICT (task, user_id) DO UPDATE SET data = excluded.data";
                        execute(on, sql, vec![task.into(), user.into(), review.to_string().into()]).await?;
                    }
                }
                Ok(())
            })
        })
        .await
    }
}
