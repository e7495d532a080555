//! Deciding about what is under review, from the terminal.

use super::client;
use super::tasks::finish;
use super::watch::wait_for_person;
use crate::cli::{Approve, Cli, Reject, RequestChanges};
use crate::client::Client;
use crate::failure::Failure;
use crate::output::{self, text};
use serde_json::{Value, json};

/// What is under review.
enum Under {
    Documents,
    Change,
}

async fn under_review(client: &Client, named: &str, action: &str) -> anyhow::Result<(String, Under)> {
    let id = client.task_id(named).await?;
    let task = client.get(&format!("/spec-tasks/{id}"), &[]).await?.body;
    match text(&task, "status") {
        "spec_review" => Ok((id, Under::Documents)),
        "implementation_review" => Ok((id, Under::Change)),
        status => {
            let detail = format!(
                "nothing to {action}: the task is in {status}, and only spec_review and implementation_review wait for a person"
            );
            Err(Failure::Refused { status: 409, detail }.into())
        }
    }
}

pub(crate) async fn approve(cli: &Cli, command: &Approve) -> anyhow::Result<()> {
    let client = client(cli)?;
    let (id, under) = under_review(&client, &command.task, "approve").await?;
    let task = match under {
        Under::Documents => {
            // What is approved is what the server showed a moment ago; a change in between is refused.
            let specs = client.get(&format!("/spec-tasks/{id}/specs"), &[]).await?.body;
            let body = json!({ "approved": true, "comments": command.comments, "content_hash": specs["content_hash"] });
            client.post(&format!("/spec-tasks/{id}/approve-specs"), &body).await?
        }
        Under::Change => {
            let body = json!({
                "decision": "approve", "comments": command.comments, "acknowledged_findings": command.acknowledge,
            });
            client.post(&format!("/spec-tasks/{id}/approve-implementation"), &body).await?
        }
    };
    decided(cli, &client, &task, command.wait).await
}

pub(crate) async fn request_changes(cli: &Cli, command: &RequestChanges) -> anyhow::Result<()> {
    let client = client(cli)?;
    let (id, under) = under_review(&client, &command.task, "send back").await?;
    let task = match under {
        Under::Documents => {
            let body = json!({ "approved": false, "comments": command.comments, "changes": command.changes });
            client.post(&format!("/spec-tasks/{id}/approve-specs"), &body).await?
        }
        Under::Change => {
            let all = std::iter::once(&command.comments).chain(&command.changes).map(String::as_str);
            let comments: Vec<&str> = all.filter(|said| !said.trim().is_empty()).collect();
            let body = json!({ "decision": "request_changes", "comments": comments.join("\n\n- ") });
            client.post(&format!("/spec-tasks/{id}/approve-implementation"), &body).await?
        }
    };
    decided(cli, &client, &task, command.wait).await
}

pub(crate) async fn reject(cli: &Cli, command: &Reject) -> anyhow::Result<()> {
    let client = client(cli)?;
    let (id, under) = under_review(&client, &command.task, "reject").await?;
    let task = match under {
        Under::Documents => client.post(&format!("/spec-tasks/{id}/cancel"), &json!({})).await?,
        Under::Change => {
            let body = json!({ "decision": "reject", "comments": command.comments });
            client.post(&format!("/spec-tasks/{id}/approve-implementation"), &body).await?
        }
    };
    decided(cli, &client, &task, false).await
}

async fn decided(cli: &Cli, client: &Client, task: &Value, wait: bool) -> anyhow::Result<()> {
    if wait {
        let task = wait_for_person(client, text(task, "id"), !cli.json).await?;
        return finish(cli, &task);
    }
    if cli.json {
        output::json(task);
    } else {
        println!("{} is {}", text(task, "id"), text(task, "status"));
    }
    Ok(())
}
