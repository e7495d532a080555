//! The limits that agents reached: a usage limit or a rate limit holds for an account, and so for every session of the agent.
//!
//! They are kept in a file beside the data, which the server and the command line share, so that they outlive restarts.

use crate::clock::now;
use crate::settings::data_dir::write_private;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use workflow::Millis;

/// How long the first wait is where the agent does not say when its limit ends, in milliseconds.
const FIRST_DELAY: i64 = 60_000;
/// The longest such wait, in milliseconds.
const MAX_DELAY: i64 = 3_600_000;
/// The longest wait for an end that an agent named, in milliseconds: some limits are per week.
const MAX_NAMED_DELAY: i64 = 8 * 24 * 3_600_000;
/// How long after its end a limit counts as the same one that is reached again, in milliseconds.
const SAME_LIMIT: i64 = 2 * MAX_DELAY;

/// A limit that an agent reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentLimit {
    pub since: Millis,
    pub until: Millis,
    /// What the agent said.
    pub message: String,
    /// How many times in a row the agent reached it without saying when it ends.
    pub failures: u32,
}

impl AgentLimit {
    /// Returns the limit after it was reached at `at`. A limit that is in force already ends no sooner than before.
    fn reached(known: Option<&Self>, at: Millis, until: Option<Millis>, message: &str) -> Self {
        let in_force = known.filter(|known| known.until > at);
        let failures = match known {
            _ if until.is_some() => 0,
            // The turns that ran meanwhile meet the same limit.
            Some(known) if in_force.is_some() => known.failures,
            Some(known) if known.until.plus(SAME_LIMIT) > at => known.failures + 1,
            Some(_) | None => 1,
        };
        let delay = match until {
            Some(until) => (until.0 - at.0).clamp(0, MAX_NAMED_DELAY),
            None => (FIRST_DELAY << failures.saturating_sub(1).min(6)).min(MAX_DELAY),
        };
        let end = match in_force {
            Some(known) if until.is_none() || known.until > at.plus(delay) => known.until,
            Some(_) | None => at.plus(delay),
        };
        Self {
            since: in_force.map_or(at, |known| known.since),
            until: end,
            message: message.to_owned(),
            failures,
        }
    }

    /// Returns the limit as it is when the clock was set back: its length is unchanged.
    fn at_clock(self, at: Millis) -> Self {
        let ahead = (self.since.0 - at.0).max(0);
        Self { since: self.since.plus(-ahead), until: self.until.plus(-ahead), ..self }
    }
}

/// The limits of all agents, by their ids.
pub(crate) struct AgentLimits {
    file: PathBuf,
    writing: Mutex<()>,
}

impl AgentLimits {
    pub(crate) fn new(data_dir: &Path) -> Self {
        Self { file: data_dir.join("agent-limits.json"), writing: Mutex::default() }
    }

    /// Returns the limits that are in force.
    pub(crate) fn in_force(&self) -> BTreeMap<String, AgentLimit> {
        let at = now();
        let known = self.read();
        if known.values().any(|limit| limit.since > at) {
            self.change(|all| {
                for limit in all.values_mut() {
                    *limit = limit.clone().at_clock(at);
                }
            });
        }
        let known = known.into_iter().map(|(id, limit)| (id, limit.at_clock(at)));
        known.filter(|(_, limit)| limit.until > at).collect()
    }

    /// Keeps that an agent reached a limit, and returns it.
    pub(crate) fn note(&self, id: &str, until: Option<Millis>, message: &str) -> AgentLimit {
        let mut limit = AgentLimit::reached(self.read().get(id), now(), until, message);
        self.change(|all| {
            limit = AgentLimit::reached(all.get(id), now(), until, message);
            all.insert(id.to_owned(), limit.clone());
        });
        limit
    }

    /// Returns whether there is a limit, in force or over, that the agent did not work since.
    pub(crate) fn is_known(&self, id: &str) -> bool {
        self.read().contains_key(id)
    }

