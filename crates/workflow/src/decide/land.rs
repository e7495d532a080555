//! The landing on the base branch succeeded, waits, or was stopped.

use super::rules::{preconditions::stale, repair, rework};
use crate::context::Draft;
use crate::{
    Ask, CheckResult, Effect, Event, Failure, FailureClass, LandOutcome, Landing, Phase, Rejected, SessionId,
    SessionState,
};

/// The delay before a landing that has to wait is retried, in milliseconds.
const RETRY_DELAY_MS: i64 = 2_000;
/// The longest end of a failed check's output in a failure's message, in bytes.
const MAX_OUTPUT_BYTES: usize = 600;

pub(super) fn handle(draft: &mut Draft<'_, '_>, outcome: LandOutcome) -> Result<(), Rejected> {
    if !matches!(draft.task.phase, Phase::ImplementationReview { landing: Landing::Merging { .. }, .. }) {
        return Err(stale("the landing"));
    }
    match outcome {
        LandOutcome::Landed { commit } => {
            draft.event(Event::Landed { commit });
            cancel_external_threads(draft);
            draft.effect(Effect::StopInstance);
            draft.effect(Effect::CloseWorktrees);
        }
        LandOutcome::Waiting { reason, needs_person } => {
            if draft.task.queue_reason.as_ref() != Some(&reason) {
                draft.event(Event::Queued { reason, needs_person });
            }
            draft.effect_after(RETRY_DELAY_MS, Effect::Land);
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
            rework::add_session(draft, "Conflict with the base branch", ask);
        }
        LandOutcome::ChecksFailed { results, repair: request } => {
            let failed: Vec<&CheckResult> = results.iter().filter(|result| !result.passed).collect();
            let commands: Vec<String> = failed.iter().map(|result| format!("`{}`", result.command)).collect();
            let said = failed.first().map_or("", |result| tail(&result.output));
            let found = format!(
                "The change passes its checks alone, and not together with what landed on {} since: {} failed.",
                draft.task.base_branch,
                commands.join(", "),
            );
            let held = |advice: &str, at| {
                let message = format!("{found} {advice} Output: {said}");
                Event::LandingHeld { failure: Failure { class: FailureClass::Conflict, message, at } }
            };
            let head = draft.task.change().map(|change| change.head.clone());
            let now = draft.cx.now;
            if head.is_some_and(|head| repair::start(draft, &head, request, true)) {
                draft.event(held("An agent is fixing it; review the result.", now));
                draft.event(Event::ImplementationQueued);
            } else {
                let advice = "Request changes to have an agent fix it, or approve again to try again.";
                draft.event(held(advice, now));
            }
        }
    }
    Ok(())
}

/// Returns the end of a check's output, at most [`MAX_OUTPUT_BYTES`] long.
fn tail(output: &str) -> &str {
    let output = output.trim();
    let from = output.len().saturating_sub(MAX_OUTPUT_BYTES);
    (from..output.len()).find_map(|at| output.get(at..)).unwrap_or_default()
}

/// Cancels the threads that run in editors: they end with the task.
fn cancel_external_threads(draft: &mut Draft<'_, '_>) {
    let open: Vec<SessionId> = draft
        .task
        .sessions
        .iter()
        .filter(|session| matches!(session.state, SessionState::External { .. }) && !session.is_ended())
        .map(|session| session.id.clone())
        .collect();
    for session in open {
        draft.event(Event::SessionCancelled { session });
    }
}
