//! Makes a worktree ready: files of the checkout, the environment, the setup command. Each completed step is recorded,
//! so that later turns, retries and restarts do not repeat it.

use super::copy::Bounds;
use super::include::{IncludeError, Included, include};
use super::rules::{INCLUDE_FILE, Rules};
use super::state::{SetupState, forget_worktree};
use super::{cache, environment, inputs, secrets};
use crate::App;
use crate::clock::now;
use crate::confinement::command::{CommandEnd, ConfinedCommand};
use crate::confinement::confine::{self, Purpose};
use crate::failure::{blocking, failure, git_failure, is_out_of_space, store_failure};
use crate::job::Job;
use crate::projects::repositories::ProjectRepo;
use crate::settings::redaction;
use crate::settings::secret_store::SecretError;
use protocol::LogEntry;
use protocol::log::{Notice, Setup};
use std::path::Path;
use std::time::{Duration, Instant};
use workflow::{Effect, Failure, FailureClass, Session, SessionId};

/// The interval of checks whether a running setup command is still needed.
const NEEDED_INTERVAL: Duration = Duration::from_secs(1);
/// How much of the end of a setup's output a failure quotes, in bytes.
const QUOTED: usize = 500;
/// The folder in which a task's documents are on its branch.
const DOCUMENTS: &str = "specs";

/// A worktree that is to be made ready.
pub(crate) struct Preparation<'a> {
    pub(crate) session: &'a Session,
    pub(crate) project: &'a ProjectRepo,
    pub(crate) worktree: &'a Path,
    /// The base branch's commit, whose `.worktreeinclude` counts: agents cannot change it without a review.
    pub(crate) base: &'a str,
    /// The commit that is checked out.
    pub(crate) head: &'a str,
    /// Whether the worktree was there before.
    pub(crate) was_there: bool,
    /// The effect for which it is made ready; the setup ends with the need for it.
    pub(crate) effect: Effect,
}

/// Makes a session's worktree ready.
pub(crate) async fn prepare(job: &Job<'_>, worktree: Preparation<'_>) -> Result<(), Failure> {
    let app = job.app;
    let _turn = app.setup_locks.lock(&worktree.worktree.to_string_lossy()).await;
    let (data_dir, task) = (&app.config.data_dir, &job.task.id);
    if !worktree.was_there {
        forget_worktree(data_dir, task, worktree.worktree);
    }
    let rules_file = include_file(&worktree).await?;
    let known = SetupState::read(data_dir, task, worktree.worktree);
    // A worktree without a state was made by a version that took nothing over, or its preparation had not begun.
    let is_interrupted = known.as_ref().is_some_and(|state| !state.is_included);
    let mut state = match known {
        Some(state) => state,
        None => SetupState::of(worktree.worktree).map_err(|error| write_failure(&error))?,
    };
    if !state.is_included {
        save(job, &state, worktree.worktree)?;
        let included = take_over(job, &worktree, &rules_file, is_interrupted || !worktree.was_there).await?;
        state.included = included.paths;
        state.env_files = included.env_files;
        state.is_included = true;
        save(job, &state, worktree.worktree)?;
    }
    let environment = environment::ensure(app, job.task, worktree.session, worktree.project).await?;
    if environment.ports.is_empty() {
        let text = "The session gets no reserved ports: the range of the setting sessions.ports is used up.";
        notice(app, &worktree.session.id, text.to_owned()).await;
    }
    set_up(job, &worktree, state, &rules_file, environment.variables).await
}

/// Returns the content of `.worktreeinclude` on the base branch.
async fn include_file(worktree: &Preparation<'_>) -> Result<Vec<u8>, Failure> {
    let (repository, base) = (worktree.project.repository.clone(), worktree.base.to_owned());
    Ok(blocking(move || repository.read(&base, INCLUDE_FILE)).await?.unwrap_or_default())
}

