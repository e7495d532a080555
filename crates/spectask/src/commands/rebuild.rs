//! Making a fresh database from the record in git.

use crate::cli::{Cli, Rebuild};
use crate::{config, output};
use serde_json::json;

pub(crate) async fn run(cli: &Cli, command: &Rebuild) -> anyhow::Result<()> {
    let config = config::load(cli, None)?;
    let done = server::rebuild::rebuild(&config, &command.from_git, &command.branch).await?;
    if cli.json {
        output::json(&json!({
            "data_dir": config.data_dir,
            "projects": done.projects,
            "tasks": done.tasks,
            "events": done.events,
            "entries": done.entries,
        }));
    } else {
        println!(
            "rebuilt {} projects with {} tasks: {} events, {} log entries; start the server on {} to go on",
            done.projects,
            done.tasks,
            done.events,
            done.entries,
            config.data_dir.display()
        );
    }
    Ok(())
}
