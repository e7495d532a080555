//! Permissions that a person gave for the rest of a task.

use crate::connection::Row;
use crate::sql::{self, execute, number, row, rows, text, unsigned};
use crate::{Store, StoreError};
use workflow::{Millis, TaskId};

/// A permission that holds for a task until it is revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PermissionGrant {
    pub id: String,
    pub task: TaskId,
    /// The same for equal requests.
    pub request_key: String,
    /// The allowed action, as in the request.
    pub title: String,
    pub by: String,
    pub at: Millis,
    /// How many requests it has answered.
    pub uses: u64,
}

impl Store {
    /// Keeps a permission; one for equal requests that is there already stays.
    pub async fn put_permission_grant(&self, grant: PermissionGrant) -> Result<(), StoreError> {
        self.write(move |on| {
            Box::pin(async move {
                let table = "permission_grants (id, task, request_key, title, granted_by, granted_at, uses)";
                let PermissionGrant { id, task, request_key, title, by, at, uses } = grant;
                let values = vec![
                    id.into(),
                    task.as_str().into(),
                    request_key.into(),
                    title.into(),
                    by.into(),
                    at.0.into(),
                    sql::signed(uses),
                ];
                sql::insert(on, table, vec![values], "ON CONFLICT (task, request_key) DO NOTHING")
                    .await
                    .map(|_| ())
            })
        })
        .await
    }

    /// Returns the permission of a task for equal requests.
    pub async fn permission_grant(
        &self,
        task: &TaskId,
        request_key: &str,
    ) -> Result<Option<PermissionGrant>, StoreError> {
        let sql = format!("{SELECT} WHERE task = ? AND request_key = ?");
        let found = row(&self.readers, &sql, vec![task.as_str().into(), request_key.into()]).await?;
        found.as_ref().map(read).transpose()
    }

    /// Returns the permissions of a task, the oldest first.
    pub async fn permission_grants(&self, task: &TaskId) -> Result<Vec<PermissionGrant>, StoreError> {
        let sql = format!("{SELECT} WHERE task = ? ORDER BY granted_at, id");
        rows(&self.readers, &sql, vec![task.as_str().into()]).await?.iter().map(read).collect()
    }

    /// Counts a request that a permission answered.
    pub async fn count_grant_use(&self, id: &str) -> Result<(), StoreError> {
        let id = id.to_owned();
        self.write(move |on| {
            Box::pin(async move {
                let sql = "UPDATE permission_grants SET uses = uses + 1 WHERE id = ?";
                execute(on, sql, vec![id.into()]).await.map(|_| ())
            })
        })
        .await
    }

    /// Revokes a permission of a task and returns it; none when there is none of this id.
    pub async fn revoke_permission_grant(
        &self,
        task: &TaskId,
        id: &str,
    ) -> Result<Option<PermissionGrant>, StoreError> {
        let (task, id) = (task.clone(), id.to_owned());
        self.write(move |on| {
            Box::pin(async move {
                let sql = format!("{SELECT} WHERE task = ? AND id = ?");
                let values = || vec![task.as_str().into(), id.as_str().into()];
                let found = row(on, &sql, values()).await?.as_ref().map(read).transpose()?;
                execute(on, "DELETE FROM permission_grants WHERE task = ? AND id = ?", values()).await?;
                Ok(found)
            })
        })
        .await
    }
}

const SELECT: &str =
    "SELECT id, task, request_key, title, granted_by, granted_at, uses FROM permission_grants";

fn read(row: &Row) -> Result<PermissionGrant, StoreError> {
    Ok(PermissionGrant {
        id: text(row, "id")?,
        task: text(row, "task")?.into(),
        request_key: text(row, "request_key")?,
        title: text(row, "title")?,
        by: text(row, "granted_by")?,
        at: Millis(number(row, "granted_at")?),
        uses: unsigned(row, "uses")?,
    })
}
