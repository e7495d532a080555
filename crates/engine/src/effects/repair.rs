//! What an agent can fix in a finished change before a person reviews it: failed checks that pass on the base branch, and
//! findings that block the landing; each with the session that owns the files.

use super::{Job, blocking, git_failure, run_checks, scan};
use crate::projects::attribution::Attribution;
use crate::settings::project::ProjectSettings;
use crate::worktrees::setup::environment;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use workflow::{CheckResult, Failure, Isolation, Problem, ProblemKind, RepairRequest, SessionId};

/// How much of a failed check's output an agent gets, in bytes.
const MAX_OUTPUT_BYTES: usize = 12 * 1024;
/// How many commits of a task's branch are looked at for the owners of files.
const MAX_COMMITS: usize = 2_000;

/// Returns what is to be repaired, and marks the checks that fail on the base branch, too.
pub(super) async fn request(
    job: &Job<'_>,
    settings: &ProjectSettings,
    head: &str,
    results: &mut [CheckResult],
) -> Result<RepairRequest, Failure> {
    let max_rounds = settings.repair_rounds.unwrap_or(job.app.config.defaults.repair_rounds);
    // Commands that wait for a person's trust were not run.
    if max_rounds == 0 || settings.hold.is_some() || job.task.is_conversation() {
        return Ok(RepairRequest::default());
    }
    let base = job.app.repositories.base(&job.task.project, &job.task.base_branch).await;
    let base = base.map_err(|error| git_failure(&error))?.revision;
    if results.iter().any(|result| !result.passed) {
        check_base(job, settings, &base, results).await?;
    }
    let found = scan::scan(job.app, job.task, head).await?;
    let owners = Owners::of(job, &base, head).await?;
    let failed = results.iter().filter(|result| !result.passed && !result.fails_on_base);
    let mut problems: Vec<Problem> = failed.map(|result| owners.of_check(result)).collect();
    problems.extend(found.iter().filter_map(|found| {
        let details = scan::request(found)?;
        let owner = found.path.as_deref().and_then(|path| owners.of_file(path));
        Some(Problem { kind: ProblemKind::Finding, name: found.id.clone(), details, owner })
    }));
    Ok(RepairRequest { max_rounds, problems })
}

/// Returns what is to be repaired where checks fail only together with what landed on the base branch since.
pub(super) async fn of_landing(
    job: &Job<'_>,
    settings: &ProjectSettings,
    head: &str,
    failed: &[&CheckResult],
) -> Result<RepairRequest, Failure> {
    let max_rounds = settings.repair_rounds.unwrap_or(job.app.config.defaults.repair_rounds);
    if max_rounds == 0 || settings.hold.is_some() || job.task.is_conversation() {
        return Ok(RepairRequest::default());
    }
    let base = job.app.repositories.base(&job.task.project, &job.task.base_branch).await;
    let base = base.map_err(|error| git_failure(&error))?.revision;
    let mut failed: Vec<CheckResult> = failed.iter().copied().cloned().collect();
    check_base(job, settings, &base, &mut failed).await?;
    let owners = Owners::of(job, &base, head).await?;
    let problems = failed.iter().filter(|result| !result.fails_on_base);
    Ok(RepairRequest { max_rounds, problems: problems.map(|result| owners.of_check(result)).collect() })
}

/// Runs the failed checks on the base branch, and marks those that fail there, too.
async fn check_base(
    job: &Job<'_>,
    settings: &ProjectSettings,
    base: &str,
    results: &mut [CheckResult],
) -> Result<(), Failure> {
    let project_repo =
        job.app.repositories.project_repo(&job.task.project).await.map_err(|error| git_failure(&error))?;
    let path = directory(job);
    let (folder, base) = (path.clone(), base.to_owned());
    let is_there = blocking(move || {
        let Some(commit) = project_repo.repository.resolve(&base)? else { return Ok(false) };
        project_repo.repository.ensure_trial_worktree(&folder, commit)?;
        Ok::<_, git::Error>(true)
    });
    if !is_there.await? {
        return Ok(());
    }
    let setup = settings.setup_command.as_deref();
    let is_setup_red = match setup {
        Some(setup) => !run_checks::run(job, setup, &path).await.passed,
        None => false,
    };
    for result in results.iter_mut().filter(|result| !result.passed) {
        result.fails_on_base = if Some(result.command.as_str()) == setup {
            is_setup_red
        } else {
            !is_setup_red && !run_checks::run(job, &result.command, &path).await.passed
        };
    }
    environment::end_checks(job.app, job.task).await;
    Ok(())
}

/// Where the base branch is checked.
fn directory(job: &Job<'_>) -> PathBuf {
    job.app.repositories.data_dir().join("worktrees").join(job.task.id.as_str()).join("base")
}

/// The files of a change, each with the session that touched it last.
struct Owners(BTreeMap<String, Option<SessionId>>);

