//! The sessions of an agent process: begun, loaded, set to a mode and closed.

use crate::process::{Process, object};
use crate::{Access, AgentError, AuthMethod, McpServer, SessionOffer};
use agent_client_protocol::UntypedMessage;
use agent_client_protocol::v1::schema::{self, LoadSessionRequest, NewSessionRequest};
use protocol::OptionValue;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

/// How long an agent may take to close a session.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

impl Process {
    /// Signs in by one of the methods that the agent offers.
    pub async fn authenticate(&self, method: &str) -> Result<(), AgentError> {
        let offered = &self.0.info.auth_methods;
        if !offered.iter().any(|offered| offered.id == method) {
            let known: Vec<&str> = offered.iter().map(|method| method.id.as_str()).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            let message = format!("the agent has no sign-in method {method:?}; it has {known}");
            return Err(AgentError::AuthNeeded { message });
        }
        self.request("authenticate", json!({ "methodId": method })).await.map(drop)
    }

    /// Begins a session in a folder and returns the agent's id for it. An agent that wants a sign-in first is signed in
    /// with a key that is in its environment, where it offers a method for that. Of the MCP servers it gets those that it
    /// accepts.
    pub async fn new_session(
        &self,
        cwd: &Path,
        servers: &[McpServer],
        meta: Option<Value>,
    ) -> Result<String, AgentError> {
        let mut request = NewSessionRequest::new(cwd).mcp_servers(self.accepted(servers)).meta(object(meta));
        if self.0.info.additional_directories {
            request = request.additional_directories(self.0.additional_directories.clone());
        }
        let mut answer = self.0.call_in_time("session/new", &request).await;
        if let Err(AgentError::AuthNeeded { .. }) = &answer
            && let Some(method) = self.key_method()
        {
            self.authenticate(&method.id).await?;
            answer = self.0.call_in_time("session/new", &request).await;
        }
        let answer = answer?;
        match answer["sessionId"].as_str() {
            Some(id) if !id.is_empty() => {
                self.0.link.offers.open(id, &answer);
                Ok(id.to_owned())
            }
            _ => Err(AgentError::Protocol { message: "its answer to session/new names no session".into() }),
        }
    }

    /// Takes up an earlier session. What the agent replays comes as events with `replay` set.
    pub async fn load_session(
        &self,
        id: &str,
        cwd: &Path,
        servers: &[McpServer],
        meta: Option<Value>,
    ) -> Result<(), AgentError> {
        if !self.0.info.load_session {
            return Err(AgentError::Refused {
                code: -32601,
                message: "the agent cannot load sessions".into(),
            });
        }
        let mut request = LoadSessionRequest::new(id.to_owned(), cwd)
            .mcp_servers(self.accepted(servers))
            .meta(object(meta));
        if self.0.info.additional_directories {
            request = request.additional_directories(self.0.additional_directories.clone());
        }
        let mut loaded = self.0.call_in_time("session/load", &request).await;
        if let Err(AgentError::AuthNeeded { .. }) = &loaded
            && let Some(method) = self.key_method()
        {
            self.authenticate(&method.id).await?;
            loaded = self.0.call_in_time("session/load", &request).await;
        }
        match loaded {
            Ok(answer) => {
                self.0.link.loading.settle(id).await;
                self.0.link.offers.open(id, &answer);
                Ok(())
            }
            Err(error) => {
                self.0.link.loading.end(id);
                Err(error)
            }
        }
    }

    /// Returns what the agent offers for a session: the options with their values, and the commands.
    pub fn offer(&self, session: &str) -> SessionOffer {
        self.0.link.offers.all().get(session).map(|state| state.offered.offer.clone()).unwrap_or_default()
    }

    /// Sets a session to the mode that fits what it may do: to the preferred one, unless that permits more. An agent without
    /// such a mode is left as it is.
    pub async fn set_access(
        &self,
        session: &str,
        access: Access,
        preferred: Option<&str>,
    ) -> Result<(), AgentError> {
        let change = {
            let all = self.0.link.offers.all();
            let Some(state) = all.get(session) else { return Ok(()) };
            let Some(modes) = state.offered.modes() else { return Ok(()) };
            let mode = state.modes.change_to(modes, access, preferred);
            mode.map(|mode| (modes.id.clone(), OptionValue::from(mode)))
        };
        let Some((id, mode)) = change else { return Ok(()) };
        self.set_option(session, &id, &mode).await?;
        if let Some(state) = self.0.link.offers.all().get_mut(session) {
            state.modes.set(access);
        }
        Ok(())
    }

    /// Sets an option of a session, by the agent's id for it. Other options may change with it.
    pub async fn set_option(&self, session: &str, id: &str, value: &OptionValue) -> Result<(), AgentError> {
        let request = {
            let all = self.0.link.offers.all();
            all.get(session)
                .filter(|state| state.offered.option(id).is_some())
                .map(|state| state.offered.request(session, id, value))
        };
        let Some((method, params)) = request else {
            let message = format!("the agent offers no option {id:?}");
            return Err(AgentError::Refused { code: -32602, message });
        };
        let answer = self.request(method, params).await?;
        if let Some(state) = self.0.link.offers.all().get_mut(session) {
            state.offered.set(id, value);
            state.offered.take_answer(&answer);
        }
        Ok(())
    }

    /// Closes a session, where the agent can: what it runs for the session ends, and so does what it runs it in.
    pub async fn close_session(&self, session: &str) {
        self.0.link.offers.all().remove(session);
        if !self.0.info.close_session {
            return;
        }
        let closed = self.request("session/close", json!({ "sessionId": session }));
        match tokio::time::timeout(CLOSE_TIMEOUT, closed).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::debug!(%error, "an agent did not close a session"),
            Err(_) => tracing::debug!("an agent took too long to close a session"),
        }
    }

    fn accepted(&self, servers: &[McpServer]) -> Vec<schema::McpServer> {
        servers.iter().filter(|server| self.0.info.accepts(server)).map(schema::McpServer::from).collect()
    }

    async fn request(&self, method: &str, params: Value) -> Result<Value, AgentError> {
        let message = UntypedMessage::new(method, params)
            .map_err(|error| AgentError::Protocol { message: error.message })?;
        self.0.call_in_time(method, &message).await
    }

    /// Returns the sign-in method that a key in the agent's environment fits.
    fn key_method(&self) -> Option<&AuthMethod> {
        self.0.info.auth_methods.iter().find(|method| method.takes_key_of(&self.0.variables))
    }
}
