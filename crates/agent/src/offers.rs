//! What the agent of a process offers for each of its sessions, kept from its answers and its updates.

use crate::modes::ModeHistory;
use crate::options::OfferedOptions;
use parking_lot::{Mutex, MutexGuard};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;

/// How many sessions are kept that the agent named first: updates come before the answer that names their session.
const MAX_UNASKED: usize = 256;

/// The offers of one process, by session. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Offers(Arc<Mutex<HashMap<String, SessionState>>>);

/// What is known of one session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SessionState {
    pub(crate) offered: OfferedOptions,
    pub(crate) modes: ModeHistory,
}

impl Offers {
    /// Takes in the answer that opened a session.
    pub(crate) fn open(&self, session: &str, answer: &Value) {
        let mut all = self.all();
        let state = all.entry(session.to_owned()).or_default();
        state.offered.take_answer(answer);
        state.modes.begin(state.offered.modes());
    }

    /// Takes in a `session/update`.
    pub(crate) fn take_update(&self, session: &str, update: &Value) {
        let mut all = self.all();
        if let Some(state) = all.get_mut(session) {
            state.offered.take_update(update);
        } else if all.len() < MAX_UNASKED {
            let mut offered = OfferedOptions::default();
            if offered.take_update(update) {
                all.insert(session.to_owned(), SessionState { offered, ..SessionState::default() });
            }
        }
    }

    pub(crate) fn all(&self) -> MutexGuard<'_, HashMap<String, SessionState>> {
        self.0.lock()
    }
}
