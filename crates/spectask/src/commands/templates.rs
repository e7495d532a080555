//! The templates that tasks can be made from.

use super::client;
use crate::cli::{Cli, Templates};
use crate::failure::Failure;
use crate::output::{self, plain, short, text};
use serde_json::Value;
use std::path::Path;

pub(crate) async fn list(cli: &Cli, command: &Templates) -> anyhow::Result<()> {
    let client = client(cli)?;
    let project = match &command.project {
        Some(named) => Some(super::projects::find(&client, named).await?),
        None => super::tasks::known_project(&client, Path::new(".")).await?,
    };
    let mut query = vec![("limit", "500".to_owned())];
    query.extend(project.map(|project| ("project_id", project)));
    let body = client.get("/templates", &query).await?.body;
    let all: &[Value] = body.as_array().map_or(&[], Vec::as_slice);
    if let Some(name) = &command.name {
        let found = all.iter().find(|template| text(template, "name") == name);
        let found = found.ok_or_else(|| Failure::NotFound(format!("there is no template {name:?}")))?;
        if cli.json {
            output::json(found);
        } else {
            show(found);
        }
        return Ok(());
    }
    if cli.json {
        output::json(&body);
        return Ok(());
    }
    let rows: Vec<Vec<String>> = all
        .iter()
        .map(|template| {
            vec![
                text(template, "name").to_owned(),
                text(template, "source").replace('_', " "),
                begins(template).to_owned(),
                short(&about(template), 90),
            ]
        })
        .collect();
    output::table(&["NAME", "FROM", "BEGINS", "WHAT IT IS FOR"], &rows);
    Ok(())
}

/// Returns how a task made from it begins.
fn begins(template: &Value) -> &'static str {
    match (template["planning"].as_bool(), text(template, "start")) {
        (Some(true), _) => "planned",
        (_, "after_approval") => "to approve",
        _ => "at once",
    }
}

fn about(template: &Value) -> String {
    let error = &template["error"];
    if error.is_null() {
        return plain(text(template, "description"));
    }
    format!(
        "cannot be used: {}, line {}: {}",
        text(error, "file"),
        error["line"],
        plain(text(error, "message"))
    )
}

fn show(template: &Value) {
    println!("{} ({})", plain(text(template, "title")), text(template, "name"));
    println!("  {}", about(template));
    println!(
        "  type {}, priority {}, {}",
        text(template, "type"),
        text(template, "priority"),
        begins(template)
    );
    for check in template["checks"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        println!("  check: {}", plain(check));
    }
    for part in ["requirements", "design", "tasks", "item", "last"] {
        let said = text(template, part).trim();
        if !said.is_empty() {
            println!("\n## {part}\n");
            for line in said.lines() {
                println!("{}", plain(line));
            }
        }
    }
}
