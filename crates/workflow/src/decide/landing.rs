//! The change is checked, a person reviews it, and it lands on the base branch.

use super::{sessions, stale, wrong_state};
use crate::context::Draft;
use crate::prompts;
use crate::{
    Ask, Change, CheckResult, Commit, CreationMethod, Decision, Effect, Event, Failure, FailureClass,
    HelixSessionId, LandOutcome, Landing, LineComment, Phase, PlannedSession, Rejected, SessionId,
    SessionPhase, SessionRequest, SessionState, Task, TaskStatus, ThreadId,
};

/// What a session is called that does what a review asked for.
const REVIEW_CHANGES: &str = "Review changes";
/// How long a landing that cannot happen now waits before it is tried again, in milliseconds.
const LANDING_RETRY: i64 = 2_000;
/// How much of a failed check's output a sentence carries, in bytes.
const SAID: usize = 600;

pub(super) fn checks_ran(
    draft: &mut Draft<'_, '_>,
    head: Commit,
    results: Vec<CheckResult>,
) -> Result<(), Rejected> {
    if !matches!(draft.task.phase, Phase::Implementation { checking: true, .. }) {
        return Err(stale("the checking"));
    }
    draft.event(Event::ChecksRan { results: results.clone() });
    draft.event(Event::ChangeReady { change: Change { head, checks: results } });
    draft.effect(Effect::StopInstance);
    Ok(())
}

/// Has a change checked and reviewed that is on the task's branch before any session began.
pub(super) fn review_branch(draft: &mut Draft<'_, '_>) -> Result<(), Rejected> {
    if !matches!(draft.task.phase, Phase::Backlog) || draft.task.planned {
        let allowed = "a branch is reviewed as it is where a task without a plan has not started";
        return Err(wrong_state(&draft.task, "review the branch", allowed));
    }
    draft.event(Event::ImplementationQueued);
    draft.event(Event::ImplementationStarted);
    draft.event(Event::ChecksStarted);
    draft.effect(Effect::RunChecks);
    Ok(())
}

/// A person's decision about the change.
pub(super) struct ChangeReview {
    pub(super) decision: Decision,
    pub(super) by: String,
    pub(super) comments: String,
    pub(super) acknowledged: Vec<String>,
    pub(super) line_comments: Vec<LineComment>,
    /// The head of the change that the reviewer saw.
    pub(super) commit: Option<Commit>,
    pub(super) allow_empty: bool,
}

/// A decision is about the change that was read.
fn expect_seen(change: &Change, seen: Option<&Commit>) -> Result<(), Rejected> {
    match seen {
        Some(seen) if !change.head.is_named(&seen.0) => Err(Rejected::Conflict {
            code: "change_moved",
            message: format!(
                "the change is not the one that you read: it is at {} now, and you read {seen}. Read it again, then decide",
                change.head
            ),
        }),
        Some(_) | None => Ok(()),
    }
}

