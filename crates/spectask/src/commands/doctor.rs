//! Looks at what the server needs, and says what to do about what is missing.

use crate::cli::Cli;
use crate::{config, output};
use serde_json::json;
use std::path::Path;
use std::process::ExitCode;

/// How much room the data directory should have, in bytes.
const ROOM: u64 = 1 << 30;

/// One thing that was looked at.
struct Finding {
    what: &'static str,
    good: bool,
    /// Whether the server cannot do without it.
    needed: bool,
    says: String,
}

pub(crate) async fn run(cli: &Cli) -> anyhow::Result<ExitCode> {
    let config = match config::load(cli, None) {
        Ok(config) => config,
        Err(error) => {
            return Ok(show(cli, &[finding("configuration", false, true, format!("{error:#}"))]));
        }
    };
    let mut findings = vec![finding("configuration", true, true, "is in order".to_owned())];
    findings.push(
        match git::Git::new(git::Settings {
            git_binary: None,
            identity: git::Identity { name: "SpecTask".to_owned(), email: "spectask@localhost".to_owned() },
        })
        .and_then(|git| git.version())
        {
            Ok(version) => finding("git", true, true, version),
            Err(error) => {
                finding("git", false, true, format!("{error}; install it (Debian: apt-get install git)"))
            }
        },
    );
    findings.push(data_dir(&config.data_dir));
    findings.push(room(&config.data_dir));
    findings.push(database(&config).await);
    findings.push(sandbox());
    let agents = server::agents::Agents::new(&config);
    let ready: Vec<String> = agents
        .list()
        .into_iter()
        .filter(|agent| agent.installed && agent.kind != "built_in")
        .map(|agent| agent.id)
        .collect();
    findings.push(if ready.is_empty() {
        finding(
            "agents",
            false,
            false,
            "no agent with a model was found; `spectask agents` says how to install each".to_owned(),
        )
    } else {
        finding(
            "agents",
            true,
            false,
            format!("found {}; `spectask agents check ID` tries one", ready.join(", ")),
        )
    });
    Ok(show(cli, &findings))
}

fn finding(what: &'static str, good: bool, needed: bool, says: String) -> Finding {
    Finding { what, good, needed, says }
}

fn show(cli: &Cli, findings: &[Finding]) -> ExitCode {
    if cli.json {
        let all: Vec<_> = findings
            .iter()
            .map(|found| json!({ "what": found.what, "good": found.good, "needed": found.needed, "says": found.says }))
            .collect();
        output::json(&json!(all));
    } else {
        for found in findings {
            let mark = match (found.good, found.needed) {
                (true, _) => "ok  ",
                (false, true) => "BAD ",
                (false, false) => "note",
            };
            println!("{mark}  {:<14} {}", found.what, output::plain(&found.says));
        }
    }
    if findings.iter().any(|found| !found.good && found.needed) {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

fn data_dir(path: &Path) -> Finding {
    let tried = std::fs::create_dir_all(path).and_then(|()| {
        let probe = path.join(".doctor");
        std::fs::write(&probe, b"")?;
        std::fs::remove_file(&probe)
    });
    match tried {
        Ok(()) => finding("data directory", true, true, path.display().to_string()),
        Err(error) => {
            let says =
                format!("{} cannot be written ({error}); choose another with --data-dir", path.display());
            finding("data directory", false, true, says)
        }
    }
}

fn room(path: &Path) -> Finding {
    match rustix::fs::statvfs(path) {
        Ok(disk) => {
            let free = disk.f_bavail.saturating_mul(disk.f_frsize);
            let says = format!("{} MiB free", free >> 20);
            let says = if free >= ROOM { says } else { format!("{says}; worktrees and logs need more") };
            finding("disk", free >= ROOM, false, says)
        }
        Err(error) => finding("disk", false, false, format!("could not be looked at: {error}")),
    }
}

async fn database(config: &server::Config) -> Finding {
    if config.database_url.is_none() && !config.data_dir.join("spectask.db").exists() {
        return finding("database", true, true, "SQLite; made at the first start".to_owned());
    }
    let kind = if config.database().starts_with("postgres") { "PostgreSQL" } else { "SQLite" };
    match store::Store::open(&config.database()).await {
        Ok(store) => {
            store.close().await;
            finding("database", true, true, format!("{kind} answers"))
        }
        Err(error) => finding("database", false, true, format!("{kind}: {:#}", anyhow::Error::new(error))),
    }
}

fn sandbox() -> Finding {
    let says =
        "agents run with this user's rights; give the server a user or a machine of its own".to_owned();
    finding("sandbox", false, false, says)
}
