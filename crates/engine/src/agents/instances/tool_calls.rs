//! The number of calls of a session's crew tools, and the calls that wait for a person.

use super::{Instances, LiveSession};
use std::sync::Arc;
use workflow::SessionId;

/// How many calls one turn may make.
pub const MAX_TOOL_CALLS: u32 = 200;

/// The calls of a session's present turn.
#[derive(Default)]
pub(super) struct ToolCalls {
    made: u32,
    waiting: u32,
}

impl ToolCalls {
    /// Counts a call, and returns whether the turn may make it.
    fn admit(&mut self) -> bool {
        if self.made >= MAX_TOOL_CALLS {
            return false;
        }
        self.made += 1;
        true
    }

    pub(super) fn end_turn(&mut self) {
        self.made = 0;
    }
}

/// A call that waits for a person; the agent is not silent meanwhile.
pub struct WaitingCall(Arc<LiveSession>);

impl Drop for WaitingCall {
    fn drop(&mut self) {
        self.0.tool_calls(|calls| calls.waiting = calls.waiting.saturating_sub(1));
    }
}

impl LiveSession {
    pub(super) fn has_waiting_calls(&self) -> bool {
        self.tool_calls(|calls| calls.waiting > 0)
    }
}

impl Instances {
    /// Counts a call of a session's tools, and returns whether its turn may make it.
    pub fn admit_tool_call(&self, session: &SessionId) -> bool {
        self.live_session(session).tool_calls(ToolCalls::admit)
    }

    /// Records that a call of a session waits for a person, until the returned value is dropped.
    pub fn begin_waiting_call(&self, session: &SessionId) -> WaitingCall {
        let live = self.live_session(session);
        live.tool_calls(|calls| calls.waiting += 1);
        WaitingCall(live)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_makes_so_many_calls_and_the_next_one_again() {
        let mut calls = ToolCalls::default();
        assert!((0..MAX_TOOL_CALLS).all(|_| calls.admit()));
        assert!(!calls.admit());
        calls.end_turn();
        assert!(calls.admit());
    }
}
