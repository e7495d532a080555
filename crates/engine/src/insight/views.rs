//! View models: tasks and sessions together with what several routes and reports show beside them.

use crate::App;
use crate::agents::instances::NetworkUnknown;
use crate::confinement::confine::Purpose;
use crate::confinement::network::{NetworkRules, Networks};
use crate::documents::view;
use crate::projects::repositories::RepositoryError;
use crate::settings::config::NetworkMode;
use crate::wire::{self, TaskSurroundings};
use protocol::{ChecklistView, ImplementationTask, SandboxView, SpecTask, WorkSession, ZedThread};
use std::collections::HashMap;
use store::{Revision, SessionOptions};
use workflow::{ProjectId, Session, SessionGraph, Task, UserId};

/// Returns a task with its documents.
pub async fn task(app: &App, task: &Task) -> Result<SpecTask, RepositoryError> {
    let project = app.store.project(&task.project).await?;
    let surroundings = TaskSurroundings {
        project_path: project.map(|project| project.repository_path),
        documents: in_force(app, task).await?,
        obstacle: app.health.obstacle_of(&task.id).map(|obstacle| obstacle.detail),
        waits: failing_step(app, task).await?,
    };
    Ok(with_questions(app, task, wire::spec_task(task, surroundings)))
}

/// Returns a task's view, in which an agent's permission request counts as something that a person has to answer.
fn with_questions(app: &App, task: &Task, mut view: SpecTask) -> SpecTask {
    view.needs_person |= task.sessions.iter().any(|session| app.instances.asks_person(&session.id));
    view
}

/// Returns why a step of a task failed that waits to be tried again.
async fn failing_step(app: &App, task: &Task) -> Result<Option<String>, RepositoryError> {
    let pending = app.store.pending_effects(&task.id).await?;
    let failed = pending.into_iter().find(|one| one.state == "pending" && !one.error.is_empty());
    Ok(failed.map(|one| format!("Trying again: {}", wire::sentence(&one.error))))
}

/// Tasks for a list, without their documents.
pub async fn tasks(app: &App, owner: &UserId, tasks: &[Task]) -> Result<Vec<SpecTask>, RepositoryError> {
    let paths: HashMap<ProjectId, String> = app
        .store
        .projects(owner)
        .await?
        .into_iter()
        .map(|project| (project.id, project.repository_path))
        .collect();
    let surroundings = |task: &Task| TaskSurroundings {
        project_path: paths.get(&task.project).cloned(),
        obstacle: app.health.obstacle_of(&task.id).map(|obstacle| obstacle.detail),
        ..TaskSurroundings::default()
    };
    let view = |task: &Task| with_questions(app, task, wire::spec_task(task, surroundings(task)));
    Ok(tasks.iter().map(view).collect())
}

/// Returns the revision that holds a task's documents in force, or while they are revised, the one that was sent back.
pub async fn in_force(app: &App, task: &Task) -> Result<Option<Revision>, RepositoryError> {
    let found = app.store.revisions(&task.id).await?;
    let Some(specs) = task.specs() else { return Ok(found.last().cloned()) };
    let same =
        found.iter().rev().find(|revision| revision.round == specs.round && revision.hash == specs.hash);
    Ok(same.or_else(|| found.last()).cloned())
}

/// Returns the planned tasks of the documents in force.
pub async fn units(app: &App, task: &Task) -> Result<Vec<ImplementationTask>, RepositoryError> {
    if task.units().is_empty() {
        return Ok(Vec::new());
    }
    let requirements = in_force(app, task).await?.map(|found| found.requirements).unwrap_or_default();
    Ok(task.units().iter().map(|unit| wire::implementation_task(task, unit, &requirements)).collect())
}

/// Sessions of a task with their threads.
pub struct Sessions {
    pub work_sessions: Vec<WorkSession>,
    pub zed_threads: Vec<ZedThread>,
}

