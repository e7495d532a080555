//! Where base branches stood when their moves were last accounted for.

use crate::sql::{execute, row, rows, text};
use crate::{Store, StoreError};
use workflow::ProjectId;

/// A base branch of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseBranch {
    pub project: ProjectId,
    pub branch: String,
    /// The last commit that it is known to have come to by people or by a landing.
    pub trusted: String,
    /// The commit that a landing under way brings it to; empty when there is none.
    pub expected: String,
    /// The evidence against its present position, as JSON; empty when there is none.
    pub suspicion: String,
}

impl Store {
    /// Returns what is known of a base branch.
    pub async fn base_branch(
        &self,
        project: &ProjectId,
        branch: &str,
    ) -> Result<Option<BaseBranch>, StoreError> {
        let sql = "SELECT trusted, expected, suspicion FROM base_branches WHERE project = ? AND branch = ?";
        let found = row(&self.readers, sql, vec![project.as_str().into(), branch.into()]).await?;
        let Some(found) = found else { return Ok(None) };
        Ok(Some(BaseBranch {
            project: project.clone(),
            branch: branch.to_owned(),
            trusted: text(&found, "trusted")?,
            expected: text(&found, "expected")?,
            suspicion: text(&found, "suspicion")?,
        }))
    }

    /// Returns the commits that a project's base branches are known to have come to.
    pub async fn base_commits(&self, project: &ProjectId) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT trusted FROM base_branches WHERE project = ?";
        let found = rows(&self.readers, sql, vec![project.as_str().into()]).await?;
        found.iter().map(|row| text(row, "trusted")).collect()
    }

    /// Saves what is known of a base branch, unless another process has saved something else since `before`.
    pub async fn put_base_branch(
        &self,
        base: BaseBranch,
        before: Option<&BaseBranch>,
    ) -> Result<bool, StoreError> {
        let before = before.cloned();
        self.write(move |on| {
            Box::pin(async move {
                let key = || vec![base.project.as_str().into(), base.branch.as_str().into()];
                let place = |of: &BaseBranch| {
                    vec![of.trusted.as_str().into(), of.expected.as_str().into(), of.suspicion.as_str().into()]
                };
                let (sql, values) = match &before {
                    Some(before) => (
                        "UPDATE base_branches SET trusted = ?, expected = ?, suspicion = ? WHERE project = ? AND branch = ? \
                         AND trusted = ? AND expected = ? AND suspicion = ?",
                        [place(&base), key(), place(before)].concat(),
                    ),
                    None => (
                        "INSERT INTO base_branches (project, branch, trusted, expected, suspicion) VALUES (?, ?, ?, ?, ?) \
                         ON CONFLICT (project, branch) DO NOTHING",
                        [key(), place(&base)].concat(),
                    ),
                };
                Ok(execute(on, sql, values).await? == 1)
            })
        })
        .await
    }
}
