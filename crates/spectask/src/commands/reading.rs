//! Reading documents, changes and conversations, from the terminal.

use super::client;
use super::crew::is_session;
use crate::cli::{Cli, Diff, Document, DocumentName, Log};
use crate::client::Client;
use crate::failure::Failure;
use crate::output::{self, lines, plain, text};
use anyhow::Context as _;
use protocol::NumberedEntry;
use serde_json::{Value, json};

/// How many items of a list are asked for at once.
const PAGE: usize = 500;

/// Prints one of a task's documents, or the three that are approved.
pub(crate) async fn document(cli: &Cli, command: &Document) -> anyhow::Result<()> {
    let client = client(cli)?;
    let id = client.task_id(&command.task).await?;
    let names = match command.document {
        Some(name) => vec![name],
        None => vec![DocumentName::Requirements, DocumentName::Design, DocumentName::Tasks],
    };
    let mut documents = Vec::new();
    for name in names {
        documents.push(client.get(&format!("/spec-tasks/{id}/documents/{}", name.as_str()), &[]).await?.body);
    }
    if cli.json {
        output::json(&Value::Array(documents));
        return Ok(());
    }
    for (at, document) in documents.iter().enumerate() {
        if at > 0 {
            println!();
        }
        println!("{}", lines(text(document, "content")).trim_end());
    }
    // Beside the documents, so that these can be piped.
    if let Ok(specs) = client.get(&format!("/spec-tasks/{id}/specs"), &[]).await {
        eprintln!("content hash {}", text(&specs.body, "content_hash"));
    }
    Ok(())
}

/// Prints what a task or a work session changed, as a diff, without the files of the specification unless they are asked for.
pub(crate) async fn diff(cli: &Cli, command: &Diff) -> anyhow::Result<()> {
    let client = client(cli)?;
    let task = if is_session(&command.name) { None } else { Some(client.task_id(&command.name).await?) };
    let path = match &task {
        None => format!("/work-sessions/{}/diff", command.name),
        Some(task) => format!("/spec-tasks/{task}/diff"),
    };
    let mut change = client.get(&path, &[("limit", "1".to_owned())]).await?.body;
    let files = whole(&client, &path, "files").await?;
    if cli.json {
        change["files"] = Value::Array(files);
        output::json(&change);
        return Ok(());
    }
    if let Some(head) = change["head"].as_str() {
        println!("commit {head}\n");
    }
    let (specs, files): (Vec<Value>, Vec<Value>) =
        files.into_iter().partition(|file| !command.specs && is_of_specs(text(file, "path")));
    if files.is_empty() {
        println!("Nothing changed.");
    }
    for file in &files {
        print!("{}", patch(file));
    }
    // Beside the diff, so that this can be piped.
    if !specs.is_empty() {
        eprintln!("The files of the specification ({}) are left out; print them with --specs.", specs.len());
    }
    if let Some(task) = task {
        for finding in findings(&client, &task).await {
            eprintln!("Finding {}: {}", text(&finding, "id"), plain(text(&finding, "description")));
        }
    }
    Ok(())
}

/// Returns what a reviewer has to know of a task's change beside its secrets.
async fn findings(client: &Client, task: &str) -> Vec<Value> {
    let found = client.get(&format!("/spec-tasks/{task}/secret-findings?limit=500"), &[]).await;
    let found = found.ok().and_then(|answer| answer.body.as_array().cloned()).unwrap_or_default();
    found.into_iter().filter(|finding| finding["description"].is_string()).collect()
}

/// Returns whether a file is one of a task's specification, which the task's branch carries beside the change.
fn is_of_specs(path: &str) -> bool {
    path.starts_with("specs/spt_")
}

/// Prints a work session's log.
pub(crate) async fn log(cli: &Cli, command: &Log) -> anyhow::Result<()> {
    let client = client(cli)?;
    if !is_session(&command.session) {
        let detail = format!(
            "{:?} is no work session; `spectask sessions TASK` lists those of a task with their ids",
            command.session
        );
        return Err(Failure::NotFound(detail).into());
    }
    if cli.json && !command.all {
        let found = client.get(&format!("/work-sessions/{}", command.session), &[]).await?.body;
        let helix = text(&found["helix_session"], "id").to_owned();
        output::json(&Value::Array(whole(&client, &format!("/sessions/{helix}/messages"), "").await?));
        return Ok(());
    }
    let entries = log_entries(&client, &command.session, 0).await?;
    if cli.json {
        output::json(&json!(entries));
        return Ok(());
    }
    let shown = super::transcript::render(&entries);
    println!("{}", if shown.is_empty() { "Nothing said yet." } else { shown.trim_end() });
    Ok(())
}

