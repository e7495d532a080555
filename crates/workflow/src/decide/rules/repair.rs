//! The repair of a change: which sessions are asked to fix which problems, and when a person is asked instead.

use crate::context::Draft;
use crate::{Ask, Commit, Event, Problem, Repair, RepairRequest, Session, SessionId, SessionState, Task};

/// Asks the sessions that own the problems to fix them. Returns false when a person decides instead: no round is left, the
/// budget is spent, or no session can continue.
pub(crate) fn start(
    draft: &mut Draft<'_, '_>,
    head: &Commit,
    request: RepairRequest,
    with_base: bool,
) -> bool {
    let RepairRequest { max_rounds, problems } = request;
    let round = draft.task.repair_rounds + 1;
    if problems.is_empty()
        || round > max_rounds
        || draft.task.is_over_budget()
        || draft.task.is_conversation()
        || draft.task.paused.is_some()
    {
        return false;
    }
    let mut assigned: Vec<(SessionId, Vec<Problem>)> = Vec::new();
    for problem in problems {
        let Some(owner) = owner(&draft.task, problem.owner.as_ref()) else { return false };
        match assigned.iter_mut().find(|(session, _)| *session == owner) {
            Some((_, of_owner)) => of_owner.push(problem),
            None => assigned.push((owner, vec![problem])),
        }
    }
    for (session, problems) in assigned {
        let repair = Repair {
            round,
            session: session.clone(),
            problems: problems.clone(),
            head: head.clone(),
            at: draft.cx.now,
            outcome: None,
        };
        draft.event(Event::SessionRetried { session: session.clone() });
        draft.event(Event::SessionTold { session, ask: Ask::Repair { round, problems, with_base } });
        draft.event(Event::RepairStarted { repair: Box::new(repair) });
    }
    true
}

/// Ends the open repairs: the checks ran again, and these problems are left.
pub(crate) fn end(draft: &mut Draft<'_, '_>, head: &Commit, left: &[String]) {
    if draft.task.repairs.iter().any(|repair| repair.outcome.is_none()) {
        draft.event(Event::RepairsEnded { head: head.clone(), left: left.to_vec() });
    }
}

/// Returns the session that fixes a problem: its owner, or the last one of the merge order when the owner cannot continue.
fn owner(task: &Task, wanted: Option<&SessionId>) -> Option<SessionId> {
    let can_continue = |session: &&Session| {
        session.is_crew()
            && session.state == SessionState::Completed
            && !task.converses(session)
            && task.superseded_by(session).is_none()
    };
    let owner = wanted.and_then(|id| task.session(id)).filter(|session| can_continue(session));
    let last = || task.sessions.iter().filter(can_continue).max_by_key(|session| session.rank);
    owner.or_else(last).map(|session| session.id.clone())
}
