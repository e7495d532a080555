//! One commit for everything that some tasks of a repository have to be recorded.

use super::gather::{self, Gathered};
use crate::App;
use crate::clock::now;
use crate::failure::{blocking, chain, failure, git_failure, store_failure};
use crate::projects::repositories::ProjectRepo;
use git::{Change, Commit, CommitId};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use store::Recorded;
use workflow::records::{paths, projects};
use workflow::{Failure, FailureClass, ProjectId, TaskId};

/// How each task's recording ended.
pub(super) type Outcomes = BTreeMap<TaskId, Result<(), Failure>>;

/// How often files are composed again when others change them meanwhile.
const ATTEMPTS: usize = 20;
/// How many tasks one commit records at most.
const MAX_TASKS: usize = 64;
/// The size of the files in bytes from which on a commit takes no further task, so that the memory of a commit does not
/// depend on how many tasks wait for one.
const ENOUGH_BYTES: usize = 8 * 1024 * 1024;

/// How much a commit has so far.
#[derive(Debug, Default)]
struct CommitSize {
    tasks: usize,
    bytes: usize,
}

impl CommitSize {
    fn add(&mut self, bytes: usize) {
        self.tasks += 1;
        self.bytes += bytes;
    }

    /// Returns whether it takes no further task.
    fn is_enough(&self) -> bool {
        self.tasks >= MAX_TASKS || self.bytes >= ENOUGH_BYTES
    }
}

/// Records until nothing is missing; what fails for one task does not keep the others.
pub(super) async fn record(app: &App, project: &ProjectId, tasks: &BTreeSet<TaskId>) -> Outcomes {
    let mut outcomes = Outcomes::new();
    let mut open = tasks.clone();
    let mut lost = 0;
    while !open.is_empty() {
        match step(app, project, &open, &mut outcomes).await {
            Ok(Step::Done(more)) => open = more,
            Ok(Step::Overtaken) if lost < ATTEMPTS => lost += 1,
            Ok(Step::Overtaken) => {
                let message = "Other writers kept changing the same records; it is retried later.".to_owned();
                fail(&mut outcomes, open, &failure(FailureClass::Git, message));
                break;
            }
            Err(reason) => {
                fail(&mut outcomes, open, &reason);
                break;
            }
        }
        open.retain(|task| !matches!(outcomes.get(task), Some(Err(_))));
    }
    outcomes
}

fn fail(outcomes: &mut Outcomes, tasks: BTreeSet<TaskId>, reason: &Failure) {
    outcomes.extend(tasks.into_iter().map(|task| (task, Err(reason.clone()))));
}

enum Step {
    /// Everything that was gathered is in git; these tasks have more or have not had their turn.
    Done(BTreeSet<TaskId>),
    /// Another writer changed one of the files.
    Overtaken,
}

async fn step(
    app: &App,
    project: &ProjectId,
    tasks: &BTreeSet<TaskId>,
    outcomes: &mut Outcomes,
) -> Result<Step, Failure> {
    let project_repo = app.repositories.project_repo(project).await.map_err(|error| git_failure(&error))?;
    let base = base(app, &project_repo, project).await?;
    let mut changes: Vec<Change> = Vec::new();
    let mut reached: Vec<Gathered> = Vec::new();
    let mut left = tasks.clone();
    let mut size = CommitSize::default();
    for task in tasks {
        if size.is_enough() {
            break;
        }
        left.remove(task);
        match gather::task(app, &project_repo, base, task).await {
            Ok(Some((gathered, files))) => {
                reached.push(gathered);
                size.add(files.iter().filter_map(|file| file.content.as_ref()).map(Vec::len).sum());
                changes.extend(files);
            }
            Ok(None) => {
                outcomes.insert(task.clone(), Ok(()));
            }
            Err(reason) => {
                outcomes.insert(task.clone(), Err(reason));
            }
        }
    }
    let is_new = !changes.is_empty();
    let mut commit = base;
    if is_new {
        changes.extend(project_file(app, &project_repo, base, project).await?);
        match write(&project_repo, base, changes, &reached).await? {
            Some(made) => commit = made,
            None => return Ok(Step::Overtaken),
        }
    }
    let mut more = left;
    for gathered in reached {
        if gathered.has_more {
            more.insert(gathered.task.clone());
        }
        outcomes.insert(gathered.task.clone(), Ok(()));
        // What was in git before stays known by the commit that brought it.
        let found_at = if gathered.is_new { commit } else { base };
        let last = match gathered.whole_at {
            Some(before) if !gathered.is_new => before,
            Some(_) | None => found_at.to_string(),
        };
        let recorded = Recorded {
            task: gathered.task,
            at: now(),
            commit: last,
            events: gathered.events,
            logs: gathered.logs.into_iter().collect(),
            attachments: gathered.attachments,
        };
        app.store.put_recorded(recorded).await.map_err(|error| store_failure(&error))?;
    }
    Ok(Step::Done(more))
}