/// Returns all sessions of a task.
pub async fn sessions(app: &App, task: &Task) -> Result<Sessions, RepositoryError> {
    let all: Vec<&Session> = task.sessions.iter().collect();
    some_sessions(app, task, &all).await
}

/// Some sessions of a task.
pub async fn some_sessions(
    app: &App,
    task: &Task,
    sessions: &[&Session],
) -> Result<Sessions, RepositoryError> {
    let rules = network_rules(app, task).await?;
    let mut runs = app.store.session_runs(&task.id).await?;
    let alive = app.instances.of(&task.id).is_some_and(|instance| instance.alive);
    let graph = SessionGraph::of(task);
    let mut found = Sessions { work_sessions: Vec::with_capacity(sessions.len()), zed_threads: Vec::new() };
    for session in sessions {
        let run = runs.remove(&session.id).unwrap_or_default();
        found.zed_threads.extend(wire::zed_thread(&graph, session, &run, alive));
        found.work_sessions.push(view_of(app, &graph, session, run.workspace_path, &rules));
    }
    Ok(found)
}

/// Returns one session.
pub async fn session(app: &App, task: &Task, session: &Session) -> Result<WorkSession, RepositoryError> {
    let run = app.store.session_run(&session.id).await?.unwrap_or_default();
    let rules = network_rules(app, task).await?;
    let view = view_of(app, &SessionGraph::of(task), session, run.workspace_path, &rules);
    with_options(app, session, view).await
}

/// A session's view with the options and commands of its agent.
pub async fn with_options(
    app: &App,
    session: &Session,
    mut view: WorkSession,
) -> Result<WorkSession, RepositoryError> {
    let SessionOptions { offered, chosen } = app.store.session_options(&session.id).await?;
    view.agent_options = Some(offered.options);
    view.available_commands = Some(offered.commands);
    view.chosen_options = Some(chosen);
    Ok(view)
}

fn view_of(
    app: &App,
    graph: &SessionGraph<'_>,
    session: &Session,
    path: Option<String>,
    rules: &NetworkRules,
) -> WorkSession {
    let mut view = wire::work_session(graph, session, path);
    view.sandbox = Some(sandbox(app, graph.task(), Some(session), rules));
    view.waits_for_person |= app.instances.asks_person(&session.id);
    view
}

/// Returns what a task's agents reach over the network.
pub async fn network_rules(app: &App, task: &Task) -> Result<NetworkRules, RepositoryError> {
    match app.instances.network_rules(task).await {
        Ok(rules) => Ok(rules),
        // What is over is shown still; its agents do not start.
        Err(NetworkUnknown::NoProject) => {
            Ok(NetworkRules { mode: NetworkMode::None, ..NetworkRules::default() })
        }
        Err(NetworkUnknown::Store(error)) => Err(error.into()),
    }
}

/// Returns how a session's agent is confined, or the agents of a task: as the process that runs, or as the next one
/// will be.
pub fn sandbox(app: &App, task: &Task, session: Option<&Session>, rules: &NetworkRules) -> SandboxView {
    let running = app.instances.network_of(&task.id, session.map(|session| &session.id));
    let (network, hosts) = running.unwrap_or_else(|| {
        let models = session.map(|session| app.agents.model_hosts(&session.agent)).unwrap_or_default();
        (rules.mode, Networks::hosts(rules, Purpose::Agent, &models))
    });
    wire::sandbox(app.agents.sandbox(), network, &hosts)
}

/// Returns the living checklist, or none when there is none or its repository cannot be read now.
pub async fn checklist(app: &App, task: &Task) -> Option<ChecklistView> {
    task.approved()?;
    match app.repositories.checklist(task).await {
        Ok(checklist) => checklist.as_ref().map(|checklist| view(task, checklist)),
        Err(error) => {
            tracing::warn!(%error, task = %task.id, "could not read a checklist");
            None
        }
    }
}
