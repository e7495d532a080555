//! Prompts the agent and waits for the turn's end.
//!
//! The turn of an agent that died or fell silent is repeated in the same session. The agent loads that session, or gets
//! a summary of our own log if it cannot.

mod log_summary;
mod open_thread;
mod prompt;
mod traces;
mod turn_failure;
mod watch;

use self::log_summary::last_words;
use self::open_thread::open_thread;
use self::prompt::{Prompt, Sources};
use self::traces::Traces;
use self::turn_failure::{TurnFailure, agent_failure};
use self::watch::{cancelled_end, watch};
use super::{Done, Job, failure, store_failure};
use crate::agents::instances::{Attachment, FIRST_WORDS, Running, TurnSigns};
use crate::agents::options::WantedOptions;
use crate::agents::transcript::usage;
use crate::health::{self, Shortage};
use crate::metrics::{count_turn_end, count_turn_start};
use crate::paths::workdir;
use crate::projects::daily_budget;
use crate::projects::repositories::PromptContext;
use crate::settings::project_file::PROMPTS_FOLDER;
use crate::settings::redaction;
use agent::AgentError;
use agent::catalog::UsageSpan;
use protocol::Optional;
use protocol::log::{Notice, UserMessage};
use serde_json::json;
use std::path::Path;
use store::SessionRun;
use tokio::time::Instant;
use tracing::Instrument as _;
use workflow::prompts::{Rendered, TemplateProblem};
use workflow::{
    ConversationUsage, Effect, Failure, FailureClass, Input, ReportedUsage, Session, SessionId, SessionPhase,
    Task, Turn, TurnId, Usage,
};

pub(super) async fn perform(job: &Job<'_>, id: &SessionId, turn: &TurnId) -> Result<Done, Failure> {
    let session = job.session(id)?;
    let Some(at) = session.turn().filter(|at| at.id == *turn) else { return Ok(Done::Nothing) };
    if !at.is_interrupted
        && let Some(limit) = job.app.agents.limits().get(&session.agent)
    {
        let input = match successor(job, session).await {
            Some(agent) => hand_over(job, session, turn, agent).await?,
            None => {
                let (session, turn, until) = (id.clone(), turn.clone(), limit.until);
                Input::TurnParked { session, turn, until, reason: limit.message.clone() }
            }
        };
        return Ok(Done::Report(input));
    }
    if !at.is_interrupted
        && let Some((reason, until)) = daily_budget::exhausted(job.app, &job.task.project)
            .await
            .map_err(|error| store_failure(&error))?
    {
        let (session, turn) = (id.clone(), turn.clone());
        return Ok(Done::Report(Input::TurnParked { session, turn, until, reason }));
    }
    if session.retry_at.is_some() && !at.is_interrupted {
        let retried = Input::TurnRetried { session: id.clone(), turn: turn.clone() };
        let decided = job.app.orchestrator.decide(&job.task.id, retried).await;
        drop(decided.map_err(|error| store_failure(&error))?);
    }
    let begun = std::time::Instant::now();
    // A person interrupted it, and the server ended before the agent did: it is not repeated.
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
        Err(TurnFailure { failure, retry_at, usage }) => {
            if let Some(message) = job.app.repositories.why_missing(&job.task.project).await {
                // The turn waits for its repository, as everything of the task does.
                return Err(Failure { class: FailureClass::Git, message, ..failure });
            }
            let failure = with_machine_fault(job.app, failure, begun).await;
            let failure = redaction::cleaned(&job.app.redactor, failure);
            let retry_at = match failure.class {
                FailureClass::Limit => {
                    Some(job.app.agents.note_limit(&session.agent, retry_at, &failure.message).until)
                }
                _ => retry_at,
            };
            match successor(job, session).await.filter(|_| failure.class == FailureClass::Limit) {
                Some(agent) => hand_over(job, session, turn, agent).await?,
                None => {
                    Input::TurnFailed { session: id.clone(), turn: turn.clone(), failure, retry_at, usage }
                }
            }
        }
    };
    Ok(Done::Report(input))
}

/// Returns the agent that takes over a session whose agent reached a limit, as the project or the agent's entry says.
async fn successor(job: &Job<'_>, session: &Session) -> Option<String> {
    let app = job.app;
    let project = app.repositories.project_repo(&job.task.project).await.ok()?;
    let chosen = project.settings.on_limit.or_else(|| app.agents.on_limit(&session.agent))?;
    let can_take_over = chosen != session.agent
        && !app.agents.limits().contains_key(&chosen)
        && app.agents.find(&chosen).is_some_and(|agent| agent.installed && !agent.auth_needed);
    can_take_over.then_some(chosen)
}

