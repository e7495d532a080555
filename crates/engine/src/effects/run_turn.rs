//! Prompts the agent and waits for the turn's end, whatever that is.
//!
//! The turn of an agent that died or fell silent is asked again in the same session, loaded where the agent
//! can and told what happened from our own log where it cannot.

use super::{Done, Job, failure, store_failure};
use crate::clock::now;
use crate::health::{self, Shortage};
use crate::instances::{Attachment, FIRST_WORDS, Running, TurnSigns, meta, workdir};
use crate::log_archive;
use crate::mcp_servers;
use crate::metrics::{count_turn_end, count_turn_start};
use crate::permissions::Policy;
use crate::recorder::Recorder;
use crate::repositories::PromptContext;
use crate::transcript::{last_message, usage};
use crate::wire::Anchors;
use crate::worktree_setup::environment::{self, SessionEnvironment};
use agent::{AgentError, TurnEnd};
use jiff::Timestamp;
use protocol::LogEntry;
use protocol::log::{Notice, UserMessage};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use store::{Revision, SessionRun};
use tokio::time::Instant;
use tracing::Instrument as _;
use workflow::prompts::{self, Briefing, Point};
use workflow::{
    Ask, Effect, Failure, FailureClass, Input, Millis, Session, SessionId, SessionPhase, Task, Turn, TurnId,
    Usage,
};

/// How long a cancelled turn may take to end before the process is ended instead.
const CANCEL_GRACE: Duration = Duration::from_secs(8);
/// How often deadlines are looked at.
const DEADLINE_INTERVAL: Duration = Duration::from_millis(500);
/// How much of the log a new agent session gets, in bytes.
const MAX_MEMORY_BYTES: usize = 8 * 1024;
/// How much of what an agent said last is handed on, in bytes.
const MAX_SUMMARY_BYTES: usize = 4 * 1024;
/// How much of it is read where a planner answers comments, in bytes.
const ANSWERS: usize = 32 * 1024;

pub(super) async fn perform(job: &Job<'_>, id: &SessionId, turn: &TurnId) -> Result<Done, Failure> {
    let session = job.session(id)?;
    let Some(at) = session.turn().filter(|at| at.id == *turn) else { return Ok(Done::Nothing) };
    if session.retry_at.is_some() && !at.is_interrupted {
        let retried = Input::TurnRetried { session: id.clone(), turn: turn.clone() };
        let decided = job.app.orchestrator.decide(&job.task.id, retried).await;
        drop(decided.map_err(|error| store_failure(&error))?);
    }
    let begun = std::time::Instant::now();
    // A person interrupted it, and the server ended before the agent did: it is not asked again.
    let outcome =
        if at.is_interrupted { Ok(Some(Ended::interrupted())) } else { counted(job, session, at).await };
    let input = match outcome {
        Ok(None) => return Ok(Done::Nothing),
        Ok(Some(end)) => {
            let said = if end.signs.has_spoken { last_words(job, session).await } else { None };
            Input::TurnEnded {
                session: id.clone(),
                turn: turn.clone(),
                stop_reason: end.stop_reason,
                usage: end.usage,
                said,
                closing: end.signs.closing(),
                plan: end.signs.plan,
            }
        }
        Err(TurnFailure { failure, retry_at }) => {
            if let Some(message) = job.app.repositories.why_missing(&job.task.project).await {
                // The turn waits for its repository, as everything of the task does.
                return Err(Failure { class: FailureClass::Git, message, ..failure });
            }
            let failure = with_machine_fault(job.app, failure, begun).await;
            Input::TurnFailed { session: id.clone(), turn: turn.clone(), failure, retry_at }
        }
    };
    Ok(Done::Report(input))
}

/// Why a turn failed.
struct TurnFailure {
    failure: Failure,
    /// When trying again can help, where the error says so.
    retry_at: Option<Millis>,
}

impl From<Failure> for TurnFailure {
    fn from(failure: Failure) -> Self {
        Self { failure, retry_at: None }
    }
}

