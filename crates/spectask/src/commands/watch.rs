//! Watching live, over the server's WebSocket.

use super::client;
use crate::cli::{Cli, Watch};
use crate::client::Client;
use crate::notify;
use crate::output::{plain, short, text};
use anyhow::Context as _;
use futures::{SinkExt as _, StreamExt as _};
use protocol::feed::{ControlMessage, InstanceUpdate, ProgressUpdate};
use protocol::words::{InboxEvent, TaskStatus};
use protocol::{FeedMessage, InboxUpdate, LiveMessage, StreamMessage};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::time::Duration;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

/// How long to wait before a lost connection is tried again.
const AGAIN: Duration = Duration::from_secs(1);

pub(crate) async fn watch(cli: &Cli, command: &Watch) -> anyhow::Result<()> {
    let client = client(cli)?;
    let (topic, id) = match &command.task {
        Some(named) => {
            let id = client.task_id(named).await?;
            (json!({ "topic": "task", "id": id }), Some(id))
        }
        None => (json!({ "topic": "fleet" }), None),
    };
    if let (Some(id), true) = (&id, command.until_waiting) {
        let task = wait_for_person(&client, id, !cli.json).await?;
        return super::tasks::finish(cli, &task);
    }
    if let Some(id) = &id {
        let task = client.get(&format!("/spec-tasks/{id}"), &[]).await?.body;
        if !cli.json {
            super::tasks::print(&task);
            println!();
        }
    }
    let mut lines = Lines::default();
    if !cli.json {
        lines.names = names(&client).await?;
    }
    let (json_lines, notifies) = (cli.json, command.notify);
    follow(&client, topic, async |message: &StreamMessage, received: &str| {
        if let (true, Some(text)) = (notifies, notification(message)) {
            notify::notify(&text);
        }
        if json_lines {
            println!("{received}");
        } else if let Some(line) = lines.line(message) {
            println!("{line}");
        }
        Ok(false)
    })
    .await
}

/// Returns the notification of something that began to wait for a person.
fn notification(message: &StreamMessage) -> Option<String> {
    let StreamMessage::Live(LiveMessage { message, .. }) = message else { return None };
    match &**message {
        FeedMessage::Inbox(InboxUpdate { event: InboxEvent::Added, item }) => {
            Some(format!("{}: {} {}", item.title, item.task.short_id, item.task.name))
        }
        _ => None,
    }
}

/// Returns a task's short id and name, as lines show them.
fn shown_name(short_id: &str, name: &str) -> String {
    format!("{short_id} {}", short(name, 40))
}

/// The names of the newest tasks, by their ids.
async fn names(client: &Client) -> anyhow::Result<HashMap<String, String>> {
    let tasks = client.get("/spec-tasks", &[("limit", "500".to_owned())]).await?.body;
    let named =
        |task: &Value| (text(task, "id").to_owned(), shown_name(text(task, "short_id"), text(task, "name")));
    Ok(tasks.as_array().into_iter().flatten().map(named).collect())
}

/// Follows a task until it needs a person or has ended, and returns it.
pub(crate) async fn wait_for_person(client: &Client, id: &str, shows: bool) -> anyhow::Result<Value> {
    let path = format!("/spec-tasks/{id}");
    let is_waiting = |task: &Value| match text(task, "status") {
        "backlog" | "spec_review" | "done" | "cancelled" | "spec_failed" | "implementation_failed" => true,
        // An approved change is being merged, unless something holds it up.
        "implementation_review" => {
            task["change"]["approved_by"].is_null() || task["queue_reason"].is_string()
        }
        _ => false,
    };
    let mut lines = Lines::default();
    follow(client, json!({ "topic": "task", "id": id }), async |message: &StreamMessage, _| {
        if shows && let Some(line) = lines.line(message) {
            eprintln!("{line}");
        }
        // The first message says that the server listens; the task may wait already.
        let may_wait = matches!(message.kind(), "subscribed" | "snapshot_required" | "task.updated");
        Ok(may_wait && is_waiting(&client.get(&path, &[]).await?.body))
    })
    .await?;
    Ok(client.get(&path, &[]).await?.body)
}

