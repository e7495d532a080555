//! The format of ACP's agent registry: which agents there are, and how each is distributed.
//!
//! Source: `FORMAT.md` of the repository `agentclientprotocol/registry`. Members that are not known are ignored.

use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// An agent that a registry lists.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct RegistryAgent {
    /// Lower-case letters, digits and hyphens; begins with a letter.
    pub id: String,
    pub name: String,
    pub version: String,
    #[serde(default)]
    pub description: String,
    pub distribution: Distribution,
}

/// The ways in which an agent is distributed; at least one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Distribution {
    /// A package of npm's registry.
    pub npx: Option<Package>,
    /// A package of Python's package index.
    pub uvx: Option<Package>,
    /// An archive for each platform, such as `linux-x86_64`.
    #[serde(default)]
    pub binary: BTreeMap<String, Archive>,
}

/// A package with its version, and how its command is started.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Package {
    /// Such as `@example/agent@1.2.3` or `example-agent==1.2.3`.
    pub package: String,
    #[serde(default)]
    pub args: Vec<String>,
    #[serde(default)]
    pub env: BTreeMap<String, String>,
}

/// An archive, and the command in it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Archive {
    /// The address of the archive.
    pub archive: String,
    /// The command's path in the archive, such as `./agent`.
    pub cmd: String,
    /// The SHA-256 of the archive, in hexadecimal digits.
    pub sha256: Option<String>,
    #[serde(default)]
    pub args: Vec<String>,
    #[serde(default)]
    pub env: BTreeMap<String, String>,
}

/// Why a text is no registry.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    #[error("it is not JSON: {0}")]
    NotJson(#[from] serde_json::Error),
    #[error("it has no list `agents`; the format is that of ACP's agent registry")]
    NoAgents,
}

/// Reads a registry, or the manifest of one agent (`agent.json`). Returns its agents, and the ids of those that this version
/// cannot read.
///
/// # Errors
/// The text is not JSON, or is neither a registry nor a manifest.
pub fn read(text: &str) -> Result<(Vec<RegistryAgent>, Vec<String>), RegistryError> {
    let json: Value = serde_json::from_str(text)?;
    let entries = match json.get("agents") {
        Some(Value::Array(entries)) => entries.clone(),
        None if json.get("distribution").is_some() => vec![json],
        _ => return Err(RegistryError::NoAgents),
    };
    let mut agents = Vec::new();
    let mut unreadable = Vec::new();
    for entry in entries {
        let id = entry["id"].as_str().unwrap_or("an agent without an id").to_owned();
        match serde_json::from_value::<RegistryAgent>(entry) {
            Ok(agent) if is_id(&agent.id) => agents.push(agent),
            _ => unreadable.push(id),
        }
    }
    Ok((agents, unreadable))
}

/// Returns whether a text is an id of the registry; such an id is also the name of a folder.
pub fn is_id(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.len() <= 64
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// Returns the registry's name of this platform, such as `linux-x86_64`.
pub fn platform() -> String {
    let os = if std::env::consts::OS == "macos" { "darwin" } else { std::env::consts::OS };
    format!("{os}-{}", std::env::consts::ARCH)
}

impl Package {
    /// Returns the package's name without its version and extras: `@example/agent`, `example-agent`.
    pub fn name(&self) -> &str {
        let spec = self.package.trim();
        let begin = usize::from(spec.starts_with('@'));
        let end = spec[begin..].find(['@', '=', '[', '<', '>', '~', '!', ' ', ';']);
        &spec[..end.map_or(spec.len(), |end| begin + end)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REGISTRY: &str = r#"{ "version": "1.0.0", "extensions": [], "agents": [
        { "id": "alpha", "name": "Alpha", "version": "1.2.3", "description": "One.", "authors": ["A"], "license": "MIT",
          "distribution": { "npx": { "package": "@example/alpha@1.2.3", "args": ["--acp"], "env": { "MODE": "strict" } } } },
        { "id": "beta", "name": "Beta", "version": "4.5.6", "icon": null,
          "distribution": { "uvx": { "package": "beta-agent[acp]==4.5.6" } } },
        { "id": "gamma", "name": "Gamma", "version": "0.9.0", "distribution": { "binary": {
            "linux-x86_64": { "archive": "https://example.com/gamma.tar.gz", "cmd": "./gamma", "sha256": "00" } } } },
        { "id": "../delta", "name": "Delta", "version": "1.0.0", "distribution": {} },
        { "id": "epsilon", "name": "Epsilon", "version": "1.0.0" }
    ] }"#;

    #[test]
    fn agents_of_every_distribution_are_read_and_others_are_named() {
        let (agents, unreadable) = read(REGISTRY).expect("a registry");
        let ids: Vec<&str> = agents.iter().map(|agent| agent.id.as_str()).collect();
        assert_eq!(ids, ["alpha", "beta", "gamma"]);
        assert_eq!(unreadable, ["../delta", "epsilon"]);
        let npx = agents[0].distribution.npx.as_ref().expect("a package");
        assert_eq!((npx.name(), npx.args.as_slice()), ("@example/alpha", &["--acp".to_owned()][..]));
        assert_eq!(agents[1].distribution.uvx.as_ref().expect("a package").name(), "beta-agent");
        assert_eq!(agents[2].distribution.binary["linux-x86_64"].cmd, "./gamma");
    }

    #[test]
    fn a_manifest_of_one_agent_is_a_registry_of_one() {
        let manifest = r#"{ "id": "one", "name": "One", "version": "1", "distribution": { "npx": { "package": "one" } } }"#;
        assert_eq!(read(manifest).expect("a manifest").0[0].id, "one");
    }

    #[test]
    fn what_is_no_registry_is_a_sentence() {
        assert!(matches!(read("<html>"), Err(RegistryError::NotJson(_))));
        for text in ["{}", "[]", r#"{ "agents": {} }"#] {
            assert!(matches!(read(text), Err(RegistryError::NoAgents)), "{text}");
        }
    }
}
