//! A request's body, given up when the client does not send it.

use axum::body::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep};

/// How much of a body must come within the time-out, in bytes.
const MIN_PROGRESS: usize = 16 * 1024;

/// The client sent too little of a body for too long.
#[derive(Debug, thiserror::Error)]
#[error("the client sends the body of its request too slowly")]
pub(crate) struct BodyTimeout;

impl BodyTimeout {
    /// Returns whether an error has this cause.
    pub(crate) fn caused(error: &(dyn Error + 'static)) -> bool {
        let mut next = Some(error);
        while let Some(error) = next {
            if error.is::<Self>() {
                return true;
            }
            next = error.source();
        }
        false
    }
}

/// A body that fails when less than [`MIN_PROGRESS`] comes within a time-out. Only the time in which the server waits for
/// the client counts.
pub(super) struct TimedBody<B> {
    body: B,
    timeout: Duration,
    progress: usize,
    /// How long the client was waited for since the last progress.
    waited: Duration,
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl<B> TimedBody<B> {
    pub(super) fn new(body: B, timeout: Duration) -> Self {
        Self { body, timeout, progress: 0, waited: Duration::ZERO, waiting: None }
    }
}

impl<B> Body for TimedBody<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        match Pin::new(&mut this.body).poll_frame(cx) {
            Poll::Ready(frame) => {
                if let Some((since, _)) = this.waiting.take() {
                    this.waited += since.elapsed();
                }
                if let Some(Ok(frame)) = &frame {
                    this.progress += frame.data_ref().map_or(0, Bytes::len);
                }
                if this.progress >= MIN_PROGRESS {
                    this.progress = 0;
                    this.waited = Duration::ZERO;
                }
                Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
            }
            Poll::Pending => {
                let left = this.timeout.saturating_sub(this.waited);
                let (_, sleep) =
                    this.waiting.get_or_insert_with(|| (Instant::now(), Box::pin(tokio::time::sleep(left))));
                match sleep.as_mut().poll(cx) {
                    Poll::Ready(()) => Poll::Ready(Some(Err(Box::new(BodyTimeout)))),
                    Poll::Pending => Poll::Pending,
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
