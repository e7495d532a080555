//! Figures about the stored data.

use super::trash;
use crate::App;
use crate::worktrees::setup::CACHE;
use serde::{Deserialize, Serialize};
use store::RowTotal;
use utoipa::ToSchema;
use workflow::Millis;

/// How long figures are shown before they are measured again: that reads every folder of every worktree.
const RECENT_MS: i64 = 5 * 60 * 1000;

/// How many things there are, and their size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Usage {
    /// How many rows, worktrees or repositories.
    #[schema(example = 120)]
    pub count: u64,
    /// Their size.
    #[schema(example = 1_048_576)]
    pub bytes: u64,
}

impl From<RowTotal> for Usage {
    fn from(total: RowTotal) -> Self {
        Self { count: total.rows, bytes: total.bytes }
    }
}

/// The storage that the server uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figures {
    pub measured_at: Millis,
    /// The size of the database, and the part of it that is free for reuse.
    pub database_bytes: u64,
    pub database_free_bytes: u64,
    pub feed: Usage,
    pub session_logs: Usage,
    pub effects: Usage,
    pub idempotency_answers: Usage,
    pub trash: Usage,
    /// Folders of tasks with worktrees.
    pub worktrees: Usage,
    /// Results of setup commands.
    pub setup_cache: Usage,
    /// Repositories that the server cloned or made, by owner.
    pub repositories: Usage,
    /// Tasks whose record in git is behind.
    pub unrecorded_tasks: u64,
}

impl Figures {
    pub(super) fn is_recent(&self, now: Millis) -> bool {
        (0..RECENT_MS).contains(&(now.0 - self.measured_at.0))
    }
}

pub(super) async fn measure(app: &App, now: Millis) -> anyhow::Result<Figures> {
    let size = app.store.database_size().await?;
    let unrecorded = app.store.unrecorded().await?.len();
    let data_dir = app.config.data_dir.clone();
    let folders = crate::spawn_blocking(move || {
        ["trash", "worktrees", CACHE, "repositories"].map(|folder| {
            let (count, bytes) = trash::usage(&data_dir.join(folder));
            Usage { count, bytes }
        })
    });
    let [trash, worktrees, setup_cache, mut repositories] = folders.await?;
    let owned = app.config.data_dir.join("repositories");
    let projects = app.store.all_projects().await?;
    let is_owned = |path: &str| std::path::Path::new(path).starts_with(&owned);
    let owned = projects.iter().filter(|project| is_owned(&project.repository_path)).count();
    repositories.count = u64::try_from(owned).unwrap_or(0);
    Ok(Figures {
        measured_at: now,
        database_bytes: size.bytes,
        database_free_bytes: size.free_bytes,
        feed: size.feed.into(),
        session_logs: size.logs.into(),
        effects: size.effects.into(),
        idempotency_answers: size.idempotency.into(),
        trash,
        worktrees,
        setup_cache,
        repositories,
        unrecorded_tasks: u64::try_from(unrecorded).unwrap_or(0),
    })
}
