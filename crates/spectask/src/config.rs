//! The configuration: flags over environment over one TOML file over defaults.

use crate::cli::Cli;
use anyhow::Context as _;
use figment::Figment;
use figment::providers::{Env, Format as _, Serialized, Toml};
use server::Config;
use std::net::SocketAddr;
use std::path::PathBuf;

/// The variables whose names are not of our making.
const COMMON: [(&str, &str); 2] = [("DATABASE_URL", "database_url"), ("NATS_URL", "nats_url")];

/// What is in force, with where each value comes from.
pub(crate) fn figment(cli: &Cli, bind: Option<SocketAddr>) -> anyhow::Result<Figment> {
    let defaults = Config { data_dir: default_data_dir(), ..Config::default() };
    let mut figment = Figment::from(Serialized::defaults(defaults));
    if let Some(file) = file(cli)? {
        figment = figment.merge(Toml::file(file));
    }
    // Nested values are named with two underscores, as SPECTASK_LIMITS__MAX_INSTANCES.
    let nested = Env::prefixed("SPECTASK_").filter(|key| {
        let key = key.as_str().to_ascii_lowercase();
        ["limits__", "defaults__", "turns__", "recording__", "sandbox__"]
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

/// Reads the configuration of a server.
pub(crate) fn load(cli: &Cli, bind: Option<SocketAddr>) -> anyhow::Result<Config> {
    let mut config: Config = figment(cli, bind)?
        .extract()
        .context("the configuration is wrong; `spectask config` shows what is in force")?;
    config.data_dir =
        std::path::absolute(&config.data_dir).context("the data directory's path is not usable")?;
    config.token = std::env::var("SPECTASK_TOKEN").ok().filter(|token| !token.trim().is_empty());
    config.own_binary = std::env::current_exe().context("could not find this program's own file")?;
    Ok(config)
}

/// The configuration file: the one that was named, else the user's, if there is one.
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
