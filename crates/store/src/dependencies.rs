//! Which tasks wait for which: none may come to wait for itself.

use crate::StoreError;
use crate::connection::{Backend, Executor};
use crate::sql::{execute, from_json, row};
use serde::Deserialize;
use std::collections::BTreeSet;
use workflow::TaskId;

/// The key of the lock that changes of dependencies share on PostgreSQL.
const LOCK: i64 = 7_237;

/// The part of a task's state that is read here.
#[derive(Deserialize)]
struct Dependencies {
    #[serde(default)]
    depends_on: Vec<TaskId>,
}

/// Returns the chain by which a task that waits for others would come to wait for itself. Until the transaction ends no
/// other one changes what tasks wait for.
pub(crate) async fn cycle(
    on: &impl Executor,
    task: &TaskId,
    needed: &[TaskId],
) -> Result<Option<Vec<TaskId>>, StoreError> {
    if needed.is_empty() {
        return Ok(None);
    }
    // SQLite has one writer.
    if on.backend() == Backend::Postgres {
        execute(on, "SELECT pg_advisory_xact_lock(?)", vec![LOCK.into()]).await?;
    }
    let mut open: Vec<Vec<TaskId>> = needed.iter().map(|id| vec![task.clone(), id.clone()]).collect();
    let mut seen = BTreeSet::new();
    while let Some(chain) = open.pop() {
        let Some(last) = chain.last() else { continue };
        if last == task {
            return Ok(Some(chain));
        }
        if !seen.insert(last.clone()) {
            continue;
        }
        let sql = "SELECT state FROM tasks WHERE id = ?";
        let Some(found) = row(on, sql, vec![last.as_str().into()]).await? else { continue };
        let found: Dependencies = from_json(&found, "state", "task")?;
        open.extend(found.depends_on.into_iter().map(|id| chain.iter().cloned().chain([id]).collect()));
    }
    Ok(None)
}
