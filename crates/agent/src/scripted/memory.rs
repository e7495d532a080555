//! What the agent remembers of a session over its own restarts: one small file for each.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

/// The folder with the files; none when the agent forgets.
#[derive(Clone, Debug)]
pub(super) struct Memory(Option<PathBuf>);

/// The remembered state of one session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Remembered {
    pub(super) cwd: PathBuf,
    /// The steps that are played once and were.
    #[serde(default)]
    pub(super) played: BTreeSet<String>,
    /// The options that it offers, with their values.
    #[serde(default)]
    pub(super) options: Vec<Value>,
}

impl Memory {
    /// In `$SPECTASK_SCRIPTED_STATE`, else beside the scenarios.
    pub(super) fn open(scenarios: Option<&Path>) -> Memory {
        let named = std::env::var_os("SPECTASK_SCRIPTED_STATE")
            .filter(|folder| !folder.is_empty())
            .map(PathBuf::from);
        let beside = || {
            let scenarios = std::path::absolute(scenarios?).ok()?;
            Some(scenarios.parent()?.join("scripted-state"))
        };
        Memory(named.or_else(beside))
    }

    pub(super) fn load(&self, session: &str) -> Option<Remembered> {
        let text = std::fs::read_to_string(self.file(session)?).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// Writes the session's file whole or not at all.
    pub(super) fn save(&self, session: &str, remembered: &Remembered) -> io::Result<()> {
        let Some(file) = self.file(session) else { return Ok(()) };
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let draft = file.with_extension("draft");
        std::fs::write(&draft, serde_json::to_string(remembered)?)?;
        std::fs::rename(draft, file)
    }

    /// An id comes from outside, so only such ids have a file as the agent itself gives.
    fn file(&self, session: &str) -> Option<PathBuf> {
        let is_ours =
            !session.is_empty() && session.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        Some(self.0.as_ref().filter(|_| is_ours)?.join(format!("{session}.json")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_saved_is_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let memory = Memory(Some(folder.path().join("state")));
        let remembered =
            Remembered { cwd: "/a".into(), played: ["x".to_owned()].into(), ..Remembered::default() };
        memory.save("scripted-1", &remembered).unwrap();
        assert_eq!(memory.load("scripted-1"), Some(remembered));
        assert_eq!(memory.load("scripted-2"), None);
        assert_eq!(memory.load("../state/scripted-1"), None);
    }
}
