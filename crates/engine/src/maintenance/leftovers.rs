//! Removes worktrees that were made for tasks which a killed server did not come to save.

use crate::App;
use crate::effects::blocking;
use git::WorktreeSpec;
use std::path::{Path, PathBuf};
use workflow::{Millis, TaskId};

/// Removes the worktrees of tasks that the database does not have, begun before this server started.
pub(super) async fn drop_unkept(app: &App) -> anyhow::Result<()> {
    let folder = app.config.data_dir.join("worktrees");
    let started = app.started_at;
    let found = crate::spawn_blocking(move || begun_before(&folder, started)).await?;
    for (task, worktrees) in found {
        if app.store.task(&task).await?.is_some() {
            continue;
        }
        tracing::info!(%task, "removing the worktrees of a task that was never saved");
        for worktree in worktrees {
            drop_worktree(app, worktree).await;
        }
    }
    Ok(())
}

/// Moves a worktree to the trash, of whichever project's repository it is.
pub(crate) async fn drop_worktree(app: &App, worktree: PathBuf) {
    let projects = match app.store.all_projects().await {
        Ok(projects) => projects,
        Err(error) => return tracing::warn!(%error, "could not read the projects"),
    };
    for project in projects {
        let Ok(workplace) = app.repositories.workplace(&project.id).await else { continue };
        let (path, trash) = (worktree.clone(), app.config.data_dir.join("trash"));
        let removed = blocking(move || {
            if workplace.repository.remove_worktree(&path, &trash).is_ok() {
                return Ok(());
            }
            // Half made, it belongs to no repository yet: it is made whole first. The repositories that it is not of refuse.
            let spec =
                WorktreeSpec { path: path.clone(), branch: None, start: "HEAD".to_owned(), detached: true };
            workplace.repository.ensure_worktree(&spec)?;
            workplace.repository.remove_worktree(&path, &trash)
        });
        if removed.await.is_ok() {
            break;
        }
    }
    if let Some(folder) = worktree.parent() {
        // It stays where there is something else in it.
        let _ = tokio::fs::remove_dir(folder).await;
    }
}

/// The tasks that have worktrees in a folder and are older than a moment, as their ids say.
fn begun_before(folder: &Path, moment: Millis) -> Vec<(TaskId, Vec<PathBuf>)> {
    let inside = |folder: &Path| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect()
    };
    let mut found = Vec::new();
    for path in inside(folder) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let ulid = name.strip_prefix(TaskId::PREFIX).and_then(|rest| rest.strip_prefix('_'));
        let Some(ulid) = ulid.and_then(|ulid| ulid::Ulid::from_string(ulid).ok()) else { continue };
        let worktrees = inside(&path);
        if !worktrees.is_empty() && i64::try_from(ulid.timestamp_ms()).is_ok_and(|at| at < moment.0) {
            found.push((TaskId::from(name.as_str()), worktrees));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tasks_that_were_begun_before_and_have_worktrees_are_found() {
        let folder = tempfile::tempdir().expect("a folder");
        let make = |at: u64, inside: &str| {
            let name = format!("spt_{}", ulid::Ulid::from_parts(at, 7));
            std::fs::create_dir_all(folder.path().join(&name).join(inside)).expect("a folder is made");
            name
        };
        let (old, empty, new) = (make(1_000, "stws_1"), make(1_001, ""), make(3_000, "stws_2"));
        std::fs::create_dir(folder.path().join("else")).expect("a folder is made");
        let found = begun_before(folder.path(), Millis(2_000));
        let names: Vec<&str> = found.iter().map(|(task, _)| task.as_str()).collect();
        assert_eq!(names, [old.as_str()], "not {empty} and {new}");
        assert_eq!(found[0].1, [folder.path().join(&old).join("stws_1")]);
    }
}