/// Returns the failure of a turn as one that is retried when the disk, the database or git was out of order meanwhile.
async fn with_machine_fault(app: &crate::App, failure: Failure, begun: std::time::Instant) -> Failure {
    let may_be_of_machine = matches!(
        failure.class,
        FailureClass::AgentRefused | FailureClass::AgentMissing | FailureClass::InvalidOutput
    );
    if !may_be_of_machine {
        return failure;
    }
    match health::obstacle_during(app, begun).await {
        Some(obstacle) => {
            let message =
                format!("{} Meanwhile the server was out of order: {}.", failure.message, obstacle.detail);
            Failure { class: FailureClass::Internal, message, ..failure }
        }
        None => failure,
    }
}

/// Runs the turn inside a `turn` span, and records how it ended.
async fn counted(job: &Job<'_>, session: &Session, turn: &Turn) -> Result<Option<Ended>, TurnFailure> {
    let (phase, begun) = (session.phase, Instant::now());
    let span = tracing::info_span!("turn", turn = %turn.id, phase = phase.as_str(), agent = session.agent);
    count_turn_start(phase);
    let outcome = Box::pin(take_turn(job, session, turn)).instrument(span).await;
    match &outcome {
        Ok(Some(end)) => count_turn_end(phase, Ok(&end.stop_reason), begun.elapsed()),
        Ok(None) => count_turn_end(phase, Ok("cancelled"), begun.elapsed()),
        Err(failed) => count_turn_end(phase, Err(failed.failure.class), begun.elapsed()),
    }
    outcome
}

