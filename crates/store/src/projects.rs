//! Projects: a repository and its settings.

use crate::short_ids;
use crate::sql::{self, execute, from_json, row, rows};
use crate::{Store, StoreError};
use serde::{Deserialize, Serialize};
use workflow::{Millis, ProjectId, UserId};

/// A repository and how SpecTask works in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Project {
    pub id: ProjectId,
    pub owner: UserId,
    pub name: String,
    /// What the short ids of its tasks begin with; the store gives one to a project without.
    #[serde(default)]
    pub key: String,
    pub repository_path: String,
    pub clone_url: Option<String>,
    pub default_branch: String,
    pub settings: serde_json::Value,
    pub created_at: Millis,
    pub updated_at: Millis,
}

impl Store {
    /// Keeps a project and returns it with its key. A key that another project of the owner has or had is
    /// [`StoreError::KeyTaken`].
    pub async fn put_project(&self, mut project: Project) -> Result<Project, StoreError> {
        self.write(move |on| {
            Box::pin(async move {
                project.key = short_ids::reserve_key(on, &project).await?;
                let sql = "INSERT INTO projects (id, owner, name, repository_path, created_at, data) VALUES (?, ?, ?, ?, ?, ?) \
                           ON CONFLICT (id) DO UPDATE SET name = excluded.name, repository_path = excluded.repository_path, \
                           data = excluded.data";
                let values = vec![
                    project.id.as_str().into(),
                    project.owner.as_str().into(),
                    project.name.as_str().into(),
                    project.repository_path.as_str().into(),
                    project.created_at.0.into(),
                    sql::json(&project),
                ];
                execute(on, sql, values).await?;
                Ok(project)
            })
        })
        .await
    }

    pub async fn project(&self, id: &ProjectId) -> Result<Option<Project>, StoreError> {
        let found =
            row(&self.readers, "SELECT data FROM projects WHERE id = ?", vec![id.as_str().into()]).await?;
        found.map(|row| from_json(&row, "data", "project")).transpose()
    }

    /// Returns an owner's projects, oldest first.
    pub async fn projects(&self, owner: &UserId) -> Result<Vec<Project>, StoreError> {
        let sql = "SELECT data FROM projects WHERE owner = ? ORDER BY created_at, id";
        let found = rows(&self.readers, sql, vec![owner.as_str().into()]).await?;
        found.iter().map(|row| from_json(row, "data", "project")).collect()
    }

    /// Returns every project, oldest first.
    pub async fn all_projects(&self) -> Result<Vec<Project>, StoreError> {
        let found =
            rows(&self.readers, "SELECT data FROM projects ORDER BY created_at, id", Vec::new()).await?;
        found.iter().map(|row| from_json(row, "data", "project")).collect()
    }

    /// Forgets a project with its secrets; its repository stays.
    pub async fn remove_project(&self, id: &ProjectId) -> Result<bool, StoreError> {
        let id = id.clone();
        self.write(move |on| {
            Box::pin(async move {
                for table in ["base_branches", "stored_secrets"] {
                    let sql = format!("DELETE FROM {table} WHERE project = ?");
                    execute(on, &sql, vec![id.as_str().into()]).await?;
                }
                short_ids::release_keys(on, &id).await?;
                Ok(execute(on, "DELETE FROM projects WHERE id = ?", vec![id.as_str().into()]).await? == 1)
            })
        })
        .await
    }
}
