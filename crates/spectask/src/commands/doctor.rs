//! Looks at what the server needs, and says what to do about what is missing.

use super::settings_file;
use crate::cli::Cli;
use crate::client::Client;
use crate::{config, output};
use engine::health::{Part, Shortage};
use engine::settings::config::NetworkMode;
use protocol::words::AgentKind;
use sandbox::{Level, Mode, Network, Sandbox};
use serde_json::json;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

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
    let mut findings = vec![finding("configuration", true, true, "is valid".to_owned())];
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
    let running = engine::running_server(&config.data_dir).filter(|_| engine::is_in_use(&config.data_dir));
    // A server that runs may have been started with another configuration file.
    let min_free_mb = match &running {
        Some(_) => {
            super::configuration::setting(cli, "limits.min_free_mb").await.and_then(|value| value.as_u64())
        }
        None => None,
    };
    findings.push(disk(&config.data_dir, min_free_mb.unwrap_or(config.limits.min_free_mb)));
    match running {
        Some(running) => {
            findings.extend(running_server(cli, &running).await);
            findings.extend(settings_files(cli).await);
            findings.extend(unreadable_secrets(cli).await);
        }
        None => findings.push(database(&config).await),
    }
    findings.push(secrets_key(&config));
    findings.push(dashboard());
    let agents = engine::agents::Agents::new(&config);
    findings.push(sandbox(agents.sandbox()));
    findings.push(network(agents.sandbox(), &config.sandbox));
    let ready: Vec<String> = agents
        .list()
        .into_iter()
        .filter(|agent| agent.installed && agent.kind != AgentKind::BuiltIn)
        .map(|agent| format!("{} ({})", agent.id, agent.state.words()))
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
    if !path.exists() {
        return finding("data directory", true, true, format!("{}; made at the first start", path.display()));
    }
    let probe = path.join(".doctor");
    let tried = std::fs::write(&probe, b"")
        .and_then(|()| std::fs::remove_file(&probe))
        .and_then(|()| std::fs::metadata(path));
    match tried {
        Ok(found) if found.permissions().mode() & 0o077 != 0 && engine::is_in_use(path) => {
            let says = format!("others may enter {}; run `chmod 700` on it", path.display());
            finding("data directory", false, true, says)
        }
        Ok(_) => finding("data directory", true, true, path.display().to_string()),
        Err(error) => {
            let says =
                format!("{} cannot be written ({error}); choose another with --data-dir", path.display());
            finding("data directory", false, true, says)
        }
    }
}

/// Returns whether the disk of the data directory has the room that the server keeps free.
fn disk(data_dir: &Path, min_free_mb: u64) -> Finding {
    let needed = min_free_mb << 20;
    let there = data_dir.ancestors().find(|folder| folder.exists()).unwrap_or(data_dir);
    if let Some(short) = Shortage::at("data directory", there, needed) {
        return finding("disk", false, true, format!("{short}; until then no new work begins"));
    }
    match rustix::fs::statvfs(there) {
        Ok(disk) => {
            let free = disk.f_bavail.saturating_mul(disk.f_frsize) >> 20;
            finding("disk", true, true, format!("{free} MB free, of which {min_free_mb} MB are kept free"))
        }
        Err(error) => finding("disk", false, true, format!("could not be looked at: {error}")),
    }
}