    /// Ends a limit. Returns whether there was one in force.
    pub(crate) fn end(&self, id: &str) -> bool {
        let at = now();
        let mut was_in_force = false;
        if self.read().contains_key(id) {
            self.change(|all| {
                was_in_force = all.remove(id).is_some_and(|limit| limit.until > at);
            });
        }
        was_in_force
    }

    /// Forgets a limit that is over, since the agent works.
    pub(crate) fn note_success(&self, id: &str) {
        let at = now();
        if self.read().get(id).is_some_and(|limit| limit.until <= at) {
            self.end(id);
        }
    }

    fn read(&self) -> BTreeMap<String, AgentLimit> {
        let text = std::fs::read_to_string(&self.file).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    fn change(&self, change: impl FnOnce(&mut BTreeMap<String, AgentLimit>)) {
        let _one_by_one = self.writing.lock();
        let mut all = self.read();
        change(&mut all);
        let fresh = self.file.with_extension(format!("{}.new", std::process::id()));
        let written = serde_json::to_vec_pretty(&all).map_err(std::io::Error::from).and_then(|text| {
            write_private(&fresh, &text)?;
            std::fs::rename(&fresh, &self.file)
        });
        if let Err(error) = written {
            tracing::warn!(%error, file = %self.file.display(), "could not keep the limits of agents");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_without_an_end_backs_off() {
        let mut limit = AgentLimit::reached(None, Millis(0), None, "busy");
        let mut minutes = vec![limit.until.0 / 60_000];
        for _ in 0..7 {
            let at = limit.until;
            limit = AgentLimit::reached(Some(&limit), at, None, "busy");
            minutes.push((limit.until.0 - at.0) / 60_000);
        }
        assert_eq!(minutes, [1, 2, 4, 8, 16, 32, 60, 60]);
        let later = limit.until.plus(SAME_LIMIT + 1);
        assert_eq!(AgentLimit::reached(Some(&limit), later, None, "busy").until, later.plus(60_000));
    }

    #[test]
    fn sessions_that_reach_one_limit_together_wait_once() {
        let first = AgentLimit::reached(None, Millis(0), None, "busy");
        let second = AgentLimit::reached(Some(&first), Millis(5), None, "busy");
        assert_eq!((second.until, second.failures), (first.until, 1));
        let named = AgentLimit::reached(Some(&second), Millis(10), Some(Millis(7_200_000)), "until 2");
        assert_eq!((named.since, named.until), (Millis(0), Millis(7_200_000)));
        let sooner = AgentLimit::reached(Some(&named), Millis(20), Some(Millis(100)), "soon");
        assert_eq!(sooner.until, Millis(7_200_000));
        let far = AgentLimit::reached(None, Millis(0), Some(Millis(i64::MAX)), "never");
        assert_eq!(far.until, Millis(MAX_NAMED_DELAY));
    }

    #[test]
    fn a_clock_that_is_set_back_makes_no_wait_longer() {
        let limit = AgentLimit::reached(None, Millis(1_000_000), Some(Millis(1_060_000)), "busy");
        let moved = limit.clone().at_clock(Millis(400_000));
        assert_eq!((moved.since, moved.until), (Millis(400_000), Millis(460_000)));
        assert_eq!(limit.clone().at_clock(Millis(1_030_000)), limit);
    }

    #[test]
    fn limits_are_kept_in_a_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let limits = AgentLimits::new(folder.path());
        assert!(limits.in_force().is_empty() && !limits.end("one"));
        let until = limits.note("one", None, "busy").until;
        let other = AgentLimits::new(folder.path());
        assert_eq!(other.in_force().get("one").map(|limit| limit.until), Some(until));
        // A turn that was under way when the limit was reached says nothing about it.
        other.note_success("one");
        assert!(other.end("one") && limits.in_force().is_empty());
    }
}
