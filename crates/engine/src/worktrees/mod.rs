//! Sessions' worktrees: made ready before the first turn, watched for collisions, opened in terminals, and
//! shown as previews of their dev servers.

pub mod collisions;
pub mod previews;
pub(crate) mod retired;
pub(crate) mod setup;
pub mod terminals;
