//! The known state of the agents on this machine: found by starting them and by their turns, stored beside the data.

use crate::clock::now;
use crate::settings::data_dir::write_private;
use parking_lot::Mutex;
use protocol::AgentOption;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;
use workflow::Millis;

/// The time for which a failure of an agent stays recorded, in milliseconds: people sign in and repair it outside.
const FAILURE_MAX_AGE: i64 = 60_000;

/// The known facts about one agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AgentFacts {
    /// The program that was started, and when it was changed last, in seconds: another one has to be asked again.
    pub(crate) program: PathBuf,
    pub(crate) changed_at: u64,
    /// The version that the agent reports.
    pub(crate) version: Option<String>,
    pub(crate) auth_needed: bool,
    /// Whether it passed `spectask agents check`; absent where only its start was tried.
    pub(crate) passed: Option<bool>,
    /// When it worked last that it is known: it passed a check, or a turn of it succeeded after it wanted a sign-in.
    #[serde(default)]
    pub(crate) worked_at: Option<Millis>,
    /// Why it cannot be used.
    pub(crate) message: Option<String>,
    pub(crate) at: Millis,
    /// The options that it offered when its last session was opened.
    #[serde(default)]
    pub(crate) options: Vec<AgentOption>,
}

impl AgentFacts {
    pub(crate) fn new(program: &Path) -> Self {
        Self {
            program: program.to_path_buf(),
            changed_at: changed_at(program),
            version: None,
            auth_needed: false,
            passed: None,
            worked_at: None,
            message: None,
            at: now(),
            options: Vec::new(),
        }
    }

    /// Returns whether they are about this program as it is.
    pub(crate) fn are_of(&self, program: &Path) -> bool {
        self.program == program && self.changed_at == changed_at(program)
    }

    /// Returns whether the agent is to be asked again.
    pub(crate) fn are_stale(&self) -> bool {
        (self.auth_needed || self.passed == Some(false)) && self.at.plus(FAILURE_MAX_AGE) < now()
    }
}

fn changed_at(program: &Path) -> u64 {
    let changed = program.metadata().and_then(|data| data.modified()).ok();
    changed.and_then(|at| at.duration_since(UNIX_EPOCH).ok()).map_or(0, |since| since.as_secs())
}

/// The facts of all agents, in a file that the server and the command line share.
pub(crate) struct AgentStates {
    file: PathBuf,
    writing: Mutex<()>,
}

impl AgentStates {
    pub(crate) fn new(data_dir: &Path) -> Self {
        Self { file: data_dir.join("agents.json"), writing: Mutex::default() }
    }

    /// Returns what is known; a file that cannot be read is made again.
    pub(crate) fn read(&self) -> BTreeMap<String, AgentFacts> {
        let text = std::fs::read_to_string(&self.file).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Records the findings about an agent.
    pub(crate) fn note(&self, id: &str, facts: AgentFacts) {
        let _one_by_one = self.writing.lock();
        let mut all = self.read();
        all.insert(id.to_owned(), facts);
        let fresh = self.file.with_extension(format!("{}.new", std::process::id()));
        let written = serde_json::to_vec_pretty(&all).map_err(std::io::Error::from).and_then(|text| {
            write_private(&fresh, &text)?;
            std::fs::rename(&fresh, &self.file)
        });
        if let Err(error) = written {
            tracing::warn!(%error, file = %self.file.display(), "could not save the state of an agent");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_hold_for_one_program_as_it_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let program = folder.path().join("agent");
        std::fs::write(&program, "one").expect("a file");
        let facts = AgentFacts { version: Some("1.0".to_owned()), ..AgentFacts::new(&program) };
        assert!(facts.are_of(&program) && !facts.are_of(&folder.path().join("other")));
        let states = AgentStates::new(folder.path());
        assert!(states.read().is_empty());
        states.note("one", facts.clone());
        states.note("two", facts.clone());
        assert_eq!(
            states.read().into_iter().collect::<Vec<_>>(),
            [("one".to_owned(), facts.clone()), ("two".to_owned(), facts)]
        );
        std::fs::write(folder.path().join("agents.json"), "{").expect("a file");
        assert!(states.read().is_empty());
    }
}
