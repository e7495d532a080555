//! The secrets that processes of sessions get as variables. A value is never an argument: other processes can read those.

use crate::cli::{Cli, Secrets, SecretsCommand};
use crate::client::Client;
use crate::commands;
use crate::commands::projects;
use crate::output::{self, plain, text};
use anyhow::Context as _;
use serde_json::{Value, json};
use std::io::{IsTerminal as _, Read as _};

/// How large a value may be that is read, in bytes; the server takes less.
const MAX_BYTES: u64 = 1024 * 1024;

pub(crate) async fn run(cli: &Cli, command: &Secrets) -> anyhow::Result<()> {
    match &command.command {
        SecretsCommand::List { project } => list(cli, project.as_deref()).await,
        SecretsCommand::Set { name, project } => set(cli, name, project.as_deref()).await,
        SecretsCommand::Remove { name, project } => remove(cli, name, project.as_deref()).await,
    }
}

async fn list(cli: &Cli, project: Option<&str>) -> anyhow::Result<()> {
    let client = commands::client(cli)?;
    let only = match project {
        Some(named) => Some(projects::find(&client, named).await?),
        None => None,
    };
    let found = client.get("/secrets", &[("limit", "500".to_owned())]).await?.body;
    let mut secrets = found.as_array().cloned().unwrap_or_default();
    secrets.retain(|secret| only.as_deref().is_none_or(|id| text(secret, "project_id") == id));
    if cli.json {
        output::json(&Value::Array(secrets));
        return Ok(());
    }
    let rows: Vec<Vec<String>> = secrets
        .iter()
        .map(|secret| {
            let scope = match text(secret, "project_id") {
                "" => "all projects",
                id => id,
            };
            let note =
                if secret["readable"] == false { "set it again: encrypted with another key" } else { "" };
            let cells =
                [text(secret, "name"), scope, text(secret, "fingerprint"), text(secret, "updated_at"), note];
            cells.iter().map(|cell| plain(cell)).collect()
        })
        .collect();
    output::table(&["NAME", "SCOPE", "FINGERPRINT", "UPDATED", ""], &rows);
    Ok(())
}

async fn set(cli: &Cli, name: &str, project: Option<&str>) -> anyhow::Result<()> {
    let client = commands::client(cli)?;
    let path = path(&client, name, project).await?;
    let value = read_value(name)?;
    let kept = client.put(&path, &json!({ "value": value })).await?;
    if cli.json {
        output::json(&kept);
    } else {
        println!("set {name} ({})", plain(text(&kept, "fingerprint")));
    }
    Ok(())
}

async fn remove(cli: &Cli, name: &str, project: Option<&str>) -> anyhow::Result<()> {
    let client = commands::client(cli)?;
    client.delete(&path(&client, name, project).await?).await?;
    if cli.json {
        output::json(&json!({ "name": name, "removed": true }));
    } else {
        println!("removed {name}");
    }
    Ok(())
}

/// The address of a secret.
async fn path(client: &Client, name: &str, project: Option<&str>) -> anyhow::Result<String> {
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    anyhow::ensure!(
        is_name,
        "{name:?} cannot be the name of a variable: use ASCII letters, digits and underscores"
    );
    Ok(match project {
        Some(named) => format!("/secrets/{name}?project_id={}", projects::find(client, named).await?),
        None => format!("/secrets/{name}"),
    })
}

/// Reads a value from standard input without the end of its last line, or from the terminal without showing it.
fn read_value(name: &str) -> anyhow::Result<String> {
    if std::io::stdin().is_terminal() {
        return rpassword::prompt_password(format!("{name}: "))
            .context("cannot read the value from the terminal");
    }
    let mut value = String::new();
    let read = std::io::stdin().take(MAX_BYTES).read_to_string(&mut value);
    read.context("cannot read the value from standard input; it must be text in UTF-8")?;
    let end = value.strip_suffix('\n').map(|value| value.strip_suffix('\r').unwrap_or(value));
    Ok(end.map_or_else(|| value.clone(), str::to_owned))
}
