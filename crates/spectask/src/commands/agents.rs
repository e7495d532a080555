//! The agents that can be chosen, from the terminal.

use super::client;
use crate::cli::{Agents, AgentsCommand, Cli};
use crate::config;
use crate::failure::Failure;
use crate::output::{self, plain, text};
use agent::{AgentEvent, PermissionAnswer, Process, Update};
use anyhow::Context as _;
use serde_json::{Value, json};
use std::time::Duration;

/// How long a trivial prompt may take.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) async fn run(cli: &Cli, command: &Agents) -> anyhow::Result<()> {
    match &command.command {
        None => list(cli).await,
        Some(AgentsCommand::Check { id }) => check(cli, id).await,
    }
}

async fn list(cli: &Cli) -> anyhow::Result<()> {
    let agents = client(cli)?.get("/agents?limit=500", &[]).await?.body;
    if cli.json {
        output::json(&agents);
        return Ok(());
    }
    let rows: Vec<Vec<String>> = agents
        .as_array()
        .into_iter()
        .flatten()
        .map(|agent: &Value| {
            let state = if agent["installed"].as_bool() == Some(true) { "ready" } else { "not installed" };
            let hint = if state == "ready" { text(agent, "command") } else { text(agent, "how_to_install") };
            vec![
                text(agent, "id").to_owned(),
                plain(text(agent, "name")),
                state.to_owned(),
                output::short(hint, 80),
            ]
        })
        .collect();
    output::table(&["ID", "NAME", "STATE", "COMMAND OR HOW TO INSTALL"], &rows);
    Ok(())
}

/// Starts an agent as the server would, and asks it for one word.
async fn check(cli: &Cli, id: &str) -> anyhow::Result<()> {
    let config = config::load(cli, None)?;
    let agents = server::agents::Agents::new(&config);
    if agents.find(id).is_none() {
        let known: Vec<String> = agents.list().into_iter().map(|agent| agent.id).collect();
        return Err(
            Failure::NotFound(format!("there is no agent {id:?}; there are {}", known.join(", "))).into()
        );
    }
    let folder = std::env::temp_dir().join(format!("spectask-check-{}", std::process::id()));
    let launch = agents.launch(id, "check", &folder, &folder)?;
    let (events, mut heard) = tokio::sync::mpsc::channel(256);
    let process = Process::start(launch, events).await.context("the agent did not start")?;
    let info = process.info().clone();
    if !cli.json {
        println!("{} {} speaks ACP version {}", info.name, info.version, info.protocol_version);
        println!("It {} reload its sessions.", if info.load_session { "can" } else { "cannot" });
    }
    let answered = tokio::time::timeout(PATIENCE, async {
        let session = process.new_session(&folder, None).await.context("it opened no session")?;
        let asked = process.prompt(&session, "Reply with the single word: ready", None);
        let mut asked = std::pin::pin!(asked);
        let mut said = String::new();
        loop {
            tokio::select! {
                biased;
                Some(event) = heard.recv() => match event {
                    AgentEvent::Update { kind: Update::AgentText(text), .. } => said.push_str(&text),
                    AgentEvent::Permission { request_id, .. } => process.answer_permission(request_id, &PermissionAnswer::Cancelled),
                    _ => {}
                },
                end = &mut asked => {
                    return end.map(|end| (said, end.stop_reason)).context("it did not answer");
                }
            }
        }
    })
    .await;
    process.stop().await;
    // Left behind only when something still holds it.
    let _ = std::fs::remove_dir_all(&folder);
    let (said, stop_reason) = answered.context("it did not answer within two minutes")??;
    if cli.json {
        output::json(&json!({
            "id": id, "name": info.name, "version": info.version, "protocol_version": info.protocol_version,
            "load_session": info.load_session, "answer": said, "stop_reason": stop_reason,
        }));
    } else {
        println!("Asked for one word, it said: {}", output::short(&said, 200));
    }
    Ok(())
}
