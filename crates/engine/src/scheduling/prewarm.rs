//! Starts a task's planner before the task's creation is committed: the agent and its worktree, which its effects then find.
//!
//! Nothing else outside the database starts before its transaction. A note in the folder `prewarm` of the data directory, named
//! after the task, is there from before the worktree is begun until it is known whether the task was saved. After a crash, the
//! next server removes the worktrees of noted tasks that the database does not have.

use crate::App;
use crate::effects;
use crate::failure::blocking;
use crate::paths::session_directory;
use crate::settings::data_dir::{private_directory, write_private};
use crate::tracing_context::spawn_in_span;
use git::WorktreeSpec;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};
use tokio::task::JoinHandle;
use workflow::{ProjectId, SessionId, Task, TaskId};

/// Resources that are prepared for a task's planner while the task itself is saved.
pub(crate) struct Prewarm {
    task: Task,
    planner: SessionId,
    worktree: JoinHandle<()>,
}

/// The planner of a task whose creation may not be committed.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Note {
    project: ProjectId,
    planner: SessionId,
}

/// Starts the agent and makes the worktree of a task that is about to be saved.
pub(crate) fn start(app: &App, task: &Task) -> Option<Prewarm> {
    let planner = task.sessions.first()?;
    effects::prestart(app, task, planner);
    let note = Note { project: task.project.clone(), planner: planner.id.clone() };
    let worktree = spawn_in_span({
        let (app, task) = (app.clone(), task.clone());
        async move {
            let (folder, id) = (folder(&app), task.id.clone());
            let planner = note.planner.clone();
            let written = crate::spawn_blocking(move || write(&folder, &id, &note)).await;
            // Without a note it is left to the effect.
            if let Err(error) = written.unwrap_or_else(|error| Err(io::Error::other(error))) {
                tracing::debug!(task = %task.id, %error, "could not note a prewarmed worktree");
                return;
            }
            // The effect does it again and says why it cannot be done.
            if let Err(failure) = effects::make_planning_worktree(&app, &task, &planner).await {
                tracing::debug!(task = %task.id, reason = failure.message, "could not prewarm a worktree");
            }
        }
    });
    Some(Prewarm { task: task.clone(), planner: planner.id.clone(), worktree })
}

impl Prewarm {
    /// Removes what the task has no use for, given as it was saved; `None` if it was not.
    pub(crate) async fn reconcile(self, app: &App, saved: Option<&Task>) {
        if !saved.is_some_and(Task::holds_instance) {
            app.instances.stop(&self.task).await;
        }
        let is_used = saved.is_some_and(|saved| saved.session(&self.planner).is_some());
        let (app, Self { task, planner, worktree }) = (app.clone(), self);
        let finish = async move {
            // Whether the worktree could be made or not, nothing more is written to it.
            let _ = worktree.await;
            if !is_used {
                remove_worktree(&app, &task.project, &task.id, &planner).await;
            }
            remove_note(&folder(&app), &task.id);
        };
        if is_used {
            spawn_in_span(finish);
        } else {
            finish.await;
        }
    }
}

/// Removes the worktrees that the previous server made for tasks which it did not come to save.
pub(crate) async fn remove_unsaved(app: &App) -> Result<(), store::StoreError> {
    let folder = folder(app);
    for (task, note) in notes(&folder) {
        if app.store.task(&task).await?.is_none() {
            tracing::info!(%task, "removing the worktree of a task that was never saved");
            remove_worktree(app, &note.project, &task, &note.planner).await;
        }
        remove_note(&folder, &task);
    }
    Ok(())
}

/// Moves a planner's worktree to the trash.
async fn remove_worktree(app: &App, project: &ProjectId, task: &TaskId, planner: &SessionId) {
    let path = session_directory(app.repositories.data_dir(), task, planner);
    let parent = path.parent().map(Path::to_owned);
    let project = match app.repositories.project_repo(project).await {
        Ok(project) => project,
        Err(error) => {
            return tracing::warn!(%task, error = crate::failure::chain(&error), "could not remove a prewarmed worktree");
        }
    };
    let trash = app.config.data_dir.join("trash");
    let removed = blocking(move || {
        if !path.exists() || project.repository.remove_worktree(&path, &trash).is_ok() {
            return Ok(());
        }
        // One that is half made belongs to no repository yet; it is completed first.
        let spec =
            WorktreeSpec { path: path.clone(), branch: None, start: "HEAD".to_owned(), detached: true };
        project.repository.ensure_worktree(&spec)?;
        project.repository.remove_worktree(&path, &trash)
    });
    if let Err(failure) = removed.await {
        tracing::warn!(%task, reason = failure.message, "could not remove a prewarmed worktree");
    } else if let Some(parent) = parent {
        // It stays where there is something else in it.
        let _ = tokio::fs::remove_dir(parent).await;
    }
}

fn folder(app: &App) -> PathBuf {
    app.config.data_dir.join("prewarm")
}

fn write(folder: &Path, task: &TaskId, note: &Note) -> io::Result<()> {
    private_directory(folder)?;
    write_private(&folder.join(task.as_str()), &serde_json::to_vec(note)?)
}

/// Returns the notes of a folder; a file that is no note is left alone.
fn notes(folder: &Path) -> Vec<(TaskId, Note)> {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let read = |file: std::fs::DirEntry| {
        let note = serde_json::from_slice(&std::fs::read(file.path()).ok()?).ok()?;
        Some((TaskId::from(file.file_name().to_str()?), note))
    };
    files.filter_map(read).collect()
}

fn remove_note(folder: &Path, task: &TaskId) {
    if let Err(error) = std::fs::remove_file(folder.join(task.as_str()))
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::debug!(%task, %error, "could not remove the note of a prewarmed worktree");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_found_by_the_name_of_their_task() {
        let folder = tempfile::tempdir().expect("a folder");
        let note = || Note { project: ProjectId::from("prj_1"), planner: SessionId::from("stws_1") };
        let (first, second) = (TaskId::from("spt_1"), TaskId::from("spt_2"));
        write(folder.path(), &first, &note()).expect("written");
        write(folder.path(), &second, &note()).expect("written");
        remove_note(folder.path(), &first);
        std::fs::write(folder.path().join("else"), "not JSON").expect("written");
        assert_eq!(notes(folder.path()), [(second, note())]);
    }
}
