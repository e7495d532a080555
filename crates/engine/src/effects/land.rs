//! Lands the reviewed change on its base branch, without overwriting anyone's work in the repository.
//!
//! Changes that finish on one base branch land one after the other, in the order of their approval. Where the base
//! moved since the checks ran, the merge is built first and the checks run on it in a separate worktree; the
//! branch moves only to what was checked, and only from where it stood then.

use super::{Done, Job, blocking, chain, git_failure, merge_session::details, repair, run_checks, scan};
use crate::clock::now;
use crate::projects::bases;
use crate::projects::repositories::{ProjectRepo, RepositoryError};
use git::{Land, Landed, Landing, Planned};
use std::path::PathBuf;
use workflow::{Change, CheckResult, Commit, Failure, Input, LandOutcome, Phase, Task};

/// How often a landing is built again when the base branch moves while its checks run.
const ATTEMPTS: usize = 5;

pub(super) async fn perform(job: &Job<'_>) -> Result<Done, Failure> {
    let app = job.app;
    let Phase::ImplementationReview { change, landing, .. } = &job.task.phase else {
        return Ok(Done::Nothing);
    };
    if let Some(reason) = earlier_landing(job, landing).await? {
        return Ok(landed(LandOutcome::Waiting { reason, needs_person: false }));
    }
    let project_repo = match app.repositories.project_repo(&job.task.project).await {
        Err(error @ (RepositoryError::Open { .. } | RepositoryError::Replaced { .. })) => {
            // It was moved, or its disk is not there: the landing continues when it is back.
            let reason = format!("{}.", chain(&error));
            return Ok(landed(LandOutcome::Waiting { reason, needs_person: true }));
        }
        project_repo => project_repo.map_err(|error| git_failure(&error))?,
    };
    if let Some(reason) = without_base(job).await? {
        return Ok(landed(LandOutcome::Waiting { reason, needs_person: true }));
    }
    if let Some(outcome) = held(job, change, landing).await? {
        return Ok(landed(outcome));
    }
    let base = job.task.base_branch.clone();
    let (repository, onto) = (project_repo.repository.clone(), base.clone());
    let Some(turn) = blocking(move || repository.landing_turn(&onto)).await? else {
        let reason = format!("Another change is landing on {base}; this one follows.");
        return Ok(landed(LandOutcome::Waiting { reason, needs_person: false }));
    };
    let at = change.head.0.parse().map_err(|error: git::NotACommitId| git_failure(&error))?;
    let land = Land {
        branch: job.task.branch(),
        at: Some(at),
        onto: base.clone(),
        message: format!("{} {}\n\nSpecTask-Task: {}\n", job.task.shown_id(), job.task.name, job.task.id),
        author: crate::App::identity(),
        time_ms: now().0,
        effect: Some(job.trailer("land")),
        fast_forward: false,
    };
    let outcome = in_turn(job, &project_repo, &land, change, landing).await;
    drop(turn);
    let outcome = outcome?;
    if let LandOutcome::Landed { .. } = &outcome {
        let accepted = app.repositories.accept_base(&job.task.project, &base).await;
        accepted.map_err(|error| git_failure(&error))?;
    }
    Ok(landed(outcome))
}

/// Returns what to do where the branch to land on was deleted or renamed: a person has to decide where its commits
/// belong.
async fn without_base(job: &Job<'_>) -> Result<Option<String>, Failure> {
    let branch = &job.task.base_branch;
    let base = job.app.repositories.base(&job.task.project, branch).await;
    let base = base.map_err(|error| git_failure(&error))?;
    Ok(base.tip.is_none().then(|| format!("{}.", bases::make_again(branch, &base))))
}

/// Returns why the change does not land for now: findings that its approval does not name.
async fn held(
    job: &Job<'_>,
    change: &Change,
    landing: &workflow::Landing,
) -> Result<Option<LandOutcome>, Failure> {
    let known: &[String] = match landing {
        workflow::Landing::Merging { acknowledged, .. } => acknowledged,
        workflow::Landing::Undecided => &[],
    };
    let found = scan::scan(job.app, job.task, &change.head.0).await?;
    let unknown: Vec<&scan::Found> =
        found.iter().filter(|one| one.is_sure && !known.contains(&one.id)).collect();
    if unknown.is_empty() {
        return Ok(None);
    }
    let message = scan::message(&unknown);
    let is_other = unknown.iter().all(|one| scan::is_other(one));
    Ok(Some(if is_other { LandOutcome::Held { message } } else { LandOutcome::Secrets { message } }))
}

/// Builds, checks and lands, while it holds the branch's landing lock.
async fn in_turn(
    job: &Job<'_>,
    project_repo: &ProjectRepo,
    land: &Land,
    change: &Change,
    approval: &workflow::Landing,
) -> Result<LandOutcome, Failure> {
    for _ in 0..ATTEMPTS {
        let (repository, wanted) = (project_repo.repository.clone(), land.clone());
        let landing = match blocking(move || repository.plan_landing(&wanted)).await? {
            Planned::Ended(ended) => return Ok(outcome(ended)),
            Planned::Ready(landing) => landing,
        };
        let merged = landing.merged.to_string();
        let (project, onto) = (&job.task.project, &land.onto);
        let base = job.app.repositories.base(project, onto).await.map_err(|error| git_failure(&error))?;
        if base.tip != Some(landing.tip.to_string()) {
            // The branch moved, so its evidence is collected again.
            if let Some(outcome) = held(job, change, approval).await? {
                return Ok(outcome);
            }
            continue;
        }
        if !landing.has_same_files {
            let results = check(job, project_repo, &landing).await?;
            let failed = new_failures(change, &results);
            if !failed.is_empty() {
                let repair = repair::of_landing(job, &project_repo.settings, &change.head.0, &failed).await?;
                return Ok(LandOutcome::ChecksFailed { results, repair });
            }
        }
        let expected = job.app.repositories.expect_base(project, onto, &merged).await;
        expected.map_err(|error| git_failure(&error))?;
        let (repository, wanted) = (project_repo.repository.clone(), land.clone());
        if let Some(ended) = blocking(move || repository.carry_out_landing(&wanted, &landing)).await? {
            return Ok(outcome(ended));
        }
    }
    let reason = format!("{} moves faster than the checks run; the landing is tried again.", land.onto);
    Ok(LandOutcome::Waiting { reason, needs_person: false })
}

