//! Branches of finished tasks whose commits the base branch has, and the refs that keep these commits for a while.

use super::{Kept, Mode, Removal, Rules, Subject};
use crate::App;
use crate::projects::repositories::ProjectRepo;
use crate::worktrees::retired::{self, SAVED};
use git::{CommitId, Repository, Retired};
use std::collections::{BTreeMap, HashMap};
use store::Project;
use workflow::{Millis, Phase, ShortId, Task, TaskId};

/// What the branches of tasks begin with.
const TASK_PREFIXES: [&str; 4] =
    ["refs/heads/task/", "refs/heads/specs/", "refs/heads/spectask/", "refs/heads/session/"];
/// Which branches hold the work of single sessions; those of tasks of earlier versions are in the second folder.
const SESSION_PREFIXES: [&str; 2] = ["refs/heads/spectask/", "refs/heads/session/"];

/// The branches of a task that are there.
type Found = BTreeMap<NamedTask, Vec<(String, CommitId)>>;

/// How the name of a branch names its task.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum NamedTask {
    Id(TaskId),
    ShortId(ShortId),
}

pub(super) async fn apply(
    app: &App,
    rules: &Rules<'_>,
    mode: Mode,
    kept: &mut Vec<Kept>,
) -> anyhow::Result<Vec<Removal>> {
    let retention = rules.retention;
    let (days, saved_days) = (retention.branches_days, retention.saved_refs_days);
    let mut removals = [
        (
            Subject::Branches,
            format!("Branches of tasks that landed: of sessions at once, others after {days} days."),
        ),
        (
            Subject::SavedRefs,
            format!("Refs that kept the commits of removed branches for {saved_days} days."),
        ),
    ]
    .map(|(subject, reason)| Removal { subject, reason, count: 0, bytes: 0 });
    for project in app.store.all_projects().await? {
        if app.stop.is_cancelled() {
            break;
        }
        // A repository that is away has nothing to remove; the health of the server names it.
        let Ok(ProjectRepo { repository, .. }) = app.repositories.project_repo(&project.id).await else {
            continue;
        };
        if days > 0 {
            removals[0].count += retire_all(app, rules, mode, &project, &repository, kept).await?;
        }
        if let Some(before) = rules.before_days(saved_days) {
            removals[1].count += release_all(app, mode, &repository, before).await?;
        }
    }
    Ok(removals.into())
}

/// Removes the branches of a project's finished tasks and returns how many.
async fn retire_all(
    app: &App,
    rules: &Rules<'_>,
    mode: Mode,
    project: &Project,
    repository: &Repository,
    kept: &mut Vec<Kept>,
) -> anyhow::Result<u64> {
    let found = {
        let repository = repository.clone();
        crate::spawn_blocking(move || branches(&repository)).await??
    };
    let mut count = 0;
    for (named, branches) in found {
        let id = match named {
            NamedTask::Id(id) => Some(id),
            NamedTask::ShortId(short_id) => app.store.task_by_short_id(&project.owner, &short_id).await?,
        };
        let Some(id) = id else { continue };
        let Some(changed_at) = app.store.last_change_of(&id).await? else { continue };
        let Some(task) = app.store.task(&id).await? else { continue };
        if task.project != project.id {
            continue;
        }
        // A person may have a branch whose name begins as that of a task does.
        let branches: Vec<_> = branches.into_iter().filter(|(name, _)| is_branch_of(&task, name)).collect();
        let is_old =
            rules.before_days(rules.retention.branches_days).is_some_and(|before| changed_at.0 < before.0);
        let has_landed = matches!(&task.phase, Phase::Done { merged: Some(_), .. });
        // A cancelled task can be reopened: its sessions' branches are as old as the others then.
        let due = |name: &str| {
            is_old || (has_landed && SESSION_PREFIXES.iter().any(|prefix| name.starts_with(prefix)))
        };
        let branches: Vec<_> = branches.into_iter().filter(|(name, _)| due(name)).collect();
        if branches.is_empty() {
            continue;
        }
        let reason = if rules.unrecorded.contains(&id) {
            Some("the task's record in git is not complete")
        } else if !app.store.pending_effects(&id).await?.is_empty() {
            Some("the task has effects that are not finished")
        } else {
            None
        };
        if let Some(reason) = reason {
            kept.extend(branches.iter().map(|(name, _)| keep(name, reason)));
            continue;
        }
        let (repository, now) = (repository.clone(), rules.now);
        let work = move || retire(&repository, &task, branches, now, mode);
        let (removed, stay) = crate::spawn_blocking(work).await??;
        count += removed;
        kept.extend(stay);
    }
    Ok(count)
}

