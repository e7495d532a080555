//! The prompts to agents from the terminal.

use super::client;
use super::projects::find;
use super::tasks::known_project;
use crate::cli::{Cli, Prompts, PromptsCommand};
use crate::client::Client;
use crate::failure::Failure;
use crate::output::{self, lines, plain, text};
use anyhow::Context as _;
use serde_json::{Value, json};
use std::path::Path;
use workflow::prompts::{PromptTemplate, TEMPLATES};

pub(crate) async fn run(cli: &Cli, prompts: &Prompts) -> anyhow::Result<()> {
    if let Some(folder) = &prompts.export {
        return export(folder);
    }
    let project = prompts.project.as_deref();
    match &prompts.command {
        None => list(cli, project).await,
        Some(PromptsCommand::Show { name }) => show(cli, name, project).await,
        Some(PromptsCommand::Trust { name, at }) => trust(cli, name, at, project).await,
    }
}

/// Writes the built-in prompts that a project can override; files that are there already stay.
fn export(folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("could not make {}", folder.display()))?;
    for template in TEMPLATES.iter().filter(|template| template.can_override) {
        let path = folder.join(format!("{}.md", template.name));
        let file = std::fs::OpenOptions::new().write(true).create_new(true).open(&path);
        match file {
            Ok(mut file) => {
                std::io::Write::write_all(&mut file, template.text.as_bytes())
                    .with_context(|| format!("could not write {}", path.display()))?;
                println!("wrote {}", path.display());
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                println!("kept {}, which is there already", path.display());
            }
            Err(error) => {
                return Err(error).with_context(|| format!("could not write {}", path.display()));
            }
        }
    }
    Ok(())
}

/// Returns the prompts of a project, or of that of this folder; none where this folder is in no project.
async fn of_project(cli: &Cli, named: Option<&str>) -> anyhow::Result<Option<(Client, String, Value)>> {
    let client = match (client(cli), named) {
        (Ok(client), _) => client,
        (Err(error), Some(_)) => return Err(error),
        (Err(_), None) => return Ok(None),
    };
    let id = match named {
        Some(named) => Some(find(&client, named).await?),
        // Without a server, the built-in prompts are shown.
        None => known_project(&client, Path::new(".")).await.ok().flatten(),
    };
    let Some(id) = id else { return Ok(None) };
    let found = client.get(&format!("/projects/{id}/prompts"), &[]).await?.body;
    Ok(Some((client, id, found)))
}

/// Returns the built-in prompts in the shape of the API.
fn built_in() -> Value {
    let view = |template: &PromptTemplate| {
        let variables: Vec<Value> = template
            .variables
            .iter()
            .map(|variable| json!({ "name": variable.name, "about": variable.about }))
            .collect();
        json!({
            "name": template.name, "about": template.about, "variables": variables, "text": template.text,
            "can_override": template.can_override, "source": "built_in", "file": null,
        })
    };
    json!({ "prompts": TEMPLATES.iter().map(view).collect::<Vec<_>>(), "unknown_files": [] })
}

fn prompts_of(found: &Value) -> impl Iterator<Item = &Value> {
    found["prompts"].as_array().into_iter().flatten()
}

async fn list(cli: &Cli, project: Option<&str>) -> anyhow::Result<()> {
    let found = of_project(cli, project).await?.map_or_else(built_in, |(_, _, found)| found);
    if cli.json {
        output::json(&found);
        return Ok(());
    }
    let row = |prompt: &Value| {
        let source = match (text(prompt, "source"), text(&prompt["file"], "state")) {
            ("project", _) => "project",
            (_, "untrusted") => "built in (override not trusted)",
            (_, "invalid") => "built in (override invalid)",
            _ if prompt["can_override"] == false => "built in, always appended",
            _ => "built in",
        };
        let names: Vec<&str> = prompt["variables"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|variable| text(variable, "name"))
            .collect();
        vec![text(prompt, "name").to_owned(), source.to_owned(), names.join(", ")]
    };
    output::table(&["NAME", "FROM", "VARIABLES"], &prompts_of(&found).map(row).collect::<Vec<_>>());
    let unknown = found["unknown_files"].as_array().into_iter().flatten();
    for file in prompts_of(&found).map(|prompt| &prompt["file"]).chain(unknown) {
        if !text(file, "error").is_empty() {
            println!("\n{}", plain(text(file, "error")));
        }
    }
    Ok(())
}

fn prompt<'v>(found: &'v Value, name: &str) -> anyhow::Result<&'v Value> {
    prompts_of(found).find(|prompt| text(prompt, "name") == name).ok_or_else(|| {
        let known: Vec<&str> = prompts_of(found).map(|prompt| text(prompt, "name")).collect();
        Failure::NotFound(format!("there is no prompt {name:?}; there are {}", known.join(", "))).into()
    })
}

async fn show(cli: &Cli, name: &str, project: Option<&str>) -> anyhow::Result<()> {
    let found = of_project(cli, project).await?.map_or_else(built_in, |(_, _, found)| found);
    let prompt = prompt(&found, name)?;
    if cli.json {
        output::json(prompt);
        return Ok(());
    }
    println!("{}: {}", text(prompt, "name"), text(prompt, "about"));
    for variable in prompt["variables"].as_array().into_iter().flatten() {
        println!("  {}  {}", text(variable, "name"), text(variable, "about"));
    }
    println!("\n{}", lines(text(prompt, "text")));
    let file = &prompt["file"];
    if text(prompt, "source") != "project" && !file.is_null() {
        println!("{}", plain(text(file, "error")));
        if !text(file, "text").is_empty() {
            println!("\n{} has:\n\n{}", text(file, "path"), lines(text(file, "text")));
        }
    }
    Ok(())
}

async fn trust(cli: &Cli, name: &str, at: &str, project: Option<&str>) -> anyhow::Result<()> {
    let Some((client, id, _)) = of_project(cli, project).await? else {
        let message = "this folder is in no project; name one with --project, or run `spectask init`";
        return Err(Failure::NotFound(message.to_owned()).into());
    };
    let body = json!({ "name": name, "hash": at });
    let trusted = client.post(&format!("/projects/{id}/prompts"), &body).await?;
    if cli.json {
        output::json(&trusted);
    } else {
        println!("The prompt {name} of the repository is trusted and in force.");
    }
    Ok(())
}
