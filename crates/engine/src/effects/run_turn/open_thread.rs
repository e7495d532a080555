//! Opens the agent session that a turn is prompted in: the one that the work session had, or a new one with a summary of it.

use super::log_summary::summarize_log;
use super::prompt::turn_meta;
use super::turn_failure::{TurnFailure, agent_failure};
use crate::agents::instances::{Attachment, Running};
use crate::agents::mcp_servers;
use crate::agents::recorder::Recorder;
use crate::clock::now;
use crate::effects::{self, Job, failure};
use crate::settings::permission_policy::Policy;
use agent::AgentError;
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;
use store::SessionRun;
use workflow::{FailureClass, Session, Turn};

/// An agent session that is ready to be prompted.
pub(super) struct Thread {
    pub(super) id: String,
    pub(super) recorder: Recorder,
    pub(super) policy: Policy,
    /// The names of the MCP servers that the agent session gets.
    pub(super) mcp_servers: Vec<String>,
    /// The summary for an agent whose own session is lost.
    pub(super) memory: Option<String>,
    /// The session's state to keep over a restart, when it changed.
    pub(super) run: Option<SessionRun>,
}

/// Opens the agent session of a turn.
pub(super) async fn open_thread(
    job: &Job<'_>,
    session: &Session,
    turn: &Turn,
    running: &Arc<Running>,
    directory: &Path,
    mut run: SessionRun,
    policy: Policy,
) -> Result<Thread, TurnFailure> {
    let app = job.app;
    let attach = |id: &str| {
        let attachment = Attachment { session: &session.id, turn: Some(turn.id.clone()), policy };
        app.instances.attach(running, id, attachment)
    };
    let meta = turn_meta(job, session, turn, &Value::Null);
    let servers = mcp_servers::of_session(app, job.task, session, running.process.info()).await;
    let names = servers.names();
    // A thread that was closed is not loaded again; a new one gets the conversation.
    if let Some(known) = run.agent_sessions.last().cloned().filter(|_| !run.thread_closed) {
        if running.is_attached(&known) {
            return Ok(Thread {
                recorder: attach(&known),
                id: known,
                policy,
                mcp_servers: names,
                memory: None,
                run: None,
            });
        }
        if running.process.info().load_session {
            attach(&known);
            match servers.open(running, Some(&known), directory, meta.clone()).await {
                Ok(_) => {
                    return Ok(Thread {
                        recorder: attach(&known),
                        id: known,
                        policy,
                        mcp_servers: names,
                        memory: None,
                        run: None,
                    });
                }
                Err(
                    error @ (AgentError::Crashed { .. }
                    | AgentError::Closed
                    | AgentError::Model { .. }
                    | AgentError::AuthNeeded { .. }),
                ) => {
                    app.instances.after_failure(running, &known, &error);
                    return Err(agent_failure(&error));
                }
                // Data that could not be read for lack of room can be read once there is some.
                Err(error) if effects::is_out_of_space(&error) => {
                    running.detach(&known);
                    return Err(agent_failure(&error));
                }
                Err(error) => {
                    running.detach(&known);
                    tracing::info!(%error, session = %session.id, "the agent could not load its session; it gets another");
                }
            }
        }
    }
    let memory = match &session.branched_from {
        Some(point) if run.agent_sessions.is_empty() => {
            summarize_log(job, &point.session, Some(&point.turn)).await
        }
        _ if run.agent_sessions.is_empty() => None,
        _ => summarize_log(job, &session.id, None).await,
    };
    let id = match servers.open(running, None, directory, meta).await {
        Ok(id) => id,
        Err(error) => {
            let is_its_own = matches!(
                error,
                AgentError::Crashed { .. }
                    | AgentError::Closed
                    | AgentError::Model { .. }
                    | AgentError::AuthNeeded { .. }
            );
            if is_its_own || !running.is_busy() {
                app.instances.after_failure(running, "", &error);
                return Err(agent_failure(&error));
            }
            // Some agents begin no session while a turn runs.
            app.instances.isolate_sessions(job.task, running, &session.id);
            let message = format!("{} It gets a separate process.", effects::chain(&error));
            return Err(failure(FailureClass::AgentCrashed, message).into());
        }
    };
    run.agent_sessions.push(id.clone());
    run.workspace_path = Some(directory.to_string_lossy().into_owned());
    run.last_activity = Some(now());
    run.thread_closed = false;
    let recorder = attach(&id);
    app.instances.deliver_early(running, &id).await;
    app.instances.keep_first_offer(running, &id, &session.id).await;
    Ok(Thread { id, recorder, policy, mcp_servers: names, memory, run: Some(run) })
}
