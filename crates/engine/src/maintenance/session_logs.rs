//! Removes session logs and attached files of finished tasks from the database when git has each entry and each file.

use super::{Kept, Mode, Removal, Rules, STEP_PAUSE, Subject};
use crate::App;
use crate::agents::attachments;
use crate::projects::repositories::ProjectRepo;
use crate::record::log_archive;
use store::{RowTotal, TaskWithLogs};
use workflow::Task;

/// How many tasks are looked at together.
const TASKS: u64 = 100;

pub(super) async fn apply(
    app: &App,
    rules: &Rules<'_>,
    mode: Mode,
    kept: &mut Vec<Kept>,
) -> anyhow::Result<Vec<Removal>> {
    let days = rules.retention.session_logs_days;
    let Some(before) = rules.before_days(days) else { return Ok(Vec::new()) };
    let mut total = RowTotal::default();
    let mut files = RowTotal::default();
    let mut after: Option<TaskWithLogs> = None;
    loop {
        let found = app.store.tasks_with_logs(before, after.as_ref(), TASKS).await?;
        if found.is_empty() || app.stop.is_cancelled() {
            break;
        }
        for TaskWithLogs { task: id, project, .. } in &found {
            let Some(task) = app.store.task(id).await? else { continue };
            let keep = |reason: String| Kept { subject: Subject::SessionLogs, name: id.to_string(), reason };
            if rules.unrecorded.contains(id) {
                kept.push(keep("the task's record in git is not complete".to_owned()));
                continue;
            }
            // A repository that is away keeps its tasks' logs; the health of the server names it.
            let Ok(project) = app.repositories.project_repo(project).await else { continue };
            let ProjectRepo { repository, settings } = &project;
            let branch = settings.design_docs_branch.clone();
            let tip = {
                let repository = repository.clone();
                crate::spawn_blocking(move || repository.resolve(&branch)).await??
            };
            let Some(commit) = tip.map(|tip| tip.to_string()) else {
                kept.push(keep("the branch with its record is gone".to_owned()));
                continue;
            };
            if mode == Mode::DryRun {
                for session in &task.sessions {
                    total += app.store.count_archivable(&session.id).await?;
                }
                for file in app.store.attachments_with_content(id).await? {
                    files += RowTotal { rows: 1, bytes: file.size };
                }
                continue;
            }
            // Reading all of a record takes its time, so only a run that removes compares.
            if let Some(reason) = difference(app, repository, &commit, &task).await? {
                kept.push(keep(reason));
                continue;
            }
            if !app.store.begin_log_removal(id, &commit, before).await? {
                continue;
            }
            for session in &task.sessions {
                loop {
                    let removed = app.store.remove_log(id, &session.id).await?;
                    total += removed;
                    if removed.rows < store::BATCH_ROWS {
                        break;
                    }
                    tokio::time::sleep(STEP_PAUSE).await;
                }
            }
            for file in app.store.attachments_with_content(id).await? {
                if attachments::recorded(&project, id, &file).await.is_some() {
                    app.store.remove_attachment_content(id, &file.id).await?;
                    files += RowTotal { rows: 1, bytes: file.size };
                }
            }
            app.store.end_log_removal(id).await?;
            tokio::time::sleep(STEP_PAUSE).await;
        }
        after = found.into_iter().next_back();
    }
    let reason = format!("Session logs of tasks that finished more than {days} days ago; git keeps them.");
    let of_files =
        format!("Attached files of tasks that finished more than {days} days ago; git keeps them.");
    Ok(vec![
        Removal { subject: Subject::SessionLogs, reason, count: total.rows, bytes: total.bytes },
        Removal { subject: Subject::Attachments, reason: of_files, count: files.rows, bytes: files.bytes },
    ])
}

/// Returns why the logs of a task stay, if so.
async fn difference(
    app: &App,
    repository: &git::Repository,
    commit: &str,
    task: &Task,
) -> anyhow::Result<Option<String>> {
    for session in &task.sessions {
        let found = log_archive::difference(app, repository, commit, &task.id, &session.id).await?;
        if let Some(reason) = found {
            return Ok(Some(format!("session {}: {reason}", session.id)));
        }
    }
    Ok(None)
}
