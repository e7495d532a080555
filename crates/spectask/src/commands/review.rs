//! Deciding about what is under review, from the terminal.

use super::client;
use super::plan;
use super::tasks::finish;
use super::watch::wait_for_person;
use crate::cli::{Approve, Cli, Reject, RequestChanges};
use crate::client::Client;
use crate::failure::Failure;
use crate::output::{self, plain, text};
use anyhow::Context as _;
use serde_json::{Value, json};
use std::io::IsTerminal as _;

/// How many findings of one severity are listed before a person approves.
const MAX_FINDINGS: usize = 5;

/// The subject of the review.
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
            let detail = match status {
                "done" => format!("This task is already done; nothing to {action}."),
                "cancelled" => {
                    format!(
                        "This task is cancelled; nothing to {action}. Reopen it with: spectask reopen {id}"
                    )
                }
                status => format!("Nothing to {action} yet: the task is in {status}."),
            };
            Err(Failure::Refused { status: 409, detail }.into())
        }
    }
}

pub(crate) async fn approve(cli: &Cli, command: &Approve) -> anyhow::Result<()> {
    let client = client(cli)?;
    let (id, under) = under_review(&client, &command.task, "approve").await?;
    let (is_other, waits, flag) = match under {
        Under::Documents => (command.change, "the specification waits", "--spec"),
        Under::Change => (command.spec, "the change waits", "--change"),
    };
    if is_other {
        let detail = format!(
            "nothing was approved: {waits} for your review, not what you named; read it, then approve it with {flag}"
        );
        return Err(Failure::Refused { status: 409, detail }.into());
    }
    let task = match under {
        Under::Documents => {
            let specs = client.get(&format!("/spec-tasks/{id}/specs"), &[]).await?.body;
            let present = text(&specs, "content_hash");
            let hash = match &command.at {
                Some(at) if is_abbreviation(at, present) => present,
                Some(at) => at.as_str(),
                None => {
                    let plan = client.get(&format!("/spec-tasks/{id}/plan"), &[]).await?.body;
                    let findings = client.get(&format!("/spec-tasks/{id}/lint?limit=500"), &[]).await?.body;
                    let summary = documents_summary(&specs, &plan, &findings, &id);
                    confirm(&summary, &id, "document")?;
                    present
                }
            };
            let body = json!({ "approved": true, "comments": command.comments, "content_hash": hash });
            client.post(&format!("/spec-tasks/{id}/approve-specs"), &body).await?
        }
        Under::Change => {
            let findings =
                client.get(&format!("/spec-tasks/{id}/secret-findings?limit=500"), &[]).await?.body;
            require_acknowledged(&findings, command, &id)?;
            let commit = if let Some(at) = &command.at {
                at.clone()
            } else {
                let task = client.get(&format!("/spec-tasks/{id}"), &[]).await?.body;
                let diff = client.get(&format!("/spec-tasks/{id}/diff?limit=500"), &[]).await?.body;
                let mut summary = change_summary(&task, &diff);
                for finding in findings.as_array().into_iter().flatten() {
                    summary.push_str(&format!("\n  finding: {}", describe(finding)));
                }
                confirm(&summary, &id, "diff")?;
                text(&diff, "head").to_owned()
            };
            let body = json!({
                "decision": "approve", "comments": command.comments, "acknowledged_findings": command.acknowledge,
                "commit": commit, "allow_empty": command.allow_empty,
            });
            client.post(&format!("/spec-tasks/{id}/approve-implementation"), &body).await?
        }
    };
    decided(cli, &client, &task, command.wait).await
}

/// Returns whether a text is the beginning of a name, long enough to tell it from others.
fn is_abbreviation(text: &str, name: &str) -> bool {
    text.len() >= 7 && name.starts_with(text)
}

/// Refuses while findings hold the merge that the command does not acknowledge: approving would change nothing yet.
fn require_acknowledged(findings: &Value, command: &Approve, id: &str) -> anyhow::Result<()> {
    let holds = |finding: &&Value| {
        text(finding, "confidence") == "sure"
            && !command.acknowledge.iter().any(|named| named == text(finding, "id"))
    };
    let holding: Vec<&Value> = findings.as_array().into_iter().flatten().filter(holds).collect();
    let Some(first) = holding.first() else { return Ok(()) };
    let mut detail = String::from("nothing was approved, because these findings hold the merge:\n");
    for finding in &holding {
        detail.push_str(&format!("  {}  {}\n", text(finding, "id"), describe(finding)));
    }
    detail.push_str(&format!(
        "Have them fixed with `spectask request-changes {id}`, or accept each with --acknowledge, as --acknowledge {}",
        text(first, "id")
    ));
    Err(Failure::Refused { status: 409, detail }.into())
}

