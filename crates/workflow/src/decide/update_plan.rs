//! An agent reported its own plan.

use super::rules::preconditions::{no_such_session, stale};
use crate::context::Draft;
use crate::{Event, PlanEntry, Rejected, SessionId};

pub(super) fn handle(
    draft: &mut Draft<'_, '_>,
    session: SessionId,
    plan: Vec<PlanEntry>,
) -> Result<(), Rejected> {
    let found = draft.task.session(&session).ok_or_else(|| no_such_session(&session))?;
    if found.turn().is_none() {
        return Err(stale("the turn"));
    }
    if found.plan == plan {
        return Err(Rejected::AlreadySo("the plan is known".to_owned()));
    }
    draft.event(Event::PlanUpdated { session, plan });
    Ok(())
}
