//! Permission requests in the inbox: they live with the agent's process, and not in the state of a task.

use super::{cut, feed_entries, items};
use crate::app::App;
use crate::clock::now;
use crate::clock::rfc3339;
use agent::PermissionOption;
use protocol::words::{InboxAction, InboxEvent, InboxKind};
use protocol::{InboxItem, InboxUpdate};
use serde_json::Value;
use tokio::sync::mpsc;
use workflow::{Millis, SessionId, Task};

/// The longest part of a command that an item shows, in characters.
const MAX_COMMAND: usize = 2000;

/// A question that waits for a person.
#[derive(Clone)]
pub struct OpenQuestion {
    pub id: String,
    pub session: SessionId,
    pub tool_call: Value,
    pub options: Vec<PermissionOption>,
    pub asked_at: Millis,
    pub deadline: Millis,
}

/// A permission request that a person has to answer was made, or has its answer.
pub(crate) struct PermissionChange {
    pub(crate) question: OpenQuestion,
    pub(crate) event: InboxEvent,
}

/// Announces permission requests and their answers until the server ends.
pub(crate) async fn follow(app: App, mut changes: mpsc::Receiver<PermissionChange>) {
    loop {
        let change = tokio::select! {
            change = changes.recv() => change,
            // The next start removes what is left.
            () = app.stop.cancelled() => None,
        };
        let Some(change) = change else { return };
        if let Err(error) = announce(&app, &change).await {
            tracing::error!(%error, session = %change.question.session, "could not announce a permission request");
        }
    }
}

async fn announce(app: &App, change: &PermissionChange) -> Result<(), store::StoreError> {
    let Some(id) = app.store.task_of_session(&change.question.session).await? else { return Ok(()) };
    let Some(task) = app.store.task(&id).await? else { return Ok(()) };
    let item = item(&task, &change.question);
    if change.event == InboxEvent::Resolved && app.store.inbox_item(&item.id).await?.is_none() {
        // A start of the server removed it already.
        return Ok(());
    }
    let updates = [InboxUpdate { event: change.event, item }];
    let deliveries = app.webhooks.of_inbox(&task, &updates);
    let rows = app.store.append_feed_with(now(), feed_entries(&task, &updates), deliveries).await?;
    app.feed.publish(rows);
    app.webhooks.wake();
    Ok(())
}

/// Returns the item of a permission request.
pub(crate) fn item(task: &Task, question: &OpenQuestion) -> InboxItem {
    let call = &question.tool_call;
    let parts = items::Parts {
        kind: InboxKind::Permission,
        key: &question.id,
        session: task.session(&question.session),
        title: title(call).to_owned(),
        summary: String::new(),
        since: question.asked_at,
        actions: vec![InboxAction::Allow, InboxAction::AllowAlways, InboxAction::Deny, InboxAction::Open],
    };
    InboxItem {
        summary: cut(&subject(call), MAX_COMMAND),
        deadline: Some(rfc3339(question.deadline)),
        request_id: Some(question.id.clone()),
        ..items::item(task, parts)
    }
}

/// Returns what the agent wants, as a request.
fn title(call: &Value) -> &'static str {
    let has_command = call["rawInput"]["command"].is_string();
    match call["kind"].as_str() {
        _ if has_command => "Allow a command",
        Some("execute") => "Allow a command",
        Some("read") => "Allow reading a file",
        Some("edit") => "Allow editing a file",
        Some("delete") => "Allow deleting a file",
        Some("move") => "Allow moving a file",
        Some("search") => "Allow a search",
        Some("fetch") => "Allow access to the network",
        _ => "Allow a tool call",
    }
}

/// Returns the command, or else the title of the tool call.
fn subject(call: &Value) -> String {
    let command = call["rawInput"]["command"].as_str();
    let title = call["title"].as_str();
    command.or(title).unwrap_or("The agent gives no description of the action.").to_owned()
}
