//! Repairs a record that others changed: removed parts are restored, messages that people changed stay as they are, and
//! a record with changed data is not continued.
//!
//! A record is known to be whole at a commit. As long as its folders are the same on the branch, it did not change.

use super::gather::Files;
use super::unreadable;
use crate::App;
use crate::failure::blocking;
use crate::projects::repositories::ProjectRepo;
use git::{Error, Repository};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use workflow::records::{Unreadable, conversation, paths};
use workflow::{Failure, ProjectId, SessionId, Task, TaskId};

/// Returns whether everything said, changed and decided so far is on the branch, and nothing of it was cut since.
pub async fn is_whole(app: &App, task: &Task) -> anyhow::Result<bool> {
    if app.store.is_unrecorded(&task.id).await? {
        return Ok(false);
    }
    let Some((_, commit)) = app.store.recorded(&task.id).await? else { return Ok(false) };
    let ProjectRepo { repository, settings } = app.repositories.project_repo(&task.project).await?;
    let id = task.id.clone();
    let found =
        crate::spawn_blocking(move || is_as_at(&repository, &commit, &settings.design_docs_branch, &id));
    Ok(found.await?? == Some(true))
}

/// Returns the number of a session's last entry on the branch.
pub async fn reached(app: &App, task: &Task, session: &SessionId) -> anyhow::Result<u64> {
    let known = app.store.recorded_log(session).await?;
    if is_whole(app, task).await? {
        return Ok(known);
    }
    let ProjectRepo { repository, settings } = app.repositories.project_repo(&task.project).await?;
    let (task, session) = (task.id.clone(), session.clone());
    let found =
        crate::spawn_blocking(move || last_entry(&repository, &settings.design_docs_branch, &task, &session));
    Ok(known.min(found.await??))
}

/// Returns the number of the last entry of a session's conversation at a revision; 0 when it has none that can be read.
fn last_entry(repository: &Repository, rev: &str, task: &TaskId, session: &SessionId) -> Result<u64, Error> {
    let mut last = 0;
    for part in 1.. {
        let path = paths::conversation(task, session, part);
        let Some(text) = repository.read(rev, &path)? else { break };
        match conversation::last_seq(&String::from_utf8_lossy(&text)) {
            Ok(found @ 1..) => last = found,
            Ok(0) | Err(_) => break,
        }
    }
    Ok(last)
}

/// Returns whether a task's record is at a revision as it was at a commit; `None` when one of these is not there.
pub(super) fn is_as_at(
    repository: &Repository,
    commit: &str,
    rev: &str,
    task: &TaskId,
) -> Result<Option<bool>, Error> {
    let folders = paths::folders(task);
    repository.is_unchanged(commit, rev, &[&folders[0], &folders[1]])
}

/// Puts back what was cut from a record since it was whole at a commit.
pub(super) async fn complete(files: &mut Files<'_>, task: &TaskId, whole: &str) -> Result<(), Failure> {
    let (repository, base) = (files.project_repo.repository.clone(), files.base.to_string());
    let (task, whole) = (task.clone(), whole.to_owned());
    let cut = blocking(move || {
        let mut cut = Vec::new();
        for path in all_files(&repository, &whole, &task)? {
            let Some(before) = repository.read(&whole, &path)? else { continue };
            let now = repository.read(&base, &path)?.unwrap_or_default();
            if now.starts_with(&before) {
                continue;
            }
            if before.starts_with(&now) && (paths::only_grows(&path) || !is_ours(&repository, &base, &path)?)
            {
                cut.push((path, Ok(before)));
            } else if paths::only_grows(&path) {
                let line = first_difference(&before, &now);
                if says_as_much(&path, &before, &now) {
                    tracing::warn!(
                        path,
                        line,
                        "another writer changed messages in a record; they stay as they are now"
                    );
                } else {
                    cut.push((
                        path,
                        Err(Unreadable { line, reason: "it is not what was recorded".to_owned() }),
                    ));
                }
            }
        }
        Ok::<_, Error>(cut)
    });
    for (path, content) in cut.await? {
        let content = content.map_err(|error| unreadable(&path, &error))?;
        tracing::warn!(path, "a record was cut short, and is completed");
        files.put(path, content);
    }
    Ok(())
}

/// Returns the files of a record, but for those that are written again each time.
fn all_files(repository: &Repository, rev: &str, task: &TaskId) -> Result<Vec<String>, Error> {
    let mut all = Vec::new();
    for folder in paths::folders(task) {
        all.extend(repository.list(rev, &folder)?);
    }
    all.retain(|path| paths::only_grows(path) || paths::is_review(path));
    Ok(all)
}

