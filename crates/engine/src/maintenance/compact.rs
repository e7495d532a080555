//! Work that makes files smaller and removes nothing: only while no agent is at work.

use super::{Mode, Removal, STEP_PAUSE, Subject};
use crate::App;
use crate::failure::chain;

/// How large the free part of a database's file is at least before it is made smaller.
const MIN_FREE_BYTES: u64 = 64 * 1024 * 1024;
/// The share of the file that is free then, as one in so many.
const MIN_FREE_SHARE: u64 = 4;
/// How many loose objects a repository has at least before they are packed.
const MIN_LOOSE_OBJECTS: u64 = 5_000;

/// Returns free space of the database to the file system, where a large part of the file is free.
pub(super) async fn database(app: &App, mode: Mode) -> anyhow::Result<Vec<Removal>> {
    let free = app.store.shrinkable().await?;
    let size = app.store.database_size().await?.bytes;
    if free < MIN_FREE_BYTES || free < size / MIN_FREE_SHARE || !is_idle(app).await? {
        return Ok(Vec::new());
    }
    let mut bytes = free;
    if mode == Mode::Remove {
        bytes = 0;
        while is_idle(app).await? {
            let freed = app.store.shrink().await?;
            if freed == 0 {
                break;
            }
            bytes += freed;
            tokio::time::sleep(STEP_PAUSE).await;
        }
    }
    let reason = "Free space of the database, returned to the file system.".to_owned();
    Ok(vec![Removal { subject: Subject::DatabaseSpace, reason, count: 1, bytes }])
}

/// Packs the loose objects of repositories that the server made. Their owners maintain the repositories that people
/// registered.
pub(super) async fn repositories(app: &App) -> anyhow::Result<()> {
    let owned = app.config.data_dir.join("repositories");
    for project in app.store.all_projects().await? {
        if !std::path::Path::new(&project.repository_path).starts_with(&owned) {
            continue;
        }
        let Ok(project_repo) = app.repositories.project_repo(&project.id).await else { continue };
        if app.stop.is_cancelled() || !is_idle(app).await? {
            break;
        }
        let repository = project_repo.repository;
        let packed = crate::spawn_blocking(move || {
            let many = repository.loose_objects();
            (many >= MIN_LOOSE_OBJECTS).then(|| repository.pack().map(|()| many))
        });
        match packed.await? {
            None => {}
            Some(Ok(objects)) => tracing::info!(project = %project.id, objects, "packed loose objects"),
            Some(Err(error)) => {
                tracing::warn!(project = %project.id, error = chain(&error), "could not pack loose objects");
            }
        }
    }
    Ok(())
}

/// Returns whether no task has an agent.
pub(super) async fn is_idle(app: &App) -> anyhow::Result<bool> {
    Ok(app.store.active_instances().await?.is_empty())
}
