//! The rules that several inputs share. No rule imports the file of an input.

pub(super) mod alternatives;
pub(super) mod approval;
pub(super) mod cancellation;
pub(super) mod comment_answers;
pub(super) mod comments;
pub(super) mod conflict;
pub(super) mod conversation;
pub(super) mod coordination;
pub(super) mod crew;
pub(super) mod messages;
pub(super) mod new_session;
pub(super) mod plan;
pub(super) mod planning;
pub(super) mod preconditions;
pub(super) mod repair;
pub(super) mod rework;
pub(super) mod start;
pub(super) mod turn;
