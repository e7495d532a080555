//! The overview that `spectask` prints without a command: the server's state and next steps.

use super::agents;
use super::tasks::known_project;
use crate::cli::Cli;
use crate::client::Client;
use crate::config;
use crate::output::{self, plain};
use serde_json::json;
use std::path::Path;

pub(crate) async fn show(cli: &Cli) -> anyhow::Result<()> {
    let config = config::load(cli, None)?;
    let agents = agents::known(cli).await?;
    let client = Client::find(cli).ok();
    let url = match &client {
        Some(client) => client.get("/me", &[]).await.ok().map(|_| client.url.clone()),
        None => None,
    };
    let here = Path::new(".").canonicalize()?;
    let is_repository = here.ancestors().any(|folder| folder.join(".git").exists());
    let project = match &client {
        Some(client) if url.is_some() && is_repository => known_project(client, &here).await.ok().flatten(),
        _ => None,
    };
    if cli.json {
        output::json(&json!({
            "server": url, "data_dir": config.data_dir, "agents": agents, "is_repository": is_repository,
            "project_id": project,
        }));
        return Ok(());
    }
    println!("SpecTask turns a prompt into reviewed, merged work done by a crew of coding agents.\n");
    let server = url.as_ref().map_or_else(
        || format!("none runs on {}", config.data_dir.display()),
        |url| format!("runs at {url}"),
    );
    println!("Server      {server}");
    for (at, line) in agents::summary(&agents).iter().enumerate() {
        println!("{:<11} {line}", if at == 0 { "Agents" } else { "" });
    }
    let folder = match (&project, is_repository) {
        (Some(id), _) => format!("is in the project {}", plain(id)),
        (None, true) => "is in a git repository that is not set up".to_owned(),
        (None, false) => "is in no git repository".to_owned(),
    };
    println!("This folder {folder}\n\nNext:");
    let mut steps: Vec<(&str, &str)> = Vec::new();
    if url.is_none() {
        steps.push(("spectask serve", "Run the server, and open its page"));
    }
    match (&project, is_repository) {
        (Some(_), _) => steps.push(("spectask new \"…\"", "Create a task in this repository")),
        (None, true) => steps.push(("spectask init", "Set up this repository: commands, settings, project")),
        (None, false) => steps.push(("cd REPOSITORY && spectask init", "Set up a repository of yours")),
    }
    steps.push(("spectask demo", "Try it on a sample repository, without an agent or a key"));
    steps.push(("spectask --help", "See every command"));
    for (command, about) in steps {
        println!("  {command:<32} {about}");
    }
    Ok(())
}