/// Hands over every message of a topic until told to end; a lost connection is taken up where it broke off.
pub(super) async fn follow(
    client: &Client,
    topic: Value,
    mut each: impl AsyncFnMut(&StreamMessage, &str) -> anyhow::Result<bool>,
) -> anyhow::Result<()> {
    let mut after: Option<u64> = None;
    let mut was_connected = false;
    loop {
        let address = format!("{}/api/v1/ws", client.url.replacen("http", "ws", 1));
        let mut request = address.into_client_request().context("the server's address cannot be used")?;
        let token = format!("Bearer {}", client.token).parse().context("the token cannot be sent")?;
        request.headers_mut().insert("authorization", token);
        let mut socket = match tokio_tungstenite::connect_async(request).await {
            Ok((socket, _)) => socket,
            Err(error) if was_connected => {
                tracing::debug!(%error, "the server is away");
                tokio::time::sleep(AGAIN).await;
                continue;
            }
            Err(error) => {
                let message = format!("could not open the live stream of {}: {error}", client.url);
                return Err(crate::failure::Failure::NoServer(message).into());
            }
        };
        was_connected = true;
        let hello = json!({ "subscribe": [topic], "after": after });
        socket.send(Message::text(hello.to_string())).await.context("could not subscribe")?;
        while let Some(Ok(message)) = socket.next().await {
            let Message::Text(received) = message else { continue };
            let message: StreamMessage =
                serde_json::from_str(&received).context("the server sent something else than JSON")?;
            match &message {
                StreamMessage::Live(LiveMessage { seq, .. }) => after = Some(*seq),
                StreamMessage::Control(
                    ControlMessage::Subscribed { after: seq, .. }
                    | ControlMessage::SnapshotRequired { after: seq },
                ) => after = Some(*seq),
                StreamMessage::Control(ControlMessage::Error { detail, .. }) => anyhow::bail!("{detail}"),
                StreamMessage::Control(ControlMessage::Pong { .. }) | StreamMessage::Other(_) => {}
            }
            if each(&message, &received).await? {
                return Ok(());
            }
        }
        eprintln!("The connection to the server is lost; trying again.");
        tokio::time::sleep(AGAIN).await;
    }
}

/// Turns messages into lines, each of which says something that the line before did not.
#[derive(Default)]
struct Lines {
    said: HashMap<String, String>,
    /// The names of the tasks, by their ids.
    names: HashMap<String, String>,
}

impl Lines {
    /// Returns the task that a message belongs to, at the end of its line.
    fn of_task(&self, task: &str) -> String {
        self.names.get(task).map_or_else(String::new, |name| format!("  · {name}"))
    }

    fn line(&mut self, message: &StreamMessage) -> Option<String> {
        let StreamMessage::Live(message) = message else { return None };
        let (about, line) = match &*message.message {
            FeedMessage::TaskUpdated(task) => {
                let mut line =
                    format!("{:<22} {}  {}", task.status.as_str(), task.short_id, short(&task.name, 60));
                if let Some(reason) = &task.queue_reason {
                    line = format!("{line} ({})", plain(reason));
                }
                if matches!(task.status, TaskStatus::SpecFailed | TaskStatus::ImplementationFailed) {
                    let why = task.last_error.as_ref().map_or("", |error| &error.message);
                    line = format!("{line}: {}", plain(why));
                }
                self.names.insert(task.id.clone(), shown_name(&task.short_id, &task.name));
                (task.id.clone(), line)
            }
            FeedMessage::WorkSessionUpdated(session) => {
                let name = short(&session.name, 60);
                let task = self.of_task(&session.spec_task_id);
                (session.id.clone(), format!("  {:<20} {name}{task}", session.status.as_str()))
            }
            FeedMessage::Progress(ProgressUpdate { spec_task_id, checklist, .. }) => {
                let now = checklist.in_progress_task.as_ref();
                let now = now.map_or_else(String::new, |item| format!("  {}", short(&item.description, 60)));
                let line = format!(
                    "    {} of {} items{now}{}",
                    checklist.completed_tasks,
                    checklist.total_tasks,
                    self.of_task(spec_task_id)
                );
                (format!("progress {spec_task_id}"), line)
            }
            FeedMessage::InstanceUpdated(InstanceUpdate { spec_task_id, zed_instance_id, status }) => {
                (zed_instance_id.clone(), format!("  agent {status}{}", self.of_task(spec_task_id)))
            }
            FeedMessage::Inbox(InboxUpdate { event, item }) => {
                let event = match event {
                    InboxEvent::Added => "needs you",
                    InboxEvent::Resolved => "answered",
                    InboxEvent::Changed => return None,
                };
                let task = shown_name(&item.task.short_id, &item.task.name);
                (item.id.clone(), format!("{event:<22} {}  · {task}", item.title))
            }
            FeedMessage::SessionEvent(_)
            | FeedMessage::Coordination(_)
            | FeedMessage::Review(_)
            | FeedMessage::Usage(_)
            | FeedMessage::Other { .. } => return None,
        };
        let before = self.said.insert(about, line.clone());
        (before.as_ref() != Some(&line)).then_some(line)
    }
}