/// Returns where the branch stands; it is begun where there is none, and its worktree made again where it vanished.
async fn base(app: &App, project_repo: &ProjectRepo, project: &ProjectId) -> Result<CommitId, Failure> {
    if let Err(error) = crate::documents::watch::keep_worktree(app, project).await {
        // The record does without.
        tracing::warn!(error = chain(&error), %project, "could not look after the documents' worktree");
    }
    let branch = project_repo.settings.design_docs_branch.clone();
    let repository = project_repo.repository.clone();
    let tip = blocking({
        let branch = branch.clone();
        move || repository.resolve(&branch)
    })
    .await?;
    if let Some(tip) = tip {
        return Ok(tip);
    }
    app.repositories.docs_worktree(project).await.map_err(|error| git_failure(&error))?;
    let repository = project_repo.repository.clone();
    let tip = blocking(move || repository.resolve(&branch)).await?;
    tip.ok_or_else(|| failure(FailureClass::Git, "The branch of the documents is gone.".to_owned()))
}

pub(super) async fn write(
    project_repo: &ProjectRepo,
    base: CommitId,
    changes: Vec<Change>,
    reached: &[Gathered],
) -> Result<Option<CommitId>, Failure> {
    let new: Vec<&Gathered> = reached.iter().filter(|gathered| gathered.is_new).collect();
    let subject = match new.as_slice() {
        [only] => format!("{}: record", only.name),
        many => format!("Record of {} tasks", many.len()),
    };
    let trailers: Vec<String> =
        new.iter().map(|gathered| format!("SpecTask-Task: {}", gathered.task)).collect();
    // The effect is named by what it adds to which commit.
    let mut digest = Sha256::new();
    digest.update(base.to_string());
    for gathered in &new {
        let Gathered { task, events, logs, attachments, .. } = gathered;
        digest.update(format!("{task} {events} {logs:?} {attachments:?}\n"));
    }
    for change in &changes {
        digest.update(format!("{} {}\n", change.path, change.content.as_ref().map_or(0, Vec::len)));
    }
    let commit = Commit {
        branch: project_repo.settings.design_docs_branch.clone(),
        changes,
        message: format!("{subject}\n\n{}\n", trailers.join("\n")),
        author: App::identity(),
        time_ms: now().0,
        effect: Some(format!("record/{}", hex::encode(&digest.finalize()[..16]))),
    };
    let repository = project_repo.repository.clone();
    // What is added depends on all that a record has.
    let read: Vec<String> = new.iter().flat_map(|gathered| paths::folders(&gathered.task)).collect();
    let made = blocking(move || repository.commit_on(base, &read, &commit)).await?;
    Ok(made.map(|committed| committed.id))
}

/// Returns the project's own file, where it is not as the project is.
async fn project_file(
    app: &App,
    project_repo: &ProjectRepo,
    base: CommitId,
    project: &ProjectId,
) -> Result<Option<Change>, Failure> {
    let Some(found) = app.store.project(project).await.map_err(|error| store_failure(&error))? else {
        return Ok(None);
    };
    let owner = app.store.user(&found.owner).await.map_err(|error| store_failure(&error))?;
    let record = projects::ProjectRecord {
        id: found.id,
        name: found.name,
        key: found.key,
        owner_name: owner.map_or_else(|| found.owner.to_string(), |owner| owner.name),
        owner: found.owner,
        clone_url: found.clone_url,
        default_branch: found.default_branch,
        settings: found.settings,
        created_at: found.created_at,
        updated_at: found.updated_at,
    };
    let (path, content) = (paths::project(project), projects::render(&record).into_bytes());
    let repository = project_repo.repository.clone();
    let before = blocking({
        let path = path.clone();
        move || repository.read(&base.to_string(), &path)
    })
    .await?;
    Ok((before.as_ref() != Some(&content)).then_some(Change { path, content: Some(content) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns how many tasks each commit has when so many wait whose files have these sizes.
    fn commits(sizes: impl IntoIterator<Item = usize>) -> Vec<usize> {
        let mut commits = Vec::new();
        let mut size = CommitSize::default();
        for bytes in sizes {
            if size.is_enough() {
                commits.push(std::mem::take(&mut size).tasks);
            }
            size.add(bytes);
        }
        commits.push(size.tasks);
        commits
    }

    #[test]
    fn what_a_commit_has_does_not_depend_on_how_many_tasks_wait() {
        let small = commits(std::iter::repeat_n(10_000, 3_000));
        assert_eq!((small.len(), small.iter().max()), (3_000_usize.div_ceil(MAX_TASKS), Some(&MAX_TASKS)));
        let large = commits(std::iter::repeat_n(ENOUGH_BYTES / 3, 30));
        assert!(large.iter().all(|tasks| *tasks == 4 || *tasks == 2), "{large:?}");
        assert_eq!(commits([ENOUGH_BYTES * 9, 1, 1]), [1, 2]);
    }
}
