//! The commands, one file for each family.

mod agents;
mod analytics;
mod crew;
mod doctor;
mod plain;
mod projects;
mod reading;
mod rebuild;
mod report;
mod review;
mod search;
mod serve;
mod tasks;
mod templates;
mod watch;

use crate::cli::{BuiltIn, Cli, Command};
use crate::client::Client;
use crate::{config, output};
use anyhow::Context as _;
use clap::CommandFactory as _;
use serde_json::{Value, json};
use std::process::ExitCode;

/// Does what was typed.
pub(crate) async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match &cli.command {
        Command::Serve(command) => serve::serve(&cli, command).await?,
        Command::Demo(command) => serve::demo(&cli, command).await?,
        Command::New(command) => tasks::new(&cli, command).await?,
        Command::Task(command) => plain::run(&cli, command).await?,
        Command::Templates(command) => templates::list(&cli, command).await?,
        Command::List(command) => tasks::list(&cli, command).await?,
        Command::Show(command) => tasks::show(&cli, &command.task).await?,
        Command::Document(command) => reading::document(&cli, command).await?,
        Command::Diff(command) => reading::diff(&cli, &command.name).await?,
        Command::Log(command) => reading::log(&cli, command).await?,
        Command::Search(command) => search::search(&cli, command).await?,
        Command::Report(command) => report::report(&cli, command).await?,
        Command::Analytics(command) => analytics::analytics(&cli, command).await?,
        Command::Approve(command) => review::approve(&cli, command).await?,
        Command::RequestChanges(command) => review::request_changes(&cli, command).await?,
        Command::Reject(command) => review::reject(&cli, command).await?,
        Command::Cancel(command) if crew::is_session(&command.name) => {
            crew::act(&cli, &command.name, "cancel").await?;
        }
        Command::Cancel(command) => tasks::act(&cli, &command.name, "cancel").await?,
        Command::Retry(command) if crew::is_session(&command.name) => {
            crew::act(&cli, &command.name, "retry").await?;
        }
        Command::Retry(command) => tasks::act(&cli, &command.name, "retry").await?,
        Command::Skip(command) => crew::act(&cli, &command.session, "skip").await?,
        Command::Choose(command) => crew::act(&cli, &command.session, "choose").await?,
        Command::Sessions(command) => crew::sessions(&cli, &command.task).await?,
        Command::Spawn(command) => crew::spawn(&cli, command).await?,
        Command::Branch(command) => crew::branch(&cli, command).await?,
        Command::Say(command) => crew::say(&cli, command).await?,
        Command::Watch(command) => watch::watch(&cli, command).await?,
        Command::Agents(command) => agents::run(&cli, command).await?,
        Command::Projects(command) => projects::run(&cli, command).await?,
        Command::Config => show_config(&cli)?,
        Command::Doctor => return doctor::run(&cli).await,
        Command::Rebuild(command) => rebuild::run(&cli, command).await?,
        Command::Token => token(&cli)?,
        Command::Completions { shell } => {
            clap_complete::generate(*shell, &mut Cli::command(), "spectask", &mut std::io::stdout());
        }
        Command::Agent(BuiltIn::Scripted { scenarios }) => {
            return Ok(agent::scripted::serve(scenarios.clone()).await);
        }
        Command::Openapi => {
            println!(
                "{}",
                server::api::document().to_pretty_json().context("the document has no JSON form")?
            );
        }
        Command::ExecAgent { .. } => anyhow::bail!("exec-agent is run before anything else"),
    }
    Ok(ExitCode::SUCCESS)
}

fn token(cli: &Cli) -> anyhow::Result<()> {
    let config = config::load(cli, None)?;
    let path = config.data_dir.join("token");
    let token = std::fs::read_to_string(&path).with_context(|| {
        format!("there is no token in {} yet; start the server once, it makes one", config.data_dir.display())
    })?;
    let token = token.trim();
    if cli.json {
        output::json(&json!({ "token": token }));
    } else {
        println!("{token}");
    }
    Ok(())
}

fn show_config(cli: &Cli) -> anyhow::Result<()> {
    let figment = config::figment(cli, None)?;
    // A configuration that does not hold is told here, with the value that is wrong.
    config::load(cli, None)?;
    let mut values: Value = figment.extract().context("the configuration cannot be read")?;
    hide_secrets(&mut values);
    if cli.json {
        output::json(&values);
        return Ok(());
    }
    let mut rows = Vec::new();
    flatten("", &values, &mut rows);
    let rows: Vec<Vec<String>> = rows
        .into_iter()
        .map(|(key, value)| {
            let from = figment.find_metadata(&key).map_or_else(String::new, |found| match &found.source {
                Some(source) => source.to_string(),
                None => found.name.to_string(),
            });
            let from = if from.contains("server::config") || from.contains("src/config.rs") {
                "default or flag".to_owned()
            } else {
                from
            };
            vec![key, value, from]
        })
        .collect();
    output::table(&["KEY", "VALUE", "FROM"], &rows);
    Ok(())
}

/// Passwords in URLs and the environments of agents are never shown.
fn hide_secrets(values: &mut Value) {
    if let Some(url) = values["database_url"].as_str()
        && let Some((scheme, rest)) = url.split_once("://")
        && let Some((_, host)) = rest.rsplit_once('@')
    {
        values["database_url"] = json!(format!("{scheme}://…@{host}"));
    }
    for agent in values["agents"].as_array_mut().into_iter().flatten() {
        if let Some(env) = agent["env"].as_object_mut() {
            env.values_mut().for_each(|value| *value = json!("…"));
        }
    }
}

fn flatten(prefix: &str, value: &Value, rows: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (name, value) in fields {
                let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                flatten(&key, value, rows);
            }
        }
        Value::Null => rows.push((prefix.to_owned(), "–".to_owned())),
        Value::String(text) => rows.push((prefix.to_owned(), text.clone())),
        other => rows.push((prefix.to_owned(), other.to_string())),
    }
}

/// The client, for every command that talks to a server.
fn client(cli: &Cli) -> anyhow::Result<Client> {
    Client::find(cli)
}
