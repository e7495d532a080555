//! The commands, one file for each family.

mod agents;
mod analytics;
mod attachments;
mod audit;
mod configuration;
mod crew;
mod doctor;
mod inbox;
mod init;
mod maintenance;
mod mcp;
mod options;
mod overview;
mod permissions;
mod plain;
mod plan;
mod projects;
mod prompts;
mod questions;
mod reading;
mod rebuild;
mod report;
mod review;
mod search;
mod secrets;
mod serve;
mod settings_file;
mod tasks;
mod templates;
mod tokens;
mod transcript;
mod watch;
mod webhooks;

use crate::acp;
use crate::cli::{BuiltIn, Cli, Command, ModelAgent};
use crate::client::Client;
pub(crate) use reading::patch;
use std::process::ExitCode;

/// Does what was typed.
pub(crate) async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let Some(command) = &cli.command else {
        overview::show(&cli).await?;
        return Ok(ExitCode::SUCCESS);
    };
    if let Command::Acp(command) = command {
        match command.setup {
            Some(editor) => acp::set_up(&cli, command, editor)?,
            None => {
                let task = command.task.clone();
                acp::run(cli, task).await;
            }
        }
        return Ok(ExitCode::SUCCESS);
    }
    if matches!(command, Command::Mcp(_)) {
        Box::pin(mcp::run(cli)).await?;
        return Ok(ExitCode::SUCCESS);
    }
    match command {
        Command::Init(command) => init::run(&cli, command).await?,
        Command::Serve(command) => serve::serve(&cli, command).await?,
        Command::Demo(command) => serve::demo(&cli, command).await?,
        Command::New(command) => tasks::new(&cli, command).await?,
        Command::Task(command) => plain::run(&cli, command).await?,
        Command::Templates(command) => templates::list(&cli, command).await?,
        Command::List(command) => tasks::list(&cli, command).await?,
        Command::Show(command) => tasks::show(&cli, &command.task).await?,
        Command::Document(command) => reading::document(&cli, command).await?,
        Command::Plan(command) => plan::plan(&cli, command).await?,
        Command::Diff(command) => reading::diff(&cli, command).await?,
        Command::Log(command) => reading::log(&cli, command).await?,
        Command::Attachments(command) => attachments::run(&cli, command).await?,
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
        Command::Pause(command) => tasks::act(&cli, &command.task, "pause").await?,
        Command::Resume(command) => tasks::resume(&cli, command).await?,
        Command::Retry(command) if crew::is_session(&command.name) => {
            crew::act(&cli, &command.name, "retry").await?;
        }
        Command::Retry(command) => tasks::continue_task(&cli, command, "retry").await?,
        Command::Reopen(command) => tasks::continue_task(&cli, command, "reopen").await?,
        Command::Revert(command) => tasks::revert(&cli, &command.task).await?,
        Command::Skip(command) => crew::act(&cli, &command.session, "skip").await?,
        Command::Choose(command) => crew::act(&cli, &command.session, "choose").await?,
        Command::Sessions(command) => crew::sessions(&cli, &command.task).await?,
        Command::Options(command) => options::options(&cli, command).await?,
        Command::Spawn(command) => crew::spawn(&cli, command).await?,
        Command::Branch(command) => crew::branch(&cli, command).await?,
        Command::Say(command) => crew::say(&cli, command).await?,
        Command::Watch(command) => watch::watch(&cli, command).await?,
        Command::Inbox(command) => inbox::run(&cli, command).await?,
        Command::Webhooks(command) => webhooks::run(&cli, command).await?,
        Command::Permissions(command) => permissions::run(&cli, command).await?,
        Command::Prompts(command) => prompts::run(&cli, command).await?,
        Command::Questions => questions::list(&cli).await?,
        Command::Answer(command) => questions::answer(&cli, command).await?,
        Command::Agents(command) => agents::run(&cli, command).await?,
        Command::Projects(command) => projects::run(&cli, command).await?,
        Command::Config(command) => configuration::run(&cli, command).await?,
        Command::Doctor => return doctor::run(&cli).await,
        Command::Rebuild(command) => return rebuild::run(&cli, command).await,
        Command::Token(command) => tokens::run(&cli, command).await?,
        Command::Secrets(command) => secrets::run(&cli, command).await?,
        Command::Audit(command) => audit::list(&cli, command).await?,
        Command::Maintenance(command) => maintenance::run(&cli, command).await?,
        Command::Completions { shell } => {
            clap_complete::generate(*shell, &mut crate::help::command(), "spectask", &mut std::io::stdout());
        }
        Command::Agent(BuiltIn::Scripted { scenarios }) => {
            return Ok(agent::scripted::serve(scenarios.clone()).await);
        }
        Command::Agent(BuiltIn::Model(command)) => {
            return Ok(model_agent::serve(model_options(command)).await);
        }
        Command::Openapi => {
            println!("{:#}", api::document());
        }
        Command::Acp(_) | Command::Mcp(_) | Command::ExecAgent { .. } => {
            anyhow::bail!("this command is run before the others")
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn model_options(command: &ModelAgent) -> model_agent::Options {
    let ModelAgent { models, provider, base_url, mode, no_tools, context_tokens, max_steps, max_retries } =
        command;
    model_agent::Options {
        models: models.clone(),
        provider: *provider,
        base_url: base_url.clone(),
        no_tools: *no_tools,
        mode: mode.clone(),
        context_tokens: *context_tokens,
        max_steps: Some(*max_steps),
        max_retries: Some(*max_retries),
    }
}

/// The client, for every command that talks to a server.
fn client(cli: &Cli) -> anyhow::Result<Client> {
    Client::find(cli)
}
