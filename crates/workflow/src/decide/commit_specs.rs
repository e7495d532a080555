//! The planner's documents are committed.

use super::rules::planning;
use crate::context::Draft;
use crate::{Effect, Event, Rejected, SessionId, Specs, TurnId};

pub(super) fn handle(
    draft: &mut Draft<'_, '_>,
    session: &SessionId,
    turn: &TurnId,
    specs: Specs,
) -> Result<(), Rejected> {
    planning::expect_committing(&draft.task, session, turn)?;
    draft.event(Event::SessionCompleted { session: session.clone(), merged: None });
    draft.event(Event::SpecsReady { specs });
    if !draft.task.may_keep_instance() {
        draft.effect(Effect::StopInstance);
    }
    Ok(())
}