/// Copies the files that the base branch's `.worktreeinclude` names, and adds the result to the session's log.
async fn take_over(
    job: &Job<'_>,
    worktree: &Preparation<'_>,
    rules_file: &[u8],
    may_replace: bool,
) -> Result<Included, Failure> {
    let app = job.app;
    let settings = &app.config.sessions;
    let size = if settings.include_mb == 0 { u64::MAX } else { settings.include_mb.saturating_mul(1 << 20) };
    let bounds = Bounds { size, time: Duration::from_secs(settings.include_seconds) };
    let repository = worktree.project.repository.clone();
    let (path, head) = (worktree.worktree.to_owned(), worktree.head.to_owned());
    let (rules_file, data_dir) = (rules_file.to_owned(), app.config.data_dir.clone());
    let redactor = app.redactor.clone();
    let work = crate::spawn_blocking(move || {
        let rules = Rules::parse(&rules_file);
        let included = include(&repository, &path, &head, &rules, bounds, may_replace, &data_dir)?;
        secrets::learn(&redactor, &[repository.path(), &path], &included.env_files);
        let notice = included.notice(repository.path(), &rules);
        Ok::<_, IncludeError>((included, notice))
    });
    let (included, text) = match work.await {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => {
            let class = if is_out_of_space(&error) { FailureClass::OutOfSpace } else { FailureClass::Git };
            return Err(failure(class, crate::failure::chain(&error)));
        }
        Err(error) => {
            return Err(failure(FailureClass::Internal, format!("Copying files ended early: {error}.")));
        }
    };
    if let Some(text) = text {
        notice(app, &worktree.session.id, text).await;
    }
    Ok(included)
}

/// Runs the project's setup command, or uses its earlier result for the same inputs.
async fn set_up(
    job: &Job<'_>,
    worktree: &Preparation<'_>,
    mut state: SetupState,
    rules_file: &[u8],
    variables: Vec<(String, String)>,
) -> Result<(), Failure> {
    let (app, settings) = (job.app, &worktree.project.settings);
    let session = &worktree.session.id;
    if let Some(hold) = &settings.hold {
        notice(app, session, format!("No setup command was run. {}", hold.reason)).await;
        return Ok(());
    }
    let command = settings.setup_command.as_deref().map(str::trim).unwrap_or_default();
    if command.is_empty() {
        return Ok(());
    }
    let hash = hash_inputs(job, worktree, command, rules_file, &state).await?;
    if state.inputs.as_ref() == Some(&hash) {
        return Ok(());
    }
    let begun = Instant::now();
    // Sessions that begin together wait for the first of them, whose result they can use.
    let uses_cache = settings.setup_cache && !app.setup_locks.is_not_kept(&hash);
    let turn = if uses_cache { Some(app.setup_locks.lock(&hash).await) } else { None };
    if uses_cache && restore(job, worktree, &hash).await {
        let took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let entry = Setup {
            command: command.to_owned(),
            passed: Some(true).into(),
            took_ms: Some(took_ms).into(),
            cached: Some(true).into(),
            ..Setup::default()
        };
        log(app, session, entry.into()).await;
        state.inputs = Some(hash);
        return save(job, &state, worktree.worktree);
    }
    let is_cacheable = uses_cache && is_untouched(worktree).await;
    // What is not kept is of no use to others.
    let turn = turn.filter(|_| is_cacheable);
    let ended = run(job, worktree, command, variables).await?;
    let entry = Setup {
        command: command.to_owned(),
        passed: Some(ended.passed).into(),
        exit_code: ended.exit_code.map(i64::from).into(),
        output: Some(ended.output.clone()).into(),
        took_ms: Some(ended.took_ms).into(),
        cached: Some(false).into(),
        ..Setup::default()
    };
    log(app, session, entry.into()).await;
    if !ended.passed {
        return Err(failed(&ended));
    }
    keep_result(job, worktree, &mut state, &hash, is_cacheable).await?;
    drop(turn);
    state.inputs = Some(hash);
    save(job, &state, worktree.worktree)
}

