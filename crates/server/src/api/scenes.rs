//! What several routes show: tasks and sessions together with what surrounds them.

use super::caller::{Caller, Via};
use super::problem::Problem;
use crate::App;
use crate::clean;
use crate::clock::now;
use crate::config::NetworkMode;
use crate::confine::Purpose;
use crate::documents::{ChecklistView, view};
use crate::instances::NetworkUnknown;
use crate::network::{NetworkRules, Networks};
use crate::wire::{ImplementationTask, SandboxView, Scene, SpecTask, WorkSession, ZedThread};
use serde_json::Value;
use std::collections::HashMap;
use store::{AuditEntry, Revision};
use workflow::{ProjectId, Session, SessionGraph, Task, UserId};

/// A task with its documents.
pub(crate) async fn task(app: &App, task: &Task) -> Result<SpecTask, Problem> {
    let project = app.store.project(&task.project).await?;
    let scene = Scene {
        project_path: project.map(|project| project.repository_path),
        documents: in_force(app, task).await?,
        obstacle: app.health.obstacle_of(&task.id).map(|obstacle| obstacle.detail),
        waits: failing_step(app, task).await?,
    };
    Ok(with_questions(app, task, SpecTask::of(task, scene)))
}

/// A task's view, in which an agent's permission request counts as something that a person has to answer.
fn with_questions(app: &App, task: &Task, mut view: SpecTask) -> SpecTask {
    view.needs_person |= task.sessions.iter().any(|session| app.instances.asks_person(&session.id));
    view
}

/// Why a step of a task failed that waits to be tried again.
async fn failing_step(app: &App, task: &Task) -> Result<Option<String>, Problem> {
    let pending = app.store.pending_effects(&task.id).await?;
    let failed = pending.into_iter().find(|one| one.state == "pending" && !one.error.is_empty());
    Ok(failed.map(|one| format!("Trying again: {}", super::problem::sentence(&one.error))))
}

/// Tasks for a list, without their documents.
pub(crate) async fn tasks(app: &App, owner: &UserId, tasks: &[Task]) -> Result<Vec<SpecTask>, Problem> {
    let paths: HashMap<ProjectId, String> = app
        .store
        .projects(owner)
        .await?
        .into_iter()
        .map(|project| (project.id, project.repository_path))
        .collect();
    let scene = |task: &Task| Scene {
        project_path: paths.get(&task.project).cloned(),
        obstacle: app.health.obstacle_of(&task.id).map(|obstacle| obstacle.detail),
        ..Scene::default()
    };
    let view = |task: &Task| with_questions(app, task, SpecTask::of(task, scene(task)));
    Ok(tasks.iter().map(view).collect())
}

/// The revision that holds a task's documents in force, or while they are revised, the one that was sent back.
pub(crate) async fn in_force(app: &App, task: &Task) -> Result<Option<Revision>, Problem> {
    let found = app.store.revisions(&task.id).await?;
    let Some(specs) = task.specs() else { return Ok(found.last().cloned()) };
    let same =
        found.iter().rev().find(|revision| revision.round == specs.round && revision.hash == specs.hash);
    Ok(same.or_else(|| found.last()).cloned())
}

/// The planned tasks of the documents in force.
pub(crate) async fn units(app: &App, task: &Task) -> Result<Vec<ImplementationTask>, Problem> {
    if task.units().is_empty() {
        return Ok(Vec::new());
    }
    let requirements = in_force(app, task).await?.map(|found| found.requirements).unwrap_or_default();
    Ok(task.units().iter().map(|unit| ImplementationTask::of(task, unit, &requirements)).collect())
}

/// Sessions of a task with their threads.
pub(crate) struct Sessions {
    pub(crate) work_sessions: Vec<WorkSession>,
    pub(crate) zed_threads: Vec<ZedThread>,
}

/// All sessions of a task.
pub(crate) async fn sessions(app: &App, task: &Task) -> Result<Sessions, Problem> {
    let all: Vec<&Session> = task.sessions.iter().collect();
    some_sessions(app, task, &all).await
}

/// Some sessions of a task.
pub(crate) async fn some_sessions(
    app: &App,
    task: &Task,
    sessions: &[&Session],
) -> Result<Sessions, Problem> {
    let rules = network_rules(app, task).await?;
    let mut runs = app.store.session_runs(&task.id).await?;
    let alive = app.instances.of(&task.id).is_some_and(|instance| instance.alive);
    let graph = SessionGraph::of(task);
    let mut found = Sessions { work_sessions: Vec::with_capacity(sessions.len()), zed_threads: Vec::new() };
    for session in sessions {
        let run = runs.remove(&session.id).unwrap_or_default();
        found.zed_threads.extend(ZedThread::of(&graph, session, &run, alive));
        found.work_sessions.push(view_of(app, &graph, session, run.workspace_path, &rules));
    }
    Ok(found)
}

