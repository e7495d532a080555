//! The paths of sessions' worktrees and of the server's sockets.

use crate::settings::config::Config;
use std::path::{Path, PathBuf};
use workflow::{Isolation, Session, SessionId, SessionPhase, Task, TaskId};

/// Returns where a session works.
pub(crate) fn session_directory(data_dir: &Path, task: &TaskId, session: &SessionId) -> PathBuf {
    data_dir.join("worktrees").join(task.as_str()).join(session.as_str())
}

/// Returns where a session of a task works: apart, or with all others where the task's branch is checked out.
pub(crate) fn workdir(data_dir: &Path, task: &Task, session: &Session) -> PathBuf {
    if task.isolation == Isolation::Shared && session.phase != SessionPhase::Planning {
        return data_dir.join("worktrees").join(task.id.as_str()).join("change");
    }
    session_directory(data_dir, &task.id, &session.id)
}

/// Returns the folder that has the agents which were installed from a registry.
pub(crate) fn installed_agents(data_dir: &Path) -> PathBuf {
    data_dir.join("agents")
}

/// Returns the folder of the installed agent that a program belongs to.
pub(crate) fn installed_agent_of(data_dir: &Path, program: &Path) -> Option<PathBuf> {
    let agents = installed_agents(data_dir);
    let id = program.strip_prefix(&agents).ok()?.components().next()?;
    Some(agents.join(id))
}

/// Returns the socket through which confined agents reach the tools of their crew, whatever their network is.
pub fn agents_socket(config: &Config) -> PathBuf {
    config.data_dir.join("agents.sock")
}