/// Returns the log of a session after an entry.
pub(super) async fn log_entries(
    client: &Client,
    session: &str,
    after: u64,
) -> anyhow::Result<Vec<NumberedEntry>> {
    let mut all: Vec<NumberedEntry> = Vec::new();
    let mut after = after;
    loop {
        let query = [("limit", PAGE.to_string()), ("after", after.to_string())];
        let answer = client.get(&format!("/work-sessions/{session}/events"), &query).await?;
        let part: Vec<NumberedEntry> =
            serde_json::from_value(answer.body).context("the server sent something else than a log")?;
        let last = part.last().map_or(0, |entry| entry.seq);
        if last <= after {
            return Ok(all);
        }
        after = last;
        all.extend(part);
    }
}

/// Returns a whole list, page by page; it is the answer itself or a field of it.
async fn whole(client: &Client, path: &str, field: &str) -> anyhow::Result<Vec<Value>> {
    let mut all = Vec::new();
    loop {
        let query = [("limit", PAGE.to_string()), ("cursor", all.len().to_string())];
        let answer = client.get(path, &query).await?;
        let part = if field.is_empty() { &answer.body } else { &answer.body[field] };
        let part = part.as_array().cloned().unwrap_or_default();
        let is_last = part.is_empty();
        all.extend(part);
        if is_last || answer.total.is_some_and(|total| all.len() as u64 >= total) {
            return Ok(all);
        }
    }
}

/// Returns a file's name in a patch: quoted as git does where it has characters that would end the line or the quotes.
fn named(prefix: &str, name: &str) -> String {
    if !name.contains(|character: char| character.is_control() || matches!(character, '"' | '\\')) {
        return format!("{prefix}{name}");
    }
    let mut quoted = format!("\"{prefix}");
    for character in name.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            other if other.is_control() => {
                let mut bytes = [0; 4];
                for byte in other.encode_utf8(&mut bytes).bytes() {
                    quoted.push_str(&format!("\\{byte:03o}"));
                }
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

/// Returns a file's part of a patch, as `git diff` writes it.
pub(crate) fn patch(file: &Value) -> String {
    let (path, old) = (text(file, "path"), text(file, "old_path"));
    let old = if old.is_empty() { path } else { old };
    let status = text(file, "status");
    let (old_mode, new_mode) = (text(file, "old_mode"), text(file, "new_mode"));
    let mut patch = format!("diff --git {} {}\n", named("a/", old), named("b/", path));
    match status {
        "added" => patch.push_str(&format!("new file mode {new_mode}\n")),
        "deleted" => patch.push_str(&format!("deleted file mode {old_mode}\n")),
        _ if old_mode != new_mode => patch.push_str(&format!("old mode {old_mode}\nnew mode {new_mode}\n")),
        _ => {}
    }
    if status == "renamed" {
        patch.push_str(&format!("rename from {}\nrename to {}\n", named("", old), named("", path)));
    }
    if file["is_binary"] == json!(true) {
        patch.push_str("Binary file\n");
        return lines(&patch);
    }
    let hunks: &[Value] = file["hunks"].as_array().map_or(&[], Vec::as_slice);
    if !hunks.is_empty() {
        let side = |prefix: &str, name: &str, absent: bool| {
            if absent { "/dev/null".to_owned() } else { named(prefix, name) }
        };
        let (before, after) = (side("a/", old, status == "added"), side("b/", path, status == "deleted"));
        patch.push_str(&format!("--- {before}\n+++ {after}\n"));
    }
    for hunk in hunks {
        patch.push_str(text(hunk, "header").trim_end());
        patch.push('\n');
        for line in hunk["lines"].as_array().into_iter().flatten() {
            patch.push_str(text(line, "kind"));
            patch.push_str(text(line, "text"));
            patch.push('\n');
        }
    }
    lines(&patch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_the_specification_are_told_from_others() {
        assert!(is_of_specs("specs/spt_01/tasks.md"));
        assert!(!is_of_specs("specs/api.md") && !is_of_specs("src/specs/spt_01.rs"));
    }

    #[test]
    fn a_change_is_written_as_git_writes_it() {
        let file = json!({ "path": "new.md", "old_path": "old.md", "status": "renamed", "is_binary": false, "hunks": [{
            "header": "@@ -1,2 +1,2 @@", "lines": [
                { "kind": " ", "text": "one" }, { "kind": "-", "text": "two" }, { "kind": "+", "text": "t\u{1b}wo" } ],
        }] });
        assert_eq!(
            patch(&file),
            "diff --git a/old.md b/new.md\nrename from old.md\nrename to new.md\n--- a/old.md\n+++ b/new.md\n\
             @@ -1,2 +1,2 @@\n one\n-two\n+t\u{241b}wo\n"
        );
        let link = json!({ "path": "e\nvil \"x\"", "status": "added", "new_mode": "120000", "is_binary": false, "hunks": [] });
        assert_eq!(
            patch(&link),
            "diff --git \"a/e\\nvil \\\"x\\\"\" \"b/e\\nvil \\\"x\\\"\"\nnew file mode 120000\n"
        );
        let script = json!({ "path": "run", "status": "modified", "old_mode": "100644", "new_mode": "100755", "hunks": [] });
        assert_eq!(patch(&script), "diff --git a/run b/run\nold mode 100644\nnew mode 100755\n");
    }
}
