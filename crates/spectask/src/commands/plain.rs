//! Tasks without planning: creating them, sending messages, closing them.

use super::client;
use super::tasks::{Shown, print_list};
use crate::cli::{Cli, ListTasks, NewTask, TaskCommand};
use crate::client::Client;
use crate::failure::Failure;
use crate::output::{self, plain, short, text};
use protocol::{LogEntry, NumberedEntry};
use serde_json::{Map, Value, json};
use std::path::PathBuf;
use std::time::Duration;

/// The polling interval of a wait.
const POLL_INTERVAL: Duration = Duration::from_millis(300);

pub(crate) async fn run(cli: &Cli, command: &TaskCommand) -> anyhow::Result<()> {
    match command {
        TaskCommand::New(command) => new(cli, command).await,
        TaskCommand::List(command) => list(cli, command).await,
        TaskCommand::Show(command) => show(cli, &command.task).await,
        TaskCommand::Status { task, status } => set_status(cli, task, status).await,
        TaskCommand::Say { task, text, interrupt, attach, wait } => {
            say(cli, task, (text, attach), *interrupt, *wait).await
        }
        TaskCommand::AddSession { task, name, description, agent } => {
            add_session(cli, task, name, description.as_deref(), agent.as_deref()).await
        }
        TaskCommand::Close { task, review } => {
            set_status(cli, task, if *review { "implementation_review" } else { "done" }).await
        }
        TaskCommand::Delete(command) => delete(cli, &command.task).await,
    }
}

async fn new(cli: &Cli, command: &NewTask) -> anyhow::Result<()> {
    let client = client(cli)?;
    let project = super::tasks::project(&client, command.project.as_deref(), command.repo.as_deref()).await?;
    let mut body = Map::new();
    for (field, value) in [
        ("name", json!(command.name)),
        ("task_type", json!(command.kind)),
        ("labels", json!(command.labels)),
        ("items", json!(command.items)),
        ("start", json!(!command.no_start)),
    ] {
        body.insert(field.to_owned(), value);
    }
    for (field, value) in [
        ("description", &command.description),
        ("priority", &command.priority),
        ("implementation_agent", &command.agent),
        ("template", &command.template),
    ] {
        if let Some(value) = value {
            body.insert(field.to_owned(), json!(value));
        }
    }
    if let Some(rules) = super::options::rules(&command.agent_options) {
        body.insert("agent_options".to_owned(), rules);
    }
    let task = project.create_task(&client, "/tasks", body).await?;
    let id = text(&task, "id").to_owned();
    if command.wait {
        let task = settle(&client, &id).await?;
        if !cli.json {
            tell(&client, &task).await?;
            return Ok(());
        }
        output::json(&task);
        return Ok(());
    }
    if cli.json {
        output::json(&task);
    } else {
        println!("{id}  {}  {}", text(&task, "status"), plain(text(&task, "name")));
        if text(&task, "task_type") == "interactive" {
            println!("Send a message with: spectask task say {id} \"…\" --wait");
        }
    }
    Ok(())
}

async fn list(cli: &Cli, command: &ListTasks) -> anyhow::Result<()> {
    let kinds = command.kind.iter().map(|kind| ("task_type", kind.clone())).collect();
    let shown = Shown {
        path: "/tasks",
        nothing: "No tasks. Begin a conversation with: spectask task new \"what it is about\"",
        head: &["ID", "TYPE", "STATUS", "NAME"],
        row: |task| {
            vec![
                text(task, "id").to_owned(),
                text(task, "task_type").to_owned(),
                state(task).to_owned(),
                short(text(task, "name"), 60),
            ]
        },
    };
    print_list(cli, &command.part, kinds, &shown).await
}

/// A conversation at rest is not at work.
fn state(task: &Value) -> &str {
    if task["waits_for_person"].as_bool() == Some(true) { "waits for you" } else { text(task, "status") }
}

async fn show(cli: &Cli, named: &str) -> anyhow::Result<()> {
    let client = client(cli)?;
    let id = client.task_id(named).await?;
    if cli.json {
        output::json(&client.get(&format!("/tasks/{id}"), &[]).await?.body);
        return Ok(());
    }
    let task = client.get(&format!("/spec-tasks/{id}"), &[]).await?.body;
    super::tasks::print(&task);
    tell(&client, &task).await
}

/// Prints what the agent of the speaking session said last.
async fn tell(client: &Client, task: &Value) -> anyhow::Result<()> {
    let Ok(session) = speaker(client, text(task, "id")).await else { return Ok(()) };
    let said = last_words(client, text(&session, "id")).await?;
    if !said.is_empty() {
        println!("\n{}:", plain(text(&session, "name")));
        for line in said.lines() {
            println!("  {}", plain(line));
        }
    }
    if task["waits_for_person"].as_bool() == Some(true) {
        let id = text(task, "id");
        println!("\nIt waits for you: spectask task say {id} \"…\", or spectask task close {id}");
    }
    Ok(())
}

