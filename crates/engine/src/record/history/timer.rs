//! Commits new entries at intervals, also without a milestone, and completes records that were cut short.

use crate::App;
use crate::clock::now;
use crate::failure::chain;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use workflow::{Millis, ProjectId, TaskId};

/// The polling interval.
const POLL_INTERVAL: Duration = Duration::from_secs(10);
/// How long a task whose record cannot be written is left alone, at first and at most, in milliseconds.
const PAUSE: (i64, i64) = (30_000, 1_800_000);

/// A task whose record could not be written.
struct Pause {
    project: ProjectId,
    until: Millis,
    length: i64,
}

/// The state of the timer.
#[derive(Default)]
struct Timer {
    /// The tips of the branches at which the records were looked at last.
    seen: HashMap<ProjectId, String>,
    paused: HashMap<TaskId, Pause>,
}

type Due = BTreeMap<ProjectId, BTreeSet<TaskId>>;

/// Records until stopped.
pub(crate) async fn run(app: App, stop: CancellationToken) {
    let mut timer = Timer::default();
    let mut next = Instant::now() + POLL_INTERVAL;
    let mut projects = all_projects(&app).await;
    while !stop.is_cancelled() {
        let mut due = timer.changed(&app, projects).await;
        if Instant::now() >= next {
            next = Instant::now() + POLL_INTERVAL;
            match timer.due(&app).await {
                Ok(new) => {
                    for (project, tasks) in new {
                        due.entry(project).or_default().extend(tasks);
                    }
                }
                Err(error) => {
                    tracing::error!(error = chain(&error), "could not find the tasks to record");
                }
            }
        }
        for (project, tasks) in due {
            timer.record(&app, &project, tasks).await;
        }
        tokio::select! {
            () = tokio::time::sleep_until(next) => projects = all_projects(&app).await,
            () = app.history.0.moves.notified() => projects = app.history.moved(),
            () = stop.cancelled() => return,
        }
    }
}

async fn all_projects(app: &App) -> BTreeSet<ProjectId> {
    match app.store.all_projects().await {
        Ok(all) => all.into_iter().map(|project| project.id).collect(),
        Err(error) => {
            tracing::error!(error = chain(&error), "could not read the projects");
            BTreeSet::new()
        }
    }
}

impl Timer {
    /// Returns the tasks of some projects whose record others changed since the last look, or put back as it was.
    async fn changed(&mut self, app: &App, projects: BTreeSet<ProjectId>) -> Due {
        let mut due = Due::new();
        for project in projects {
            let since = self.seen.get(&project).map(String::as_str);
            let look = match app.history.look(app, &project, since).await {
                Ok(look) => look,
                Err(error) => {
                    tracing::debug!(%project, error = chain(error.as_ref()), "could not look at a project's records");
                    continue;
                }
            };
            if let Some(tip) = look.tip {
                self.seen.insert(project.clone(), tip);
            }
            let mut tasks = look.changed;
            // A record that could not be continued may have been restored.
            tasks.extend(look.touched.into_iter().filter(|task| self.paused.contains_key(task)));
            if !tasks.is_empty() {
                due.insert(project, tasks);
            }
        }
        due
    }

    /// Returns the tasks that have something new and were recorded long enough ago, by project, and those whose pause
    /// is over.
    async fn due(&self, app: &App) -> Result<Due, store::StoreError> {
        let mut due = Due::new();
        let at = now();
        for found in
            app.store.unrecorded().await?.into_iter().filter(|one| !self.paused.contains_key(&one.task))
        {
            let Some(task) = app.store.task(&found.task).await? else { continue };
            let minutes = match task.commit_frequency_minutes {
                Some(minutes) => minutes,
                None => {
                    let project_repo = app.repositories.project_repo(&found.project).await.ok();
                    project_repo
                        .and_then(|project_repo| project_repo.settings.commit_frequency_minutes)
                        .unwrap_or(app.config.recording.commit_frequency_minutes)
                }
            };
            if is_due(found.since, minutes, at) {
                due.entry(found.project).or_default().insert(found.task);
            }
        }
        for (task, pause) in self.paused.iter().filter(|(_, pause)| pause.until <= at) {
            due.entry(pause.project.clone()).or_default().insert(task.clone());
        }
        Ok(due)
    }

    pub(crate) async fn record(&mut self, app: &App, project: &ProjectId, tasks: BTreeSet<TaskId>) {
        for (task, outcome) in app.history.record_all(app, project, tasks).await {
            let Err(failure) = outcome else {
                self.paused.remove(&task);
                continue;
            };
            tracing::warn!(%task, reason = failure.message, "a task's record could not be written; trying again later");
            let length = self.paused.get(&task).map_or(PAUSE.0, |pause| (pause.length * 2).min(PAUSE.1));
            let until = now().plus(length);
            self.paused.insert(task, Pause { project: project.clone(), until, length });
        }
    }
}

fn is_due(since: Millis, minutes: u64, at: Millis) -> bool {
    let wait = i64::try_from(minutes).unwrap_or(i64::MAX).saturating_mul(60_000);
    at >= since.plus(wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_new_waits_for_the_interval_and_no_longer() {
        let since = Millis(1_000_000);
        assert!(!is_due(since, 10, since.plus(599_999)));
        assert!(is_due(since, 10, since.plus(600_000)));
        assert!(is_due(since, 0, since));
    }
}