/// Returns the failure of a session whose setup command failed.
fn failed(ended: &CommandEnd) -> Failure {
    let end = ended.output.trim();
    let from = end.ceil_char_boundary(end.len().saturating_sub(QUOTED));
    let how = ended.exit_code.map_or_else(String::new, |code| format!(" with exit code {code}"));
    let message = format!(
        "The setup command failed{how}; the session's log has its output. Correct the command or the project, then retry the \
         session. It ended with: {}",
        if end.is_empty() { "(no output)" } else { &end[from..] }
    );
    let is_full =
        ["No space left on device", "Disk quota exceeded", "ENOSPC"].iter().any(|sign| end.contains(sign));
    failure(if is_full { FailureClass::OutOfSpace } else { FailureClass::SetupFailed }, message)
}

async fn hash_inputs(
    job: &Job<'_>,
    worktree: &Preparation<'_>,
    command: &str,
    rules_file: &[u8],
    state: &SetupState,
) -> Result<String, Failure> {
    let (repository, head) = (worktree.project.repository.clone(), worktree.head.to_owned());
    let (path, project) = (worktree.worktree.to_owned(), job.task.project.to_string());
    // A variable may change what the command makes.
    let variables = worktree.project.settings.variables().into_iter();
    let command = variables.fold(command.to_owned(), |text, (name, value)| format!("{text}\0{name}={value}"));
    let (rules_file, included) = (rules_file.to_owned(), state.included.clone());
    let files = blocking(move || repository.list(&head, "")).await?;
    let hashed = crate::spawn_blocking(move || {
        inputs::hash(&project, &command, &rules_file, &included, &files, &path)
    });
    match hashed.await {
        Ok(hash) => hash.map_err(|error| write_failure(&error)),
        Err(error) => {
            Err(failure(FailureClass::Internal, format!("Reading lock files ended early: {error}.")))
        }
    }
}

/// Copies what the command made elsewhere for the same inputs; a copy that fails is as none.
async fn restore(job: &Job<'_>, worktree: &Preparation<'_>, hash: &str) -> bool {
    let (data_dir, hash, path) =
        (job.app.config.data_dir.clone(), hash.to_owned(), worktree.worktree.to_owned());
    let bounds = cache_bounds(job.app);
    match crate::spawn_blocking(move || cache::restore(&data_dir, &hash, &path, bounds)).await {
        Ok(Ok(is_restored)) => is_restored,
        Ok(Err(error)) => {
            tracing::warn!(%error, session = %worktree.session.id, "the result of a setup command could not be copied");
            false
        }
        Err(error) => {
            tracing::error!(%error, "copying the result of a setup command ended early");
            false
        }
    }
}

/// Returns whether nothing in a worktree is an agent's work: what is made of it may then be used in other worktrees.
async fn is_untouched(worktree: &Preparation<'_>) -> bool {
    if worktree.session.turns > 0 {
        return false;
    }
    let (repository, path) = (worktree.project.repository.clone(), worktree.worktree.to_owned());
    let (base, head) = (worktree.base.to_owned(), worktree.head.to_owned());
    let found = blocking(move || {
        Ok::<_, git::Error>(
            repository.differs_only_in(&base, &head, DOCUMENTS)?
                && !repository.worktree_state(&path)?.is_changed,
        )
    });
    found.await.unwrap_or(false)
}

/// Runs the setup command to its end or its limit, or until the session does not need it any more.
async fn run(
    job: &Job<'_>,
    worktree: &Preparation<'_>,
    command: &str,
    variables: Vec<(String, String)>,
) -> Result<CommandEnd, Failure> {
    let app = job.app;
    let variables =
        environment::with_secrets(app, job.task, variables).await.map_err(|error| match error {
            SecretError::Store(error) => store_failure(&error),
            error => failure(FailureClass::SetupFailed, format!("The setup command was not run: {error}.")),
        })?;
    let name = worktree.worktree.file_name().unwrap_or_default().to_string_lossy();
    let confined = ConfinedCommand {
        task: job.task,
        purpose: Purpose::Setup(&name),
        command,
        directory: worktree.worktree,
        variables,
        limit: Duration::from_secs(app.config.sessions.setup_seconds),
    };
    let ended = tokio::select! {
        ended = confined.run(app) => Ok(ended),
        () = until_not_needed(job, &worktree.effect) => {
            Err(failure(FailureClass::Rejected, "The session was stopped while its setup command ran.".to_owned()))
        }
    };
    let scratch = confine::setup_scratch(&app.config.data_dir, &job.task.id, &name);
    let removed = crate::spawn_blocking(move || {
        // What is left is removed with the task.
        for folder in scratch {
            let _ = std::fs::remove_dir_all(folder);
        }
    });
    drop(removed.await);
    ended
}

