//! A task's crew from the terminal: its sessions as a tree, sending them messages, spawning, choosing, ending them.

use super::client;
use crate::cli::{Branch, Cli, Say, Spawn};
use crate::output::{self, plain, short, text};
use serde_json::{Map, Value, json};

/// Returns whether a name is a work session's and not a task's.
pub(crate) fn is_session(named: &str) -> bool {
    named.starts_with("stws_")
}

/// Shows a task's sessions, each below the one that it comes from.
pub(crate) async fn sessions(cli: &Cli, named: &str) -> anyhow::Result<()> {
    let client = client(cli)?;
    let id = client.task_id(named).await?;
    let found = client.get(&format!("/spec-tasks/{id}/work-sessions"), &[]).await?.body;
    if cli.json {
        output::json(&found);
        return Ok(());
    }
    let sessions: &[Value] = found["work_sessions"].as_array().map_or(&[], Vec::as_slice);
    if sessions.is_empty() {
        println!("No work sessions yet.");
        return Ok(());
    }
    for line in tree(sessions) {
        println!("{line}");
    }
    Ok(())
}

/// Returns the sessions as lines, indented below their parents.
fn tree(sessions: &[Value]) -> Vec<String> {
    let is_known = |id: &str| sessions.iter().any(|session| text(session, "id") == id);
    let roots = sessions.iter().filter(|session| !is_known(text(session, "parent_work_session_id")));
    let mut lines = Vec::new();
    for root in roots {
        branch_of(sessions, root, 0, &mut lines);
    }
    lines
}

fn branch_of(sessions: &[Value], session: &Value, depth: usize, lines: &mut Vec<String>) {
    let indent = if depth == 0 { String::new() } else { format!("{}└ ", "  ".repeat(depth - 1)) };
    let done = session["progress"].as_f64().unwrap_or(0.0) * 100.0;
    let name = short(text(session, "name"), 60);
    let mut line =
        format!("{indent}{name}  [{} {done:.0}%]  {}", text(session, "status"), text(session, "id"));
    let why = match text(session, "queue_reason") {
        "" if text(session, "status") == "failed" => text(&session["last_error"], "message"),
        reason => reason,
    };
    if !why.is_empty() {
        line.push_str("  ");
        line.push_str(&plain(why));
    }
    lines.push(line);
    let own = text(session, "id");
    for child in sessions.iter().filter(|child| text(child, "parent_work_session_id") == own) {
        branch_of(sessions, child, depth + 1, lines);
    }
}

pub(crate) async fn spawn(cli: &Cli, command: &Spawn) -> anyhow::Result<()> {
    let mut body = Map::new();
    body.insert("name".to_owned(), json!(command.name));
    body.insert("description".to_owned(), json!(command.description));
    body.insert("depends_on".to_owned(), json!(command.depends_on));
    let optional =
        [("priority", &command.priority), ("effort", &command.effort), ("initial_prompt", &command.prompt)];
    for (field, value) in optional {
        if let Some(value) = value {
            body.insert(field.to_owned(), json!(value));
        }
    }
    let mut config = Map::new();
    config.extend(command.agent.iter().map(|agent| ("agent".to_owned(), json!(agent))));
    if let Some(rules) = super::options::rules(&command.options) {
        config.insert("options".to_owned(), rules[0]["options"].clone());
    }
    if !config.is_empty() {
        body.insert("agent_config".to_owned(), Value::Object(config));
    }
    let path = format!("/work-sessions/{}/spawn", command.session);
    let detail = client(cli)?.post(&path, &Value::Object(body)).await?;
    made(cli, &detail);
    Ok(())
}

pub(crate) async fn branch(cli: &Cli, command: &Branch) -> anyhow::Result<()> {
    let body = json!({ "name": command.name, "prompt": command.prompt, "from_turn": command.from_turn });
    let detail = client(cli)?.post(&format!("/work-sessions/{}/branch", command.session), &body).await?;
    made(cli, &detail);
    Ok(())
}

fn made(cli: &Cli, detail: &Value) {
    if cli.json {
        output::json(detail);
    } else {
        println!("{} is {}", text(&detail["work_session"], "id"), text(&detail["work_session"], "status"));
    }
}

pub(crate) async fn say(cli: &Cli, command: &Say) -> anyhow::Result<()> {
    let mode = if command.interrupt { "interrupt" } else { "queue" };
    let client = client(cli)?;
    let mut attachments = Vec::new();
    if !command.attach.is_empty() {
        let found = client.get(&format!("/work-sessions/{}", command.session), &[]).await?.body;
        let task = text(&found["work_session"], "spec_task_id");
        attachments = client.attach_all(task, &command.attach).await?;
    }
    let body = json!({ "content": command.text, "mode": mode, "attachments": attachments });
    let answer = client.post(&format!("/work-sessions/{}/messages", command.session), &body).await?;
    if cli.json {
        output::json(&answer);
    } else {
        println!("{} carries it", text(&answer, "turn_id"));
    }
    Ok(())
}

/// Retries, skips, cancels or chooses a session.
pub(crate) async fn act(cli: &Cli, session: &str, action: &str) -> anyhow::Result<()> {
    let found = client(cli)?.post(&format!("/work-sessions/{session}/{action}"), &json!({})).await?;
    if cli.json {
        output::json(&found);
    } else {
        println!("{session} is {}", text(&found, "status"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_stand_below_those_they_come_from() {
        let session = |id: &str, parent: Option<&str>, reason: Option<&str>| {
            json!({ "id": id, "name": format!("Session {id}"), "status": "active", "progress": 0.5,
                "parent_work_session_id": parent, "queue_reason": reason })
        };
        let sessions = [
            session("a", None, None),
            session("b", None, Some("Waiting for \"Session a\".")),
            session("c", Some("a"), None),
            session("d", Some("c"), None),
        ];
        assert_eq!(
            tree(&sessions),
            [
                "Session a  [active 50%]  a",
                "└ Session c  [active 50%]  c",
                "  └ Session d  [active 50%]  d",
                "Session b  [active 50%]  b  Waiting for \"Session a\".",
            ]
        );
    }
}
