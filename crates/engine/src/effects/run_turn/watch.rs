//! Waits for a turn's end while its deadlines hold.

use super::open_thread::Thread;
use super::turn_failure::{TurnFailure, agent_failure};
use crate::agents::instances::Running;
use crate::clock::now;
use crate::effects::{Job, failure};
use agent::{AgentError, TurnEnd};
use std::sync::Arc;
use std::time::Duration;
use store::SessionRun;
use tokio::time::Instant;
use workflow::{FailureClass, Session, Turn};

/// How long a cancelled turn may take to end before the process is ended instead.
const CANCEL_GRACE: Duration = Duration::from_secs(8);
/// How often deadlines are looked at.
const DEADLINE_INTERVAL: Duration = Duration::from_millis(500);

/// Waits for the turn's end while its deadlines hold.
pub(super) async fn watch(
    job: &Job<'_>,
    session: &Session,
    turn: &Turn,
    running: &Arc<Running>,
    thread: &Thread,
    asked: impl Future<Output = Result<TurnEnd, AgentError>>,
) -> Result<TurnEnd, TurnFailure> {
    let turns = &job.app.config.turns;
    let (begun, asked_at) = (Instant::now(), now());
    let mut asked = std::pin::pin!(asked);
    let mut cancelled: Option<Instant> = None;
    let mut overdue: Option<String> = None;
    loop {
        tokio::select! {
            end = &mut asked => {
                let end = match end {
                    // Some agents answer a cancelled turn with an error.
                    Err(error) if job.app.instances.is_cancelled(&session.id, &turn.id) => {
                        tracing::debug!(%error, turn = %turn.id, "a cancelled turn ended with an error");
                        Ok(cancelled_end())
                    }
                    Ok(end) => {
                        job.app.instances.after_success(running);
                        Ok(end)
                    }
                    Err(error) => {
                        job.app.instances.after_failure(running, &thread.id, &error);
                        if error.exhausts_session() {
                            give_up_session(job, session).await;
                        }
                        Err(agent_failure(&error))
                    }
                };
                return match overdue {
                    Some(message) => Err(failure(FailureClass::AgentSilent, message).into()),
                    None => end,
                };
            }
            () = tokio::time::sleep(DEADLINE_INTERVAL) => {}
        }
        if let Some(since) = cancelled {
            if since.elapsed() >= CANCEL_GRACE {
                job.app.instances.discard(running).await;
                return match overdue {
                    Some(message) => Err(failure(FailureClass::AgentSilent, message).into()),
                    None => Ok(cancelled_end()),
                };
            }
            continue;
        }
        let heard = thread.recorder.last_heard();
        let quiet = Duration::from_millis(u64::try_from(now().0 - heard.0.max(asked_at.0)).unwrap_or(0));
        let limit = if heard <= asked_at { turns.start_deadline() } else { turns.no_progress_deadline() };
        if begun.elapsed() >= turns.total_deadline() {
            overdue = Some(format!(
                "The turn took longer than {} seconds and was stopped.",
                turns.total_deadline_seconds
            ));
        } else if quiet >= limit && !job.app.instances.waits_for_answer(&session.id) {
            overdue =
                Some(format!("The agent said nothing for {} seconds and was stopped.", quiet.as_secs()));
        }
        if overdue.is_some() || job.app.instances.is_cancelled(&session.id, &turn.id) {
            running.process.cancel(&thread.id).await;
            cancelled = Some(Instant::now());
        }
    }
}

/// Makes the next turn begin a new agent session, which gets a summary of this one.
async fn give_up_session(job: &Job<'_>, session: &Session) {
    let given_up = async {
        let run = job.app.store.session_run(&session.id).await?.unwrap_or_default();
        job.app.store.put_session_run(&session.id, SessionRun { thread_closed: true, ..run }).await
    };
    if let Err(error) = given_up.await {
        tracing::error!(%error, session = %session.id, "could not give up an agent's session");
    }
}

/// Returns the end of a turn that was cancelled.
pub(super) fn cancelled_end() -> TurnEnd {
    TurnEnd { stop_reason: "cancelled".to_owned(), ..TurnEnd::default() }
}