/// Takes the turn; none when it stopped being wanted before the agent was asked.
async fn take_turn(job: &Job<'_>, session: &Session, turn: &Turn) -> Result<Option<Ended>, TurnFailure> {
    let app = job.app;
    let directory = workdir(&app.config.data_dir, job.task, session);
    let is_planning = session.phase == SessionPhase::Planning;
    if !is_planning && !directory.is_dir() {
        tracing::warn!(session = %session.id, "the worktree of a session is gone; it is made again from its branch");
        let effect = Effect::RunTurn { session: session.id.clone(), turn: turn.id.clone() };
        super::open_worktree::ensure(job, session, effect).await?;
    }
    // What the prompt needs is read while the agent starts.
    let (running, known, prompt_context) = tokio::join!(
        app.instances.ensure(job.task, session),
        app.store.session_run(&session.id),
        app.repositories.prompt_context(job.task),
    );
    let running = running.map_err(|error| agent_failure(&error))?;
    app.instances.admit(&running, job.task, session).await.map_err(|error| agent_failure(&error))?;
    let known = known.map_err(|error| store_failure(&error))?.unwrap_or_default();
    let PromptContext { documents: paths, rules, policy } =
        prompt_context.map_err(|error| super::git_failure(&error))?;
    // Starting an agent takes seconds, in which a person may have cancelled.
    let (thread, task) = tokio::join!(
        open_thread(job, session, turn, &running, &directory, known, policy),
        app.store.task(&job.task.id),
    );
    let (thread, task) = (thread?, task.map_err(|error| store_failure(&error))?);
    let effect = Effect::RunTurn { session: session.id.clone(), turn: turn.id.clone() };
    let is_interrupted = |task: &Task| {
        task.session(&session.id).and_then(Session::turn).is_some_and(|turn| turn.is_interrupted)
    };
    if task.as_ref().is_some_and(is_interrupted) {
        app.instances.close_turn(&thread.id, &session.id, &turn.id).await;
        return Ok(Some(Ended::interrupted()));
    }
    if !task.is_some_and(|task| task.still_needs(&effect)) {
        app.instances.close_turn(&thread.id, &session.id, &turn.id).await;
        return Ok(None);
    }
    let bound = app.instances.apply_policy(&running, &thread.id, thread.policy, is_planning).await;
    bound.map_err(|error| agent_failure(&error))?;
    thread.recorder.begin_turn(&turn.id).await;
    let attempt = attempt(job, session);
    if attempt > 1 {
        let text = "The turn is asked again after an interruption.".to_owned();
        let notice = Notice { text, turn_id: turn.id.to_string().into(), ..Notice::default() };
        thread.recorder.record(notice).await;
        app.instances.resolve_lost_requests(&session.id).await.map_err(|error| store_failure(&error))?;
    }
    let revisions = match &turn.ask {
        Ask::Revise { points, .. } if !points.is_empty() => app.store.revisions(&job.task.id).await,
        _ => Ok(Vec::new()),
    };
    let revisions = revisions.map_err(|error| store_failure(&error))?;
    let points = points(job.task, turn, &revisions);
    let requirements = requirements(job, turn).await?;
    let environment = if is_planning { None } else { environment(job, session).await? };
    let prompt = prompts::render(&Briefing {
        task: job.task,
        session,
        turn,
        documents: &paths,
        directory: &directory.to_string_lossy(),
        requirements: &requirements,
        rules: rules.as_deref(),
        attempt,
        memory: thread.memory.as_deref(),
        points: &points,
        environment: environment.as_ref().and_then(briefing_of),
    });
    let begun = thread.recorder.next_written();
    // Where the prompt is a person's message alone, the log has it already.
    if !is_verbatim_user_message(turn, &prompt) {
        let message = UserMessage {
            text: prompt.clone(),
            turn_id: turn.id.to_string().into(),
            by: "spectask".into(),
            ..UserMessage::default()
        };
        thread.recorder.record(message).await;
    }
    let meta = turn_meta(
        job,
        session,
        turn,
        &json!({
            "requirements": paths.requirements, "design": paths.design, "tasks": paths.tasks, "progress": paths.progress,
        }),
    );
    // Written down when the agent has begun: a crash in between costs the agent's memory of a turn that is asked again.
    let kept = async {
        let Some(run) = thread.run.clone() else { return };
        let _ = tokio::time::timeout(FIRST_WORDS, begun).await;
        if let Err(error) = app.store.put_session_run(&session.id, run).await {
            tracing::error!(%error, session = %session.id, "could not keep an agent's session");
        }
    };
    // What came between two turns is no sign of how this one ends.
    drop(running.take_signs(&thread.id));
    let asked =
        Box::pin(async { tokio::join!(running.process.prompt(&thread.id, &prompt, Some(meta)), kept).0 });
    let at_work = running.begins_turn(&session.id);
    let end = watch(job, session, turn, &running, &thread, asked).await;
    drop(at_work);
    if let Ok(end) = &end {
        running.take_in(end.updates).await;
    }
    let (counted, signs) = (running.take_usage(&thread.id), running.take_signs(&thread.id));
    app.instances.close_turn(&thread.id, &session.id, &turn.id).await;
    if end.as_ref().is_ok_and(|end| end.stop_reason == "cancelled") {
        // What the agent ran for the turn is to end with it.
        app.instances.close_thread(&running, &thread.id).await;
    }
    if running.is_attached(&thread.id) {
        let attachment = Attachment { session: &session.id, turn: None, policy: thread.policy };
        app.instances.attach(&running, &thread.id, attachment);
    }
    let end = end.map_err(|failed| blame_place(job, session, (&running, &thread.id), &directory, failed))?;
    let usage = end.usage.as_ref().and_then(usage).or(counted);
    Ok(Some(Ended { stop_reason: end.stop_reason, usage, signs }))
}

/// Replaces the class of a failed turn where the worktree is missing or its disk full: what the agent then reports is a
/// consequence. A missing sign-in, a limit and the network have nothing to do with it.
fn blame_place(
    job: &Job<'_>,
    session: &Session,
    (running, agent_session): (&Running, &str),
    directory: &Path,
    mut failed: TurnFailure,
) -> TurnFailure {
    let is_consequence = matches!(
        failed.failure.class,
        FailureClass::AgentCrashed
            | FailureClass::AgentRefused
            | FailureClass::AgentError
            | FailureClass::AgentSilent
            | FailureClass::InvalidOutput
    );
    if !is_consequence {
        return failed;
    }
    let reported = &failed.failure.message;
    if !directory.is_dir() {
        let path = directory.display();
        let message = format!("The worktree {path} was removed while the agent worked in it: {reported}");
        failed.failure = failure(FailureClass::Git, message);
        // The process still has the removed folder as its working directory.
        job.app.instances.leave(job.task, running, agent_session, &session.id);
        return failed;
    }
    let needed = job.app.config.limits.min_free_mb << 20;
    if let Some(short) = Shortage::at("worktree", directory, needed) {
        failed.failure =
            failure(FailureClass::OutOfSpace, format!("{short}. The turn ended with: {reported}"));
    }
    failed
}

