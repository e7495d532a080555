//! The settings file of a repository: what is said of it, and how a person trusts it.

use super::projects::find;
use super::tasks::known_project;
use crate::cli::Cli;
use crate::client::Client;
use crate::failure::Failure;
use crate::output::{self, lines, plain, text};
use anyhow::Context as _;
use serde_json::{Value, json};
use std::io::{IsTerminal as _, Write as _};
use std::path::Path;

/// How many characters of a hash are shown.
const SHORT_HASH: usize = 12;

/// Returns a sentence about a project's settings file that is not used; none where nothing is to be done.
pub(super) fn note(project: &Value) -> Option<String> {
    let file = &project["settings_file"];
    let waits = matches!(text(file, "state"), "untrusted" | "invalid");
    waits.then(|| format!("{}: {}", plain(text(project, "name")), plain(text(file, "error"))))
}

/// Shows the content of a file and what it changes, asks, and trusts it.
pub(super) async fn trust(
    cli: &Cli,
    client: &Client,
    named: Option<&str>,
    at: Option<&str>,
) -> anyhow::Result<()> {
    let id = match named {
        Some(named) => find(client, named).await?,
        None => known_project(client, Path::new(".")).await?.ok_or_else(|| {
            Failure::NotFound("this folder is in no project; name one, or run `spectask init`".to_owned())
        })?,
    };
    let project = client.get(&format!("/projects/{id}"), &[]).await?.body;
    let file = &project["settings_file"];
    let hash = text(file, "hash");
    if text(file, "state") == "trusted" && at.is_none_or(|at| hash.starts_with(at)) {
        shown(cli, &project, "is trusted already");
        return Ok(());
    }
    let read = match at {
        Some(at) => at.to_owned(),
        None if hash.is_empty() => hash.to_owned(),
        None => {
            show(file);
            let short = &hash[..hash.len().min(SHORT_HASH)];
            if !std::io::stdin().is_terminal() {
                let advice = format!("read it, then run `spectask projects trust {id} --at {short}`");
                return Err(Failure::Unconfirmed(format!("nothing was trusted: {advice}")).into());
            }
            if !is_confirmed()? {
                return Err(Failure::Unconfirmed("nothing was trusted".to_owned()).into());
            }
            hash.to_owned()
        }
    };
    let path = format!("/projects/{id}/trust-settings");
    let trusted = client.post(&path, &json!({ "hash": read })).await?;
    shown(cli, &trusted, "is trusted and in force");
    Ok(())
}

fn shown(cli: &Cli, project: &Value, what: &str) {
    if cli.json {
        output::json(project);
    } else {
        let file = text(&project["settings_file"], "path");
        println!("{file} of {} {what}.", plain(text(project, "name")));
    }
}

/// Prints the text of a file, then the commands and loosened limits in it.
fn show(file: &Value) {
    println!("{} at {}:\n", text(file, "path"), text(file, "commit"));
    for line in lines(text(file, "content")).lines() {
        println!("    {line}");
    }
    let titles = [
        ("command", "Commands that run on this machine"),
        ("loosened", "Limits that become less strict"),
        ("other", "Other settings"),
    ];
    for (kind, title) in titles {
        let changes: Vec<&Value> = file["changes"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|change| change["kind"] == kind)
            .collect();
        if changes.is_empty() {
            continue;
        }
        println!("\n{title}:");
        for change in changes {
            println!("  {} = {}", text(change, "setting"), plain(&change["after"].to_string()));
        }
    }
    println!();
}

fn is_confirmed() -> anyhow::Result<bool> {
    print!("Trust this content? [y/N] ");
    std::io::stdout().flush().context("could not ask")?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).context("could not read the answer")?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}
