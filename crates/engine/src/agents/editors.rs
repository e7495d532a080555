//! Editors: the folders of work sessions and projects that they open.

use crate::App;
use crate::paths::{session_directory, workdir};
use std::path::{Path, PathBuf};
use store::{Project, SessionDirectory};
use workflow::{SessionId, Task, TaskId};

/// Returns the folder in which a session of a list works.
pub fn directory(app: &App, task: &TaskId, directory: &SessionDirectory) -> PathBuf {
    match directory {
        SessionDirectory::Own(session) => session_directory(app.repositories.data_dir(), task, session),
        SessionDirectory::Shared => task_directory(app, task).join(SHARED),
    }
}

/// The name of the folder that the sessions of a task share.
const SHARED: &str = "change";

fn task_directory(app: &App, task: &TaskId) -> PathBuf {
    app.repositories.data_dir().join("worktrees").join(task.as_str())
}

/// Returns the task, and the directory of its sessions, that a folder is the worktree of, or is in.
pub async fn find(app: &App, folder: &Path) -> Option<(TaskId, Option<SessionDirectory>)> {
    let worktrees = app.repositories.data_dir().join("worktrees");
    let inner = relative(folder, &worktrees).await?;
    let mut names = inner.components().map(|name| name.as_os_str().to_string_lossy().into_owned());
    let task = TaskId::from(names.next()?.as_str());
    let directory = names.next().map(|name| match name.as_str() {
        SHARED => SessionDirectory::Shared,
        session => SessionDirectory::Own(SessionId::from(session)),
    });
    Some((task, directory))
}

/// Returns the worktree that a folder is exactly.
pub async fn find_exact(app: &App, folder: &Path) -> Option<(TaskId, SessionDirectory)> {
    let (task, found) = find(app, folder).await?;
    let found = found?;
    let path = directory(app, &task, &found);
    let inner = relative(folder, &path).await?;
    inner.as_os_str().is_empty().then_some((task, found))
}

/// Returns the sessions of a task that work in a directory.
pub fn sessions_in(app: &App, task: &Task, folder: &SessionDirectory) -> Vec<SessionId> {
    let path = directory(app, &task.id, folder);
    let works_there =
        |session: &&workflow::Session| workdir(app.repositories.data_dir(), task, session) == path;
    task.sessions.iter().filter(works_there).map(|session| session.id.clone()).collect()
}

/// Returns the project whose repository a folder is, or is in: the innermost one.
pub async fn project_of(projects: Vec<Project>, folder: &Path) -> Option<Project> {
    let mut best: Option<(usize, Project)> = None;
    for project in projects {
        let path = PathBuf::from(&project.repository_path);
        if relative(folder, &path).await.is_none() {
            continue;
        }
        let depth = path.components().count();
        if best.as_ref().is_none_or(|(known, _)| *known < depth) {
            best = Some((depth, project));
        }
    }
    best.map(|(_, project)| project)
}

/// Returns where a folder is below another one, by their names or by where these lead.
async fn relative(folder: &Path, parent: &Path) -> Option<PathBuf> {
    let has_dots = folder.components().any(|name| name == std::path::Component::ParentDir);
    if !has_dots && let Ok(inner) = folder.strip_prefix(parent) {
        return Some(inner.to_owned());
    }
    let real = tokio::fs::canonicalize(folder).await.ok()?;
    let real_parent = tokio::fs::canonicalize(parent).await.ok()?;
    real.strip_prefix(real_parent).ok().map(Path::to_owned)
}

/// Returns where a session of a task works.
pub fn session_path(app: &App, task: &Task, session: &SessionId) -> Option<PathBuf> {
    Some(workdir(app.repositories.data_dir(), task, task.session(session)?))
}