/// How often the turn is asked, this time included: the server may have ended in between, or the agent.
fn attempt(job: &Job<'_>, session: &Session) -> i64 {
    job.attempt.max(i64::from(session.retries) + 1)
}

/// How a turn ended, and what it spent.
struct Ended {
    stop_reason: String,
    usage: Option<Usage>,
    signs: TurnSigns,
}

impl Ended {
    /// The end of a turn that a person interrupted before the agent was asked.
    fn interrupted() -> Self {
        Self { stop_reason: cancelled_end().stop_reason, usage: None, signs: TurnSigns::default() }
    }
}

/// The session's ports and the file with its variables.
async fn environment(job: &Job<'_>, session: &Session) -> Result<Option<SessionEnvironment>, Failure> {
    let project = job.app.repositories.workplace(&job.task.project).await;
    let project = project.map_err(|error| super::git_failure(&error))?;
    environment::ensure(job.app, job.task, session, project.repository.path()).await.map(Some)
}

fn briefing_of(environment: &SessionEnvironment) -> Option<prompts::Environment<'_>> {
    let file = environment.file.as_deref()?.to_str()?;
    Some(prompts::Environment { file, ports: &environment.ports })
}

/// The requirements in force, where the turn's prompt cites them.
async fn requirements(job: &Job<'_>, turn: &Turn) -> Result<String, Failure> {
    let cites = matches!(turn.ask, Ask::Implement | Ask::Continue { .. } | Ask::NothingChanged);
    if !cites || job.task.approved().is_none() {
        return Ok(String::new());
    }
    let hash = job.task.specs().map(|specs| &specs.hash);
    let known = job.app.store.revisions(&job.task.id).await.map_err(|error| store_failure(&error))?;
    let in_force = known.into_iter().rfind(|revision| Some(&revision.hash) == hash);
    Ok(in_force.map(|revision| revision.requirements).unwrap_or_default())
}

/// The comments that the planner is asked to answer, where they stand in the documents as they are.
fn points<'t>(task: &'t Task, turn: &Turn, revisions: &[Revision]) -> Vec<Point<'t>> {
    let Ask::Revise { points, .. } = &turn.ask else { return Vec::new() };
    let anchors = Anchors::new(revisions);
    let asked = task.comments.iter().filter(|comment| points.contains(&comment.id));
    asked.map(|comment| Point { comment, place: anchors.place(comment) }).collect()
}

/// An agent session that is ready to be prompted.
struct Thread {
    id: String,
    recorder: Recorder,
    policy: Policy,
    /// What the agent has to be told because its own session is gone.
    memory: Option<String>,
    /// What is to be known of the session after a restart, when that changed.
    run: Option<SessionRun>,
}

