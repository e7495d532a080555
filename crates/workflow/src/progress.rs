//! The progress of a task: items done of items, the one definition that every answer and page shows.
//!
//! An item is a line of the living checklist; optional ones count once they are done. A planned task whose plan has no
//! sub-tasks advances with its agent's own plan. What a person skipped or cancelled does not count. A task without a plan
//! counts its sessions.

use crate::items::{parts, position};
use crate::{Landing, Phase, Session, SessionStatus, Task, TaskStatus, Unit};
use serde::{Deserialize, Serialize};
use specs::checklist::{Checklist, Marker};

/// How many items of a planned task are done, its own line among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemCount {
    /// The index of the planned task.
    pub unit: usize,
    pub done: usize,
    pub total: usize,
}

impl ItemCount {
    /// Counts the items of each planned task in a checklist.
    pub fn of(units: &[Unit], checklist: &Checklist) -> Vec<Self> {
        let count = |unit: &Unit| {
            let at = position(checklist, unit)?;
            let own = std::slice::from_ref(&checklist.items[at]);
            let items = || own.iter().chain(parts(checklist, at));
            let done = items().filter(|item| item.marker == Marker::Completed).count();
            let open = items().filter(|item| item.marker != Marker::Completed && !item.optional).count();
            Some(Self { unit: unit.index, done, total: (done + open).max(1) })
        };
        units.iter().filter_map(count).collect()
    }
}

/// Returns a part of a whole, 0 to 1; 0 when the whole is 0.
#[expect(clippy::cast_precision_loss, reason = "counts of sessions and items are small")]
pub fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

impl Task {
    /// Returns the share of the task's items that is done, 0 to 1.
    pub fn progress(&self) -> f64 {
        let parts: Vec<(f64, usize)> = if self.units().is_empty() {
            let wanted =
                |session: &&Session| session.is_crew() && session.own_status() != SessionStatus::Cancelled;
            self.sessions.iter().filter(wanted).map(|session| (self.session_progress(session), 1)).collect()
        } else {
            self.units().iter().filter_map(|unit| self.items_done(unit.index)).collect()
        };
        if parts.is_empty() {
            return if self.status() == TaskStatus::Done { 1.0 } else { 0.0 };
        }
        let total: usize = parts.iter().map(|(_, total)| total).sum();
        #[expect(clippy::cast_precision_loss, reason = "a plan has few items")]
        let whole = total as f64;
        rounded(parts.iter().map(|(done, _)| done).sum::<f64>() / whole)
    }

    /// Returns how far the validation of the change has come, 0 to 1: its checks run, it waits for review, it is
    /// approved.
    pub fn validation_progress(&self) -> f64 {
        match &self.phase {
            Phase::Implementation { checking: true, .. } => 0.25,
            Phase::ImplementationReview { landing: Landing::Undecided, .. } => 0.5,
            Phase::ImplementationReview { landing: Landing::Merging { .. }, .. } => 0.9,
            Phase::Done { .. } => 1.0,
            Phase::Backlog
            | Phase::SpecGeneration { .. }
            | Phase::SpecReview { .. }
            | Phase::SpecRevision { .. }
            | Phase::SpecApproved { .. }
            | Phase::ImplementationQueued { .. }
            | Phase::Implementation { .. }
            | Phase::SpecFailed { .. }
            | Phase::ImplementationFailed { .. }
            | Phase::Cancelled { .. } => 0.0,
        }
    }

    /// Returns the share of a planned task's items that is done, 0 to 1.
    pub fn unit_progress(&self, index: usize) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a planned task has few items")]
        self.items_done(index).map_or(0.0, |(done, total)| rounded(done / total as f64))
    }

    /// Returns the share of a session's items that is done, 0 to 1.
    pub fn session_progress(&self, session: &Session) -> f64 {
        let carried_out =
            |unit: &&Unit| self.session_of_unit(unit.index).is_some_and(|of| of.id == session.id);
        let units: Vec<(f64, usize)> = self
            .units_of(session)
            .iter()
            .filter(carried_out)
            .filter_map(|unit| self.items_done(unit.index))
            .collect();
        if units.is_empty() {
            return match session.own_status() {
                SessionStatus::Completed => 1.0,
                _ => rounded(session.plan_share().unwrap_or(0.0)),
            };
        }
        #[expect(clippy::cast_precision_loss, reason = "a planned task has few items")]
        let total = units.iter().map(|(_, total)| total).sum::<usize>() as f64;
        rounded(units.iter().map(|(done, _)| done).sum::<f64>() / total)
    }

    /// Returns the items of a planned task that are done, and all of them; none where it does not count.
    #[expect(clippy::cast_precision_loss, reason = "a planned task has few items")]
    fn items_done(&self, index: usize) -> Option<(f64, usize)> {
        let session = self.session_of_unit(index);
        let status = session.map(Session::own_status);
        if status == Some(SessionStatus::Cancelled) {
            return None;
        }
        let (done, total) = self
            .item_counts
            .iter()
            .find(|count| count.unit == index)
            .map_or((0, 1), |count| (count.done, count.total));
        // What another session ticked for it is not done.
        let has_begun = |session: &Session| {
            !matches!(session.own_status(), SessionStatus::Pending) || !session.ended.is_empty()
        };
        if session.is_some_and(|session| !has_begun(session)) {
            return Some((0.0, total));
        }
        let has_unreported = session.is_some_and(|session| self.has_unreported(session, index));
        if status == Some(SessionStatus::Completed) && !has_unreported {
            return Some((total as f64, total));
        }
        let of_plan = session.and_then(Session::plan_share).filter(|_| total == 1 && !has_unreported);
        Some((of_plan.unwrap_or(0.0).max(done as f64), total))
    }
}

/// Returns a share to a millionth, so that a whole is 1.
fn rounded(share: f64) -> f64 {
    (share * 1e6).round() / 1e6
}