/// Returns whether a file that was changed still has all its parts with their data, so that only messages differ: a
/// person may have corrected or redacted them.
fn says_as_much(path: &str, before: &[u8], now: &[u8]) -> bool {
    let data = |bytes: &[u8]| -> Vec<String> {
        let text = String::from_utf8_lossy(bytes);
        text.lines().filter(|line| line.starts_with("<!-- spectask ")).map(str::to_owned).collect()
    };
    Path::new(path).extension().is_some_and(|kind| kind == "md") && data(before) == data(now)
}

/// Returns whether the last change of a file was made by an effect.
fn is_ours(repository: &Repository, rev: &str, path: &str) -> Result<bool, Error> {
    let Some(last) = repository.last_change(rev, &[path])? else { return Ok(false) };
    let log = repository.log(None, &last.id.to_string(), 1)?;
    Ok(log.iter().any(|entry| entry.message.contains("SpecTask-Effect: ")))
}

/// Returns the first line in which two texts differ, counted from 1.
fn first_difference(one: &[u8], other: &[u8]) -> usize {
    let same = one.iter().zip(other).take_while(|(one, other)| one == other).count();
    one[..same].split(|byte| *byte == b'\n').count()
}

/// The findings about the records of a project's tasks.
#[derive(Default)]
pub(super) struct Look {
    /// Where the branch stands.
    pub(super) tip: Option<String>,
    /// The tasks whose folders moved since the last look.
    pub(super) touched: BTreeSet<TaskId>,
    /// The tasks whose record is not as it was when it was whole.
    pub(super) changed: BTreeSet<TaskId>,
}

/// Looks for records that others changed, since a tip that was looked at or at all.
pub(super) async fn look(app: &App, project: &ProjectId, since: Option<&str>) -> anyhow::Result<Look> {
    let ProjectRepo { repository, settings } = app.repositories.project_repo(project).await?;
    let branch = settings.design_docs_branch;
    let since = since.map(str::to_owned);
    let moved = crate::spawn_blocking({
        let repository = repository.clone();
        move || moved(&repository, &branch, since.as_deref())
    });
    let Some((tip, moved)) = moved.await?? else { return Ok(Look::default()) };
    let known: BTreeMap<TaskId, String> = match &moved {
        None => app.store.records_of_project(project).await?.into_iter().collect(),
        Some(tasks) => {
            let mut known = BTreeMap::new();
            for task in tasks {
                if let Some((_, commit)) = app.store.recorded(task).await? {
                    known.insert(task.clone(), commit);
                }
            }
            known
        }
    };
    let found = crate::spawn_blocking({
        let tip = tip.clone();
        move || {
            let mut changed = BTreeSet::new();
            for (task, commit) in known {
                match is_as_at(&repository, &commit, &tip, &task)? {
                    Some(true) => {}
                    Some(false) => {
                        changed.insert(task);
                    }
                    None => return Ok(None),
                }
            }
            Ok::<_, Error>(Some(changed))
        }
    });
    let changed = match found.await?? {
        Some(changed) => changed,
        None => {
            tracing::warn!(%project, "commits of the record are lost; it is written again from the database");
            let lost = app.store.records_of_project(project).await?;
            app.store.forget_recorded(project).await?;
            lost.into_iter().map(|(task, _)| task).collect()
        }
    };
    Ok(Look { tip: Some(tip), touched: moved.unwrap_or_default(), changed })
}

/// Where a branch stands, and the tasks that moved with it since; `None` for these means that any may have.
type Moved = (String, Option<BTreeSet<TaskId>>);

/// `None` when nothing moved, or there is no such branch.
fn moved(repository: &Repository, branch: &str, since: Option<&str>) -> Result<Option<Moved>, Error> {
    let Some(tip) = repository.resolve(branch)? else { return Ok(None) };
    let tip = tip.to_string();
    let Some(since) = since else { return Ok(Some((tip, None))) };
    if since == tip {
        return Ok(None);
    }
    let mut tasks = BTreeSet::new();
    for folder in ["sessions", "specs"] {
        let Some(names) = repository.changed_in(since, &tip, folder)? else { return Ok(Some((tip, None))) };
        tasks.extend(names.iter().map(|name| TaskId::from(name.as_str())));
    }
    Ok(Some((tip, Some(tasks))))
}
