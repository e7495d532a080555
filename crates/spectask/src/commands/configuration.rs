//! The configuration in force.

use crate::cli::{Cli, Configuration};
use crate::client::Client;
use crate::config;
use crate::failure::Failure;
use crate::output::{self, plain, text};
use serde_json::{Value, json};

pub(crate) async fn run(cli: &Cli, command: &Configuration) -> anyhow::Result<()> {
    if command.project_schema {
        println!("{:#}", engine::settings::project_file::schema());
        return Ok(());
    }
    show(cli).await
}

/// Prints the configuration of the running server, or the one that a server would start with when none runs.
async fn show(cli: &Cli) -> anyhow::Result<()> {
    let (settings, running) = match in_force(cli).await {
        Ok(found) => found,
        Err(error) if is_absent(&error) => (would_be(cli)?, None),
        Err(error) => return Err(error),
    };
    if cli.json {
        output::json(&json!({ "server": running, "settings": settings }));
        return Ok(());
    }
    match &running {
        Some(url) => println!("in force on the server at {url}\n"),
        None => println!("no server runs; it would start with\n"),
    }
    let rows: Vec<Vec<String>> = settings
        .as_array()
        .into_iter()
        .flatten()
        .map(|setting| {
            let value = match &setting["value"] {
                Value::Null => "–".to_owned(),
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            vec![plain(text(setting, "key")), plain(&value), plain(text(setting, "source"))]
        })
        .collect();
    output::table(&["KEY", "VALUE", "FROM"], &rows);
    Ok(())
}

/// Returns the settings of the running server, and where it is.
async fn in_force(cli: &Cli) -> anyhow::Result<(Value, Option<String>)> {
    let client = Client::find(cli)?;
    let found = client.get("/config", &[]).await?.body;
    Ok((found["settings"].clone(), Some(client.url)))
}

/// Returns a setting of the running server; `None` when it cannot be asked.
pub(super) async fn setting(cli: &Cli, key: &str) -> Option<Value> {
    let (settings, _) = in_force(cli).await.ok()?;
    let found = settings.as_array()?.iter().find(|setting| setting["key"] == key)?;
    Some(found["value"].clone())
}

fn is_absent(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(Failure::NoServer(_) | Failure::NoToken(_)))
}

fn would_be(cli: &Cli) -> anyhow::Result<Value> {
    let settings = config::load(cli, None)?.settings();
    let settings = settings
        .into_iter()
        .map(|(key, value, source)| json!({ "key": key, "value": value, "source": source }));
    Ok(settings.collect())
}