/// Removes a task's branches that the base branch has, and returns how many, and which stay.
fn retire(
    repository: &Repository,
    task: &Task,
    branches: Vec<(String, CommitId)>,
    now: Millis,
    mode: Mode,
) -> Result<(u64, Vec<Kept>), git::Error> {
    let (mut removed, mut stay) = (0, Vec::new());
    for (name, tip) in branches {
        let retire = retired::request(repository, task, &name, tip, now)?;
        let outcome = match mode {
            Mode::DryRun => repository.can_retire(&retire)?,
            Mode::Remove => retired::remove(repository, task, &retire)?,
        };
        match outcome {
            Retired::Removed => removed += 1,
            Retired::Kept(reason) => stay.push(keep(&name, &reason)),
        }
    }
    Ok((removed, stay))
}

/// Removes the refs that have kept commits since before a time, and returns how many.
async fn release_all(app: &App, mode: Mode, repository: &Repository, before: Millis) -> anyhow::Result<u64> {
    let refs = {
        let repository = repository.clone();
        crate::spawn_blocking(move || repository.refs_beneath(SAVED)).await??
    };
    let mut bases: HashMap<TaskId, Option<String>> = HashMap::new();
    let mut count = 0;
    for (name, commit) in refs {
        let Some((task, _)) = parse_saved(&name).filter(|(_, at)| at.0 < before.0) else { continue };
        let base = match bases.get(&task) {
            Some(base) => base.clone(),
            None => app.store.task(&task).await?.map(|task| task.base_branch),
        };
        bases.insert(task, base.clone());
        let Some(base) = base else { continue };
        let repository = repository.clone();
        let release = move || match mode {
            Mode::DryRun => {
                let has_all = repository.resolve(&base)?.is_some()
                    && repository.contains(&base, &commit.to_string())?;
                Ok::<_, git::Error>(has_all)
            }
            Mode::Remove => Ok(repository.release_ref(&name, commit, &base)? == Retired::Removed),
        };
        count += u64::from(crate::spawn_blocking(release).await??);
    }
    Ok(count)
}

/// Returns the branches of a repository that belong to tasks, by task.
fn branches(repository: &Repository) -> Result<Found, git::Error> {
    let mut found = Found::new();
    for prefix in TASK_PREFIXES {
        for (name, tip) in repository.refs_beneath(prefix)? {
            if let Some(task) = task_of(&name, prefix) {
                found.entry(task).or_default().push((name, tip));
            }
        }
    }
    Ok(found)
}

/// The task that a branch belongs to, by its name.
fn task_of(name: &str, prefix: &str) -> Option<NamedTask> {
    let rest = name.strip_prefix(prefix)?;
    if let Some(short_id) = rest.split('/').next().and_then(ShortId::at_start_of) {
        return Some(NamedTask::ShortId(short_id));
    }
    let id = rest.split(['-', '/']).next()?;
    let ulid = id.strip_prefix(TaskId::PREFIX)?.strip_prefix('_')?;
    ulid::Ulid::from_string(ulid).ok()?;
    Some(NamedTask::Id(TaskId::from(id)))
}

/// Whether a ref is a branch that was made for a task.
fn is_branch_of(task: &Task, name: &str) -> bool {
    let Some(branch) = name.strip_prefix("refs/heads/") else { return false };
    branch == task.branch()
        || branch.strip_prefix("specs/") == Some(task.id.as_str())
        || branch.strip_prefix(&task.session_branches()).is_some_and(|rest| rest.starts_with('/'))
}

/// Returns the task and the time of a ref that keeps commits.
fn parse_saved(name: &str) -> Option<(TaskId, Millis)> {
    let (task, at) = name.strip_prefix(SAVED)?.split_once('/')?;
    Some((TaskId::from(task), Millis(at.parse().ok()?)))
}

fn keep(name: &str, reason: &str) -> Kept {
    let name = name.strip_prefix("refs/heads/").unwrap_or(name).to_owned();
    Kept { subject: Subject::Branches, name, reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_branches_of_tasks_are_found() {
        let id = "spt_01ARZ3NDEKTSV4RRFFQ69G5FAV";
        let [tasks, specs, sessions, sessions_by_id] = TASK_PREFIXES;
        for (name, prefix) in [
            (format!("refs/heads/task/{id}-add-a-field"), tasks),
            (format!("refs/heads/specs/{id}"), specs),
            (format!("refs/heads/session/{id}/stws_1"), sessions_by_id),
        ] {
            assert_eq!(task_of(&name, prefix), Some(NamedTask::Id(TaskId::from(id))), "{name}");
        }
        let short_id = ShortId::parse("SPEC-12").map(NamedTask::ShortId);
        for (name, prefix) in [
            ("refs/heads/task/SPEC-12-add-a-field", tasks),
            ("refs/heads/spectask/SPEC-12/1-add-a-field", sessions),
        ] {
            assert_eq!(task_of(name, prefix), short_id, "{name}");
        }
        assert_eq!(task_of("refs/heads/task/mine", TASK_PREFIXES[0]), None);
        assert_eq!(task_of("refs/heads/specs/spt_short", TASK_PREFIXES[1]), None);
        let saved = format!("{SAVED}{id}/1700000000000");
        assert_eq!(parse_saved(&saved), Some((TaskId::from(id), Millis(1_700_000_000_000))));
        assert_eq!(parse_saved(&format!("{SAVED}{id}")), None);
    }
}
