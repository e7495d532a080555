//! Removes data that is not needed any more, by the settings of `[retention]`, and reports how much is stored.
//!
//! Nothing that is unmerged, unrecorded or unsaved is removed, and what is in doubt stays. A run plans first and then removes
//! in small steps; every step checks its condition again and is complete by itself, so that the server can be killed
//! between any two.

mod branches;
mod compact;
mod figures;
mod rows;
mod session_logs;
mod setup_cache;
mod trash;

pub use figures::{Figures, Usage};

use crate::failure::chain;
use crate::scheduling::prewarm;
use crate::settings::config::Retention;
use crate::settings::data_dir::write_private;
use crate::{App, clock};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;
use workflow::{Millis, TaskId};

/// How often maintenance runs while agents are at work.
const RUN_INTERVAL: Duration = Duration::from_hours(1);
/// How often maintenance runs while no agent is at work.
const IDLE_INTERVAL: Duration = Duration::from_mins(30);
/// The time after the server's start until the first run, so that a start is not slowed down.
const START_DELAY: Duration = Duration::from_mins(2);
/// The pause between two steps, in which other writes are done.
const STEP_PAUSE: Duration = Duration::from_millis(20);
/// How many of the things that stay are listed with their reasons.
const MAX_KEPT: usize = 100;
/// The file of the data directory that describes the last run.
const LAST_RUN: &str = "maintenance.json";

const HOUR_MS: i64 = 60 * 60 * 1000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// Keeps two runs from overlapping.
#[derive(Clone, Debug, Default)]
pub struct Maintenance {
    running: Arc<tokio::sync::Mutex<()>>,
    figures: Arc<tokio::sync::Mutex<Option<Figures>>>,
}

/// The kind of data that retention removes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// Removed worktrees in the trash.
    Trash,
    /// Finished effects.
    Effects,
    /// Messages of the live feed.
    Feed,
    /// Answers to requests with an idempotency key.
    IdempotencyAnswers,
    /// Session logs that git has.
    SessionLogs,
    /// Contents of attached files that git has.
    Attachments,
    /// Branches of landed tasks: the base branch has all of their commits.
    Branches,
    /// Refs that keep the commits of removed branches.
    SavedRefs,
    /// Results of setup commands.
    SetupCache,
    /// Free space of the database.
    DatabaseSpace,
}

/// The removals of one rule of retention, planned or done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Removal {
    pub subject: Subject,
    /// The reason of the removal, as a sentence.
    #[schema(example = "Removed worktrees older than 7 days.")]
    pub reason: String,
    /// How many worktrees, rows or refs.
    #[schema(example = 12)]
    pub count: u64,
    /// Their size; 0 for refs.
    #[schema(example = 1_048_576)]
    pub bytes: u64,
}

/// Something that retention would remove by its age, and keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Kept {
    pub subject: Subject,
    /// Its name, such as that of a branch.
    #[schema(example = "task/SPEC-12-add-a-search-field")]
    pub name: String,
    /// Why it stays.
    #[schema(example = "its record in git is not complete")]
    pub reason: String,
}

/// The removals of a run that would start now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    pub removals: Vec<Removal>,
    /// Data that stays although it is old enough; at most 100 entries.
    pub kept: Vec<Kept>,
}

/// A run of maintenance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    pub started_at: Millis,
    pub ended_at: Millis,
    /// The removals; rules that removed nothing are left out.
    pub removed: Vec<Removal>,
    /// Failures, as sentences; the next run tries again.
    pub errors: Vec<String>,
}

/// The rules that are in force at a time.
pub(crate) struct Rules<'a> {
    pub(crate) now: Millis,
    pub(crate) retention: &'a Retention,
    /// Tasks whose record in git is behind.
    pub(crate) unrecorded: HashSet<TaskId>,
}

impl Rules<'_> {
    /// Returns the time before which something is old enough; none where a setting of 0 keeps it for ever.
    fn before(&self, many: u64, unit_ms: i64) -> Option<Millis> {
        let age = i64::try_from(many).unwrap_or(i64::MAX).saturating_mul(unit_ms);
        (many > 0).then(|| Millis(self.now.0.saturating_sub(age)))
    }

    pub(crate) fn before_days(&self, days: u64) -> Option<Millis> {
        self.before(days, DAY_MS)
    }

    pub(crate) fn before_hours(&self, hours: u64) -> Option<Millis> {
        self.before(hours, HOUR_MS)
    }
}

/// Whether something is removed or only counted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    DryRun,
    Remove,
}

/// Runs until the server stops: once soon after its start, then every hour, and more often while no agent is at work.
pub(crate) async fn run(app: App, stop: CancellationToken) {
    if let Err(error) = prewarm::remove_unsaved(&app).await {
        tracing::warn!(
            error = chain(&error),
            "could not remove the worktrees of tasks that were never saved"
        );
    }
    // A run that is cut off when the server stops leaves nothing half done.
    let _ = stop.run_until_cancelled(repeat(&app)).await;
}