async fn open_thread(
    job: &Job<'_>,
    session: &Session,
    turn: &Turn,
    running: &Arc<Running>,
    directory: &Path,
    mut run: SessionRun,
    policy: Policy,
) -> Result<Thread, TurnFailure> {
    let app = job.app;
    let attach = |id: &str| {
        let attachment = Attachment { session: &session.id, turn: Some(turn.id.clone()), policy };
        app.instances.attach(running, id, attachment)
    };
    let meta = turn_meta(job, session, turn, &Value::Null);
    let servers = mcp_servers::of_session(app, job.task, session, running.process.info()).await;
    // A thread that was closed is not loaded again; a new one gets the conversation.
    if let Some(known) = run.agent_sessions.last().cloned().filter(|_| !run.thread_closed) {
        if running.is_attached(&known) {
            return Ok(Thread { recorder: attach(&known), id: known, policy, memory: None, run: None });
        }
        if running.process.info().load_session {
            attach(&known);
            match servers.open(running, Some(&known), directory, meta.clone()).await {
                Ok(_) => {
                    return Ok(Thread {
                        recorder: attach(&known),
                        id: known,
                        policy,
                        memory: None,
                        run: None,
                    });
                }
                Err(
                    error @ (AgentError::Crashed { .. }
                    | AgentError::Closed
                    | AgentError::Model { .. }
                    | AgentError::AuthNeeded { .. }),
                ) => {
                    app.instances.after_failure(running, &known, &error);
                    return Err(agent_failure(&error));
                }
                // What could not be read for lack of room is there when there is some.
                Err(error) if super::is_out_of_space(&error) => {
                    running.detach(&known);
                    return Err(agent_failure(&error));
                }
                Err(error) => {
                    running.detach(&known);
                    tracing::info!(%error, session = %session.id, "the agent could not load its session; it gets another");
                }
            }
        }
    }
    let memory = match &session.branched_from {
        Some(point) if run.agent_sessions.is_empty() => {
            summarize_log(job, &point.session, Some(&point.turn)).await
        }
        _ if run.agent_sessions.is_empty() => None,
        _ => summarize_log(job, &session.id, None).await,
    };
    let id = match servers.open(running, None, directory, meta).await {
        Ok(id) => id,
        Err(error) => {
            let is_its_own = matches!(
                error,
                AgentError::Crashed { .. }
                    | AgentError::Closed
                    | AgentError::Model { .. }
                    | AgentError::AuthNeeded { .. }
            );
            if is_its_own || !running.is_busy() {
                app.instances.after_failure(running, "", &error);
                return Err(agent_failure(&error));
            }
            // There are agents that begin no session while a turn runs.
            app.instances.isolate_sessions(job.task, running, &session.id);
            let message = format!("{} It gets a process of its own.", super::chain(&error));
            return Err(failure(FailureClass::AgentCrashed, message).into());
        }
    };
    run.agent_sessions.push(id.clone());
    run.workspace_path = Some(directory.to_string_lossy().into_owned());
    run.last_activity = Some(now());
    run.thread_closed = false;
    let recorder = attach(&id);
    app.instances.deliver_early(running, &id).await;
    Ok(Thread { id, recorder, policy, memory, run: Some(run) })
}

/// Whether a prompt is what people said, word for word.
fn is_verbatim_user_message(turn: &Turn, prompt: &str) -> bool {
    let said: Vec<&str> = turn.messages.iter().map(|message| message.text.trim()).collect();
    let lines = |text: &str| -> Vec<String> {
        text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
    };
    !said.is_empty() && lines(&said.join("\n")) == lines(prompt)
}

/// Waits for the turn's end while its deadlines hold.
async fn watch(
    job: &Job<'_>,
    session: &Session,
    turn: &Turn,
    running: &Arc<Running>,
    thread: &Thread,
    asked: impl Future<Output = Result<TurnEnd, AgentError>>,
) -> Result<TurnEnd, TurnFailure> {
    let turns = &job.app.config.turns;
    let (begun, asked_at) = (Instant::now(), now());
    let mut asked = std::pin::pin!(asked);
    let mut cancelled: Option<Instant> = None;
    let mut overdue: Option<String> = None;
    loop {
        tokio::select! {
            end = &mut asked => {
                let end = match end {
                    // There are agents that answer a cancelled turn with an error.
                    Err(error) if job.app.instances.is_cancelled(&session.id, &turn.id) => {
                        tracing::debug!(%error, turn = %turn.id, "a cancelled turn ended with an error");
                        Ok(cancelled_end())
                    }
                    Ok(end) => {
                        job.app.instances.after_success(running);
                        Ok(end)
                    }
                    Err(error) => {
                        job.app.instances.after_failure(running, &thread.id, &error);
                        if error.exhausts_session() {
                            give_up_session(job, session).await;
                        }
                        Err(agent_failure(&error))
                    }
                };
                return match overdue {
                    Some(message) => Err(failure(FailureClass::AgentSilent, message).into()),
                    None => end,
                };
            }
            () = tokio::time::sleep(DEADLINE_INTERVAL) => {}
        }
        if let Some(since) = cancelled {
            if since.elapsed() >= CANCEL_GRACE {
                job.app.instances.discard(running).await;
                return match overdue {
                    Some(message) => Err(failure(FailureClass::AgentSilent, message).into()),
                    None => Ok(cancelled_end()),
                };
            }
            continue;
        }
        let heard = thread.recorder.last_heard();
        let quiet = Duration::from_millis(u64::try_from(now().0 - heard.0.max(asked_at.0)).unwrap_or(0));
        let limit = if heard <= asked_at { turns.start_deadline() } else { turns.no_progress_deadline() };
        if begun.elapsed() >= turns.total_deadline() {
            overdue = Some(format!(
                "The turn took longer than {} seconds and was stopped.",
                turns.total_deadline_seconds
            ));
        } else if quiet >= limit && !job.app.instances.waits_for_answer(&session.id) {
            overdue =
                Some(format!("The agent said nothing for {} seconds and was stopped.", quiet.as_secs()));
        }
        if overdue.is_some() || job.app.instances.is_cancelled(&session.id, &turn.id) {
            running.process.cancel(&thread.id).await;
            cancelled = Some(Instant::now());
        }
    }
}

