//! Notification of people and programs: live updates, the inbox, webhooks, push messages.

pub mod inbox;
pub mod push;
pub mod updates;
pub mod webhooks;
