//! An editor reports the status of a thread that it opened.

use super::rules::preconditions::no_such_session;
use crate::context::Draft;
use crate::{Event, Failure, FailureClass, Rejected, SessionId, SessionState, ThreadStatus};

pub(super) fn handle(
    draft: &mut Draft<'_, '_>,
    session: &SessionId,
    status: ThreadStatus,
    detail: Option<String>,
) -> Result<(), Rejected> {
    let found = draft.task.session(session).ok_or_else(|| no_such_session(session))?;
    let SessionState::External { status: before } = &found.state else {
        return Err(Rejected::WrongState(format!(
            "the work session is {}; only a thread that runs in an editor is moved by reports",
            draft.task.session_status(found)
        )));
    };
    if *before == status {
        return Err(Rejected::AlreadySo(format!("the thread is {status}")));
    }
    let failure = (status == ThreadStatus::Failed).then(|| Failure {
        class: FailureClass::AgentCrashed,
        message: detail.unwrap_or_else(|| "The editor says that the thread failed.".to_owned()),
        at: draft.cx.now,
    });
    draft.event(Event::ThreadMoved { session: session.clone(), status, failure });
    Ok(())
}
