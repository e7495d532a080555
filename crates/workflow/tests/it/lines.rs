//! Who goes first when places are short, and that everybody's turn comes.

use proptest::prelude::*;
use workflow::schedule::{MAX_PRIORITY_BOOST, queue_key};
use workflow::{Effort, Millis, Priority};

#[test]
fn what_matters_more_and_is_smaller_goes_first() {
    let at = Millis(1_000);
    let line = |priority, effort| queue_key(at, priority, effort);
    assert!(line(Priority::Critical, Effort::Large) < line(Priority::High, Effort::Small));
    assert!(line(Priority::Low, Effort::Small) < line(Priority::Low, Effort::Medium));
    assert!(line(Priority::Low, Effort::Medium) < line(Priority::Low, Effort::Large));
    assert!(
        queue_key(at, Priority::Low, Effort::Large) < queue_key(at.plus(1), Priority::Low, Effort::Large)
    );
}

/// Somebody who waits: since when, and what it is.
type Waiting = (i64, Priority, Effort);

/// Serves one a minute, always who is first in line, while others keep coming; the longest anybody waited.
fn longest_wait(first: Waiting, others: &[(Priority, Effort)]) -> i64 {
    let minute = 60_000;
    let mut waiting: Vec<Waiting> = vec![first];
    let mut coming = others.iter();
    for now in (0..).map(|minutes| minutes * minute) {
        waiting.extend(coming.next().map(|(priority, effort)| (now, *priority, *effort)));
        let next = waiting
            .iter()
            .min_by_key(|(since, priority, effort)| queue_key(Millis(*since), *priority, *effort));
        let Some(next) = next.copied() else { return i64::MAX };
        if next == first {
            return now - first.0;
        }
        waiting.retain(|other| *other != next);
    }
    i64::MAX
}

proptest! {
    #[test]
    fn nobody_starves_whoever_comes(
        priority in prop::sample::select(Priority::ALL),
        effort in prop::sample::select(Effort::ALL),
        others in prop::collection::vec(
            (prop::sample::select(Priority::ALL), prop::sample::select(Effort::ALL)), 0..300),
    ) {
        let waited = longest_wait((0, priority, effort), &others);
        prop_assert!(waited <= MAX_PRIORITY_BOOST + 60_000, "waited {waited} ms");
    }
}