/// Returns when the task has no need of an effect any more, because the session or the task was stopped.
async fn until_not_needed(job: &Job<'_>, effect: &Effect) {
    loop {
        tokio::time::sleep(NEEDED_INTERVAL).await;
        match job.app.store.task(&job.task.id).await {
            Ok(Some(task)) if task.still_needs(effect) => {}
            Ok(_) => return,
            Err(error) => {
                tracing::debug!(%error, "could not check whether a setup is still needed; retrying");
            }
        }
    }
}

/// Notes what the command made, and keeps it for other worktrees where that is safe.
async fn keep_result(
    job: &Job<'_>,
    worktree: &Preparation<'_>,
    state: &mut SetupState,
    hash: &str,
    is_cacheable: bool,
) -> Result<(), Failure> {
    let (repository, path) = (worktree.project.repository.clone(), worktree.worktree.to_owned());
    let found = blocking(move || repository.worktree_state(&path)).await?;
    let is_included = |path: &str| {
        state.included.iter().any(|known| path == known || path.starts_with(&format!("{known}/")))
    };
    let made = || found.untracked.iter().filter(|one| !is_included(&one.path));
    // What an agent made before is its work.
    let others: Vec<String> = match worktree.session.turns {
        0 => made().filter(|one| !one.is_ignored).map(|one| one.path.clone()).collect(),
        _ => state.made.clone(),
    };
    let is_folders_alone = !found.is_changed && made().all(|one| one.is_ignored && one.is_folder);
    let folders: Vec<String> = made().map(|one| one.path.clone()).collect();
    state.made = others;
    if !is_cacheable {
        return Ok(());
    }
    if !is_folders_alone {
        job.app.setup_locks.note_not_kept(hash);
        return Ok(());
    }
    let (data_dir, path, key) =
        (job.app.config.data_dir.clone(), worktree.worktree.to_owned(), hash.to_owned());
    let bounds = cache_bounds(job.app);
    match crate::spawn_blocking(move || cache::keep(&data_dir, &key, &path, folders, bounds)).await {
        Ok(Ok(None)) => {}
        Ok(Ok(Some(reason))) => {
            job.app.setup_locks.note_not_kept(hash);
            tracing::info!(reason, task = %job.task.id, "the result of a setup command is not used in other worktrees");
        }
        Ok(Err(error)) => {
            tracing::warn!(%error, task = %job.task.id, "the result of a setup command could not be kept");
        }
        Err(error) => tracing::error!(%error, "keeping the result of a setup command ended early"),
    }
    Ok(())
}

/// Returns how much of the cache is copied at once.
fn cache_bounds(app: &App) -> Bounds {
    let size = match app.config.retention.setup_cache_mb {
        0 => u64::MAX,
        megabytes => megabytes.saturating_mul(1 << 20),
    };
    Bounds { size, time: Duration::from_secs(app.config.sessions.include_seconds) }
}

fn save(job: &Job<'_>, state: &SetupState, worktree: &Path) -> Result<(), Failure> {
    state.write(&job.app.config.data_dir, &job.task.id, worktree).map_err(|error| git_failure(&error))
}

fn write_failure(error: &std::io::Error) -> Failure {
    git_failure(error)
}

/// Adds a notice to a session's log.
pub(super) async fn notice(app: &App, session: &SessionId, text: String) {
    let text = redaction::redact(&app.redactor, &text).into_owned();
    log(app, session, Notice { text, ..Notice::default() }.into()).await;
}

/// Adds an entry to a session's log. A log that cannot be written now is no reason to begin again.
async fn log(app: &App, session: &SessionId, entry: LogEntry) {
    match app.store.append_log(session, now(), vec![entry]).await {
        Ok(rows) => app.feed.publish_log(session, rows),
        Err(error) => tracing::warn!(%error, %session, "could not write into a session's log"),
    }
}
