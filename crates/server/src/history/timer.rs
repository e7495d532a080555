//! Commits what is new now and then, also while nothing comes to its end.

use crate::App;
use crate::clock::now;
use crate::effects::chain;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use workflow::{Millis, ProjectId, TaskId};

/// How often the timer looks.
const LOOK: Duration = Duration::from_secs(10);
/// How long a project whose record cannot be written is left alone, at first and at most, in milliseconds.
const PAUSE: (i64, i64) = (30_000, 1_800_000);

/// A project whose record could not be written.
struct Pause {
    until: Millis,
    length: i64,
}

/// Records until told to stop.
pub(crate) async fn run(app: App, stop: CancellationToken) {
    if let Err(error) = check(&app).await {
        tracing::warn!(error = chain(&error), "could not compare the records with git");
    }
    let mut paused: HashMap<ProjectId, Pause> = HashMap::new();
    while !stop.is_cancelled() {
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = stop.cancelled() => return,
        }
        match due(&app).await {
            Ok(due) => {
                for (project, tasks) in due {
                    if paused.get(&project).is_some_and(|pause| now() < pause.until) {
                        continue;
                    }
                    record(&app, project, tasks, &mut paused).await;
                }
            }
            Err(error) => tracing::error!(error = chain(&error), "could not look for what is to be recorded"),
        }
    }
}

async fn record(
    app: &App,
    project: ProjectId,
    tasks: BTreeSet<TaskId>,
    paused: &mut HashMap<ProjectId, Pause>,
) {
    let outcomes = app.history.record_all(app, &project, tasks).await;
    let failed: Vec<_> =
        outcomes.into_iter().filter_map(|(task, outcome)| Some((task, outcome.err()?))).collect();
    if failed.is_empty() {
        paused.remove(&project);
        return;
    }
    for (task, failure) in failed {
        tracing::warn!(%task, reason = failure.message, "a task's record could not be written; trying again later");
    }
    let length = paused.get(&project).map_or(PAUSE.0, |pause| (pause.length * 2).min(PAUSE.1));
    paused.insert(project, Pause { until: now().plus(length), length });
}

/// The tasks that have something new and were recorded long enough ago, by project.
async fn due(app: &App) -> Result<BTreeMap<ProjectId, BTreeSet<TaskId>>, store::StoreError> {
    let mut due: BTreeMap<ProjectId, BTreeSet<TaskId>> = BTreeMap::new();
    let at = now();
    for found in app.store.unrecorded().await? {
        let Some(task) = app.store.task(&found.task).await? else { continue };
        let minutes = match task.commit_frequency_minutes {
            Some(minutes) => minutes,
            None => {
                let project = app.store.project(&found.project).await?;
                let settings = project.as_ref().map(crate::repositories::settings);
                settings
                    .and_then(|settings| settings.commit_frequency_minutes)
                    .unwrap_or(app.config.recording.commit_frequency_minutes)
            }
        };
        if is_due(found.since, minutes, at) {
            due.entry(found.project).or_default().insert(found.task);
        }
    }
    Ok(due)
}

fn is_due(since: Millis, minutes: u64, at: Millis) -> bool {
    let wait = i64::try_from(minutes).unwrap_or(i64::MAX).saturating_mul(60_000);
    at >= since.plus(wait)
}

/// Forgets how far projects are recorded whose branch has lost commits: git is looked at anew.
async fn check(app: &App) -> Result<(), store::StoreError> {
    for project in app.store.all_projects().await? {
        let records = app.store.records_of_project(&project.id).await?;
        if records.is_empty() {
            continue;
        }
        let Ok(workplace) = app.repositories.workplace(&project.id).await else { continue };
        let branch = workplace.settings.design_docs_branch.clone();
        let (_, last) = &records[0];
        let last = last.clone();
        let has = tokio::task::spawn_blocking(move || {
            // A commit is part of a branch when it has nothing that the branch has not.
            workplace.repository.log(Some(&branch), &last, 1).is_ok_and(|missing| missing.is_empty())
        });
        if !has.await.unwrap_or(false) {
            tracing::warn!(project = %project.id, "the branch of the records has lost commits; looking at it anew");
            app.store.forget_recorded(&project.id).await?;
        }
    }
    Ok(())
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
