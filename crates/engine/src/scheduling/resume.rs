//! Continues the sessions whose agent works again: its limit was ended early, or a person signed in to it. Those that wait for
//! their project's daily budget continue when it is raised.

use crate::App;
use crate::agents::AgentLimit;
use crate::clock::{now, rfc3339};
use crate::projects::daily_budget;
use store::StoreError;
use workflow::{FailureClass, Input, Phase, ProjectId, Session, SessionPhase, SessionState, Task};

/// Returns what waits for the end of an agent's limit, as a sentence.
pub(crate) fn sentence(agent: &str, limit: &AgentLimit) -> String {
    format!("The agent {agent} reached a limit, which ends at {}: {}", rfc3339(limit.until), limit.message)
}

/// Starts the turns that wait for a limit which was ended, and retries the sessions that failed for want of a sign-in to an
/// agent that has worked since.
pub(crate) async fn look(app: &App, live: &[Task]) -> Result<(), StoreError> {
    let at = now();
    let is_parked = |session: &Session| {
        session.retry_at.is_some_and(|retry_at| retry_at > at) && failed_with(session, FailureClass::Limit)
    };
    let parked: Vec<(&ProjectId, &Session)> = live
        .iter()
        .flat_map(|task| task.sessions.iter().map(|session| (&task.project, session)))
        .filter(|(_, session)| is_parked(session))
        .collect();
    let exhausted = daily_budget::exhausted_among(app, parked.iter().map(|(project, _)| *project)).await?;
    for (project, session) in parked {
        if app.agents.is_without_limit(&session.agent)
            && !exhausted.contains_key(project)
            && app.store.start_waiting_turn(&session.id, at).await?
        {
            tracing::info!(session = %session.id, agent = session.agent, "the wait for a limit was ended");
            app.orchestrator.wake();
        }
    }
    for task in live.iter().filter(|task| task.paused.is_none()) {
        if let Some((session, input)) = signed_out(task)
            && let Some(failure) = &session.last_error
            && app.agents.has_worked_since(&session.agent, failure.at)
        {
            tracing::info!(task = %task.id, agent = session.agent, "an agent works that wanted a sign-in; its session continues");
            app.orchestrator.decide(&task.id, input).await?;
        }
    }
    Ok(())
}

fn failed_with(session: &Session, class: FailureClass) -> bool {
    session.last_error.as_ref().is_some_and(|failure| failure.class == class)
}

/// Returns a session that failed because its agent wanted a sign-in, with the input that retries it.
fn signed_out(task: &Task) -> Option<(&Session, Input)> {
    let failed = task.sessions.iter().filter(|session| {
        matches!(session.state, SessionState::Failed { .. }) && failed_with(session, FailureClass::AuthNeeded)
    });
    let mut retries = failed.filter_map(|session| {
        let is_planning = session.phase == SessionPhase::Planning;
        let input = match &task.phase {
            Phase::SpecFailed { .. } if is_planning => Input::Retry { by: "spectask".to_owned() },
            Phase::Implementation { checking: false, .. } | Phase::ImplementationFailed { .. }
                if !is_planning =>
            {
                Input::RetrySession { session: session.id.clone() }
            }
            _ => return None,
        };
        Some((session, input))
    });
    retries.next()
}
