//! Webhooks: messages to endpoints outside, signed as the Standard Webhooks specification says.
//!
//! The messages for an endpoint are written in the transaction of the change that they are about. Each endpoint has a
//! separate sender, so that a slow endpoint delays neither work nor other endpoints.

mod deliver;
mod endpoints;
mod messages;

pub(crate) use deliver::{retry_at, run};
pub use endpoints::{Endpoint, Webhooks};
pub use messages::EVENTS;
pub(crate) use messages::page_of;