/// Gives the turn to another agent, which begins with a summary of the conversation.
async fn hand_over(job: &Job<'_>, session: &Session, turn: &TurnId, agent: String) -> Result<Input, Failure> {
    let run = job.app.store.session_run(&session.id).await.map_err(|error| store_failure(&error))?;
    let run = SessionRun { thread_closed: true, ..run.unwrap_or_default() };
    job.app.store.put_session_run(&session.id, run).await.map_err(|error| store_failure(&error))?;
    Ok(Input::TurnHandedOver { session: session.id.clone(), turn: turn.clone(), agent })
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

/// Runs the turn; none when it was not needed any more before the agent was asked.
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
    let (running, known, options, prompt_context) = tokio::join!(
        app.instances.ensure(job.task, session),
        app.store.session_run(&session.id),
        app.store.session_options(&session.id),
        app.repositories.prompt_context(job.task),
    );
    let running = running.map_err(|error| agent_failure(&error))?;
    app.instances.admit(&running, job.task, session).await.map_err(|error| agent_failure(&error))?;
    let known = known.map_err(|error| store_failure(&error))?.unwrap_or_default();
    let PromptContext { documents: paths, rules, policy, agent_options, prompts } =
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
    let chosen = options.map_err(|error| store_failure(&error))?.chosen;
    let wanted = WantedOptions::gather(&app.agents, &agent_options, job.task, session, &chosen);
    let bounds = (thread.policy, is_planning);
    let bound = app.instances.apply_options(&running, &thread.id, &session.id, &wanted, bounds).await;
    bound.map_err(|error| agent_failure(&error))?;
    thread.recorder.begin_turn(&turn.id).await;
    let attempt = prompt::attempt(job, session);
    if attempt > 1 {
        let text = "The turn is repeated after an interruption.".to_owned();
        let notice = Notice { text, turn_id: turn.id.to_string().into(), ..Notice::default() };
        thread.recorder.record(notice).await;
        app.instances.resolve_lost_requests(&session.id).await.map_err(|error| store_failure(&error))?;
    }
    let sources = Sources {
        directory: &directory,
        documents: &paths,
        rules: rules.as_deref(),
        overrides: &prompts,
        memory: thread.memory.as_deref(),
        attempt,
    };
    let Prompt { rendered, attached, files } = prompt::compose(job, session, turn, &sources).await?;
    let Rendered { text: prompt, templates, problems } = rendered;
    for TemplateProblem { name, error } in problems {
        let text = format!(
            "{PROMPTS_FOLDER}/{name}.md cannot be used: {error}. The built-in prompt was sent instead."
        );
        let notice = Notice { text, turn_id: turn.id.to_string().into(), ..Notice::default() };
        thread.recorder.record(notice).await;
    }
    let begun = thread.recorder.next_written();
    // Where the prompt is a person's message alone, the log has it already.
    if !prompt::is_verbatim_user_message(turn, &prompt) {
        let message = UserMessage {
            text: prompt.clone(),
            turn_id: turn.id.to_string().into(),
            by: "spectask".into(),
            attachments: if attached.is_empty() { Optional::Absent } else { Optional::Value(attached) },
            prompt_context: Optional::Value(json!({
                "templates": templates.iter().map(prompt::template_view).collect::<Vec<_>>(),
                "agent": session.agent,
                "options": wanted.values(),
                "mcp_servers": thread.mcp_servers,
            })),
            ..UserMessage::default()
        };
        thread.recorder.record(message).await;
    }
    let meta = prompt::turn_meta(
        job,
        session,
        turn,
        &json!({
            "requirements": paths.requirements, "design": paths.design, "tasks": paths.tasks, "progress": paths.progress,
        }),
    );
    // Recorded when the agent has begun: a crash in between costs the agent's memory of a turn that is repeated.
    let kept = async {
        let Some(run) = thread.run.clone() else { return };
        let _ = tokio::time::timeout(FIRST_WORDS, begun).await;
        if let Err(error) = app.store.put_session_run(&session.id, run).await {
            tracing::error!(%error, session = %session.id, "could not keep an agent's session");
        }
    };
    // Updates between two turns say nothing about how this one ends.
    drop(running.take_signs(&thread.id));
    let traces = Traces::from_now(job, session, &directory, &paths);
    let asked = Box::pin(async {
        let asked = running.process.prompt_with(&thread.id, &prompt, &files, Some(meta));
        let end = tokio::join!(asked, kept).0?;
        if end.is_silent && !traces.are_there().await {
            return Err(AgentError::nothing_done());
        }
        Ok(end)
    });
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
    let span = app.agents.usage_span(&session.agent);
    let end = end.map_err(|failed| TurnFailure {
        // A sum over the session has the failed turn in it when it is reported next.
        usage: counted.filter(|_| span == UsageSpan::Turn),
        ..blame_place(job, session, (&running, &thread.id), &directory, failed)
    })?;
    let usage = reported_usage(span, end.usage.as_ref().and_then(usage), counted, &thread.id);
    Ok(Some(Ended { stop_reason: end.stop_reason, usage, signs }))
}

/// Returns what an agent reports of its usage: at the turn's end, and of each model call before.
fn reported_usage(
    span: UsageSpan,
    at_end: Option<Usage>,
    of_calls: Option<Usage>,
    conversation: &str,
) -> Option<ReportedUsage> {
    match (span, at_end) {
        (UsageSpan::Session, Some(usage)) => {
            let conversation = conversation.to_owned();
            Some(ReportedUsage::Conversation(ConversationUsage { conversation, usage }))
        }
        // Some report the last model call alone at the turn's end.
        (UsageSpan::Turn, Some(usage)) => Some(ReportedUsage::Turn(usage.larger(of_calls))),
        (_, None) => of_calls.map(ReportedUsage::Turn),
    }
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

/// How a turn ended, and what it spent.
struct Ended {
    stop_reason: String,
    usage: Option<ReportedUsage>,
    signs: TurnSigns,
}

impl Ended {
    /// Returns the end of a turn that a person interrupted before the agent was asked.
    fn interrupted() -> Self {
        Self { stop_reason: cancelled_end().stop_reason, usage: None, signs: TurnSigns::default() }
    }
}