/// Has the next turn begin a new agent session, which gets a summary of this one.
async fn give_up_session(job: &Job<'_>, session: &Session) {
    let given_up = async {
        let run = job.app.store.session_run(&session.id).await?.unwrap_or_default();
        job.app.store.put_session_run(&session.id, SessionRun { thread_closed: true, ..run }).await
    };
    if let Err(error) = given_up.await {
        tracing::error!(%error, session = %session.id, "could not give up an agent's session");
    }
}

fn cancelled_end() -> TurnEnd {
    TurnEnd { stop_reason: "cancelled".to_owned(), ..TurnEnd::default() }
}

/// What goes to agents beside the prompt, for programs.
fn turn_meta(job: &Job<'_>, session: &Session, turn: &Turn, documents: &Value) -> Value {
    let unit = session.unit.and_then(|index| job.task.units().get(index));
    let round = match &job.task.phase {
        workflow::Phase::SpecGeneration { planning } => planning.round,
        _ => job.task.specs().map_or(1, |specs| specs.round),
    };
    let feedback = match &turn.ask {
        workflow::Ask::Revise { comments, .. } => Some(comments.clone()),
        _ => None,
    };
    meta(&json!({
        "task_id": job.task.id,
        "work_session_id": session.id,
        "phase": session.phase,
        "implementation_task_index": session.unit,
        "implementation_task_number": unit.map(|unit| unit.number.clone()),
        "title": session.name,
        "attempt": attempt(job, session),
        "turn_id": turn.id,
        "turn_number": turn.number,
        "ask": turn.ask,
        "original_prompt": job.task.prompt,
        "agent_config": session.wish.agent_config,
        "environment_config": session.wish.environment_config,
        "config": job.task.config,
        "round": round,
        "feedback": feedback,
        "documents": documents,
    }))
}

/// What the agent said last, as others read it who go on from it.
async fn last_words(job: &Job<'_>, session: &Session) -> Option<String> {
    log_archive::ensure_present(job.app, &session.id).await.ok()?;
    let rows = job.app.store.read_log_end(&session.id, 200).await.ok()?;
    let said = last_message(rows.iter().map(|row| &row.entry));
    let said = said.trim();
    let most = match session.phase {
        SessionPhase::Planning => ANSWERS,
        SessionPhase::Implementation | SessionPhase::Validation => MAX_SUMMARY_BYTES,
    };
    (!said.is_empty()).then(|| end_of(said, most).to_owned())
}

/// The end of a text, at most so many bytes.
fn end_of(text: &str, bytes: usize) -> &str {
    let from = text.len().saturating_sub(bytes);
    let from = (from..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    &text[from..]
}

/// The end of a session's log, or of what it was when a turn ended, as text for an agent that starts a new session.
async fn summarize_log(job: &Job<'_>, session: &SessionId, until: Option<&TurnId>) -> Option<String> {
    log_archive::ensure_present(job.app, session).await.ok()?;
    let mut memory = LogSummary::default();
    match until {
        None => {
            let rows = job.app.store.read_log_end(session, 400).await.ok()?;
            for row in &rows {
                memory.take(&row.entry);
            }
        }
        // A conversation that is left at a turn may have gone on for long since.
        Some(turn) => {
            let mut after = 0;
            'log: loop {
                let rows = job.app.store.read_log(session, after, 1_000).await.ok()?;
                let Some(last) = rows.last() else { break };
                after = last.seq;
                for row in &rows {
                    if matches!(&row.entry, LogEntry::TurnEnded(ended) if ended.turn_id.as_deref() == Some(turn.as_str()))
                    {
                        break 'log;
                    }
                    memory.take(&row.entry);
                }
            }
        }
    }
    let text = end_of(&memory.text, MAX_MEMORY_BYTES);
    (!text.is_empty()).then(|| text.to_owned())
}

