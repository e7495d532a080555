//! Projects from the terminal.

use super::{client, settings_file};
use crate::cli::{Cli, Projects, ProjectsCommand};
use crate::client::Client;
use crate::failure::Failure;
use crate::output::{self, plain, text};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;

pub(crate) async fn run(cli: &Cli, command: &Projects) -> anyhow::Result<()> {
    let client = client(cli)?;
    match &command.command {
        None => list(cli, &client).await,
        Some(ProjectsCommand::Add { repository, name, checks }) => {
            let mut body = json!({ "name": name });
            if !checks.is_empty() {
                body["settings"] = json!({ "checks": checks });
            }
            match Path::new(repository).canonicalize() {
                Ok(path) => body["repository_path"] = json!(path),
                Err(error) if !is_url(repository) => {
                    let message = format!("there is no repository at {repository}: {error}");
                    return Err(Failure::NotFound(message).into());
                }
                Err(_) => body["clone_url"] = json!(repository),
            }
            let project = client.post("/projects", &body).await?;
            if cli.json {
                output::json(&project);
            } else {
                println!(
                    "{}  {}  {}",
                    text(&project, "id"),
                    plain(text(&project, "name")),
                    text(&project, "repository_path")
                );
            }
            Ok(())
        }
        Some(ProjectsCommand::Trust { project, at }) => {
            settings_file::trust(cli, &client, project.as_deref(), at.as_deref()).await
        }
        Some(ProjectsCommand::McpJson { project, confirm, withdraw }) => {
            let path = format!("/projects/{}/mcp-json", find(&client, project).await?);
            let shown = match confirm {
                Some(hash) => client.post(&path, &json!({ "hash": hash, "trusted": true })).await?,
                None if *withdraw => client.post(&path, &json!({ "hash": "", "trusted": false })).await?,
                None => client.get(&path, &[]).await?.body,
            };
            if cli.json {
                output::json(&shown);
            } else {
                print_mcp_json(&shown, project);
            }
            Ok(())
        }
        Some(ProjectsCommand::Remove { project }) => {
            let id = find(&client, project).await?;
            client.delete(&format!("/projects/{id}")).await?;
            if !cli.json {
                println!(
                    "{id} is removed. Its repository keeps its branches and the settings that SpecTask made there; docs/git.md lists them."
                );
            }
            Ok(())
        }
    }
}

fn print_mcp_json(shown: &Value, project: &str) {
    if shown["exists"] != true {
        return println!("The repository has no .mcp.json on its base branch.");
    }
    println!("{}", output::lines(text(shown, "content").trim_end()));
    for problem in shown["problems"].as_array().into_iter().flatten() {
        println!("Problem: {}", plain(problem.as_str().unwrap_or_default()));
    }
    if shown["is_trusted"] == true {
        return println!("\nConfirmed: agents of the project get these servers.");
    }
    println!(
        "\nNot confirmed: agents do not get these servers. Their commands run in the agents' sandbox. To confirm this content:\n  \
         spectask projects mcp-json {project:?} --confirm {}",
        text(shown, "hash")
    );
}

/// Returns whether a repository is named by an address that git can clone from: `scheme://…` or `host:path`.
fn is_url(repository: &str) -> bool {
    let host = repository.split_once(':').map_or("", |(host, _)| host);
    !host.is_empty() && !host.contains('/')
}

async fn list(cli: &Cli, client: &Client) -> anyhow::Result<()> {
    let projects = client.get("/projects?limit=500", &[]).await?.body;
    if cli.json {
        output::json(&projects);
        return Ok(());
    }
    let projects: &[Value] = projects.as_array().map_or(&[], Vec::as_slice);
    if projects.is_empty() {
        println!("No projects. Add one with: spectask projects add PATH-OR-URL");
        return Ok(());
    }
    let rows: Vec<Vec<String>> = projects
        .iter()
        .map(|project| {
            let mut row = ["id", "name", "default_branch"].map(|field| plain(text(project, field))).to_vec();
            row.push(text(&project["settings_file"], "state").to_owned());
            row.push(plain(text(project, "repository_path")));
            row
        })
        .collect();
    output::table(&["ID", "NAME", "BRANCH", "SETTINGS FILE", "REPOSITORY"], &rows);
    for project in projects {
        if let Some(note) = settings_file::note(project) {
            println!("\n{note}");
        }
    }
    Ok(())
}

/// Returns the id of a project that a person named by id or name.
pub(crate) async fn find(client: &Client, named: &str) -> anyhow::Result<String> {
    let projects = client.get("/projects?limit=500", &[]).await?.body;
    let all = projects.as_array().cloned().unwrap_or_default();
    if let Some(project) = all.iter().find(|project| text(project, "id") == named) {
        return Ok(text(project, "id").to_owned());
    }
    let found: Vec<&Value> = all.iter().filter(|project| text(project, "name") == named).collect();
    let detail = match found.as_slice() {
        [project] => return Ok(text(project, "id").to_owned()),
        [] if all.is_empty() => format!(
            "there is no project {named:?}, nor any other; add one with `spectask init` in its repository"
        ),
        [] => {
            let names: BTreeSet<&str> = all.iter().map(|project| text(project, "name")).collect();
            let names: Vec<&str> = names.into_iter().collect();
            format!("there is no project {named:?}; there are {}", names.join(", "))
        }
        several => {
            let shown =
                |project: &&Value| format!("{} ({})", text(project, "id"), text(project, "repository_path"));
            let shown: Vec<String> = several.iter().map(shown).collect();
            format!("several projects are called {named:?}; name one by its id: {}", shown.join("; "))
        }
    };
    Err(Failure::NotFound(plain(&detail)).into())
}
