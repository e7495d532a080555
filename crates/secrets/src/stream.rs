//! Text that comes in pieces: published as soon as it cannot be part of a secret.

use crate::finding::{Source, Span};
use crate::redactor::Redactor;
use crate::scan::View;
use crate::{CONTEXT, MAX_MATCH_BYTES, WINDOW, is_delimiter, pem};

/// How much of what was published is kept, in bytes: what gives a secret away, and what stands before that.
const KEPT: usize = CONTEXT + 64;
/// The longest word that is published before it is over.
const SETTLED: usize = 24;

/// One text, as it comes.
pub struct Stream {
    redactor: Redactor,
    /// The end of what was published, then what was not.
    buffer: String,
    from: usize,
    open: Open,
    /// Per known value with blanks inside, how much of it stands at the end.
    begun: Vec<Begun>,
}

/// The rest of a secret that is left out although its tag is published.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    Nothing,
    /// The rest of a word.
    Word,
    /// The rest of a private key.
    Key,
}

impl Stream {
    pub(crate) fn new(redactor: Redactor) -> Self {
        let begun = redactor.0.known().over_words().map(Begun::new).collect();
        Self { redactor, buffer: String::new(), from: 0, open: Open::Nothing, begun }
    }

    /// Takes a piece and returns what can be published.
    pub fn push(&mut self, piece: &str) -> String {
        self.buffer.push_str(piece);
        for begun in &mut self.begun {
            piece.bytes().for_each(|byte| begun.follow(byte));
        }
        let (until, seen) = self.limit();
        if until > self.from { self.publish(until, seen, false) } else { String::new() }
    }

    /// Ends the text and returns the rest of it; what is pushed after it is another text.
    pub fn finish(&mut self) -> String {
        let end = self.buffer.len();
        let rest = self.publish(end, end, true);
        self.buffer.clear();
        self.from = 0;
        self.open = Open::Nothing;
        self.begun.iter_mut().for_each(|begun| begun.length = 0);
        rest
    }

    /// Returns whether something is held back.
    pub fn is_holding(&self) -> bool {
        self.from < self.buffer.len()
    }

    /// Returns the word that is held back where it is plain, for when nothing has come for a while: it shows that the
    /// writer paused. Should it become a secret after all, what comes of it later is left out.
    pub fn settle(&mut self) -> String {
        if !self.is_holding() || self.open != Open::Nothing || !self.is_plain() {
            return String::new();
        }
        let word = self.buffer[self.from..].to_owned();
        self.from = self.buffer.len();
        self.trim();
        word
    }

    /// Returns whether what is held back is a word that no secret begins with, where no secret is expected.
    fn is_plain(&self) -> bool {
        let inner = &self.redactor.0;
        let (before, held) = self.buffer.split_at(self.from);
        let small = held.to_ascii_lowercase();
        let is_word = held.len() <= SETTLED
            && held.chars().all(|letter| letter.is_alphabetic() || ".,!?;)/_-".contains(letter))
            && !held.starts_with('-');
        let is_value = before.trim_end().ends_with([':', '=', '(', '"', '\'', '`', '>'])
            || inner
                .rules
                .keywords
                .is_match(&before[before.ceil_char_boundary(before.len().saturating_sub(48))..]);
        let begins = |keyword: &String| keyword.starts_with(&small) || small.contains(keyword.as_str());
        is_word
            && !is_value
            && !inner.rules.words.iter().any(begins)
            && !inner.known().may_start_match(held)
            && self.begun.iter().all(|begun| begun.length == 0)
    }

    /// Up to where it can be published, and up to where it is looked at for that: where the words are over, or
    /// within a word without an end.
    fn limit(&self) -> (usize, usize) {
        let bytes = self.buffer.as_bytes();
        let over = |until: usize| {
            let last = bytes[self.from..until].iter().rposition(|byte| is_delimiter(*byte));
            last.map_or(self.from, |at| self.from + at + 1)
        };
        let mut limit = over(bytes.len());
        let mut seen = limit;
        if bytes.len() - limit > WINDOW {
            // Rules look at this much of a word.
            limit = self.buffer.floor_char_boundary(bytes.len() - CONTEXT - MAX_MATCH_BYTES);
            seen = bytes.len();
        }
        for begun in &self.begun {
            let start = bytes.len() - begun.length;
            if begun.length > 0 && start < limit {
                limit = over(start.max(self.from));
                seen = limit;
            }
        }
        (limit, seen)
    }

