//! A session is continued as two from a chosen turn, and one of them is chosen later.

use super::{landing, no_such_session, spawn, talk, wrong_state};
use crate::context::Draft;
use crate::order::SessionGraph;
use crate::{
    Ask, BranchPoint, CreationMethod, CrewLimits, Effect, Event, HelixSessionId, Isolation, NewSession,
    Phase, PlannedSession, Rejected, Session, SessionId, SessionPhase, SessionState, ThreadId, TurnId,
};

/// Adds a fork: a session that continues from the end of a turn of another one.
pub(super) fn branch(
    draft: &mut Draft<'_, '_>,
    session: &SessionId,
    from_turn: Option<&TurnId>,
    new: NewSession,
    limits: CrewLimits,
) -> Result<(), Rejected> {
    let found = draft.task.session(session).ok_or_else(|| no_such_session(session))?.clone();
    expect_implementing(draft, &found, "branch a work session")?;
    if draft.task.isolation == Isolation::Shared {
        let advice = "its sessions share one worktree, and alternatives need one each";
        return Err(wrong_state(&draft.task, "branch a work session", advice));
    }
    if let Some(chosen) = draft.task.superseded_by(&found) {
        return Err(talk::superseded(chosen));
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
    spawn::expect_place(draft, limits)?;
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
        branch: Some(draft.task.session_branch(&new.id)),
        next_ask: Some(Ask::Continue { why }),
        name: new.name,
        description: new.description,
        depends_on: found.depends_on.clone(),
        wish: new.wish,
        branched_from: Some(from),
        alternative_to: Some(root),
        elsewhere: None,
        id: new.id,
    };
    draft.event(Event::SessionPlanned { session: Box::new(planned) });
    landing::resume(draft);
    Ok(())
}

/// Keeps one of the alternatives; the others end, and their work is kept under saved refs.
pub(super) fn choose(draft: &mut Draft<'_, '_>, session: &SessionId) -> Result<(), Rejected> {
    let found = draft.task.session(session).ok_or_else(|| no_such_session(session))?.clone();
    if let Some(chosen) = &found.superseded_by {
        return Err(talk::superseded(chosen));
    }
    let instead_of: Vec<SessionId> = draft
        .task
        .alternatives(&found)
        .into_iter()
        .filter(|other| other.id != *session)
        .map(|other| other.id.clone())
        .collect();
    if instead_of.is_empty() {
        if draft.task.sessions.iter().any(|other| other.superseded_by.as_ref() == Some(session)) {
            return Err(Rejected::AlreadySo("the work session is chosen".to_owned()));
        }
        let status = draft.task.session_status(&found);
        return Err(Rejected::WrongState(format!(
            "the {status} work session has no alternative to choose between; branch it first"
        )));
    }
    expect_implementing(draft, &found, "choose a work session")?;
    if matches!(found.state, SessionState::Cancelled | SessionState::Skipped) {
        return Err(Rejected::WrongState(
            "cannot choose a work session that is cancelled; retry it first, or choose its alternative"
                .to_owned(),
        ));
    }
    draft.event(Event::SessionChosen { session: session.clone(), instead_of: instead_of.clone() });
    give_up(draft, &instead_of);
    landing::resume(draft);
    Ok(())
}

/// Ends sessions whose work is not needed any more, with what was spawned from them; their work is kept under saved refs.
pub(super) fn give_up(draft: &mut Draft<'_, '_>, sessions: &[SessionId]) {
    for id in with_descendants(draft, sessions) {
        let Some(other) = draft.task.session(&id) else { continue };
        if let SessionState::Working { turn } = &other.state {
            let turn = turn.id.clone();
            draft.effect(Effect::CancelTurn { session: id.clone(), turn });
        }
        draft.event(Event::SessionCancelled { session: id.clone() });
        draft.effect(Effect::KeepWork { session: id });
    }
}

/// The sessions and what was spawned from them: it is built on work that is not kept.
fn with_descendants(draft: &Draft<'_, '_>, sessions: &[SessionId]) -> Vec<SessionId> {
    let mut all: Vec<SessionId> = sessions.to_vec();
    // A session is made after its parent, so that one pass in order finds every generation.
    for session in &draft.task.sessions {
        let parent = draft.task.parent_to_wait_for(session);
        if parent.is_some_and(|parent| all.contains(parent)) && !all.contains(&session.id) {
            all.push(session.id.clone());
        }
    }
    let is_open = |id: &SessionId| {
        draft.task.session(id).is_some_and(|session| {
            !matches!(
                session.state,
                SessionState::Completed | SessionState::Cancelled | SessionState::Skipped
            )
        })
    };
    all.retain(is_open);
    all
}

fn expect_implementing(draft: &Draft<'_, '_>, session: &Session, action: &str) -> Result<(), Rejected> {
    let allowed = matches!(
        draft.task.phase,
        Phase::Implementation { checking: false, .. }
            | Phase::ImplementationQueued { .. }
            | Phase::ImplementationFailed { .. }
    );
    let is_here = !matches!(session.state, SessionState::Elsewhere { .. });
    if session.phase != SessionPhase::Planning && allowed && is_here {
        return Ok(());
    }
    Err(wrong_state(
        &draft.task,
        action,
        "work sessions have alternatives while the task is being implemented",
    ))
}
