//! Composes the prompt of a turn: its text from the templates, the attached files, and what goes with it for programs.

use crate::agents::attachments;
use crate::agents::instances::meta;
use crate::effects::{self, Job, store_failure};
use crate::settings::project_file;
use crate::wire::Anchors;
use crate::worktrees::setup::environment::{self, SessionEnvironment};
use agent::PromptFile;
use protocol::Attachment;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use store::Revision;
use workflow::prompts::{self, Briefing, DocumentPaths, Point, Rendered, UsedTemplate};
use workflow::{Ask, Failure, Session, SessionPhase, Task, Turn};

/// What a prompt is composed of beside its task.
pub(super) struct Sources<'s> {
    /// The session's working directory.
    pub(super) directory: &'s Path,
    pub(super) documents: &'s DocumentPaths,
    /// Rules of the project that its people wrote down for agents.
    pub(super) rules: Option<&'s str>,
    /// The project's own texts of templates, by their names.
    pub(super) overrides: &'s BTreeMap<String, String>,
    /// The summary for an agent whose own session is lost.
    pub(super) memory: Option<&'s str>,
    /// The attempt of the turn, from 1.
    pub(super) attempt: i64,
}

/// A prompt with its files.
pub(super) struct Prompt {
    pub(super) rendered: Rendered,
    pub(super) attached: Vec<Attachment>,
    /// The contents of the attached files, as agents get them.
    pub(super) files: Vec<PromptFile>,
}

/// Composes the prompt of a turn.
pub(super) async fn compose(
    job: &Job<'_>,
    session: &Session,
    turn: &Turn,
    sources: &Sources<'_>,
) -> Result<Prompt, Failure> {
    let app = job.app;
    let revisions = match &turn.ask {
        Ask::Revise { points, .. } if !points.is_empty() => app.store.revisions(&job.task.id).await,
        _ => Ok(Vec::new()),
    };
    let revisions = revisions.map_err(|error| store_failure(&error))?;
    let requirements = requirements(job, turn).await?;
    let environment =
        if session.phase == SessionPhase::Planning { None } else { Some(environment(job, session).await?) };
    let briefing = Briefing {
        task: job.task,
        session,
        turn,
        documents: sources.documents,
        directory: &sources.directory.to_string_lossy(),
        requirements: &requirements,
        rules: sources.rules,
        attempt: sources.attempt,
        memory: sources.memory,
        points: &points(job.task, turn, &revisions),
        environment: environment.as_ref().and_then(briefing_of),
    };
    let rendered = prompts::render(&briefing, sources.overrides);
    let attached = attachments::of_turn(app, job.task, turn).await?;
    let files = attachments::load(app, job.task, &attached).await?;
    Ok(Prompt { rendered, attached, files })
}

/// Returns how the log names a template: with where its text is from, and the hash of that.
pub(super) fn template_view(template: &UsedTemplate) -> Value {
    let source = if template.is_override { "project" } else { "built_in" };
    let hash = project_file::hash(template.text.as_bytes());
    json!({ "name": template.name, "source": source, "hash": hash })
}

/// Returns the session's ports and the file with its variables.
async fn environment(job: &Job<'_>, session: &Session) -> Result<SessionEnvironment, Failure> {
    let project = job.app.repositories.project_repo(&job.task.project).await;
    let project = project.map_err(|error| effects::git_failure(&error))?;
    environment::ensure(job.app, job.task, session, &project).await
}

fn briefing_of(environment: &SessionEnvironment) -> Option<prompts::Environment<'_>> {
    let file = environment.file.as_deref()?.to_str()?;
    Some(prompts::Environment { file, ports: &environment.ports })
}

/// Returns the requirements in force, where the turn's prompt cites them.
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

/// Returns the comments that the planner is asked to answer, where they stand in the documents as they are.
fn points<'t>(task: &'t Task, turn: &Turn, revisions: &[Revision]) -> Vec<Point<'t>> {
    let Ask::Revise { points, .. } = &turn.ask else { return Vec::new() };
    let anchors = Anchors::new(revisions);
    let asked = task.comments.iter().filter(|comment| points.contains(&comment.id));
    asked.map(|comment| Point { comment, place: anchors.place(comment) }).collect()
}

/// Returns whether a prompt is what people said, word for word.
pub(super) fn is_verbatim_user_message(turn: &Turn, prompt: &str) -> bool {
    let said: Vec<&str> = turn.messages.iter().map(|message| message.text.trim()).collect();
    let lines = |text: &str| -> Vec<String> {
        text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
    };
    !said.is_empty() && lines(&said.join("\n")) == lines(prompt)
}

/// Returns the attempt of the turn, from 1: the server may have ended in between, or the agent.
pub(super) fn attempt(job: &Job<'_>, session: &Session) -> i64 {
    job.attempt.max(i64::from(session.retries) + 1)
}

/// Returns what goes to agents beside the prompt, for programs.
pub(super) fn turn_meta(job: &Job<'_>, session: &Session, turn: &Turn, documents: &Value) -> Value {
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