/// Returns what the server that runs on the data directory says of itself: whether it is ready, and each part that is
/// not.
async fn running_server(cli: &Cli, server: &engine::ServerFile) -> Vec<Finding> {
    // Beyond loopback the server gives reasons only to those who may use it.
    let token = Client::find(cli).ok().map(|client| client.token);
    let asked = async {
        let http = reqwest::Client::builder().timeout(Duration::from_secs(10)).build()?;
        let mut request = http.get(format!("{}/readyz", server.url));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        request.send().await?.json::<serde_json::Value>().await
    };
    let name = format!("at {} (process {})", server.url, server.pid);
    match asked.await {
        Ok(answer) if answer["ready"] == true => {
            vec![finding("server", true, true, format!("{name} is ready"))]
        }
        Ok(answer) => {
            let errors = answer["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
            let parts = errors.iter().map(|error| {
                let part = Part::ALL.into_iter().find(|part| error["field"] == part.as_str());
                let says = error["message"].as_str().unwrap_or_default().to_owned();
                finding(part.map_or("server", Part::as_str), false, true, says)
            });
            let server = finding("server", false, true, format!("{name} is not ready"));
            std::iter::once(server).chain(parts).collect()
        }
        Err(error) => vec![finding("server", false, true, format!("{name} does not answer: {error}"))],
    }
}

/// Returns the settings files of projects that are not used.
async fn settings_files(cli: &Cli) -> Vec<Finding> {
    let Ok(client) = Client::find(cli) else { return Vec::new() };
    let Ok(projects) = client.get("/projects?limit=500", &[]).await else { return Vec::new() };
    let projects = projects.body.as_array().cloned().unwrap_or_default();
    projects
        .iter()
        .filter_map(settings_file::note)
        .map(|note| finding("settings file", false, false, note))
        .collect()
}

async fn database(config: &engine::Config) -> Finding {
    if let Some(file) = config.database_file() {
        // Opening it would make a new one.
        if let Err(error) = engine::require_database(&config.data_dir, &file) {
            return finding("database", false, true, format!("SQLite: {error:#}"));
        }
        if !file.exists() {
            return finding("database", true, true, "SQLite; made at the first start".to_owned());
        }
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

fn secrets_key(config: &engine::Config) -> Finding {
    match engine::settings::secret_store::check_key(config) {
        Ok(origin) => finding("secrets key", true, true, origin),
        Err(error) => finding("secrets key", false, true, format!("{error:#}")),
    }
}

/// Returns the stored secrets that the running server cannot decrypt.
async fn unreadable_secrets(cli: &Cli) -> Vec<Finding> {
    let Ok(client) = Client::find(cli) else { return Vec::new() };
    let Ok(secrets) = client.get("/secrets", &[("limit", "500".to_owned())]).await else { return Vec::new() };
    let unreadable =
        secrets.body.as_array().into_iter().flatten().filter(|secret| secret["readable"] == false);
    unreadable
        .map(|secret| {
            let name = output::text(secret, "name");
            let says = format!(
                "{name} was encrypted with another key; restore that key and restart, or run `spectask secrets set {name}`"
            );
            finding("secret", false, false, says)
        })
        .collect()
}

fn dashboard() -> Finding {
    if api::has_dashboard() {
        return finding("dashboard", true, false, "is built in".to_owned());
    }
    let says = "is not in this binary; build it with `make web`, then build the binary again".to_owned();
    finding("dashboard", false, false, says)
}

fn sandbox(sandbox: &Sandbox) -> Finding {
    let level = sandbox.level();
    let reasons = sandbox.reasons().join("; ");
    if let Err(error) = sandbox.require() {
        return finding("sandbox", false, true, error.to_string());
    }
    match level {
        Level::Bubblewrap => {
            finding("sandbox", true, false, "bubblewrap, Landlock and a system call filter".to_owned())
        }
        Level::Landlock => finding(
            "sandbox",
            false,
            false,
            format!(
                "Landlock and a system call filter only ({reasons}); install bubblewrap for the full sandbox"
            ),
        ),
        Level::Off if sandbox.mode() == Mode::Off => {
            finding("sandbox", false, false, "off: agents run with this user's rights".to_owned())
        }
        Level::Off => {
            finding("sandbox", false, false, format!("none: agents run with this user's rights ({reasons})"))
        }
    }
}

/// Returns what projects that say nothing else reach, and whether they can be kept to it.
fn network(sandbox: &Sandbox, settings: &engine::settings::config::Sandbox) -> Finding {
    let mode = settings.network.as_str();
    let enforced = match settings.network {
        NetworkMode::Open => Ok(()),
        NetworkMode::Allowlist => {
            let proxied = Network::Proxy { socket: "proxy.sock".into(), forwards: Vec::new() };
            sandbox.require_network(&proxied).map_err(|error| error.to_string())
        }
        NetworkMode::None => sandbox.require_network(&Network::None).map_err(|error| error.to_string()),
    };
    let enforced = enforced.and_then(|()| match settings.network {
        NetworkMode::Open => Ok(()),
        NetworkMode::Allowlist | NetworkMode::None => sandbox.try_own_network(),
    });
    match enforced {
        Ok(()) => finding("network", true, false, format!("{mode}, where a project does not say otherwise")),
        Err(reason) => finding("network", false, true, format!("sandbox.network is {mode:?}, and {reason}")),
    }
}
