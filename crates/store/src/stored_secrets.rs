//! The secrets that people stored: encrypted values, each of a user for all projects or of one project.

use crate::connection::Row;
use crate::sql::{execute, number, rows, text};
use crate::{Store, StoreError};
use workflow::{Millis, ProjectId, UserId};

/// A stored secret. Its value is encrypted; the key is not in the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSecret {
    pub user: UserId,
    /// The project that gets it; none is every project of the user.
    pub project: Option<ProjectId>,
    /// The name of the variable.
    pub name: String,
    /// The nonce and the encrypted value.
    pub sealed: String,
    /// By which the key is known that encrypted it.
    pub key_id: String,
    /// The same for equal values.
    pub fingerprint: String,
    pub created_at: Millis,
    pub updated_at: Millis,
}

const SELECT: &str =
    "SELECT user_id, project, name, sealed, key_id, fingerprint, created_at, updated_at FROM stored_secrets";

impl Store {
    /// Keeps a secret; one with the same name and scope is replaced, and stays as old as it is. Returns whether there was one.
    pub async fn put_stored_secret(&self, secret: StoredSecret) -> Result<bool, StoreError> {
        self.write(move |on| {
            Box::pin(async move {
                let update = "UPDATE stored_secrets SET sealed = ?, key_id = ?, fingerprint = ?, updated_at = ? \
                              WHERE user_id = ? AND project = ? AND name = ?";
                let project = secret.project.as_ref().map_or("", ProjectId::as_str);
                let values = vec![
                    secret.sealed.as_str().into(),
                    secret.key_id.as_str().into(),
                    secret.fingerprint.as_str().into(),
                    secret.updated_at.0.into(),
                    secret.user.as_str().into(),
                    project.into(),
                    secret.name.as_str().into(),
                ];
                if execute(on, update, values).await? > 0 {
                    return Ok(true);
                }
                let insert = "INSERT INTO stored_secrets \
                              (user_id, project, name, sealed, key_id, fingerprint, created_at, updated_at) \
                              VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
                let values = vec![
                    secret.user.as_str().into(),
                    project.into(),
                    secret.name.into(),
                    secret.sealed.into(),
                    secret.key_id.into(),
                    secret.fingerprint.into(),
                    secret.created_at.0.into(),
                    secret.updated_at.0.into(),
                ];
                execute(on, insert, values).await?;
                Ok(false)
            })
        })
        .await
    }

    /// Returns the secrets of a user, those of all projects first, by their names.
    pub async fn stored_secrets(&self, user: &UserId) -> Result<Vec<StoredSecret>, StoreError> {
        let sql = format!("{SELECT} WHERE user_id = ? ORDER BY project, name");
        rows(&self.readers, &sql, vec![user.as_str().into()]).await?.iter().map(read).collect()
    }

    /// Returns every secret.
    pub async fn all_stored_secrets(&self) -> Result<Vec<StoredSecret>, StoreError> {
        let sql = format!("{SELECT} ORDER BY user_id, project, name");
        rows(&self.readers, &sql, Vec::new()).await?.iter().map(read).collect()
    }

    /// Removes a secret; false when there is none with this name and scope.
    pub async fn remove_stored_secret(
        &self,
        user: &UserId,
        project: Option<&ProjectId>,
        name: &str,
    ) -> Result<bool, StoreError> {
        let (user, name) = (user.clone(), name.to_owned());
        let project = project.map_or_else(String::new, ToString::to_string);
        self.write(move |on| {
            Box::pin(async move {
                let sql = "DELETE FROM stored_secrets WHERE user_id = ? AND project = ? AND name = ?";
                let values = vec![user.as_str().into(), project.into(), name.into()];
                Ok(execute(on, sql, values).await? == 1)
            })
        })
        .await
    }
}

fn read(row: &Row) -> Result<StoredSecret, StoreError> {
    let project: String = text(row, "project")?;
    Ok(StoredSecret {
        user: text(row, "user_id")?.into(),
        project: Some(project).filter(|project| !project.is_empty()).map(ProjectId::from),
        name: text(row, "name")?,
        sealed: text(row, "sealed")?,
        key_id: text(row, "key_id")?,
        fingerprint: text(row, "fingerprint")?,
        created_at: Millis(number(row, "created_at")?),
        updated_at: Millis(number(row, "updated_at")?),
    })
}
