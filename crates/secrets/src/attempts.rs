//! Bounds what a text that repeats a rule's keyword costs.
//!
//! A rule looks at up to [`MAX_MATCH_BYTES`] bytes at each place where one of its keywords stands. Text made of nothing but keywords
//! would be looked at thousands of times over. What is bounded depends on the [`CONTEXT`] before a place alone, so that a
//! stream and the whole text agree.

use crate::rules::Shape;
use crate::{CONTEXT, MAX_MATCH_BYTES, is_delimiter};

/// How many tries of one rule within [`CONTEXT`] bytes of a word look at all of it.
const FULL_TRIES: usize = 2;
/// How many tries of one rule within [`CONTEXT`] bytes of a word are made at all. The shortest keys are 20 bytes long,
/// and lists of them have a separator.
const MAX_TRIES: usize = 8;
/// How much further tries look at, in bytes.
const SHORT_LOOK: usize = 256;

/// How much of a word a try looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    Full,
    Short,
}

impl Depth {
    pub(crate) fn bytes(self) -> usize {
        match self {
            Self::Full => MAX_MATCH_BYTES,
            Self::Short => SHORT_LOOK,
        }
    }
}

/// Where the rules were tried in a text.
#[derive(Default)]
pub(crate) struct Attempts {
    /// By rule; empty until the first try.
    of_rule: Vec<Tried>,
    scanned: Scanned,
    /// The end of the word that the last secret without a visible end is in, and from where on it was looked for.
    word: Option<(usize, usize)>,
}

/// Where one rule was tried.
#[derive(Clone, Default)]
struct Tried {
    /// The last places, in a ring.
    places: [Option<usize>; MAX_TRIES],
    next: usize,
    /// Up to here a secret of the rule goes.
    covered_until: usize,
}

/// Where the word and the line begin that a scan forward through the text has reached.
#[derive(Default)]
struct Scanned {
    until: usize,
    word: usize,
    line: usize,
}

impl Scanned {
    /// Returns where the word or line begins that a place is in; each byte is read about once over all calls.
    fn start(&mut self, shape: Shape, text: &[u8], at: usize) -> usize {
        for (place, byte) in text.iter().enumerate().take(at).skip(self.until) {
            if is_delimiter(*byte) {
                self.word = place + 1;
                if *byte == b'\n' {
                    self.line = place + 1;
                }
            }
        }
        self.until = self.until.max(at);
        let (start, is_line) = if shape == Shape::Line { (self.line, true) } else { (self.word, false) };
        if start <= at {
            return start;
        }
        // Keywords overlap, so that a place may stand a few bytes before the last one.
        let ends = |byte: &u8| if is_line { *byte == b'\n' } else { is_delimiter(*byte) };
        let window = at.saturating_sub(CONTEXT);
        text[window..at].iter().rposition(ends).map_or(window, |found| window + found + 1)
    }
}

impl Attempts {
    /// Returns how far a rule may look at a place; none where a secret of the same rule covers it, or where the rule was
    /// tried too often just before in the same word (in the same line, for rules that span words).
    pub(crate) fn admit(&mut self, rule: usize, shape: Shape, text: &[u8], at: usize) -> Option<Depth> {
        if self.of_rule.len() <= rule {
            self.of_rule.resize(rule + 1, Tried::default());
        }
        let tried = &mut self.of_rule[rule];
        let window = at.saturating_sub(CONTEXT);
        let is_near = tried.places.iter().flatten().any(|place| *place >= window);
        let crowd = if is_near {
            let start = self.scanned.start(shape, text, at).max(window);
            tried.places.iter().flatten().filter(|place| **place >= start).count()
        } else {
            0
        };
        tried.places[tried.next] = Some(at);
        tried.next = (tried.next + 1) % MAX_TRIES;
        if at < tried.covered_until {
            return None;
        }
        match crowd {
            0..FULL_TRIES => Some(Depth::Full),
            FULL_TRIES..MAX_TRIES => Some(Depth::Short),
            _ => None,
        }
    }

    /// Notes that a secret of a rule goes up to a place; only one that fills what was looked at hides others of its rule.
    pub(crate) fn cover(&mut self, rule: usize, until: usize, goes_on: bool) {
        if goes_on && let Some(tried) = self.of_rule.get_mut(rule) {
            tried.covered_until = tried.covered_until.max(until);
        }
    }

    /// Returns the end of the word that a place is in, which is looked for once for each word.
    pub(crate) fn end_of_word(&mut self, at: usize, find: impl FnOnce(usize) -> usize) -> usize {
        match self.word {
            Some((from, end)) if (from..=end).contains(&at) => end,
            _ => {
                let end = find(at);
                self.word = Some((at, end));
                end
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(text: &str, keyword: &str, shape: Shape) -> usize {
        let mut attempts = Attempts::default();
        let places = text.match_indices(keyword).map(|(at, _)| at);
        places.filter(|at| attempts.admit(0, shape, text.as_bytes(), *at).is_some()).count()
    }

    #[test]
    fn a_word_of_keywords_is_tried_a_few_times_in_each_stretch() {
        let crowded = "sk-".repeat(100_000);
        assert!(admitted(&crowded, "sk-", Shape::Word { back: 0 }) <= MAX_TRIES);
        let line = "curl ".repeat(100_000);
        assert!(admitted(&line, "curl", Shape::Line) <= MAX_TRIES);
    }

    #[test]
    fn lists_of_keys_are_tried_whole() {
        let keys = "sk-abcdefghijklmnopqrstuvwxyz0123456789,".repeat(50);
        assert_eq!(admitted(&keys, "sk-", Shape::Word { back: 0 }), 50);
        let words = "pwd=a ".repeat(500);
        assert_eq!(admitted(&words, "pwd", Shape::Name), 500);
        let lines = "curl x\n".repeat(500);
        assert_eq!(admitted(&lines, "curl", Shape::Line), 500);
    }
}
