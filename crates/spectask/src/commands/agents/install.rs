//! Installs agents that an ACP registry lists.

use crate::cli::Cli;
use crate::config;
use crate::failure::Failure;
use crate::output::{self, plain};
use agent::acp_registry::{self, Archive, Package, RegistryAgent};
use anyhow::Context as _;
use engine::agents::installed::{self, InstalledAgent};
use futures::StreamExt as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// The largest registry that is read, in bytes.
const MAX_REGISTRY: usize = 16 << 20;
/// The largest archive that is downloaded, in bytes.
const MAX_ARCHIVE: u64 = 2 << 30;
/// How long a server may be silent during a download.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// Lists the agents of a registry.
pub(super) async fn list(cli: &Cli, registry: &str) -> anyhow::Result<()> {
    let (agents, unreadable) = read(registry).await?;
    if cli.json {
        let all: Vec<Value> = agents
            .iter()
            .map(|agent| {
                json!({ "id": agent.id, "name": agent.name, "version": agent.version, "description": agent.description,
                    "distributions": ways(agent) })
            })
            .collect();
        output::json(&json!(all));
        return Ok(());
    }
    let rows: Vec<Vec<String>> = agents
        .iter()
        .map(|agent| {
            vec![
                agent.id.clone(),
                plain(&agent.name),
                plain(&agent.version),
                ways(agent).join(", "),
                plain(&agent.description),
            ]
        })
        .collect();
    output::table(&["ID", "NAME", "VERSION", "DISTRIBUTION", "DESCRIPTION"], &rows);
    if !unreadable.is_empty() {
        println!("\nLeft out, since this version cannot read them: {}", plain(&unreadable.join(", ")));
    }
    Ok(())
}

/// Installs an agent for the servers of this data directory.
pub(super) async fn install(cli: &Cli, registry: &str, id: &str) -> anyhow::Result<()> {
    let data_dir = config::load(cli, None)?.data_dir;
    let (agents, _) = read(registry).await?;
    let Some(found) = agents.iter().find(|agent| agent.id == id) else {
        let ids: Vec<&str> = agents.iter().map(|agent| agent.id.as_str()).collect();
        let detail = format!("the registry has no agent {id:?}; it has {}", ids.join(", "));
        return Err(Failure::NotFound(detail).into());
    };
    let folder = installed::folder(&data_dir, id);
    let parent = folder.parent().context("the data directory has no folder for agents")?;
    std::fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
    let previous = parent.join(format!(".{id}"));
    remove_folder(&previous)?;
    if folder.exists() {
        std::fs::rename(&folder, &previous)?;
    }
    let made = make(found, &folder).await;
    let agent = match made {
        Ok(agent) => {
            remove_folder(&previous)?;
            agent
        }
        Err(error) => {
            remove_folder(&folder)?;
            if previous.exists() {
                std::fs::rename(&previous, &folder)?;
            }
            return Err(error);
        }
    };
    if cli.json {
        output::json(&json!(agent));
        return Ok(());
    }
    println!("Installed {} {} in {}.", plain(&agent.name), plain(&agent.version), folder.display());
    println!("Try it with: spectask agents check {id}");
    if engine::is_in_use(&data_dir) {
        println!("The running server offers it after a restart.");
    }
    Ok(())
}

/// Installs an agent into its folder. It is made at its place, since programs of Python's packages name where they are.
async fn make(found: &RegistryAgent, folder: &Path) -> anyhow::Result<InstalledAgent> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let start = fetch(found, folder).await?;
    refuse_variables(&start.env)?;
    let command = folder.join(&start.command);
    anyhow::ensure!(
        command.exists(),
        "{} was fetched, and has no command {}",
        found.id,
        start.command.display()
    );
    let agent = InstalledAgent {
        id: found.id.clone(),
        name: found.name.clone(),
        version: found.version.clone(),
        command,
        args: start.args,
        env: start.env,
    };
    installed::write(folder, &agent)?;
    Ok(agent)
}