async fn set_status(cli: &Cli, named: &str, status: &str) -> anyhow::Result<()> {
    let client = client(cli)?;
    let id = client.task_id(named).await?;
    let task = client.put(&format!("/tasks/{id}/status"), &json!({ "status": status })).await?;
    if cli.json {
        output::json(&task);
        return Ok(());
    }
    println!("{id} is {}", text(&task, "status"));
    let branch = text(&task, "branch_name");
    if text(&task, "status") == "done" && text(&task, "merge_commit").is_empty() && !branch.is_empty() {
        println!("Its work is on the branch {branch}");
    }
    Ok(())
}

/// Returns the session that a message is for: the last that waits for one, else the last at work, else the last.
async fn speaker(client: &Client, id: &str) -> anyhow::Result<Value> {
    let query = [("limit", "500".to_owned())];
    let body = client.get(&format!("/tasks/{id}/work-sessions"), &query).await?.body;
    let mut sessions = body.as_array().cloned().unwrap_or_default();
    sessions.retain(|session| text(session, "phase") != "planning");
    let waits = |session: &&Value| session["waits_for_person"].as_bool() == Some(true);
    let works = |session: &&Value| text(session, "status") == "active";
    let found = sessions.iter().rfind(waits).or_else(|| sessions.iter().rfind(works)).or(sessions.last());
    let none =
        || Failure::NotFound("the task has no work session yet; it is waiting for a free slot".to_owned());
    found.cloned().ok_or_else(|| none().into())
}

async fn say(
    cli: &Cli,
    named: &str,
    (words, files): (&str, &[PathBuf]),
    interrupt: bool,
    wait: bool,
) -> anyhow::Result<()> {
    let client = client(cli)?;
    let id = client.task_id(named).await?;
    let session = speaker(&client, &id).await?;
    let session = text(&session, "id");
    let mode = if interrupt { "interrupt" } else { "queue" };
    let attachments = client.attach_all(&id, files).await?;
    let body = json!({ "content": words, "mode": mode, "attachments": attachments });
    let answer = client.post(&format!("/work-sessions/{session}/messages"), &body).await?;
    if !wait {
        if cli.json {
            output::json(&answer);
        } else {
            println!("Said to {session}");
        }
        return Ok(());
    }
    let task = settle(&client, &id).await?;
    if text(&task, "status").ends_with("_failed") {
        return Err(Failure::TaskFailed(plain(text(&task["last_error"], "message"))).into());
    }
    let said = last_words(&client, session).await?;
    if cli.json {
        output::json(&json!({ "work_session_id": session, "turn_id": answer["turn_id"], "answer": said }));
    } else {
        for line in said.lines() {
            println!("{}", plain(line));
        }
    }
    Ok(())
}

/// Waits until a task needs a person or has ended.
async fn settle(client: &Client, id: &str) -> anyhow::Result<Value> {
    loop {
        let task = client.get(&format!("/tasks/{id}"), &[]).await?.body;
        let is_at_work = matches!(
            text(&task, "status"),
            "spec_generation"
                | "spec_revision"
                | "spec_approved"
                | "implementation_queued"
                | "implementation"
        );
        if !is_at_work || task["waits_for_person"].as_bool() == Some(true) {
            return Ok(task);
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// Returns what the agent of a session said in its last turn.
async fn last_words(client: &Client, session: &str) -> anyhow::Result<String> {
    let path = format!("/work-sessions/{session}/events");
    let total = client.get(&path, &[("limit", "1".to_owned())]).await?.total.unwrap_or(0);
    let entries = super::reading::log_entries(client, session, total.saturating_sub(500)).await?;
    let is_start = |entry: &NumberedEntry| matches!(entry.entry, LogEntry::TurnStarted(_));
    let from = entries.iter().rposition(is_start).unwrap_or(0);
    let mut said = String::new();
    for NumberedEntry { entry, .. } in &entries[from..] {
        match entry {
            LogEntry::AgentMessage(message) => said.push_str(&message.text),
            // Text before and after a tool call is set apart.
            LogEntry::ToolCall(_) if !said.is_empty() && !said.ends_with('\n') => said.push('\n'),
            _ => {}
        }
    }
    Ok(said.trim().to_owned())
}

async fn add_session(
    cli: &Cli,
    named: &str,
    name: &str,
    description: Option<&str>,
    agent: Option<&str>,
) -> anyhow::Result<()> {
    let client = client(cli)?;
    let id = client.task_id(named).await?;
    let mut body = json!({ "name": name, "description": description });
    if let Some(agent) = agent {
        body["agent_config"] = json!({ "agent": agent });
    }
    let session = client.post(&format!("/tasks/{id}/work-sessions"), &body).await?;
    if cli.json {
        output::json(&session);
    } else {
        println!("{}  {}", text(&session, "id"), text(&session, "status"));
    }
    Ok(())
}

async fn delete(cli: &Cli, named: &str) -> anyhow::Result<()> {
    let client = client(cli)?;
    let id = client.task_id(named).await?;
    let task = client.delete(&format!("/tasks/{id}")).await?;
    if cli.json {
        output::json(&task);
    } else {
        println!("{id} is {} and out of the lists; its branches stay", text(&task, "status"));
    }
    Ok(())
}
