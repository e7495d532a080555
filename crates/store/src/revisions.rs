//! Rounds of documents, each with the review that decided about it.

use crate::connection::Executor;
use crate::sql::{self, execute, from_json, row, rows};
use crate::{Store, StoreError};
use serde::{Deserialize, Serialize};
use workflow::{Commit, Decision, DocumentName, Event, Millis, ReviewId, Task, TaskId};

/// A round of a task's documents, immutable, and what was decided about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Revision {
    pub id: ReviewId,
    pub task: TaskId,
    pub round: u32,
    pub commit: Commit,
    pub hash: String,
    pub requirements: String,
    pub design: String,
    pub tasks: String,
    pub created_at: Millis,
    pub reviewer: Option<String>,
    pub decision: Option<Decision>,
    pub comments: Option<String>,
    pub changes: Vec<String>,
    pub decided_at: Option<Millis>,
    /// The person who edited the documents into this content, if it was not the planner who wrote it.
    #[serde(default)]
    pub edited_by: Option<String>,
}

impl Revision {
    /// Returns one of its documents.
    pub fn text(&self, name: DocumentName) -> &str {
        match name {
            DocumentName::Requirements => &self.requirements,
            DocumentName::Design => &self.design,
            DocumentName::Tasks => &self.tasks,
        }
    }
}

impl Store {
    /// Keeps a round of documents; the same content of the same round is kept once.
    pub async fn put_revision(&self, revision: Revision) -> Result<(), StoreError> {
        self.write(move |on| Box::pin(async move { insert(on, &revision).await })).await
    }

    /// Returns a task's rounds, oldest first.
    pub async fn revisions(&self, task: &TaskId) -> Result<Vec<Revision>, StoreError> {
        let sql = "SELECT data FROM revisions WHERE task = ? ORDER BY round, created_at, id";
        let found = rows(&self.readers, sql, vec![task.as_str().into()]).await?;
        found.iter().map(|row| from_json(row, "data", "revision")).collect()
    }

    /// Returns a round by its review's id.
    pub async fn review(&self, id: &ReviewId) -> Result<Option<Revision>, StoreError> {
        let found =
            row(&self.readers, "SELECT data FROM revisions WHERE id = ?", vec![id.as_str().into()]).await?;
        found.map(|row| from_json(&row, "data", "revision")).transpose()
    }
}

/// Keeps what the reviews among a task's events decided, each about the last content of its round.
pub(crate) async fn decide(on: &impl Executor, task: &Task, events: &[Event]) -> Result<(), StoreError> {
    for event in events {
        let Event::SpecsReviewed { decision, by, comments, changes, round, points: _ } = event else {
            continue;
        };
        let sql = "SELECT data FROM revisions WHERE task = ? AND round = ? ORDER BY created_at DESC, id DESC LIMIT 1";
        let Some(found) = row(on, sql, vec![task.id.as_str().into(), i64::from(*round).into()]).await? else {
            continue;
        };
        let mut revision: Revision = from_json(&found, "data", "revision")?;
        revision.reviewer = Some(by.clone());
        revision.decision = Some(*decision);
        revision.comments = Some(comments.clone());
        revision.changes.clone_from(changes);
        revision.decided_at = Some(task.updated_at);
        let values = vec![sql::json(&revision), revision.id.as_str().into()];
        execute(on, "UPDATE revisions SET data = ? WHERE id = ?", values).await?;
    }
    Ok(())
}

/// Puts a round in; the same content of the same round is kept once.
pub(crate) async fn insert(on: &impl Executor, revision: &Revision) -> Result<(), StoreError> {
    let sql = "INSERT INTO revisions (id, task, round, hash, created_at, data) VALUES (?, ?, ?, ?, ?, ?) \
               ON CONFLICT (task, round, hash) DO NOTHING";
    let values = vec![
        revision.id.as_str().into(),
        revision.task.as_str().into(),
        i64::from(revision.round).into(),
        revision.hash.as_str().into(),
        revision.created_at.0.into(),
        sql::json(revision),
    ];
    execute(on, sql, values).await.map(|_| ())
}