/// Removes an installed agent.
pub(super) fn uninstall(cli: &Cli, id: &str) -> anyhow::Result<()> {
    let data_dir = config::load(cli, None)?.data_dir;
    let is_installed = installed::all(&data_dir).iter().any(|agent| agent.id == id);
    if !is_installed {
        let detail = format!("no agent {id:?} was installed with `spectask agents install`");
        return Err(Failure::NotFound(detail).into());
    }
    remove_folder(&installed::folder(&data_dir, id))?;
    if cli.json {
        output::json(&json!({ "id": id }));
    } else {
        println!("Removed {id}.");
    }
    Ok(())
}

fn remove_folder(folder: &Path) -> anyhow::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}

/// How an installed agent is started.
struct Start {
    /// The command, from the agent's folder.
    command: PathBuf,
    args: Vec<String>,
    env: BTreeMap<String, String>,
}

impl Start {
    fn of(package: &Package, command: PathBuf) -> Self {
        Self { command, args: package.args.clone(), env: package.env.clone() }
    }
}

/// Returns the ways in which an agent can be installed on this machine, the preferred first.
fn ways(agent: &RegistryAgent) -> Vec<&'static str> {
    let distribution = &agent.distribution;
    let mut ways = Vec::new();
    if distribution.npx.is_some() {
        ways.push("npm");
    }
    if distribution.uvx.is_some() {
        ways.push("python");
    }
    if distribution.binary.contains_key(&acp_registry::platform()) {
        ways.push("binary");
    }
    ways
}

/// Fetches an agent's files into a folder.
async fn fetch(agent: &RegistryAgent, into: &Path) -> anyhow::Result<Start> {
    let distribution = &agent.distribution;
    let platform = acp_registry::platform();
    if let Some(package) = distribution.npx.as_ref().filter(|_| has("npm")) {
        return Ok(Start::of(package, from_npm(package, into)?));
    }
    if let Some(package) = distribution.uvx.as_ref().filter(|_| has("uv") || has("python3")) {
        return Ok(Start::of(package, from_python(package, into)?));
    }
    if let Some(archive) = distribution.binary.get(&platform) {
        let command = from_archive(archive, into).await?;
        return Ok(Start { command, args: archive.args.clone(), env: archive.env.clone() });
    }
    let needed = match (&distribution.npx, &distribution.uvx) {
        (Some(_), _) => "npm, which comes with Node.js".to_owned(),
        (_, Some(_)) => "uv or Python 3".to_owned(),
        (None, None) => format!("a build for {platform}, which the registry does not list"),
    };
    Err(Failure::Unusable(format!("{} needs {needed}", agent.id)).into())
}

/// A registry decides what an agent's variables are, and not which variables of the server it gets.
fn refuse_variables(env: &BTreeMap<String, String>) -> anyhow::Result<()> {
    match env.iter().find(|(_, value)| value.contains("${")) {
        Some((name, _)) => {
            let detail = format!(
                "the registry sets {name} from a variable of the server; write an [[agents]] entry for this agent into the \
                 configuration instead"
            );
            Err(Failure::Unusable(detail).into())
        }
        None => Ok(()),
    }
}

fn from_npm(package: &Package, into: &Path) -> anyhow::Result<PathBuf> {
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--prefix"]).arg(into).args(["--", &package.package]);
    run(&mut npm)?;
    // A package may be named by a folder or an archive; npm notes the name that it has.
    let project = json_file(&into.join("package.json"))?;
    let installed = project["dependencies"].as_object().and_then(|all| all.keys().next());
    let name = installed.map_or(package.name(), String::as_str);
    let manifest = json_file(&into.join("node_modules").join(name).join("package.json"))?;
    let own = name.rsplit('/').next().unwrap_or_default();
    let command = match &manifest["bin"] {
        Value::String(_) => own,
        Value::Object(commands) if commands.contains_key(own) => own,
        Value::Object(commands) => commands.keys().next().map_or(own, String::as_str),
        _ => anyhow::bail!("the package {} has no command", package.package),
    };
    Ok(Path::new("node_modules/.bin").join(command))
}

fn json_file(path: &Path) -> anyhow::Result<Value> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not JSON", path.display()))
}

