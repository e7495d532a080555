//! Tokens: the owner's own, and those that are created for others.

use super::projects;
use crate::cli::{Cli, CreateToken, Token, TokenCommand};
use crate::failure::Failure;
use crate::output::{self, plain, text};
use crate::{commands, config};
use anyhow::Context as _;
use serde_json::{Value, json};

pub(crate) async fn run(cli: &Cli, command: &Token) -> anyhow::Result<()> {
    match &command.command {
        None => print_own(cli),
        Some(TokenCommand::Create(command)) => create(cli, command).await,
        Some(TokenCommand::List) => list(cli).await,
        Some(TokenCommand::Revoke { token }) => revoke(cli, token).await,
    }
}

/// Prints the token that the command line uses on this data directory.
fn print_own(cli: &Cli) -> anyhow::Result<()> {
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

async fn create(cli: &Cli, command: &CreateToken) -> anyhow::Result<()> {
    let client = commands::client(cli)?;
    let project = match &command.project {
        Some(named) => Some(projects::find(&client, named).await?),
        None => None,
    };
    let task = match &command.task {
        Some(named) => Some(client.task_id(named).await?),
        None => None,
    };
    let body = json!({
        "name": command.name, "scope": command.scope.as_str(), "project_id": project, "task_id": task,
        "can_decide": command.can_decide, "expires_in_days": command.expires_in_days,
    });
    let created = client.post("/tokens", &body).await?;
    if cli.json {
        output::json(&created);
    } else {
        println!("{}", text(&created, "token"));
        eprintln!(
            "Keep it: it is not shown again. `spectask token revoke {}` revokes it.",
            text(&created, "id")
        );
    }
    Ok(())
}

async fn list(cli: &Cli) -> anyhow::Result<()> {
    let found = commands::client(cli)?.get("/tokens", &[("limit", "500".to_owned())]).await?.body;
    if cli.json {
        output::json(&found);
        return Ok(());
    }
    let rows: Vec<Vec<String>> = found
        .as_array()
        .into_iter()
        .flatten()
        .map(|token| {
            let scope = match text(token, "target_id") {
                "" => text(token, "scope").to_owned(),
                target => format!("{} {target}", text(token, "scope")),
            };
            let or_dash = |field: &str| match text(token, field) {
                "" => "–".to_owned(),
                value => value.to_owned(),
            };
            let row = [text(token, "name"), text(token, "id"), &scope, text(token, "status")];
            let mut row: Vec<String> = row.iter().map(|cell| plain(cell)).collect();
            row.extend([or_dash("expires_at"), or_dash("last_used_at")]);
            row
        })
        .collect();
    output::table(&["NAME", "ID", "SCOPE", "STATUS", "EXPIRES", "LAST USED"], &rows);
    Ok(())
}

async fn revoke(cli: &Cli, named: &str) -> anyhow::Result<()> {
    let client = commands::client(cli)?;
    let all = client.get("/tokens", &[("limit", "500".to_owned())]).await?.body;
    let found: Vec<&Value> = all
        .as_array()
        .into_iter()
        .flatten()
        .filter(|token| {
            text(token, "id") == named || text(token, "name") == named && text(token, "status") != "revoked"
        })
        .collect();
    let id = match found.as_slice() {
        [one] => text(one, "id"),
        [] => {
            return Err(Failure::NotFound(format!(
                "there is no token {named:?}; `spectask token list` shows them"
            ))
            .into());
        }
        _ => return Err(Failure::NotFound(format!("{named:?} names several tokens; use the id")).into()),
    };
    client.delete(&format!("/tokens/{id}")).await?;
    if cli.json {
        output::json(&json!({ "id": id, "revoked": true }));
    } else {
        println!("revoked {id}");
    }
    Ok(())
}
