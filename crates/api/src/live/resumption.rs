//! Where listeners of the live stream were at each of their last messages, so that one that reconnects resumes there.
//!
//! Messages of feeds and of session logs have no common order in the store. What a number meant is known from the order in
//! which a connection was sent them, which is kept for a while after the connection ends, and while the server runs.

use parking_lot::{Mutex, MutexGuard};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

/// The number of messages back from which a listener resumes.
const MAX_MESSAGES: usize = 1000;
/// How many listeners of the same topics are remembered.
const MAX_LISTENERS: usize = 4;
/// How many sets of topics are remembered.
const MAX_SETS: usize = 200;

/// Positions of topics, by the names of their sources.
pub(crate) type Positions = BTreeMap<String, u64>;

/// Where a listener is: its topics' positions, and the last row of the feed that it took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StreamPosition {
    pub(crate) seq: u64,
    pub(crate) topics: Positions,
    pub(crate) taken: i64,
}

/// A listener's last messages.
#[derive(Debug)]
struct Sent {
    now: StreamPosition,
    /// The source of each message, and the last row of the feed that was taken before it.
    messages: VecDeque<(String, i64)>,
}

/// A listener's last messages, shared with those who look for them.
#[derive(Clone, Debug)]
pub(crate) struct History(Arc<Mutex<Sent>>);

/// The histories of listeners, by user and topics.
#[derive(Clone, Default)]
pub(crate) struct Resumptions(Arc<Mutex<Known>>);

#[derive(Default)]
struct Known {
    sets: HashMap<String, VecDeque<History>>,
    /// The sets, oldest first.
    order: VecDeque<String>,
}

impl History {
    fn sent(&self) -> MutexGuard<'_, Sent> {
        self.0.lock()
    }

    /// Notes a message of a source; `taken` is the last row of the feed that was taken before.
    pub(crate) fn push(&self, source: &str, taken: i64) {
        let mut sent = self.sent();
        let Some(position) = sent.now.topics.get_mut(source) else { return };
        *position += 1;
        sent.now.seq += 1;
        sent.messages.push_back((source.to_owned(), taken));
        if sent.messages.len() > MAX_MESSAGES {
            sent.messages.pop_front();
        }
    }

    /// Notes the last row of the feed that was taken.
    pub(crate) fn set_taken(&self, taken: i64) {
        self.sent().now.taken = taken;
    }

    /// Returns where the listener was when it had seen the message with a number.
    fn at(&self, seq: u64) -> Option<StreamPosition> {
        let sent = self.sent();
        let mut position = sent.now.clone();
        for (source, taken) in sent.messages.iter().rev() {
            if position.seq <= seq {
                break;
            }
            *position.topics.get_mut(source)? -= 1;
            position.seq -= 1;
            position.taken = *taken;
        }
        (position.seq == seq).then_some(position)
    }
}

impl Resumptions {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock()
    }

    /// Begins the history of a listener.
    pub(crate) fn begin(&self, user: &str, position: StreamPosition) -> History {
        let key = key(user, &position.topics);
        let history = History(Arc::new(Mutex::new(Sent { now: position, messages: VecDeque::new() })));
        let mut known = self.known();
        if !known.sets.contains_key(&key) {
            known.order.push_back(key.clone());
            if known.order.len() > MAX_SETS
                && let Some(oldest) = known.order.pop_front()
            {
                known.sets.remove(&oldest);
            }
        }
        let set = known.sets.entry(key).or_default();
        set.push_back(history.clone());
        if set.len() > MAX_LISTENERS {
            set.pop_front();
        }
        history
    }

    /// Returns where a listener of some topics was, when that can be told exactly.
    pub(crate) fn find(&self, user: &str, topics: &Positions, seq: u64) -> Option<StreamPosition> {
        let known = self.known();
        let mut found: Vec<StreamPosition> =
            known.sets.get(&key(user, topics))?.iter().filter_map(|history| history.at(seq)).collect();
        found.dedup_by(|a, b| a.topics == b.topics);
        match found.as_slice() {
            [one] => Some(one.clone()),
            _ => None,
        }
    }
}

fn key(user: &str, topics: &Positions) -> String {
    let names: Vec<&str> = topics.keys().map(String::as_str).collect();
    format!("{user}\n{}", names.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(seq: u64, feed: u64, log: u64, taken: i64) -> StreamPosition {
        let topics = BTreeMap::from([("feed".to_owned(), feed), ("log".to_owned(), log)]);
        StreamPosition { seq, topics, taken }
    }

    #[test]
    fn a_listener_is_taken_up_where_it_was() {
        let all = Resumptions::default();
        let history = all.begin("ada", position(10, 4, 6, 40));
        history.push("feed", 40);
        history.set_taken(41);
        history.push("log", 41);
        history.push("feed", 41);
        history.set_taken(45);
        let topics = position(0, 0, 0, 0).topics;
        let find = |seq| all.find("ada", &topics, seq);
        assert_eq!(find(10), Some(position(10, 4, 6, 40)));
        assert_eq!(find(11), Some(position(11, 5, 6, 41)));
        assert_eq!(find(12), Some(position(12, 5, 7, 41)));
        assert_eq!(find(13), Some(position(13, 6, 7, 45)));
        assert_eq!((find(9), find(14)), (None, None));
        assert_eq!(all.find("bob", &topics, 12), None);
        // Where two listeners saw different messages under one number, it means nothing.
        let other = all.begin("ada", position(10, 4, 6, 40));
        other.push("log", 40);
        assert_eq!((find(11), find(10)), (None, Some(position(10, 4, 6, 40))));
    }
}