/// Returns a finding in a line: what it is and where.
fn describe(finding: &Value) -> String {
    let what = match text(finding, "description") {
        "" => text(finding, "kind").replace('_', " "),
        described => described.to_owned(),
    };
    match text(finding, "path") {
        "" => plain(&what),
        path => format!("{} in {}, line {}", plain(&what), plain(path), finding["line"]),
    }
}

/// Shows what is about to be approved and asks; without a terminal that shows it, approving is refused.
fn confirm(summary: &str, id: &str, command: &str) -> anyhow::Result<()> {
    let is_terminal = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    if !is_terminal {
        let detail = format!(
            "name what you read with --at: `spectask {command} {id}` prints it. Without a terminal to show it, nothing is approved"
        );
        return Err(Failure::Refused { status: 409, detail }.into());
    }
    eprint!("{summary}\nApprove? [y/N] ");
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).context("could not read your answer")?;
    if matches!(answer.trim().to_lowercase().as_str(), "y" | "yes") {
        return Ok(());
    }
    Err(Failure::Refused { status: 409, detail: "nothing was approved".to_owned() }.into())
}

/// Returns the documents under review in a few lines: their sizes, the plan, and what the lint finds.
fn documents_summary(specs: &Value, plan: &Value, findings: &Value, id: &str) -> String {
    let count = |name: &str| text(specs, name).lines().count();
    let mut summary = format!(
        "Specification {}\n  requirements.md  {} lines\n  design.md        {} lines\n  tasks.md         {} lines",
        short_hash(text(specs, "content_hash")),
        count("requirements_spec"),
        count("technical_design"),
        count("implementation_plan"),
    );
    let tasks = plan["tasks"].as_array().into_iter().flatten();
    summary.extend(tasks.map(|task| format!("\n  {}", plan::line(task))));
    let findings: Vec<&Value> = findings.as_array().into_iter().flatten().collect();
    for severity in ["error", "warning"] {
        let of_it = findings.iter().filter(|finding| text(finding, "severity") == severity);
        for finding in of_it.clone().take(MAX_FINDINGS) {
            summary.push_str(&format!("\n  {}", plan::finding_line(finding)));
        }
        let more = of_it.count().saturating_sub(MAX_FINDINGS);
        if more > 0 {
            summary.push_str(&format!("\n  {more} more of severity {severity}"));
        }
    }
    summary.push_str(&format!("\nRead the documents with: spectask document {id}"));
    summary
}

fn change_summary(task: &Value, diff: &Value) -> String {
    let mut summary = format!(
        "{}\nChange {} onto {}: {} files, +{} -{}",
        plain(text(task, "name")),
        short_hash(text(diff, "head")),
        text(diff, "base_branch"),
        diff["total_files"],
        diff["additions"],
        diff["deletions"],
    );
    for check in task["change"]["checks"].as_array().into_iter().flatten() {
        let result = if check["passed"] == json!(true) { "passed" } else { "failed" };
        let also =
            if check["fails_on_base"] == json!(true) { " (fails on the base branch, too)" } else { "" };
        summary.push_str(&format!("\n  check {result}: {}{also}", plain(text(check, "command"))));
    }
    summary.extend(repair_lines(task).into_iter().map(|line| format!("\n  {line}")));
    for item in task["change"]["items"].as_array().into_iter().flatten() {
        if matches!(text(&item["evidence"], "state"), "claimed" | "not_reported") {
            let state = text(&item["evidence"], "state").replace('_', " ");
            summary.push_str(&format!(
                "\n  {state}: {} {}",
                text(item, "number"),
                plain(text(item, "title"))
            ));
        }
    }
    if task["change"]["is_empty"] == json!(true) {
        summary.push_str("\n  No session changed a file; approving it needs --allow-empty.");
    }
    summary
}

/// Returns what sessions were asked to repair in a task's change, one line each.
pub(super) fn repair_lines(task: &Value) -> Vec<String> {
    let repairs = task["change"]["repairs"].as_array().map_or(&[][..], Vec::as_slice);
    let line = |repair: &Value| {
        let problems = repair["problems"].as_array().into_iter().flatten();
        let names: Vec<String> = problems
            .map(|problem| {
                let field = if text(problem, "kind") == "finding" { "details" } else { "name" };
                plain(text(problem, field))
            })
            .collect();
        let outcome = match repair["fixed"].as_bool() {
            Some(true) => "fixed",
            Some(false) => "not fixed",
            None => "in progress",
        };
        let session = plain(text(repair, "session_name"));
        format!("repair {} by {session} ({outcome}): {}", repair["round"], names.join("; "))
    };
    repairs.iter().map(line).collect()
}

/// The beginning of a hash, as people read it.
fn short_hash(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
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
        Under::Documents => {
            let body = json!({ "approved": false, "decision": "reject", "comments": command.comments });
            client.post(&format!("/spec-tasks/{id}/approve-specs"), &body).await?
        }
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