    /// Publishes up to a place, given what is known up to another.
    fn publish(&mut self, until: usize, end: usize, is_whole: bool) -> String {
        let inner = self.redactor.0.clone();
        let text = &self.buffer[..end];
        let (mut from, mut until) = (self.from, until);
        let mut spans = Vec::new();
        let mut next = Open::Nothing;
        let mut rest = from;
        match self.open {
            Open::Nothing => {}
            Open::Word => {
                let over = text.as_bytes()[from..].iter().position(|byte| is_delimiter(*byte));
                if over.is_none() && !is_whole {
                    next = Open::Word;
                }
                rest = over.map_or(end, |at| from + at);
                spans.push(inner.key_span(from..rest, 0, Source::Rest));
            }
            Open::Key => {
                let body = pem::body(text.as_bytes(), from, is_whole);
                if !body.is_over {
                    self.from = body.end;
                    self.trim();
                    return String::new();
                }
                from = body.end;
                until = until.max(from);
            }
        }
        let mut seen = inner.look(&View { text, is_whole });
        // A known value may have blanks inside, and be whole beyond the last word that is over.
        inner.known().find(&self.buffer, &mut seen.spans);
        if seen.until < until {
            until = self.over_before(from, seen.until, seen.open_key);
        }
        if seen.open_key {
            next = Open::Key;
        }
        spans.extend(
            seen.spans
                .into_iter()
                .filter(|span| span.end > from)
                .map(|span| Span { start: span.start.max(from), ..span }),
        );
        let mut clean = String::new();
        let mut at = from;
        for span in inner.join(&self.buffer, spans) {
            if span.start >= until {
                break;
            }
            if span.end > until {
                let stays = span.goes_on || span.source == Source::Rest;
                if !stays && !seen.open_key {
                    // It is published when all of it can be.
                    until = span.start.max(at);
                    break;
                }
                if stays && next == Open::Nothing {
                    next = Open::Word;
                }
            } else if span.goes_on && span.end == end && !is_whole && next == Open::Nothing {
                next = Open::Word;
            }
            clean.push_str(&text[at..span.start]);
            clean.push_str(&span.tag());
            at = span.end.min(until);
        }
        clean.push_str(&text[at..until.max(at)]);
        if until < rest && next == Open::Nothing {
            // It takes more text to go on from within the word, which is still left out.
            next = Open::Word;
        }
        self.from = until;
        self.open = next;
        self.trim();
        clean
    }

    /// Returns the end of the last word before a place; within a key, the place itself.
    fn over_before(&self, from: usize, at: usize, is_key: bool) -> usize {
        if is_key {
            return at;
        }
        let held = &self.buffer.as_bytes()[from..at.max(from)];
        held.iter().rposition(|byte| is_delimiter(*byte)).map_or(from, |found| from + found + 1)
    }

    fn trim(&mut self) {
        let at = self.buffer.floor_char_boundary(self.from.saturating_sub(KEPT));
        self.buffer.drain(..at);
        self.from -= at;
    }
}

/// A known value that may be standing at the end of the text in part.
struct Begun {
    value: Vec<u8>,
    /// Per length, the longest shorter beginning of the value that ends the same.
    falls: Vec<usize>,
    length: usize,
}

impl Begun {
    fn new(value: &str) -> Self {
        let value = value.as_bytes().to_vec();
        let mut falls = vec![0; value.len() + 1];
        let mut length = 0;
        for at in 1..value.len() {
            while length > 0 && value[at] != value[length] {
                length = falls[length];
            }
            if value[at] == value[length] {
                length += 1;
            }
            falls[at + 1] = length;
        }
        Self { value, falls, length: 0 }
    }

    fn follow(&mut self, byte: u8) {
        if self.length == self.value.len() {
            self.length = self.falls[self.length];
        }
        while self.length > 0 && self.value[self.length] != byte {
            self.length = self.falls[self.length];
        }
        if self.value[self.length] == byte {
            self.length += 1;
        }
    }
}