pub(super) fn review(draft: &mut Draft<'_, '_>, review: ChangeReview) -> Result<(), Rejected> {
    let ChangeReview { decision, by, comments, acknowledged, line_comments, commit, allow_empty } = review;
    match (&draft.task.phase, decision) {
        (Phase::ImplementationReview { landing: Landing::Undecided, change, .. }, _) => {
            expect_seen(change, commit.as_ref())?;
            if decision == Decision::Approve && !allow_empty && draft.task.is_change_empty() {
                return Err(Rejected::Conflict {
                    code: "empty_change",
                    message: "the change is empty: no session changed a file. Request changes, reject it, or approve it \
                              with `allow_empty` if that is what you want"
                        .to_owned(),
                });
            }
        }
        (Phase::ImplementationReview { .. } | Phase::Done { .. }, Decision::Approve) => {
            return Err(Rejected::AlreadySo("the change is approved".to_owned()));
        }
        (Phase::Implementation { .. } | Phase::ImplementationQueued { .. }, Decision::RequestChanges)
            if is_asked_for(&draft.task, &comments, &line_comments) =>
        {
            return Err(Rejected::AlreadySo("these changes are asked for".to_owned()));
        }
        (Phase::Cancelled { .. }, Decision::Reject) => {
            return Err(Rejected::AlreadySo("the task is cancelled".to_owned()));
        }
        (
            Phase::Backlog
            | Phase::SpecGeneration { .. }
            | Phase::SpecReview { .. }
            | Phase::SpecRevision { .. }
            | Phase::SpecApproved { .. }
            | Phase::ImplementationQueued { .. }
            | Phase::Implementation { .. }
            | Phase::ImplementationReview { .. }
            | Phase::Done { .. }
            | Phase::SpecFailed { .. }
            | Phase::ImplementationFailed { .. }
            | Phase::Cancelled { .. },
            _,
        ) => {
            let allowed = "an implementation is reviewed in implementation_review, before it lands";
            return Err(wrong_state(&draft.task, "review the implementation", allowed));
        }
    }
    if decision == Decision::RequestChanges && comments.trim().is_empty() && line_comments.is_empty() {
        return Err(Rejected::Invalid(
            "say what is to be changed in `comments` or `line_comments`".to_owned(),
        ));
    }
    draft.event(Event::ImplementationReviewed {
        decision,
        by: by.clone(),
        comments: comments.clone(),
        acknowledged,
        line_comments: line_comments.clone(),
    });
    match decision {
        Decision::Approve => draft.effect(Effect::Land),
        Decision::RequestChanges => {
            rework(draft, REVIEW_CHANGES, Ask::Rework { comments, line_comments });
        }
        Decision::Reject => super::people::end(draft, by),
    }
    Ok(())
}

/// Whether a session is at work on just these changes.
fn is_asked_for(task: &Task, comments: &str, line_comments: &[LineComment]) -> bool {
    let last = task.sessions.iter().max_by_key(|session| session.rank);
    last.is_some_and(|session| {
        session.name == REVIEW_CHANGES
            && !session.is_ended()
            && session.description == prompts::rework_words(comments, line_comments)
    })
}

/// A further session does what was asked for, after everything there is.
fn rework(draft: &mut Draft<'_, '_>, name: &str, ask: Ask) {
    let rank = draft.task.sessions.iter().map(|session| session.rank + 1).max().unwrap_or(0);
    let id = SessionId::fresh(draft.cx.ids);
    let description = match &ask {
        Ask::Rework { comments, line_comments } => prompts::rework_words(comments, line_comments),
        Ask::ResolveConflict { files, .. } => {
            format!("Resolve the conflict with the base branch in {}.", files.join(", "))
        }
        Ask::Plan
        | Ask::Revise { .. }
        | Ask::MendDocuments { .. }
        | Ask::Implement
        | Ask::Continue { .. }
        | Ask::NothingChanged
        | Ask::ReportItems { .. }
        | Ask::Message => String::new(),
    };
    let session = PlannedSession {
        helix_session: HelixSessionId::fresh(draft.cx.ids),
        thread: ThreadId::fresh(draft.cx.ids),
        name: name.to_owned(),
        description,
        phase: SessionPhase::Validation,
        agent: draft.task.implementation_agent.clone(),
        method: CreationMethod::AdHoc,
        unit: None,
        parent: None,
        depends_on: Vec::new(),
        rank,
        branch: Some(draft.task.session_branch(&id)),
        next_ask: Some(ask),
        wish: SessionRequest::default(),
        branched_from: None,
        alternative_to: None,
        elsewhere: None,
        id,
    };
    draft.event(Event::SessionPlanned { session: Box::new(session) });
    draft.event(Event::ImplementationQueued);
}

