//! Where work comes from, for the log and for traces: it is carried over to effects and to blocking threads.

use std::future::Future;
use std::sync::Arc;
use tokio::task::JoinHandle;
use tracing::{Instrument as _, Span};

tokio::task_local! {
    /// The id of the HTTP request that is answered.
    static REQUEST_ID: Arc<str>;
}

/// The decision that requested an effect.
pub(crate) struct Origin {
    /// Kept open until the effect's span refers to it.
    span: Span,
    request_id: Option<Arc<str>>,
}

impl Origin {
    /// The decision that is being made.
    pub(crate) fn current() -> Self {
        Self { span: Span::current(), request_id: REQUEST_ID.try_with(Clone::clone).ok() }
    }

    /// Notes in an effect's span which decision and which request it comes from.
    pub(crate) fn note_in(&self, effect: &Span) {
        effect.follows_from(&self.span);
        if let Some(id) = &self.request_id {
            effect.record("request_id", &**id);
        }
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
