//! The agents that were installed from an ACP registry: a folder for each in the data directory, with a manifest.

use crate::paths::installed_agents;
use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

const MANIFEST: &str = "installed.json";

/// An installed agent and how it is started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstalledAgent {
    /// The registry's id, by which tasks name the agent.
    pub id: String,
    pub name: String,
    /// The version that was installed.
    pub version: String,
    /// The file that is started.
    pub command: PathBuf,
    pub args: Vec<String>,
    pub env: BTreeMap<String, String>,
}

/// Returns the folder of an agent.
pub fn folder(data_dir: &Path, id: &str) -> PathBuf {
    installed_agents(data_dir).join(id)
}

/// Returns the installed agents, by id.
pub fn all(data_dir: &Path) -> Vec<InstalledAgent> {
    let Ok(folders) = std::fs::read_dir(installed_agents(data_dir)) else { return Vec::new() };
    // A hidden folder has the version before while another one is installed.
    let is_hidden = |name: &OsStr| name.as_encoded_bytes().starts_with(b".");
    let folders = folders.flatten().filter(|folder| !is_hidden(&folder.file_name()));
    let manifests = folders.map(|folder| folder.path().join(MANIFEST)).filter(|file| file.is_file());
    let mut agents: Vec<InstalledAgent> = manifests
        .filter_map(|file| match read(&file) {
            Ok(agent) => Some(agent),
            Err(error) => {
                tracing::warn!(file = %file.display(), "an installed agent is left out: {error:#}; install it again");
                None
            }
        })
        .collect();
    agents.sort_by(|one, other| one.id.cmp(&other.id));
    agents
}

fn read(file: &Path) -> anyhow::Result<InstalledAgent> {
    Ok(serde_json::from_slice(&std::fs::read(file)?)?)
}

/// Writes the manifest of an agent into the folder that has its files; the agent is installed then.
///
/// # Errors
/// The file cannot be written.
pub fn write(folder: &Path, agent: &InstalledAgent) -> anyhow::Result<()> {
    let file = folder.join(MANIFEST);
    let text = serde_json::to_vec_pretty(agent)?;
    std::fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paths::installed_agent_of;

    #[test]
    fn an_agent_is_installed_once_its_manifest_is_written() {
        let data = tempfile::tempdir().expect("a folder");
        let own = folder(data.path(), "alpha");
        std::fs::create_dir_all(own.join("bin")).expect("a folder");
        assert_eq!(all(data.path()), []);
        let agent = InstalledAgent {
            id: "alpha".to_owned(),
            name: "Alpha".to_owned(),
            version: "1.0.0".to_owned(),
            command: own.join("bin/alpha"),
            args: vec!["--acp".to_owned()],
            env: BTreeMap::new(),
        };
        write(&own, &agent).expect("written");
        assert_eq!(all(data.path()), std::slice::from_ref(&agent));
        assert_eq!(installed_agent_of(data.path(), &agent.command), Some(own.clone()));
        assert_eq!(installed_agent_of(data.path(), Path::new("/usr/bin/alpha")), None);
        std::fs::write(own.join(MANIFEST), "{").expect("written");
        assert_eq!(all(data.path()), [], "a broken manifest is left out");
    }
}