pub(super) fn landed(draft: &mut Draft<'_, '_>, outcome: LandOutcome) -> Result<(), Rejected> {
    if !matches!(draft.task.phase, Phase::ImplementationReview { landing: Landing::Merging { .. }, .. }) {
        return Err(stale("the landing"));
    }
    match outcome {
        LandOutcome::Landed { commit } => {
            draft.event(Event::Landed { commit });
            end_elsewhere(draft);
            draft.effect(Effect::StopInstance);
            draft.effect(Effect::CloseWorktrees);
        }
        LandOutcome::Waiting { reason } => {
            if draft.task.queue_reason.as_ref() != Some(&reason) {
                draft.event(Event::Queued { reason });
            }
            draft.effect_after(LANDING_RETRY, Effect::Land);
        }
        LandOutcome::Secrets { message } => {
            let failure = Failure { class: FailureClass::SecretFound, message, at: draft.cx.now };
            draft.event(Event::LandingHeld { failure });
        }
        LandOutcome::Held { message } => {
            let failure = Failure { class: FailureClass::FindingOpen, message, at: draft.cx.now };
            draft.event(Event::LandingHeld { failure });
        }
        LandOutcome::Conflict { files, details } => {
            let message = format!(
                "The change conflicts with what landed on {} since, in {}. An agent is resolving it; review the result.",
                draft.task.base_branch,
                files.join(", ")
            );
            let failure = Failure { class: FailureClass::Conflict, message, at: draft.cx.now };
            draft.event(Event::LandingHeld { failure });
            let ask = Ask::ResolveConflict { files, details, begun: false };
            rework(draft, "Conflict with the base branch", ask);
        }
        LandOutcome::ChecksFailed { results } => {
            let failed: Vec<&CheckResult> = results.iter().filter(|result| !result.passed).collect();
            let commands: Vec<String> = failed.iter().map(|result| format!("`{}`", result.command)).collect();
            let said = failed.first().map_or("", |result| end_of(&result.output));
            let message = format!(
                "The change passes its checks alone, and not together with what landed on {} since: {} failed. Request \
                 changes to have an agent fix it, or approve again to try again. Output: {said}",
                draft.task.base_branch,
                commands.join(", "),
            );
            let failure = Failure { class: FailureClass::Conflict, message, at: draft.cx.now };
            draft.event(Event::LandingHeld { failure });
        }
    }
    Ok(())
}

/// The end of what a check printed, short enough for a sentence.
fn end_of(output: &str) -> &str {
    let output = output.trim();
    let from = output.len().saturating_sub(SAID);
    (from..output.len()).find_map(|at| output.get(at..)).unwrap_or_default()
}

/// What runs in editors is over with the task.
fn end_elsewhere(draft: &mut Draft<'_, '_>) {
    let open: Vec<SessionId> = draft
        .task
        .sessions
        .iter()
        .filter(|session| matches!(session.state, SessionState::Elsewhere { .. }) && !session.is_ended())
        .map(|session| session.id.clone())
        .collect();
    for session in open {
        draft.event(Event::SessionCancelled { session });
    }
}

/// The checks could not run at all: a person decides.
pub(super) fn checks_failed(draft: &mut Draft<'_, '_>, failure: Failure) -> Result<(), Rejected> {
    if draft.task.status() != TaskStatus::Implementation {
        return Err(stale("the checking"));
    }
    draft.event(Event::ImplementationFailed { failure });
    draft.effect(Effect::StopInstance);
    Ok(())
}

/// Landing failed for good: the change stays under review with the reason shown.
pub(super) fn land_failed(draft: &mut Draft<'_, '_>, failure: Failure) -> Result<(), Rejected> {
    if !matches!(draft.task.phase, Phase::ImplementationReview { landing: Landing::Merging { .. }, .. }) {
        return Err(stale("the landing"));
    }
    draft.event(Event::LandingHeld { failure });
    Ok(())
}

/// Queues the implementation again after a person acted on one of its sessions.
pub(super) fn resume(draft: &mut Draft<'_, '_>) {
    match draft.task.status() {
        // What begins again needs a place like what begins.
        TaskStatus::Implementation if super::conversation::is_runnable(&draft.task) => {
            draft.event(Event::ImplementationQueued);
        }
        TaskStatus::Implementation => sessions::advance(draft),
        TaskStatus::ImplementationFailed => draft.event(Event::ImplementationQueued),
        TaskStatus::ImplementationReview => {
            if draft.task.sessions.iter().any(|session| session.is_crew() && !session.is_ended()) {
                draft.event(Event::ImplementationQueued);
            }
        }
        TaskStatus::Backlog
        | TaskStatus::SpecGeneration
        | TaskStatus::SpecReview
        | TaskStatus::SpecRevision
        | TaskStatus::SpecApproved
        | TaskStatus::ImplementationQueued
        | TaskStatus::Done
        | TaskStatus::SpecFailed
        | TaskStatus::Cancelled => {}
    }
}
