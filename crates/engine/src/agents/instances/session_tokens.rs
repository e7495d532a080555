//! The tokens by which the agents of single sessions call the tools of their crew, and the server of these tools.

use super::Instances;
use crate::paths::agents_socket;
use crate::settings::mcp_server::OWN_SERVER;
use crate::settings::owner;
use agent::{McpServer, McpTransport};
use parking_lot::Mutex;
use std::collections::HashMap;
use workflow::{SessionId, Task, TaskId};

/// The tokens of sessions, kept in memory: agents end with the server, and get others from the next one.
#[derive(Default)]
pub(super) struct SessionTokens(Mutex<HashMap<SessionId, SessionToken>>);

struct SessionToken {
    task: TaskId,
    token: String,
    hash: String,
}

impl SessionTokens {
    /// Returns a session's token, made at the first call.
    fn issue(&self, task: &TaskId, session: &SessionId) -> String {
        let mut all = self.0.lock();
        let fresh = || {
            let token = owner::fresh();
            SessionToken { task: task.clone(), hash: owner::hash(&token), token }
        };
        all.entry(session.clone()).or_insert_with(fresh).token.clone()
    }

    fn find(&self, token: &str) -> Option<(TaskId, SessionId)> {
        let hash = owner::hash(token);
        let all = self.0.lock();
        let found = all.iter().find(|(_, known)| known.hash == hash);
        found.map(|(session, known)| (known.task.clone(), session.clone()))
    }

    /// Ends the tokens of a task's sessions.
    pub(super) fn revoke(&self, task: &TaskId) {
        self.0.lock().retain(|_, known| known.task != *task);
    }
}

impl Instances {
    /// Returns the task and the session whose agent has this token.
    pub fn session_of_token(&self, token: &str) -> Option<(TaskId, SessionId)> {
        self.0.session_tokens.find(token)
    }

    /// Returns a session's token, made at the first call.
    pub fn issue_session_token(&self, task: &TaskId, session: &SessionId) -> String {
        self.0.session_tokens.issue(task, session)
    }

    /// Returns the MCP server with the tools of a session's crew.
    pub(crate) fn crew_server(&self, task: &Task, session: &SessionId) -> McpServer {
        let token = self.issue_session_token(&task.id, session);
        let socket = agents_socket(&self.0.config).to_string_lossy().into_owned();
        let url = self.0.url.get().cloned().unwrap_or_default();
        let args = ["mcp", "--session", session.as_str(), "--task", task.id.as_str()];
        let env = [("SPECTASK_URL", url), ("SPECTASK_SOCKET", socket), ("SPECTASK_TOKEN", token)];
        McpServer {
            name: OWN_SERVER.to_owned(),
            transport: McpTransport::Stdio {
                command: self.0.config.own_binary.clone(),
                args: args.map(str::to_owned).into(),
                env: env.map(|(name, value)| (name.to_owned(), value)).into(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_of_one_session_and_ends_with_its_task() {
        let tokens = SessionTokens::default();
        let (task, other) = (TaskId::from("spt_1"), TaskId::from("spt_2"));
        let (first, second) = (SessionId::from("stws_1"), SessionId::from("stws_2"));
        let token = tokens.issue(&task, &first);
        assert_eq!(tokens.issue(&task, &first), token, "a session keeps its token");
        let foreign = tokens.issue(&other, &second);
        assert_ne!(token, foreign);
        assert_eq!(tokens.find(&token), Some((task.clone(), first)));
        assert_eq!(tokens.find(""), None);
        tokens.revoke(&task);
        assert_eq!(tokens.find(&token), None);
        assert_eq!(tokens.find(&foreign), Some((other, second)));
    }
}
