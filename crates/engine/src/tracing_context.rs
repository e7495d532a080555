//! The origin of work, for the log and for traces: it is carried over to effects and to blocking threads.

use parking_lot::{Mutex, MutexGuard};
use std::collections::VecDeque;
use std::future::Future;
use std::sync::Arc;
use tokio::task::JoinHandle;
use tracing::{Instrument as _, Span};
use workflow::{EffectId, EffectRow};

/// For how many effects the request that they come from is known.
const MAX_EFFECTS: usize = 1024;

tokio::task_local! {
    /// The id of the HTTP request that is answered.
    static REQUEST_ID: Arc<str>;
}

/// The HTTP requests that effects come from: known for the latest effects, and lost with the process.
#[derive(Clone, Default)]
pub(crate) struct EffectRequests(Arc<Mutex<VecDeque<EffectRequest>>>);

/// An effect, and the id of the HTTP request that it comes from.
struct EffectRequest {
    effect: EffectId,
    request: Arc<str>,
}

impl EffectRequests {
    /// Notes the effects of a decision that is made for an HTTP request.
    pub(crate) fn note(&self, effects: &[EffectRow]) {
        let Ok(request) = REQUEST_ID.try_with(Clone::clone) else { return };
        let mut known = self.lock();
        known.extend(
            effects.iter().map(|row| EffectRequest { effect: row.id.clone(), request: request.clone() }),
        );
        let excess = known.len().saturating_sub(MAX_EFFECTS);
        known.drain(..excess);
    }

    /// Returns the id of the HTTP request that an effect comes from.
    pub(crate) fn of(&self, effect: &EffectId) -> Option<Arc<str>> {
        self.lock().iter().find(|known| known.effect == *effect).map(|known| known.request.clone())
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<EffectRequest>> {
        // Additions and removals leave valid content after any panic.
        self.0.lock()
    }
}

/// Answers an HTTP request: the effects that it requests carry its id.
pub async fn with_request_id<F: Future>(id: Arc<str>, work: F) -> F::Output {
    REQUEST_ID.scope(id, work).await
}

/// Does blocking work away from the runtime's threads, in the span of the caller.
#[expect(clippy::disallowed_methods, reason = "this is the one place that starts blocking work")]
pub fn spawn_blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    let span = Span::current();
    tokio::task::spawn_blocking(move || span.in_scope(work))
}

/// Starts a task in the span of the caller.
pub(crate) fn spawn_in_span<F>(work: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    tokio::spawn(work.in_current_span())
}
