//! Running the server, plain or as the demo.

use crate::cli::{Cli, Demo, Serve};
use crate::client::Client;
use crate::config;
use crate::exhaustion;
use crate::output::{tell, text};
use serde_json::{Value, json};
use std::io::{IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::process::Stdio;

pub(crate) async fn serve(cli: &Cli, command: &Serve) -> anyhow::Result<()> {
    exhaustion::require_address_space();
    let config = config::load(cli, command.bind)?;
    // A log that others read is no place for a token.
    let by_person = std::io::stderr().is_terminal();
    Box::pin(api::run(config, |address, token| announce(address, by_person.then_some(token)))).await
}

pub(crate) async fn demo(cli: &Cli, command: &Demo) -> anyhow::Result<()> {
    let mut config = config::load(cli, command.bind)?;
    config.demo = true;
    let (opens, creates) = (!command.no_open, !command.no_task);
    Box::pin(api::run(config, move |address, token| {
        announce(address, Some(token));
        let (url, token) = (format!("http://{address}"), token.to_owned());
        tokio::spawn(async move {
            if creates && let Err(error) = first_task(url.clone(), token.clone()).await {
                tracing::warn!(
                    error = format!("{error:#}"),
                    "could not create the demo's first task; create one on the page"
                );
            }
            if opens {
                open(&format!("{url}/?token={token}"));
            }
        });
    }))
    .await
}

/// Says where the server listens: one line on stdout, for programs; a link with the token on stderr, for people.
fn announce(address: SocketAddr, token: Option<&str>) {
    let mut out = std::io::stdout();
    // The reader of the line may be gone; the server continues.
    let _ = writeln!(out, "listening on http://{address}").and_then(|()| out.flush());
    if let Some(token) = token {
        tell(&format!("\n  Open  http://{address}/?token={token}\n"));
    }
}

/// Something to look at: a task on the first sample repository, unless there are tasks already.
async fn first_task(url: String, token: String) -> anyhow::Result<()> {
    let client = Client::at(url, token)?;
    if client.get("/spec-tasks", &[("limit", "1".to_owned())]).await?.total.unwrap_or(0) > 0 {
        return Ok(());
    }
    let samples = client.get("/demo-repos?limit=500", &[]).await?.body;
    let samples: &[Value] = samples.as_array().map_or(&[], Vec::as_slice);
    let preferred =
        samples.iter().find(|sample| text(sample, "id") == "nodejs-todo").or_else(|| samples.first());
    if let Some(sample) = preferred {
        let body = json!({ "demo_repo": sample["id"], "prompt": sample["prompts"][0] });
        client.post("/spec-tasks/from-demo", &body).await?;
    }
    Ok(())
}

/// Opens a page in the browser, where there is one.
pub(super) fn open(url: &str) {
    let shown = std::env::var_os("DISPLAY").is_some() || std::env::var_os("WAYLAND_DISPLAY").is_some();
    if !shown && !cfg!(target_os = "macos") {
        return;
    }
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    // The shell leaves the browser to init: what stays below the server is taken for an agent's.
    let started = std::process::Command::new("sh")
        .args(["-c", "\"$0\" \"$1\" &", opener, url])
        .env_remove("SPECTASK_TOKEN")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if let Err(error) = started {
        tracing::info!(%error, "no browser was opened; open the link above");
    }
}