async fn repeat(app: &App) {
    tokio::time::sleep(START_DELAY).await;
    loop {
        if let Err(error) = run_now(app, clock::now()).await {
            tracing::warn!(error = format!("{error:#}"), "maintenance failed");
        }
        tokio::time::sleep(IDLE_INTERVAL).await;
        if !compact::is_idle(app).await.unwrap_or(false) {
            tokio::time::sleep(RUN_INTERVAL.saturating_sub(IDLE_INTERVAL)).await;
        }
    }
}

/// Returns what a run would remove at a time.
pub async fn plan(app: &App, now: Millis) -> anyhow::Result<Plan> {
    let rules = rules(app, now).await?;
    let mut plan = Plan::default();
    let mut errors = Vec::new();
    apply(app, &rules, Mode::DryRun, &mut plan, &mut errors).await;
    match errors.into_iter().next() {
        Some(error) => Err(anyhow::anyhow!(error)),
        None => Ok(plan),
    }
}

/// Removes what the rules allow at a time, and returns what was removed. Runs follow one another.
pub async fn run_now(app: &App, now: Millis) -> anyhow::Result<Run> {
    let running = app.maintenance.running.clone();
    let _turn = running.lock().await;
    let rules = rules(app, now).await?;
    let (mut done, mut errors) = (Plan::default(), Vec::new());
    apply(app, &rules, Mode::Remove, &mut done, &mut errors).await;
    if let Err(error) = compact::repositories(app).await {
        errors.push(format!("{error:#}"));
    }
    for removal in &done.removals {
        let Removal { subject, reason, count, bytes } = removal;
        tracing::info!(?subject, reason, count, bytes, "maintenance removed data");
    }
    for error in &errors {
        tracing::warn!(error, "maintenance could not remove everything");
    }
    let run = Run { started_at: now, ended_at: clock::now(), removed: done.removals, errors };
    save_last_run(app, &run);
    app.maintenance.figures.lock().await.take();
    Ok(run)
}

/// Returns the last run of this server's data directory.
pub async fn last_run(app: &App) -> Option<Run> {
    let text = tokio::fs::read(last_run_file(app)).await.ok()?;
    // A file that is cut off is as none.
    serde_json::from_slice(&text).ok()
}

/// Returns how much is stored, measured at most a few minutes ago.
pub async fn figures(app: &App) -> anyhow::Result<Figures> {
    let mut measured = app.maintenance.figures.lock().await;
    if let Some(figures) = measured.as_ref().filter(|figures| figures.is_recent(clock::now())) {
        return Ok(figures.clone());
    }
    Ok(measured.insert(figures::measure(app, clock::now()).await?).clone())
}

async fn rules(app: &App, now: Millis) -> anyhow::Result<Rules<'_>> {
    let unrecorded = app.store.unrecorded().await?.into_iter().map(|behind| behind.task).collect();
    Ok(Rules { now, retention: &app.config.retention, unrecorded })
}

/// Goes through all rules. One that fails does not keep the others from being applied.
async fn apply(app: &App, rules: &Rules<'_>, mode: Mode, plan: &mut Plan, errors: &mut Vec<String>) {
    let mut add = |removals: anyhow::Result<Vec<Removal>>| match removals {
        Ok(removals) => plan.removals.extend(removals.into_iter().filter(|removal| removal.count > 0)),
        Err(error) => errors.push(format!("{error:#}")),
    };
    let mut kept = Vec::new();
    add(rows::effects(app, rules, mode).await);
    add(rows::idempotency(app, rules, mode).await);
    add(rows::feed(app, rules, mode).await);
    add(session_logs::apply(app, rules, mode, &mut kept).await);
    add(trash::apply(app, rules, mode, &mut kept).await);
    add(setup_cache::apply(app, rules, mode).await);
    add(branches::apply(app, rules, mode, &mut kept).await);
    add(compact::database(app, mode).await);
    kept.truncate(MAX_KEPT);
    plan.kept = kept;
}

fn last_run_file(app: &App) -> PathBuf {
    app.config.data_dir.join(LAST_RUN)
}

fn save_last_run(app: &App, run: &Run) {
    let file = last_run_file(app);
    let text = serde_json::to_vec(run).unwrap_or_default();
    if let Err(error) = write_private(&file, &text) {
        tracing::warn!(error = chain(&error), file = %file.display(), "could not save the last run of maintenance");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_of_zero_keeps_for_ever() {
        let retention = Retention::default();
        let rules = Rules { now: Millis(10 * DAY_MS), retention: &retention, unrecorded: HashSet::new() };
        assert_eq!(rules.before_days(0), None);
        assert_eq!(rules.before_days(7), Some(Millis(3 * DAY_MS)));
        assert_eq!(rules.before_hours(24), Some(Millis(9 * DAY_MS)));
        assert!(rules.before_days(u64::MAX).is_some_and(|before| before.0 < 0), "nothing is that old");
    }
}
