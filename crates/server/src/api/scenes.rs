//! What several routes show: tasks and sessions together with what surrounds them.

use super::caller::Caller;
use super::problem::Problem;
use crate::App;
use crate::clock::now;
use crate::documents::{ChecklistView, view, with_evidence};
use crate::wire::{Scene, SpecTask, WorkSession, ZedThread};
use serde_json::Value;
use std::collections::HashMap;
use store::{AuditEntry, Revision};
use workflow::{ProjectId, Session, Task, UserId};

/// A task with its documents.
pub(crate) async fn task(app: &App, task: &Task) -> Result<SpecTask, Problem> {
    let project = app.store.project(&task.project).await?;
    let scene = Scene {
        project_path: project.map(|project| project.repository_path),
        documents: in_force(app, task).await?,
    };
    Ok(SpecTask::of(task, scene))
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
    let scene = |task: &Task| Scene { project_path: paths.get(&task.project).cloned(), documents: None };
    Ok(tasks.iter().map(|task| SpecTask::of(task, scene(task))).collect())
}

/// The revision that holds a task's documents in force, or while they are revised, the one that was sent back.
pub(crate) async fn in_force(app: &App, task: &Task) -> Result<Option<Revision>, Problem> {
    let found = app.store.revisions(&task.id).await?;
    let Some(specs) = task.specs() else { return Ok(found.last().cloned()) };
    let same =
        found.iter().rev().find(|revision| revision.round == specs.round && revision.hash == specs.hash);
    Ok(same.or_else(|| found.last()).cloned())
}

/// A task's sessions with their threads.
pub(crate) struct Sessions {
    pub(crate) work_sessions: Vec<WorkSession>,
    pub(crate) zed_threads: Vec<ZedThread>,
    pub(crate) checklist: Option<ChecklistView>,
}

pub(crate) async fn sessions(app: &App, task: &Task) -> Result<Sessions, Problem> {
    let checklist = checklist(app, task).await;
    let alive = app.instances.of(&task.id).is_some_and(|instance| instance.alive);
    let mut found = Sessions { work_sessions: Vec::new(), zed_threads: Vec::new(), checklist };
    for session in &task.sessions {
        let run = app.store.session_run(&session.id).await?.unwrap_or_default();
        found.zed_threads.extend(ZedThread::of(task, session, &run, alive));
        found.work_sessions.push(WorkSession::of(
            task,
            session,
            run.workspace_path,
            found.checklist.as_ref(),
        ));
    }
    Ok(found)
}

/// One session with what its run and its checklist say.
pub(crate) async fn session(app: &App, task: &Task, session: &Session) -> Result<WorkSession, Problem> {
    let run = app.store.session_run(&session.id).await?.unwrap_or_default();
    let checklist = checklist(app, task).await;
    Ok(WorkSession::of(task, session, run.workspace_path, checklist.as_ref()))
}

/// The living checklist, or none when there is none or its repository cannot be read now.
pub(crate) async fn checklist(app: &App, task: &Task) -> Option<ChecklistView> {
    task.approved()?;
    match app.repositories.checklist(task).await {
        Ok(checklist) => checklist.as_ref().map(|checklist| with_evidence(task, view(checklist))),
        Err(error) => {
            tracing::warn!(%error, task = %task.id, "could not read a checklist");
            None
        }
    }
}

/// Writes a person's decision into the audit log.
pub(crate) async fn audit(
    app: &App,
    caller: &Caller,
    action: &str,
    subject: &str,
    data: &Value,
) -> Result<(), Problem> {
    let mut data = data.clone();
    app.redactor.redact_json(&mut data);
    let entry = AuditEntry {
        at: now(),
        user: caller.id().clone(),
        action: action.to_owned(),
        subject: subject.to_owned(),
        data,
    };
    Ok(app.store.audit(entry).await?)
}
