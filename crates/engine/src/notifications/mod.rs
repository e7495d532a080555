//! Notification of people and programs: live updates, the inbox, webhooks.

pub mod inbox;
pub mod updates;
pub mod webhooks;
