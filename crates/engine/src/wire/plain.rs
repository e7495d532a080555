//! A task as those see it who ask for work without planning.

use super::SpecTask;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use workflow::{Task, TaskKind};

/// A task of any kind: what a spec task has, and the words of plain tasks for it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct PlainTask {
    #[serde(flatten)]
    pub task: SpecTask,
    /// What `type` says.
    #[schema(schema_with = super::task_kind)]
    pub task_type: TaskKind,
    /// Whose it is.
    pub user_id: String,
    pub config: Value,
}

impl PlainTask {
    pub fn of(task: &Task, seen: SpecTask) -> Self {
        Self {
            task_type: task.kind,
            user_id: task.owner.to_string(),
            config: task.config.clone().unwrap_or_else(|| json!({})),
            task: seen,
        }
    }
}
