//! Reconciles the rows of the inbox with the tasks when a server starts.

use super::{difference, feed_entries, of_task};
use crate::app::App;
use crate::clock::now;
use protocol::InboxItem;
use std::collections::HashMap;
use store::StoreError;
use workflow::{Task, TaskId};

/// Adds what is missing in the inbox and removes what does not wait any more: a database of an earlier version has no rows,
/// and a rebuilt one only those of later steps. The permission requests of the agents that ended with the server leave it.
pub(crate) async fn reconcile(app: &App, live: &[Task]) -> Result<(), StoreError> {
    let mut known: HashMap<TaskId, Vec<InboxItem>> = HashMap::new();
    for item in app.store.all_inbox_items().await? {
        known.entry(TaskId::from(item.task.id.as_str())).or_default().push(item);
    }
    for task in live {
        let before = known.remove(&task.id).unwrap_or_default();
        update(app, task, before).await?;
    }
    for (id, before) in known {
        if let Some(task) = app.store.task(&id).await? {
            update(app, &task, before).await?;
        }
    }
    Ok(())
}

async fn update(app: &App, task: &Task, before: Vec<InboxItem>) -> Result<(), StoreError> {
    let updates = difference(before, &of_task(task));
    if updates.is_empty() {
        return Ok(());
    }
    let deliveries = app.webhooks.of_inbox(task, &updates);
    let rows = app.store.append_feed_with(now(), feed_entries(task, &updates), deliveries).await?;
    app.feed.publish(rows);
    app.webhooks.wake();
    Ok(())
}
