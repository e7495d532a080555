//! The conversations that outlive the process: one file for each session, in a folder of the agent's own.

use crate::history::History;
use crate::modes::Mode;
use serde::{Deserialize, Serialize};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

/// The largest file, in bytes of conversation.
const MAX_SIZE: usize = 8 << 20;
/// How many sessions are kept.
const MAX_SESSIONS: usize = 200;

/// The folder with the files; none when there is no place for it.
#[derive(Clone, Debug)]
pub(crate) struct Transcripts(Option<PathBuf>);

/// What is kept of a session.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Transcript {
    pub(crate) mode: Mode,
    pub(crate) model: String,
    pub(crate) history: History,
}

impl Transcripts {
    /// In `$SPECTASK_AGENT_STATE`, where SpecTask lets the agent write, else in the user's state folder.
    pub(crate) fn find() -> Transcripts {
        let variable =
            |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let user = || {
            let state = variable("XDG_STATE_HOME").or_else(|| Some(variable("HOME")?.join(".local/state")));
            Some(state?.join("spectask"))
        };
        Transcripts(variable("SPECTASK_AGENT_STATE").or_else(user).map(|folder| folder.join("model-agent")))
    }

    /// In a folder.
    #[cfg(test)]
    pub(crate) fn at(folder: &std::path::Path) -> Transcripts {
        Transcripts(Some(folder.join("state")))
    }

    pub(crate) fn load(&self, id: &str) -> Option<Transcript> {
        let text = std::fs::read(self.file(id)?).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Writes the session's file whole or not at all. What is too long is kept without results of tools.
    pub(crate) fn save(&self, id: &str, mut transcript: Transcript) -> io::Result<()> {
        let Some(file) = self.file(id) else { return Ok(()) };
        if transcript.history.size() > MAX_SIZE {
            transcript.history.drop_old_results(0);
        }
        if transcript.history.size() > MAX_SIZE {
            return match std::fs::remove_file(file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                Ok(()) | Err(_) => Ok(()),
            };
        }
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let draft = file.with_extension("draft");
        let mut written =
            std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        written.write_all(&serde_json::to_vec(&transcript)?)?;
        std::fs::rename(draft, file)
    }

    /// Removes the files of sessions beyond the newest.
    pub(crate) fn prune(&self) {
        let Some(entries) = self.0.as_ref().and_then(|folder| std::fs::read_dir(folder).ok()) else { return };
        let mut files: Vec<_> = entries
            .flatten()
            .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
            .collect();
        files.sort_unstable_by(|a, b| b.cmp(a));
        for (_, file) in files.into_iter().skip(MAX_SESSIONS) {
            // Another process of the agent may remove the same.
            let _ = std::fs::remove_file(file);
        }
    }

    /// An id comes from outside, so only such ids have a file as the agent itself gives.
    fn file(&self, id: &str) -> Option<PathBuf> {
        let is_ours = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        Some(self.0.as_ref().filter(|_| is_ours)?.join(format!("{id}.json")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transcript(text: &str) -> Transcript {
        let mut history = History::default();
        history.push_user(text);
        Transcript { mode: Mode::Auto, model: "m".into(), history }
    }

    #[test]
    fn what_was_saved_is_loaded_and_is_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let transcripts = Transcripts::at(folder.path());
        transcripts.save("model-1", transcript("Hello")).unwrap();
        let loaded = transcripts.load("model-1").unwrap();
        assert_eq!(
            (loaded.mode, loaded.model.as_str(), loaded.history.messages().len()),
            (Mode::Auto, "m", 1)
        );
        assert!(transcripts.load("model-2").is_none() && transcripts.load("../state/model-1").is_none());
        transcripts.save("model-1", transcript(&"x".repeat(MAX_SIZE + 1))).unwrap();
        assert!(transcripts.load("model-1").is_none());
        for id in 0..MAX_SESSIONS + 3 {
            transcripts.save(&format!("model-{id}"), transcript("Hello")).unwrap();
        }
        transcripts.prune();
        assert_eq!(std::fs::read_dir(folder.path().join("state")).unwrap().count(), MAX_SESSIONS);
    }
}
