//! The estimated time at which a task's sessions will be done, from how long sessions took before and how much work the
//! plan has left.

use crate::{Effort, Millis, Session, SessionGraph, SessionStatus, Task};

/// How long a session of some effort took, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionTime {
    pub effort: Effort,
    pub milliseconds: i64,
}

/// The time between which sessions will probably be done: half of the sessions before took that long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimate {
    pub earliest: Millis,
    pub latest: Millis,
}

/// Returns how many times the work of a small session one of this effort is.
fn weight(effort: Effort) -> f64 {
    match effort {
        Effort::Small => 1.0,
        Effort::Medium => 2.0,
        Effort::Large => 4.0,
    }
}

impl Task {
    /// Returns how long the sessions of the task took that are completed.
    pub fn session_times(&self) -> Vec<SessionTime> {
        let completed = self.sessions.iter().filter(|session| {
            session.is_crew()
                && session.own_status() == SessionStatus::Completed
                && !session.worked.is_empty()
        });
        let time = |session: &Session| {
            let worked =
                session.worked.iter().filter_map(|interval| Some(interval.until?.0 - interval.from.0));
            SessionTime { effort: self.effort_of(session), milliseconds: worked.sum() }
        };
        completed.map(time).filter(|time| time.milliseconds > 0).collect()
    }

    /// Returns when the sessions that are planned will be done, from how long others took; none where nothing is known
    /// or left.
    ///
    /// The work that is left is shared by as many sessions as may run at once, and takes at least as long as the longest
    /// chain of dependencies.
    pub fn estimate(&self, times: &[SessionTime], now: Millis) -> Option<Estimate> {
        #[expect(clippy::cast_precision_loss, reason = "no session lasts for as long as matters")]
        let mut rates: Vec<f64> =
            times.iter().map(|time| time.milliseconds as f64 / weight(time.effort)).collect();
        rates.sort_by(f64::total_cmp);
        let last = rates.len().checked_sub(1)?;
        let (low, high) = (rates[last / 4], rates[(last * 3).div_ceil(4)]);
        let (total, chain) = self.work_left();
        if total <= 0.0 {
            return None;
        }
        #[expect(clippy::cast_precision_loss, reason = "few sessions run at once")]
        let units = (total / self.max_parallel.max(1) as f64).max(chain);
        #[expect(clippy::cast_possible_truncation, reason = "far less than the range of milliseconds")]
        let at = |rate: f64| now.plus((rate * units) as i64);
        Some(Estimate { earliest: at(low), latest: at(high) })
    }

    /// Returns the work that is left in all, and along the longest chain of dependencies.
    fn work_left(&self) -> (f64, f64) {
        let graph = SessionGraph::of(self);
        let is_left = |session: &&Session| session.is_crew() && !session.is_ended();
        let mut left: Vec<(usize, &Session)> = self
            .sessions
            .iter()
            .filter(is_left)
            .map(|session| (graph.merge_position(session), session))
            .collect();
        // What is needed stands before what needs it, or beside it in the order of the sessions.
        left.sort_by_key(|(position, _)| *position);
        let mut chains: std::collections::HashMap<&crate::SessionId, f64> = std::collections::HashMap::new();
        let (mut total, mut longest) = (0.0, 0.0_f64);
        for (_, session) in left {
            let own = weight(self.effort_of(session)) * (1.0 - self.session_progress(session));
            let needed =
                session.depends_on.iter().filter_map(|id| chains.get(id).copied()).fold(0.0, f64::max);
            chains.insert(&session.id, needed + own);
            total += own;
            longest = longest.max(needed + own);
        }
        (total, longest)
    }
}
