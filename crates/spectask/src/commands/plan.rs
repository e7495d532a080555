//! The plan of a task, task by task: printed, or edited with operations.

use super::client;
use crate::cli::{Cli, Plan};
use crate::failure::Failure;
use crate::output::{self, lines, plain, text};
use anyhow::Context as _;
use serde_json::{Value, json};
use std::io::Read as _;

/// Prints the planned tasks with their parts and facts, or edits them.
pub(crate) async fn plan(cli: &Cli, command: &Plan) -> anyhow::Result<()> {
    let client = client(cli)?;
    let id = client.task_id(&command.task).await?;
    let read = client.get(&format!("/spec-tasks/{id}/plan"), &[]).await?.body;
    let Some(file) = &command.edit else {
        if cli.json {
            output::json(&read);
        } else {
            print(&read);
        }
        return Ok(());
    };
    let mut operations = String::new();
    if file == "-" {
        std::io::stdin()
            .read_to_string(&mut operations)
            .context("could not read the operations from stdin")?;
    } else {
        operations = std::fs::read_to_string(file).with_context(|| format!("could not read {file}"))?;
    }
    let operations: Value = serde_json::from_str(&operations).map_err(|error| Failure::Refused {
        status: 422,
        detail: format!("the operations are no JSON: {error}"),
    })?;
    let body = json!({ "expected_hash": read["hash"], "operations": operations, "dry_run": command.dry_run });
    let edited = client.post(&format!("/spec-tasks/{id}/plan-edits"), &body).await?;
    if cli.json {
        output::json(&edited);
    } else if command.dry_run {
        println!("{}", lines(text(&edited, "content")).trim_end());
    } else {
        print(&edited);
    }
    eprintln!("{}", plain(text(&edited, "message")));
    Ok(())
}

fn print(plan: &Value) {
    if let Some(why) = plan["not_editable"].as_str() {
        println!("{}", plain(why));
    }
    for task in plan["tasks"].as_array().into_iter().flatten() {
        println!("{}", line(task));
        for part in task["subtasks"].as_array().into_iter().flatten() {
            let number = part["number"].as_str().map_or(String::new(), |number| format!("{number} "));
            println!("     {}{}", plain(&number), plain(text(part, "title")));
        }
    }
    for finding in plan["findings"].as_array().into_iter().flatten() {
        if finding["document"] == "tasks" {
            eprintln!("{}", finding_line(finding));
        }
    }
}

/// Returns a finding of the lint in one line: `tasks.md:3: error: The tasks wait for each other: 1 → 2 → 1.`
pub(super) fn finding_line(finding: &Value) -> String {
    let (document, severity) = (text(finding, "document"), text(finding, "severity"));
    format!("{document}.md:{}: {severity}: {}", finding["line"], plain(text(finding, "message")))
}

/// Returns a task in one line: `[ ] 2  Build it  (medium, needs 1, cites 1.1)`.
pub(super) fn line(task: &Value) -> String {
    let joined = |field: &str| {
        let values = task[field].as_array().into_iter().flatten().filter_map(Value::as_str);
        values.collect::<Vec<_>>().join(", ")
    };
    let mut facts: Vec<String> = task["effort"].as_str().map(str::to_owned).into_iter().collect();
    facts.extend((task["optional"] == true).then(|| "optional".to_owned()));
    for (label, field) in [
        ("after", "dependencies"),
        ("cites", "requirements"),
        ("touches", "boundary"),
        ("holds", "resources"),
    ] {
        let values = joined(field);
        facts.extend((!values.is_empty()).then(|| format!("{label} {values}")));
    }
    let facts = if facts.is_empty() { String::new() } else { format!("  ({})", facts.join("; ")) };
    let sign = if task["done"] == true { 'x' } else { ' ' };
    plain(&format!("[{sign}] {}  {}{facts}", text(task, "number"), text(task, "title")))
}

#[cfg(test)]
mod tests {
    use super::line;
    use serde_json::json;

    #[test]
    fn a_task_is_one_line_with_its_facts() {
        let task = json!({ "number": "2", "title": "Build", "done": true, "effort": "small", "dependencies": ["1"],
            "requirements": ["1.1", "1.2"], "boundary": [], "resources": [] });
        assert_eq!(line(&task), "[x] 2  Build  (small; after 1; cites 1.1, 1.2)");
    }
}
