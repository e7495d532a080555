//! The agents that can be chosen, from the terminal.

mod install;

use crate::cli::{Agents, AgentsCommand, Cli};
use crate::client::encode;
use crate::commands::client;
use crate::config;
use crate::failure::Failure;
use crate::output::{self, plain, text};
use serde_json::{Value, json};

pub(crate) async fn run(cli: &Cli, command: &Agents) -> anyhow::Result<()> {
    match &command.command {
        None => list(cli).await,
        Some(AgentsCommand::Check { id }) => check(cli, id).await,
        Some(AgentsCommand::Resume { id }) => resume(cli, id).await,
        Some(AgentsCommand::Registry { registry }) => install::list(cli, &registry.source).await,
        Some(AgentsCommand::Install { id, registry }) => install::install(cli, &registry.source, id).await,
        Some(AgentsCommand::Uninstall { id }) => install::uninstall(cli, id),
    }
}

/// Lists the agents of the server; without one, those of this machine.
async fn list(cli: &Cli) -> anyhow::Result<()> {
    let agents = known(cli).await?;
    if cli.json {
        output::json(&agents);
        return Ok(());
    }
    let all: &[Value] = agents.as_array().map_or(&[], Vec::as_slice);
    let rows: Vec<Vec<String>> = all
        .iter()
        .map(|agent| {
            vec![
                text(agent, "id").to_owned(),
                plain(text(agent, "name")),
                text(agent, "state").replace('_', " "),
                plain(text(agent, "version")),
                plain(text(agent, "command")),
            ]
        })
        .collect();
    output::table(&["ID", "NAME", "STATE", "VERSION", "COMMAND"], &rows);
    for agent in all {
        if let Some(until) = agent["limited_until"].as_str() {
            let (id, said) = (text(agent, "id"), plain(text(agent, "limit_message")));
            println!("\n{id}: limited until {until}: {said}\n  `spectask agents resume {id}` ends the wait.");
        }
        let hint = match text(agent, "state") {
            "not_installed" => text(agent, "how_to_install"),
            "sign_in_needed" | "failed" => text(agent, "message"),
            _ => continue,
        };
        println!("\n{}: {}", text(agent, "id"), plain(hint));
    }
    Ok(())
}

/// Returns the agents of the server; without one, those of this machine.
pub(super) async fn known(cli: &Cli) -> anyhow::Result<Value> {
    match from_server(cli).await {
        Err(error) if cli.server.is_none() && is_no_server(&error) => {
            Ok(serde_json::to_value(engine::agents::Agents::new(&config::load(cli, None)?).list())?)
        }
        agents => agents,
    }
}

/// Lines about the agents with a model that are installed; without one, what to install, each with a command to copy.
pub(super) fn summary(agents: &Value) -> Vec<String> {
    let all = agents.as_array().map_or(&[][..], Vec::as_slice);
    let real = || all.iter().filter(|agent| text(agent, "kind") != "built_in");
    let found: Vec<String> = real()
        .filter(|agent| agent["installed"] == true)
        .map(|agent| {
            let state = text(agent, "state").replace('_', " ");
            let message = plain(text(agent, "message"));
            let why = if message.is_empty() { message } else { format!(": {message}") };
            format!("{:<10} {} ({state}{why})", text(agent, "id"), plain(text(agent, "name")))
        })
        .collect();
    if !found.is_empty() {
        return found;
    }
    let mut lines = vec!["none found; install one and sign in to it:".to_owned()];
    lines.extend(real().filter_map(|agent| {
        let command = agent["install_command"].as_str()?;
        Some(format!("{:<10} {command}", text(agent, "id")))
    }));
    lines
}

/// Returns whether an agent with a model is installed.
pub(super) fn has_real(agents: &Value) -> bool {
    let mut all = agents.as_array().into_iter().flatten();
    all.any(|agent| agent["installed"] == true && text(agent, "kind") != "built_in")
}

async fn from_server(cli: &Cli) -> anyhow::Result<Value> {
    Ok(client(cli)?.get("/agents?limit=500", &[]).await?.body)
}

fn is_no_server(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref::<Failure>(), Some(Failure::NoServer(_) | Failure::NoToken(_)))
}

/// Ends the wait for an agent's limit.
async fn resume(cli: &Cli, id: &str) -> anyhow::Result<()> {
    let agent = client(cli)?.post(&format!("/agents/{}/resume", encode(id)), &json!({})).await?;
    if cli.json {
        output::json(&agent);
    } else {
        println!("{} does not wait for a limit; its sessions continue.", plain(text(&agent, "name")));
    }
    Ok(())
}

/// Starts an agent as the server would, and has it write where documents and worktrees are.
async fn check(cli: &Cli, id: &str) -> anyhow::Result<()> {
    let agents = engine::agents::Agents::new(&config::load(cli, None)?);
    if agents.find(id).is_none() {
        let known: Vec<String> = agents.list().into_iter().map(|agent| agent.id).collect();
        return Err(
            Failure::NotFound(format!("there is no agent {id:?}; there are {}", known.join(", "))).into()
        );
    }
    let report = agents.check(id).await?;
    let missing: Vec<String> = report.missing.iter().map(|file| file.display().to_string()).collect();
    let info = &report.info;
    if cli.json {
        output::json(&json!({
            "id": id, "name": info.name, "version": info.version, "protocol_version": info.protocol_version,
            "load_session": info.load_session, "close_session": info.close_session,
            "additional_directories": info.additional_directories, "answer": report.answer,
            "stop_reason": report.stop_reason, "passed": report.has_passed(), "missing": missing,
        }));
    } else {
        println!(
            "{} {} speaks ACP version {}",
            plain(&info.name),
            plain(&info.version),
            info.protocol_version
        );
        println!("It {} reload its sessions.", if info.load_session { "can" } else { "cannot" });
        println!("It said: {}", output::short(report.answer.trim(), 200));
    }
    if report.has_passed() {
        if !cli.json {
            println!("It wrote into its working directory and into the documents' folder.");
        }
        return Ok(());
    }
    let detail = format!(
        "{id} did not write {}; it cannot plan or implement like this. Its own sandbox or settings may forbid it, or \
         its model has no tools",
        missing.join(" and ")
    );
    Err(Failure::CheckFailed(detail).into())
}