fn from_python(package: &Package, into: &Path) -> anyhow::Result<PathBuf> {
    let venv = into.join("venv");
    let python = venv.join("bin/python");
    if has("uv") {
        run(Command::new("uv").arg("venv").arg(&venv))?;
        run(Command::new("uv")
            .args(["pip", "install", "--python"])
            .arg(&python)
            .args(["--", &package.package]))?;
    } else {
        run(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
        run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--", &package.package]))?;
    }
    Ok(Path::new("venv/bin").join(package.name()))
}

async fn from_archive(archive: &Archive, into: &Path) -> anyhow::Result<PathBuf> {
    let command: PathBuf =
        Path::new(&archive.cmd).components().filter(|part| *part != Component::CurDir).collect();
    if command.components().any(|part| !matches!(part, Component::Normal(_))) {
        return Err(Failure::Unusable(format!("the command {:?} is not in the archive", archive.cmd)).into());
    }
    let name = archive.archive.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    let mut file = tempfile::NamedTempFile::new_in(into)?;
    let digest = download(&archive.archive, &mut file).await?;
    if archive.sha256.as_ref().is_some_and(|expected| !expected.eq_ignore_ascii_case(&digest)) {
        anyhow::bail!(
            "{} is not the file that the registry describes: its SHA-256 is {digest}",
            archive.archive
        );
    }
    let is = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
    if is(&[".zip"]) {
        run(Command::new("unzip").arg("-q").arg(file.path()).arg("-d").arg(into))?;
    } else if is(&[".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz"]) {
        run(Command::new("tar").arg("-xf").arg(file.path()).arg("-C").arg(into))?;
    } else {
        let target = into.join(&command);
        std::fs::create_dir_all(target.parent().unwrap_or(into))?;
        std::fs::copy(file.path(), target)?;
    }
    let program = into.join(&command);
    if program.is_file() {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755))?;
    }
    Ok(command)
}

/// Reads a registry from a file or an address.
async fn read(registry: &str) -> anyhow::Result<(Vec<RegistryAgent>, Vec<String>)> {
    let text = if is_address(registry) {
        let mut text = Vec::new();
        let mut chunks = get(registry).await?.bytes_stream();
        while let Some(chunk) = chunks.next().await {
            text.extend_from_slice(&chunk.with_context(|| format!("{registry} broke off"))?);
            anyhow::ensure!(
                text.len() <= MAX_REGISTRY,
                "{registry} is larger than {} MiB",
                MAX_REGISTRY >> 20
            );
        }
        String::from_utf8(text).with_context(|| format!("{registry} is not UTF-8 text"))?
    } else {
        std::fs::read_to_string(registry)
            .map_err(|error| Failure::NotFound(format!("the registry {registry} cannot be read: {error}")))?
    };
    acp_registry::read(&text)
        .map_err(|error| Failure::Unusable(format!("{registry} is not an agent registry: {error}")).into())
}

fn is_address(registry: &str) -> bool {
    ["https://", "http://"].iter().any(|scheme| registry.starts_with(scheme))
}

async fn get(address: &str) -> anyhow::Result<reqwest::Response> {
    let http = reqwest::Client::builder().read_timeout(READ_TIMEOUT).build()?;
    let answer = http.get(address).send().await.with_context(|| format!("cannot read {address}"))?;
    answer.error_for_status().with_context(|| format!("cannot read {address}"))
}

/// Downloads a file. Returns its SHA-256.
async fn download(address: &str, into: &mut tempfile::NamedTempFile) -> anyhow::Result<String> {
    anyhow::ensure!(is_address(address), "the archive's address {address:?} is neither HTTPS nor HTTP");
    let mut chunks = get(address).await?.bytes_stream();
    let mut digest = Sha256::new();
    let mut size = 0;
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.with_context(|| format!("{address} broke off"))?;
        size += chunk.len() as u64;
        anyhow::ensure!(size <= MAX_ARCHIVE, "{address} is larger than {} GiB", MAX_ARCHIVE >> 30);
        digest.update(&chunk);
        into.write_all(&chunk)?;
    }
    into.flush()?;
    Ok(hex::encode(digest.finalize()))
}

fn has(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    agent::find_command(program, &path, Path::new("/")).is_some()
}

/// Runs a command whose messages the user sees on standard error.
fn run(command: &mut Command) -> anyhow::Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let ended = command.stdin(Stdio::null()).stdout(std::io::stderr()).status();
    let ended =
        ended.map_err(|error| Failure::Unusable(format!("cannot run {name}: {error}; install it")))?;
    anyhow::ensure!(ended.success(), "{name} failed ({ended}); its messages are above");
    Ok(())
}
