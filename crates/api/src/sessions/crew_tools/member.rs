//! The callers of a crew's tools.

use crate::request::caller::{Caller, Identity};
use crate::request::problem::Problem;
use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use engine::App;
use engine::agents::instances::MAX_TOOL_CALLS;
use workflow::{Session, SessionId, SessionState, Task};

/// A session's agent with its token, or a person.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    /// The person, or the owner of the task that the session works on.
    pub(crate) caller: Caller,
    pub(crate) session: Option<SessionId>,
}

impl FromRequestParts<App> for Member {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        match parts.extensions.get::<Identity>() {
            Some(Identity::User(caller)) => Ok(Self { caller: caller.clone(), session: None }),
            Some(Identity::Session { session, owner, .. }) => {
                Ok(Self { caller: owner.clone(), session: Some(session.clone()) })
            }
            Some(Identity::Instance { .. }) | None => {
                Err(Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", "Send a valid token."))
            }
        }
    }
}

impl Member {
    /// Returns the task, which a session's token reaches alone, and counts the call.
    pub(crate) async fn task(&self, app: &App, id: &str) -> Result<Task, Problem> {
        let task = self.caller.task(app, id).await?;
        if let Some(session) = &self.session
            && !app.instances.admit_tool_call(session)
        {
            let detail = format!(
                "This turn has used SpecTask's tools {MAX_TOOL_CALLS} times, the most it may. Continue without them; the next \
                 turn may use them again."
            );
            return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_tool_calls", detail));
        }
        Ok(task)
    }

    /// Returns the session whose agent asks; what only agents do is refused to people.
    pub(crate) fn own_session<'t>(&self, task: &'t Task) -> Result<&'t Session, Problem> {
        let found = self.session.as_ref().and_then(|id| task.session(id));
        found.ok_or_else(|| {
            let detail = "Only the agent of a work session does this, with the token that the session has.";
            Problem::new(StatusCode::FORBIDDEN, "no_session", detail)
        })
    }

    /// Rejects changes by an agent whose session has no turn.
    pub(crate) fn expect_turn(&self, task: &Task) -> Result<(), Problem> {
        let Some(id) = &self.session else { return Ok(()) };
        let is_at_work = |session: &Session| matches!(session.state, SessionState::Working { .. });
        if task.session(id).is_some_and(is_at_work) {
            return Ok(());
        }
        Err(Problem::conflict(
            "no_turn",
            "The session has no turn under way; nothing is done for it between turns.",
        ))
    }

    /// Returns the name of the person, if it is one.
    pub(crate) fn person(&self) -> Option<String> {
        self.session.is_none().then(|| self.caller.user.name.clone())
    }
}

/// Returns the beginning of a text, with a mark where it is cut.
pub(super) fn shortened(text: &str, bytes: usize) -> String {
    if text.len() <= bytes {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(bytes)])
}
