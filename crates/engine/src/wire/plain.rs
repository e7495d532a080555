//! A task as clients see it that request work without planning.

use protocol::{PlainTask, SpecTask};
use serde_json::json;
use workflow::Task;

/// Returns a task of any kind, from its view as a spec task.
pub fn plain_task(task: &Task, view: SpecTask) -> PlainTask {
    PlainTask {
        task_type: task.kind,
        user_id: task.owner.to_string(),
        config: task.config.clone().unwrap_or_else(|| json!({})),
        task: view,
    }
}
