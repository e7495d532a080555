//! What was found: where, of what kind, and how sure it is.

use std::ops::Range;
use std::sync::Arc;

/// How sure it is that a finding is a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    /// A value without a known format, in a place where secrets stand.
    Likely,
    /// A known value, or a value of a format that nothing else has.
    Sure,
}

/// A secret in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule's id, or the name of the known value.
    pub kind: String,
    /// Where it is, in bytes.
    pub span: Range<usize>,
    pub confidence: Confidence,
    /// The tag that replaces it.
    pub tag: String,
}

/// A secret as it is found, before what overlaps is joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) kind: Arc<str>,
    /// The digits of the tag.
    pub(crate) digits: u16,
    pub(crate) source: Source,
    /// The place of its rule among the rules.
    pub(crate) rule: usize,
    /// Whether it extends to the end of its word, beyond what the rule looked at.
    pub(crate) goes_on: bool,
}

/// The source of a finding; of two that found the same, the greater one names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    Likely,
    Sure,
    Exact,
    /// The rest of what was found and tagged before: it is left out without a tag.
    Rest,
}

impl Span {
    pub(crate) fn tag(&self) -> String {
        match self.source {
            Source::Likely | Source::Sure | Source::Exact => {
                format!("[secret:{}:{:04x}]", self.kind, self.digits)
            }
            Source::Rest => String::new(),
        }
    }

    pub(crate) fn confidence(&self) -> Confidence {
        match self.source {
            Source::Likely => Confidence::Likely,
            Source::Sure | Source::Exact | Source::Rest => Confidence::Sure,
        }
    }
}

/// Joins spans that overlap; each is named by the surest of them, then the first, then the longest.
pub(crate) fn join(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_by_key(|span| (span.start, std::cmp::Reverse(span.end), span.rule));
    let mut joined: Vec<Span> = Vec::with_capacity(spans.len());
    for span in spans {
        match joined.last_mut().filter(|last| span.start < last.end) {
            Some(last) => {
                last.end = last.end.max(span.end);
                last.goes_on |= span.goes_on;
                if span.source > last.source {
                    last.kind = span.kind;
                    last.digits = span.digits;
                    last.source = span.source;
                }
            }
            None => joined.push(span),
        }
    }
    joined
}
