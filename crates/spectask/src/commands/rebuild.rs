//! Making a fresh database from the record in git.

use crate::cli::{Cli, Rebuild};
use crate::{config, output};
use engine::record::rebuild::Options;
use serde_json::json;
use std::process::ExitCode;

/// The exit code of a rebuild that had to leave something out.
const INCOMPLETE: u8 = 3;

pub(crate) async fn run(cli: &Cli, command: &Rebuild) -> anyhow::Result<ExitCode> {
    let config = config::load(cli, None)?;
    let options = Options { branch: command.branch.clone(), trust_commands: command.trust_commands };
    let done = engine::record::rebuild::rebuild(&config, &command.from_git, &options).await?;
    if cli.json {
        output::json(&json!({
            "data_dir": config.data_dir,
            "projects": done.projects,
            "tasks": done.tasks,
            "events": done.events,
            "entries": done.entries,
            "attachments": done.attachments,
            "left_out": done.left_out,
            "changed": done.changed,
            "commands": done.commands,
            "commands_confirmed": command.trust_commands,
        }));
    } else {
        println!(
            "rebuilt {} projects with {} tasks: {} events, {} log entries, {} attached files; start the server on {} to go on",
            done.projects,
            done.tasks,
            done.events,
            done.entries,
            done.attachments,
            config.data_dir.display()
        );
        for changed in &done.changed {
            println!("changed in the record: {changed}");
        }
        if !done.commands.is_empty() {
            let state =
                if command.trust_commands { "run as before" } else { "do not run until you confirm them" };
            println!("commands in the record, which {state}:");
            done.commands.iter().for_each(|command| println!("  {}", command.escape_debug()));
        }
        if !done.commands.is_empty() && !command.trust_commands {
            println!("confirm them in each project's settings, or rebuild with --trust-commands");
        }
        for left_out in &done.left_out {
            eprintln!("left out: {left_out}");
        }
    }
    Ok(if done.left_out.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(INCOMPLETE) })
}
