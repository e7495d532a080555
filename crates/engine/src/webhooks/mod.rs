//! Webhooks: messages to endpoints outside, signed as the Standard Webhooks specification says.
//!
//! What an endpoint is to be sent is written in the transaction of the change that it is about. Each endpoint has a task of
//! its own that sends what is due, so that a slow endpoint holds up neither work nor other endpoints.

mod deliver;
mod endpoints;
mod messages;

pub(crate) use deliver::run;
pub use endpoints::{Endpoint, Webhooks};
pub use messages::EVENTS;