/// Runs the checks on what the branch would become.
pub(super) async fn check(
    job: &Job<'_>,
    project_repo: &ProjectRepo,
    landing: &Landing,
) -> Result<Vec<CheckResult>, Failure> {
    let has_checks = !job.app.checks(job.task, &project_repo.settings).await.is_empty();
    if !has_checks && project_repo.settings.hold.is_none() {
        return Ok(Vec::new());
    }
    let path = directory(job);
    let (repository, folder, merged) = (project_repo.repository.clone(), path.clone(), landing.merged);
    blocking(move || repository.ensure_trial_worktree(&folder, merged)).await?;
    Ok(run_checks::run_all(job, &project_repo.settings, &path).await)
}

/// Returns where a task's merge is checked before it lands.
fn directory(job: &Job<'_>) -> PathBuf {
    job.app.repositories.data_dir().join("worktrees").join(job.task.id.as_str()).join("landing")
}

/// Returns the checks that fail now and did not fail when the change was approved: what a person accepted does not hold
/// it back.
fn new_failures<'a>(change: &Change, results: &'a [CheckResult]) -> Vec<&'a CheckResult> {
    let failed_before = |result: &CheckResult| {
        change.checks.iter().any(|before| before.command == result.command && !before.passed)
    };
    results.iter().filter(|result| !result.passed && !failed_before(result)).collect()
}

/// Returns which change lands on the same branch before this one: the one that was approved first.
async fn earlier_landing(job: &Job<'_>, landing: &workflow::Landing) -> Result<Option<String>, Failure> {
    let live = job.app.store.live_tasks().await.map_err(|error| super::store_failure(&error))?;
    let own = approved_at(landing);
    let first = live
        .iter()
        .filter(|task| task.project == job.task.project && task.base_branch == job.task.base_branch)
        .filter(|task| task.id != job.task.id)
        .filter_map(|task| Some(((lands_since(task)?, &task.id), task)))
        .min_by(|(one, _), (other, _)| one.cmp(other));
    let before = first.filter(|((at, id), _)| own.is_some_and(|own| (*at, *id) < (own, &job.task.id)));
    Ok(before.map(|(_, task)| {
        format!("{:?} was approved before and lands on {} first.", task.name, task.base_branch)
    }))
}

fn lands_since(task: &Task) -> Option<workflow::Millis> {
    match &task.phase {
        Phase::ImplementationReview { landing, .. } => approved_at(landing),
        Phase::Backlog
        | Phase::SpecGeneration { .. }
        | Phase::SpecReview { .. }
        | Phase::SpecRevision { .. }
        | Phase::SpecApproved { .. }
        | Phase::ImplementationQueued { .. }
        | Phase::Implementation { .. }
        | Phase::Done { .. }
        | Phase::SpecFailed { .. }
        | Phase::ImplementationFailed { .. }
        | Phase::Cancelled { .. } => None,
    }
}

fn approved_at(landing: &workflow::Landing) -> Option<workflow::Millis> {
    match landing {
        workflow::Landing::Merging { at, .. } => Some(*at),
        workflow::Landing::Undecided => None,
    }
}

fn outcome(landed: Landed) -> LandOutcome {
    match landed {
        Landed::Landed(commit) | Landed::Already(commit) => {
            LandOutcome::Landed { commit: Commit(commit.to_string()) }
        }
        Landed::Waiting { reason } => LandOutcome::Waiting { reason, needs_person: true },
        Landed::Conflict(files) => {
            let details = details(&files);
            LandOutcome::Conflict { files: files.into_iter().map(|file| file.path).collect(), details }
        }
    }
}

fn landed(outcome: LandOutcome) -> Done {
    Done::Report(Input::Landed { outcome })
}

#[cfg(test)]
mod tests {
    use super::new_failures;
    use workflow::{Change, CheckResult, Commit, Millis};

    fn result(command: &str, passed: bool) -> CheckResult {
        let (command, output) = (command.to_owned(), String::new());
        CheckResult {
            command,
            passed,
            exit_code: None,
            output,
            took_ms: 1,
            at: Millis(0),
            fails_on_base: false,
        }
    }

    #[test]
    fn only_what_passed_at_the_review_holds_a_landing_back() {
        let checks = vec![result("lint", false), result("test", true)];
        let change = Change { head: Commit("h".to_owned()), checks };
        let after = [result("lint", false), result("test", false), result("setup", false)];
        let held: Vec<_> =
            new_failures(&change, &after).into_iter().map(|held| held.command.as_str()).collect();
        assert_eq!(held, ["test", "setup"]);
        assert!(new_failures(&change, &[result("lint", false), result("test", true)]).is_empty());
    }
}