impl Owners {
    async fn of(job: &Job<'_>, base: &str, head: &str) -> Result<Self, Failure> {
        let project_repo = job
            .app
            .repositories
            .project_repo(&job.task.project)
            .await
            .map_err(|error| git_failure(&error))?;
        let (base, head, is_shared) =
            (base.to_owned(), head.to_owned(), job.task.isolation == Isolation::Shared);
        let mut owners = blocking(move || {
            let repository = project_repo.repository;
            let changed = repository.changed_paths(&base, &head)?;
            let mut owners: BTreeMap<String, Option<SessionId>> =
                changed.into_iter().map(|path| (path, None)).collect();
            if is_shared {
                return Ok(owners);
            }
            // A merge of a session's branch brings what the session changed, and names it.
            for commit in repository.log_of_first_parents(Some(&base), &head, MAX_COMMITS)? {
                let Some(session) = session_of(&commit.message) else { continue };
                for file in commit.files_touched {
                    if let Some(owner @ None) = owners.get_mut(&file) {
                        *owner = Some(SessionId::from(session));
                    }
                }
            }
            Ok::<_, git::Error>(owners)
        })
        .await?;
        if is_shared {
            for session in job.task.sessions.iter().rev().filter(|session| session.is_crew()) {
                let of_session = Attribution::of(job.app, job.task, session).await;
                let of_session = of_session.map_err(|error| super::store_failure(&error))?;
                for (file, owner) in &mut owners {
                    let is_own = match &of_session {
                        Attribution::All => true,
                        Attribution::Touching(files) => files.contains(Path::new(file)),
                    };
                    if owner.is_none() && is_own {
                        *owner = Some(session.id.clone());
                    }
                }
            }
        }
        Ok(Self(owners))
    }

    /// Returns the session that owns a file, or a file of a folder.
    fn of_file(&self, path: &str) -> Option<SessionId> {
        let is_within = |file: &str| {
            file.strip_prefix(path)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || path.ends_with('/'))
        };
        self.0.iter().filter(|(file, _)| is_within(file)).find_map(|(_, owner)| owner.clone())
    }

    /// Returns a failed check as a problem of the session that owns most of the files which its output names.
    fn of_check(&self, result: &CheckResult) -> Problem {
        let mut named: BTreeMap<&SessionId, usize> = BTreeMap::new();
        for (path, owner) in &self.0 {
            if let Some(owner) = owner {
                *named.entry(owner).or_default() += mentions(&result.output, path);
            }
        }
        let most = named.into_iter().filter(|(_, times)| *times > 0).max_by_key(|(_, times)| *times);
        Problem {
            kind: ProblemKind::Check,
            name: result.command.clone(),
            details: end_of(&result.output).to_owned(),
            owner: most.map(|(owner, _)| owner.clone()),
        }
    }
}

/// Returns how often a text names a file, by its path or by its name alone.
fn mentions(text: &str, path: &str) -> usize {
    let name = path.rsplit('/').next().unwrap_or(path);
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    let is_whole = |at: usize| {
        !text[..at].ends_with(is_part) && !text[at + name.len()..].starts_with(|c| is_part(c) || c == '/')
    };
    text.match_indices(name).filter(|(at, _)| is_whole(*at)).count()
}

/// Returns the session that a merge commit names.
fn session_of(message: &str) -> Option<&str> {
    message.lines().find_map(|line| line.strip_prefix("SpecTask-Session:")).map(str::trim)
}

/// Returns the end of a check's output, at most [`MAX_OUTPUT_BYTES`] long.
fn end_of(output: &str) -> &str {
    let from = output.len().saturating_sub(MAX_OUTPUT_BYTES);
    (from..output.len()).find_map(|at| output.get(at..)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use workflow::Millis;

    #[test]
    fn a_failed_check_belongs_to_the_session_whose_files_it_names() {
        let session = |id: &str| Some(SessionId::from(id));
        let owners = Owners(BTreeMap::from([
            ("src/dates.rs".to_owned(), session("stws_1")),
            ("src/list.rs".to_owned(), session("stws_2")),
            ("README.md".to_owned(), None),
        ]));
        let of = |output: &str| {
            let (command, output) = ("make test".to_owned(), output.to_owned());
            let (exit_code, took_ms, at) = (Some(1), 1, Millis(0));
            let result =
                CheckResult { command, passed: false, exit_code, output, took_ms, at, fails_on_base: false };
            owners.of_check(&result).owner
        };
        assert_eq!(of("src/list.rs:3: broken\nin src/list.rs, src/dates.rs"), session("stws_2"));
        assert_eq!(of("FAIL dates.rs"), session("stws_1"));
        assert_eq!(of("updates.rs and list.rs/x and README.md"), None);
        assert_eq!(owners.of_file("src/list.rs"), session("stws_2"));
        assert_eq!((owners.of_file("src"), owners.of_file("sr")), (session("stws_1"), None));
        assert_eq!(session_of("Merge x\n\nSpecTask-Task: t\nSpecTask-Session: stws_9\n"), Some("stws_9"));
    }
}