/// The end of a conversation, as its entries come.
#[derive(Default)]
struct LogSummary {
    text: String,
}

impl LogSummary {
    fn take(&mut self, entry: &LogEntry) {
        match entry {
            LogEntry::UserMessage(message) => self.text.push_str(&format!("\n[asked] {}\n", message.text)),
            LogEntry::AgentMessage(message) => self.text.push_str(&message.text),
            LogEntry::ToolCall(call) => {
                if let Some(title) = call.title.as_deref() {
                    self.text.push_str(&format!("\n[tool] {title}\n"));
                }
            }
            _ => {}
        }
        if self.text.len() > 2 * MAX_MEMORY_BYTES {
            self.text = end_of(&self.text, MAX_MEMORY_BYTES).to_owned();
        }
    }
}

/// An agent's error as a failure of the task, with what to do where a person has to do it.
fn agent_failure(error: &AgentError) -> TurnFailure {
    let class = match error.class() {
        // What an agent could not write is for lack of the same room.
        _ if super::is_out_of_space(error) => FailureClass::OutOfSpace,
        agent::FailureClass::Missing => FailureClass::AgentMissing,
        agent::FailureClass::Crashed => FailureClass::AgentCrashed,
        agent::FailureClass::Silent => FailureClass::AgentSilent,
        agent::FailureClass::Refused => FailureClass::AgentRefused,
        agent::FailureClass::InvalidOutput => FailureClass::InvalidOutput,
        agent::FailureClass::AuthNeeded => FailureClass::AuthNeeded,
        agent::FailureClass::Limit => FailureClass::Limit,
        agent::FailureClass::Network => FailureClass::Network,
        // A conversation that is too long continues in a new agent session.
        agent::FailureClass::ModelError | agent::FailureClass::ContextExceeded => FailureClass::AgentError,
    };
    let mut message = super::chain(error);
    if class == FailureClass::AuthNeeded {
        if !message.ends_with(['.', '!', '?', '…']) {
            message.push('.');
        }
        message.push_str("\nSign in to the agent or set its key, then Retry.");
    }
    let failure = failure(class, message);
    let now = Timestamp::from_millisecond(failure.at.0).ok();
    let at = error.retry_time().zip(now).and_then(|(retry, now)| retry.moment(now));
    TurnFailure { failure, retry_at: at.map(|at| Millis(at.as_millisecond())) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use agent::RetryTime;
    use jiff::SignedDuration;

    #[test]
    fn a_failure_says_what_to_do_and_when() {
        let signed_out = agent_failure(&AgentError::AuthNeeded { message: "no key".to_owned() });
        assert_eq!(signed_out.failure.class, FailureClass::AuthNeeded);
        assert!(signed_out.failure.message.ends_with("then Retry."), "{}", signed_out.failure.message);
        let limit = |class, seconds| {
            let retry = Some(RetryTime::After(SignedDuration::from_secs(seconds)));
            let TurnFailure { failure, retry_at } =
                agent_failure(&AgentError::Model { class, message: "busy".to_owned(), retry });
            (failure.class, retry_at.map(|at| at.0 - failure.at.0))
        };
        assert_eq!(limit(agent::FailureClass::Limit, 90), (FailureClass::Limit, Some(90_000)));
        assert_eq!(limit(agent::FailureClass::ContextExceeded, -1), (FailureClass::AgentError, None));
        let refused =
            agent_failure(&AgentError::Refused { code: -1, message: "No space left on device".to_owned() });
        assert_eq!(refused.failure.class, FailureClass::OutOfSpace);
    }
}
