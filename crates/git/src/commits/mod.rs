//! Commits to branches: made, merged, landed, reverted, and kept from being lost.

pub(crate) mod commit;
pub(crate) mod commit_edit;
pub(crate) mod commit_on;
pub(crate) mod forward;
pub(crate) mod gather;
pub(crate) mod keep;
pub(crate) mod land;
pub(crate) mod landing_turn;
pub(crate) mod merge;
pub(crate) mod move_evidence;
pub(crate) mod revert;
