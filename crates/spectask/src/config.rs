//! The configuration: flags over environment over one TOML file over defaults.

use crate::cli::Cli;
use anyhow::Context as _;
use engine::Config;
use figment::Figment;
use figment::providers::{Env, Format as _, Serialized, Toml};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

/// The variables whose names are not of our making.
const COMMON: [(&str, &str); 3] = [
    ("DATABASE_URL", "database_url"),
    ("NATS_URL", "nats_url"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "telemetry.otlp_endpoint"),
];

/// Returns what is in force, with where each value comes from.
pub(crate) fn figment(cli: &Cli, bind: Option<SocketAddr>) -> anyhow::Result<Figment> {
    let defaults = Config { data_dir: default_data_dir(), ..Config::default() };
    let mut figment = Figment::from(Serialized::defaults(defaults));
    if let Some(file) = file(cli)? {
        figment = figment.merge(Toml::file(file));
    }
    // Nested values are named with two underscores, as SPECTASK_LIMITS__MAX_INSTANCES.
    let nested = Env::prefixed("SPECTASK_").filter(|key| {
        let key = key.as_str().to_ascii_lowercase();
        [
            "limits__",
            "defaults__",
            "http__",
            "turns__",
            "recording__",
            "retention__",
            "sandbox__",
            "secrets__key_file",
            "telemetry__",
        ]
        .iter()
        .any(|table| key.starts_with(table))
    });
    figment = figment.merge(nested.split("__"));
    for (variable, key) in COMMON {
        figment = figment.merge(Env::raw().only(&[variable]).map(move |_| key.into()));
    }
    if let Some(bind) = bind {
        figment = figment.merge(Serialized::default("bind", bind));
    }
    if let Some(data_dir) = &cli.data_dir {
        figment = figment.merge(Serialized::default("data_dir", data_dir));
    }
    Ok(figment)
}

/// Reads where traces are exported to. A configuration that is wrong has no answer here; whoever loads it reports it.
pub(crate) fn otlp_endpoint(cli: &Cli) -> Option<String> {
    let endpoint: Option<String> = figment(cli, None).ok()?.extract_inner("telemetry.otlp_endpoint").ok()?;
    endpoint.filter(|endpoint| !endpoint.trim().is_empty())
}

/// Reads the configuration of a server.
pub(crate) fn load(cli: &Cli, bind: Option<SocketAddr>) -> anyhow::Result<Config> {
    let figment = figment(cli, bind)?;
    let mut config: Config =
        figment.extract().context("the configuration is wrong; `spectask config` shows what is in force")?;
    config.sources = sources(&figment, &config, cli.data_dir.is_some(), bind.is_some());
    config.data_dir =
        std::path::absolute(&config.data_dir).context("the data directory's path is not usable")?;
    config.token = std::env::var("SPECTASK_TOKEN").ok().filter(|token| !token.trim().is_empty());
    config.secrets_key = std::env::var("SPECTASK_SECRETS_KEY").ok().filter(|key| !key.trim().is_empty());
    config.file = file(cli)?
        .map(std::path::absolute)
        .transpose()
        .context("the configuration file's path is not usable")?;
    config.own_binary = std::env::current_exe().context("could not find this program's own file")?;
    Ok(config)
}

/// Returns where each value comes from that is not a default.
fn sources(figment: &Figment, config: &Config, data_dir: bool, bind: bool) -> BTreeMap<String, String> {
    let typed = |flag: &str| std::env::args().any(|one| one == flag || one.starts_with(&format!("{flag}=")));
    let given = |flag: &str, variable: &str| {
        if typed(flag) { flag.to_owned() } else { variable.to_owned() }
    };
    let source = |key: &str| match key {
        "data_dir" if data_dir => Some(given("--data-dir", "SPECTASK_DATA_DIR")),
        "bind" if bind => Some(given("--bind", "SPECTASK_BIND")),
        _ => {
            let found = figment.find_metadata(key)?;
            match &found.source {
                Some(figment::Source::File(file)) => Some(file.display().to_string()),
                _ if found.name.contains("environment") => {
                    let common = COMMON.iter().find(|(_, common)| *common == key);
                    let own = || format!("SPECTASK_{}", key.to_uppercase().replace('.', "__"));
                    Some(common.map_or_else(own, |(variable, _)| (*variable).to_owned()))
                }
                _ => None,
            }
        }
    };
    let keys = config.settings().into_iter().map(|(key, _, _)| key);
    keys.filter_map(|key| Some((key.clone(), source(&key)?))).collect()
}

/// Returns the configuration file: the one that was named, else the user's, if there is one.
fn file(cli: &Cli) -> anyhow::Result<Option<PathBuf>> {
    if let Some(file) = &cli.config {
        anyhow::ensure!(file.is_file(), "there is no configuration file {}", file.display());
        return Ok(Some(file.clone()));
    }
    let folder = std::env::var_os("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .or_else(|| home().map(|home| home.join(".config")));
    Ok(folder.map(|folder| folder.join("spectask").join("config.toml")).filter(|file| file.is_file()))
}

fn default_data_dir() -> PathBuf {
    let folder = std::env::var_os("XDG_DATA_HOME")
        .map(PathBuf::from)
        .or_else(|| home().map(|home| home.join(".local/share")));
    folder.map_or_else(|| PathBuf::from("spectask-data"), |folder| folder.join("spectask"))
}

fn home() -> Option<PathBuf> {
    std::env::var_os("HOME").filter(|home| !home.is_empty()).map(PathBuf::from)
}
