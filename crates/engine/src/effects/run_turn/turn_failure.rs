//! Why a turn failed, and when it can be tried again.

use crate::effects::{self, failure};
use agent::AgentError;
use jiff::Timestamp;
use workflow::{Failure, FailureClass, Millis, Usage};

/// Why a turn failed.
pub(super) struct TurnFailure {
    pub(super) failure: Failure,
    /// When trying again can help, where the error says so.
    pub(super) retry_at: Option<Millis>,
    /// The usage of its model calls, where the agent reports each.
    pub(super) usage: Option<Usage>,
}

impl From<Failure> for TurnFailure {
    fn from(failure: Failure) -> Self {
        Self { failure, retry_at: None, usage: None }
    }
}

/// Returns an agent's error as a failure of the task, with what to do where a person has to do it.
pub(super) fn agent_failure(error: &AgentError) -> TurnFailure {
    let class = match error.class() {
        // Writes of an agent fail for lack of the same room.
        _ if effects::is_out_of_space(error) => FailureClass::OutOfSpace,
        agent::FailureClass::Missing => FailureClass::AgentMissing,
        agent::FailureClass::Crashed => FailureClass::AgentCrashed,
        agent::FailureClass::Silent => FailureClass::AgentSilent,
        agent::FailureClass::Refused => FailureClass::AgentRefused,
        agent::FailureClass::InvalidOutput => FailureClass::InvalidOutput,
        agent::FailureClass::AuthNeeded => FailureClass::AuthNeeded,
        agent::FailureClass::Limit => FailureClass::Limit,
        agent::FailureClass::Network => FailureClass::Network,
        // A conversation that is too long continues in a new agent session.
        agent::FailureClass::ModelError | agent::FailureClass::ContextExceeded => FailureClass::AgentError,
    };
    let mut message = effects::chain(error);
    if class == FailureClass::AuthNeeded {
        if !message.ends_with(['.', '!', '?', '…']) {
            message.push('.');
        }
        message.push_str("\nSign in to the agent or set its key, then Retry.");
    }
    let failure = failure(class, message);
    let now = Timestamp::from_millisecond(failure.at.0).ok();
    let at = error.retry_time().zip(now).and_then(|(retry, now)| retry.moment(now));
    TurnFailure { failure, retry_at: at.map(|at| Millis(at.as_millisecond())), usage: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use agent::RetryTime;
    use jiff::SignedDuration;

    #[test]
    fn a_failure_says_what_to_do_and_when() {
        let signed_out = agent_failure(&AgentError::AuthNeeded { message: "no key".to_owned() });
        assert_eq!(signed_out.failure.class, FailureClass::AuthNeeded);
        assert!(signed_out.failure.message.ends_with("then Retry."), "{}", signed_out.failure.message);
        let limit = |class, seconds| {
            let retry = Some(RetryTime::After(SignedDuration::from_secs(seconds)));
            let TurnFailure { failure, retry_at, .. } =
                agent_failure(&AgentError::Model { class, message: "busy".to_owned(), retry });
            (failure.class, retry_at.map(|at| at.0 - failure.at.0))
        };
        assert_eq!(limit(agent::FailureClass::Limit, 90), (FailureClass::Limit, Some(90_000)));
        assert_eq!(limit(agent::FailureClass::ContextExceeded, -1), (FailureClass::AgentError, None));
        let refused =
            agent_failure(&AgentError::Refused { code: -1, message: "No space left on device".to_owned() });
        assert_eq!(refused.failure.class, FailureClass::OutOfSpace);
    }
}
