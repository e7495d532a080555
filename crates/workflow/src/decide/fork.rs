//! A person forks a session: a second session continues from the end of one of its turns.

use super::rules::{
    alternatives, crew, new_session,
    preconditions::{no_such_session, superseded, wrong_state},
};
use crate::context::Draft;
use crate::order::SessionGraph;
use crate::{
    Ask, BranchPoint, CreationMethod, CrewLimits, Event, HelixSessionId, Isolation, NewSession,
    PlannedSession, Rejected, SessionId, SessionState, ThreadId, TurnId,
};

pub(super) fn handle(
    draft: &mut Draft<'_, '_>,
    session: &SessionId,
    from_turn: Option<&TurnId>,
    new: NewSession,
    limits: CrewLimits,
) -> Result<(), Rejected> {
    let found = draft.task.session(session).ok_or_else(|| no_such_session(session))?.clone();
    alternatives::expect_implementing(draft, &found, "branch a work session")?;
    if draft.task.isolation == Isolation::Shared {
        let advice = "its sessions share one worktree, and alternatives need one each";
        return Err(wrong_state(&draft.task, "branch a work session", advice));
    }
    if let Some(chosen) = draft.task.superseded_by(&found) {
        return Err(superseded(chosen));
    }
    if found.state == SessionState::Skipped && found.merged.is_none() {
        return Err(Rejected::WrongState(
            "cannot branch a work session that was skipped; retry it first".to_owned(),
        ));
    }
    if matches!(found.state, SessionState::Completed | SessionState::Skipped | SessionState::Merging)
        || found.merged.is_some()
    {
        return Err(Rejected::WrongState(
            "cannot branch a work session whose work is merged; ask for changes in the review instead"
                .to_owned(),
        ));
    }
    let ended = match from_turn {
        Some(turn) => found.ended.iter().find(|ended| ended.turn == *turn),
        None => found.ended.last(),
    };
    let point = ended.and_then(|ended| Some((ended, ended.commit.clone()?)));
    let Some((ended, commit)) = point else {
        return Err(Rejected::Invalid(match from_turn {
            Some(turn) => format!("the work session has no turn {turn} that ended with a commit"),
            None => "no turn of the work session has ended yet".to_owned(),
        }));
    };
    let from =
        BranchPoint { session: session.clone(), turn: ended.turn.clone(), number: ended.number, commit };
    if new.name.trim().is_empty() {
        return Err(Rejected::Invalid("say in `name` what the further session is called".to_owned()));
    }
    new_session::expect_room(draft, limits)?;
    let why = format!(
        "You continue from the end of turn {} of {:?}, which continues beside you; a person chooses one of the two later.",
        from.number, found.name
    );
    let root = found.alternative_to.clone().unwrap_or_else(|| session.clone());
    let planned = PlannedSession {
        helix_session: HelixSessionId::fresh(draft.cx.ids),
        thread: ThreadId::fresh(draft.cx.ids),
        agent: new.agent.unwrap_or_else(|| found.agent.clone()),
        phase: found.phase,
        method: match found.method {
            CreationMethod::Spawned => CreationMethod::Spawned,
            CreationMethod::Planned | CreationMethod::AdHoc => CreationMethod::AdHoc,
        },
        unit: None,
        parent: found.parent.clone(),
        rank: SessionGraph::of(&draft.task).merge_position(&found),
        branch: Some(draft.task.session_branch(&new.id, &new.name)),
        next_ask: Some(Ask::Continue { why }),
        name: new.name,
        description: new.description,
        depends_on: found.depends_on.clone(),
        wish: new.wish,
        branched_from: Some(from),
        alternative_to: Some(root),
        external_thread: None,
        is_conversation: false,
        id: new.id,
    };
    draft.event(Event::SessionPlanned { session: Box::new(planned) });
    crew::requeue_or_advance(draft);
    Ok(())
}