/// One session.
pub(crate) async fn session(app: &App, task: &Task, session: &Session) -> Result<WorkSession, Problem> {
    let run = app.store.session_run(&session.id).await?.unwrap_or_default();
    let rules = network_rules(app, task).await?;
    Ok(view_of(app, &SessionGraph::of(task), session, run.workspace_path, &rules))
}

fn view_of(
    app: &App,
    graph: &SessionGraph<'_>,
    session: &Session,
    path: Option<String>,
    rules: &NetworkRules,
) -> WorkSession {
    let mut view = WorkSession::of(graph, session, path);
    view.sandbox = Some(sandbox(app, graph.task(), Some(session), rules));
    view.waits_for_person |= app.instances.asks_person(&session.id);
    view
}

/// What a task's agents reach over the network.
pub(crate) async fn network_rules(app: &App, task: &Task) -> Result<NetworkRules, Problem> {
    match app.instances.network_rules(task).await {
        Ok(rules) => Ok(rules),
        // What is over is shown still; its agents do not start.
        Err(NetworkUnknown::NoProject) => {
            Ok(NetworkRules { mode: NetworkMode::None, ..NetworkRules::default() })
        }
        Err(NetworkUnknown::Store(error)) => Err(error.into()),
    }
}

/// How a session's agent is confined, or the agents of a task: as the process that runs, or as the next one will be.
pub(crate) fn sandbox(
    app: &App,
    task: &Task,
    session: Option<&Session>,
    rules: &NetworkRules,
) -> SandboxView {
    let running = app.instances.network_of(&task.id, session.map(|session| &session.id));
    let (network, hosts) = running.unwrap_or_else(|| {
        let models = session.map(|session| app.agents.model_hosts(&session.agent)).unwrap_or_default();
        (rules.mode, Networks::hosts(rules, Purpose::Agent, &models))
    });
    SandboxView::of(app.agents.sandbox(), network, &hosts)
}

/// The living checklist, or none when there is none or its repository cannot be read now.
pub(crate) async fn checklist(app: &App, task: &Task) -> Option<ChecklistView> {
    task.approved()?;
    match app.repositories.checklist(task).await {
        Ok(checklist) => checklist.as_ref().map(|checklist| view(task, checklist)),
        Err(error) => {
            tracing::warn!(%error, task = %task.id, "could not read a checklist");
            None
        }
    }
}

/// Refuses a request that names another repository than its task's.
pub(crate) async fn check_project_path(app: &App, task: &Task, path: Option<&str>) -> Result<(), Problem> {
    let Some(path) = path.filter(|path| !path.is_empty()) else { return Ok(()) };
    let repository = app.store.project(&task.project).await?.map(|project| project.repository_path);
    let repository = repository.unwrap_or_default();
    if path == repository {
        return Ok(());
    }
    let message = format!("the task's repository is {repository:?}; leave the field out");
    Err(Problem::invalid("project_path", message))
}

/// Adds what a person did to the audit log.
pub(crate) async fn audit(
    app: &App,
    caller: &Caller,
    action: &str,
    subject: &str,
    data: &Value,
) -> Result<(), Problem> {
    let mut data = data.clone();
    clean::redact_json(&app.redactor, &mut data);
    let Via { way, credential, peer } = caller.via.clone();
    let entry = AuditEntry {
        at: now(),
        user: caller.id().clone(),
        way: way.to_owned(),
        credential,
        peer,
        action: action.to_owned(),
        subject: subject.to_owned(),
        data,
    };
    Ok(app.store.audit(entry).await?)
}

/// Adds a refused request of an agent to the audit log.
pub(crate) async fn audit_refusal(
    app: &App,
    subject: &str,
    way: &str,
    data: &Value,
    parts: &axum::http::request::Parts,
) {
    let peer = super::caller::address(app, &parts.headers, &parts.extensions);
    let entry = AuditEntry {
        at: now(),
        user: UserId::from(crate::owner::OWNER),
        way: way.to_owned(),
        credential: data["credential"].as_str().unwrap_or_default().to_owned(),
        peer: peer.map_or_else(String::new, |peer| peer.to_string()),
        action: "refused".to_owned(),
        subject: subject.to_owned(),
        data: data.clone(),
    };
    if let Err(error) = app.store.audit(entry).await {
        tracing::error!(%error, subject, "could not record a refused request in the audit log");
    }
}
