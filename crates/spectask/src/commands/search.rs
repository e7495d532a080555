//! Finding things from the terminal.

use super::client;
use crate::cli::{Cli, Search};
use crate::output::{self, plain, short, text};
use serde_json::Value;

pub(crate) async fn search(cli: &Cli, command: &Search) -> anyhow::Result<()> {
    let client = client(cli)?;
    let mut query = vec![("q", command.words.join(" ")), ("limit", command.limit.to_string())];
    query.extend(command.kind.iter().map(|kind| ("kind", kind.clone())));
    query.extend(command.project.iter().map(|project| ("project_id", project.clone())));
    if let Some(task) = &command.task {
        query.push(("task_id", client.task_id(task).await?));
    }
    if command.archived {
        query.push(("archived", "true".to_owned()));
    }
    let answer = client.get("/search", &query).await?;
    if cli.json {
        output::json(&answer.body);
        return Ok(());
    }
    let results: &[Value] = answer.body.as_array().map_or(&[], Vec::as_slice);
    if results.is_empty() {
        println!("Nothing has {}.", command.words.join(" "));
        return Ok(());
    }
    let marks = if output::has_color() { ("\u{1b}[1m", "\u{1b}[0m") } else { ("", "") };
    for result in results {
        println!("{}", head(result));
        println!("    {}", snippet(result, marks));
    }
    let total = answer.total.unwrap_or(0);
    if total > results.len() as u64 {
        println!("{} of {total}; --limit shows more.", results.len());
    }
    Ok(())
}

/// Returns where something was found.
fn head(result: &Value) -> String {
    let place = match text(result, "kind") {
        "transcript" => {
            let session = short(text(result, "work_session_name"), 40);
            format!("{session}, entry {} of {}", result["seq"], text(result, "work_session_id"))
        }
        "spec" => format!("{}.md, line {}", text(result, "document"), result["line"]),
        _ => "the task".to_owned(),
    };
    format!("{}  {}  ({place})", text(result, "task_short_id"), short(text(result, "task_name"), 60))
}

/// Returns a few words, with marks around what was found.
fn snippet(result: &Value, (begin, end): (&str, &str)) -> String {
    let parts = result["snippet"].as_array().map_or(&[][..], Vec::as_slice);
    let part = |part: &Value| {
        let words = plain(text(part, "text"));
        if part["marked"] == true { format!("{begin}{words}{end}") } else { words }
    };
    parts.iter().map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_was_found_is_marked_and_cannot_move_the_cursor() {
        let found = json!({ "kind": "spec", "task_short_id": "SPEC-1", "task_name": "A", "document": "design", "line": 3,
            "snippet": [{ "text": "a \u{1b}[2J", "marked": false }, { "text": "b", "marked": true }] });
        assert_eq!(head(&found), "SPEC-1  A  (design.md, line 3)");
        assert_eq!(snippet(&found, ("<", ">")), "a ␛[2J<b>");
    }
}
