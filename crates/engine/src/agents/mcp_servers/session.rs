//! The MCP servers of one session, and the agent session that begins with them.

use super::file::{self, McpFile};
use crate::App;
use crate::agents::instances::Running;
use crate::failure::is_out_of_space;
use crate::settings::mcp_server::{McpServerEntry, Variables};
use crate::settings::project::ProjectSettings;
use agent::{AgentError, AgentInfo, McpServer};
use protocol::LogEntry;
use serde_json::Value;
use std::path::Path;
use workflow::{Session, SessionId, Task};

/// How many servers of people one session gets.
const MAX_SERVERS: usize = 30;

/// The MCP servers of a session, and warnings about them for people.
pub(crate) struct SessionServers<'a> {
    app: &'a App,
    session: &'a SessionId,
    /// The tools of its crew.
    own: McpServer,
    /// The servers that people configured.
    others: Vec<McpServer>,
    notices: Vec<String>,
}

/// Gathers the servers of a session: the crew's tools, then those of the server's configuration, of the project's settings
/// and of the repository. Of two with one name the first counts.
pub(crate) async fn of_session<'a>(
    app: &'a App,
    task: &Task,
    session: &'a Session,
    agent: &AgentInfo,
) -> SessionServers<'a> {
    let mut found = SessionServers {
        app,
        session: &session.id,
        own: app.instances.crew_server(task, &session.id),
        others: Vec::new(),
        notices: Vec::new(),
    };
    let settings = match app.store.project(&task.project).await {
        Ok(project) => ProjectSettings::read(&project.map(|project| project.settings).unwrap_or_default()),
        Err(error) => {
            tracing::warn!(%error, task = %task.id, "could not read the MCP servers of a project");
            return found;
        }
    };
    let variables = app.config.mcp_variables.as_slice();
    found.add(&app.config.mcp_servers, Variables::All, "the server's configuration", agent);
    found.add(&settings.mcp_servers, Variables::Only(variables), "the project's settings", agent);
    match file::of_project(app, &task.project, &task.base_branch).await {
        Ok(None) => {}
        Ok(Some(file)) if settings.trusted_mcp_json.as_ref() == Some(&file.hash) => {
            found.add(&file.servers, Variables::Only(variables), file::PATH, agent);
        }
        Ok(Some(file)) if file.servers.is_empty() && file.problems.is_empty() => {}
        Ok(Some(file)) => found.notices.push(unconfirmed(&file)),
        Err(error) => {
            tracing::warn!(%error, task = %task.id, "could not read the MCP servers of a repository");
        }
    }
    found
}

/// Returns a notice that a file's servers wait for a person.
fn unconfirmed(file: &McpFile) -> String {
    let names: Vec<&str> = file.servers.iter().map(|server| server.name.as_str()).collect();
    if names.is_empty() {
        return format!("The repository's `{}` is not used: {}.", file::PATH, file.problems.join("; "));
    }
    format!(
        "The MCP servers of the repository's `{}` ({}) are not passed to the agent until a person confirms the file: \
         `spectask projects mcp-json PROJECT` shows it.",
        file::PATH,
        names.join(", ")
    )
}

impl SessionServers<'_> {
    /// Returns the names of the servers.
    pub(crate) fn names(&self) -> Vec<String> {
        std::iter::once(&self.own).chain(&self.others).map(|server| server.name.clone()).collect()
    }

    fn add(&mut self, entries: &[McpServerEntry], variables: Variables<'_>, source: &str, agent: &AgentInfo) {
        for entry in entries {
            if self.others.len() >= MAX_SERVERS || self.others.iter().any(|known| known.name == entry.name) {
                continue;
            }
            match entry.resolve(variables) {
                Ok(server) if agent.accepts(&server) => self.others.push(server),
                Ok(server) => self.notices.push(format!(
                    "The MCP server {:?} of {source} is left out: the agent reaches none over HTTP.",
                    server.name
                )),
                Err(why) => self.notices.push(format!("An MCP server of {source} is left out: {why}.")),
            }
        }
    }

    /// Begins an agent session with the servers and returns its id, or loads the one that is given.
    ///
    /// When the agent does not manage that in time, it gets a session without the servers of people. A refusal to begin one may
    /// be about servers, too: then it gets fewer, and at last none.
    pub(crate) async fn open(
        &self,
        running: &Running,
        loads: Option<&str>,
        cwd: &Path,
        meta: Value,
    ) -> Result<String, AgentError> {
        let mut servers: Vec<McpServer> = [&self.own].into_iter().chain(&self.others).cloned().collect();
        let mut failed = None;
        loop {
            let process = &running.process;
            let opened = match loads {
                Some(id) => {
                    let loaded = process.load_session(id, cwd, &servers, Some(meta.clone())).await;
                    loaded.map(|()| id.to_owned())
                }
                None => process.new_session(cwd, &servers, Some(meta.clone())).await,
            };
            let error = match opened {
                Ok(id) => {
                    self.note(servers.len(), failed.as_ref()).await;
                    return Ok(id);
                }
                Err(error) => error,
            };
            let fewer = match &error {
                // Another attempt can succeed once there is room, with all of them.
                _ if is_out_of_space(&error) => return Err(error),
                AgentError::TimedOut { .. } if servers.len() > 1 => 1,
                AgentError::Refused { .. } if loads.is_none() && !servers.is_empty() => {
                    usize::from(servers.len() > 1)
                }
                _ => return Err(error),
            };
            servers.truncate(fewer);
            failed = Some(error);
        }
    }

    /// Adds warnings about the servers to the session's log.
    async fn note(&self, kept: usize, failed: Option<&AgentError>) {
        let recorder = self.app.instances.recorder(self.session);
        for notice in &self.notices {
            recorder.record(LogEntry::notice(notice.as_str())).await;
        }
        let Some(error) = failed else { return };
        let all = [&self.own].into_iter().chain(&self.others);
        let names: Vec<&str> = all.skip(kept).map(|server| server.name.as_str()).collect();
        let text = format!(
            "The agent's session was opened without the MCP servers {}: with them the agent answered: {error}.",
            names.join(", ")
        );
        recorder.record(LogEntry::notice(text)).await;
    }
}
