//! The values of files such as `.env` that were copied into worktrees: secrets that no text shows.

use super::{dotenv, state::SetupState};
use crate::App;
use crate::paths::workdir;
use crate::settings::redaction::is_secret;
use ::secrets::{Exact, Redactor};
use git::{Dir, Entry};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use workflow::Task;

/// How large a file with variables is whose values are read.
const MAX_BYTES: u64 = 1024 * 1024;

/// Lets a redactor take out the secret values of files with variables, in some folders.
pub(super) fn learn(redactor: &Redactor, folders: &[&Path], files: &[String]) {
    let mut found = Vec::new();
    for folder in folders {
        let folder = Dir::at(*folder);
        for file in files {
            let Ok(Entry::File(content)) = folder.read(file, MAX_BYTES) else { continue };
            let values = dotenv::values(&String::from_utf8_lossy(&content));
            let secret = values.into_iter().filter(|(name, value)| is_secret(name, value));
            found.extend(secret.map(|(name, value)| Exact { name, value }));
        }
    }
    if let Err(error) = redactor.learn(found) {
        tracing::error!(%error, "the values of copied files with variables cannot be looked for");
    }
}

/// Lets the redactor take out what the files hold that were copied into the worktrees of a task, after a restart.
pub(crate) async fn relearn(app: &App, task: &Task, source: PathBuf) {
    let data_dir = app.config.data_dir.clone();
    let worktrees: BTreeSet<PathBuf> =
        task.sessions.iter().map(|session| workdir(&data_dir, task, session)).collect();
    let (redactor, task) = (app.redactor.clone(), task.id.clone());
    let read = crate::spawn_blocking(move || {
        for worktree in worktrees {
            if let Some(state) = SetupState::read(&data_dir, &task, &worktree) {
                // The agent may have changed its copy.
                learn(&redactor, &[&source, &worktree], &state.env_files);
            }
        }
    });
    if let Err(error) = read.await {
        tracing::error!(%error, "could not read the files with variables of a task");
    }
}
