//! Looks through a text: known values, then the rules where their keywords stand, then what is encoded in it.

use crate::attempts::{Attempts, Depth};
use crate::finding::{Confidence, Source, Span};
use crate::redactor::Inner;
use crate::rules::{Rule, Shape};
use crate::{CONTEXT, MAX_MATCH_BYTES, encoded, is_delimiter, kinds, pem};
use std::ops::Range;

/// A text, as far as it is known.
pub(crate) struct View<'t> {
    pub(crate) text: &'t str,
    /// Whether nothing follows.
    pub(crate) is_whole: bool,
}

/// The findings in a text.
pub(crate) struct Seen {
    /// In no order; they may overlap.
    pub(crate) spans: Vec<Span>,
    /// From here on it takes more text to tell.
    pub(crate) until: usize,
    /// Where a key of several lines continues beyond the text.
    pub(crate) open_key: bool,
}

impl Inner {
    /// Returns what the rules find in a text, and what is encoded in it.
    pub(crate) fn look(&self, view: &View<'_>) -> Seen {
        let mut seen = Seen { spans: Vec::new(), until: view.text.len(), open_key: false };
        let tags = self.tags(view.text);
        self.by_rules(view, &tags, &mut seen);
        encoded::runs(view.text, |run| {
            self.by_run(view.text, &run, &tags, &mut seen);
            if let Some((plain, end)) = encoded::text_in(view.text, &run) {
                self.within(run.start..end, &plain, &mut seen.spans);
            }
        });
        seen
    }

    fn by_rules(&self, view: &View<'_>, tags: &[Range<usize>], seen: &mut Seen) {
        let text = view.text.as_bytes();
        let mut attempts = Attempts::default();
        let mut key_end = 0;
        for hit in self.rules.keywords.find_overlapping_iter(text) {
            let keyword = hit.pattern().as_usize();
            if self.begin.contains(&keyword) && hit.start() >= key_end {
                key_end = self.key(view, hit.start(), seen).unwrap_or(key_end);
            }
            for &at in &self.rules.of_keyword[keyword] {
                let shape = self.rules.rules[at].shape;
                if let Some(depth) = attempts.admit(at, shape, text, hit.start()) {
                    let found = self.by_rule(at, view.text, hit.start(), depth, tags, &mut attempts);
                    seen.spans.extend(found);
                }
            }
        }
    }

    /// What the rules for runs of Base64 find in one, after an escape and the last sign in it that begins a word.
    fn by_run(&self, text: &str, run: &Range<usize>, tags: &[Range<usize>], seen: &mut Seen) {
        let bytes = text.as_bytes();
        let mut from = run.start;
        if bytes[..from].ends_with(b"\\") && matches!(bytes[from], b'n' | b'r' | b't') {
            from += 1;
        }
        from += text[from..run.end].rfind(['+', '/']).map_or(0, |at| at + 1);
        from += bytes[from..run.end].iter().take_while(|byte| **byte == b'-').count();
        let mut attempts = Attempts::default();
        for &at in &self.rules.of_run {
            if self.rules.rules[at].regex().is_match(&bytes[from..bytes.len().min(from + MAX_MATCH_BYTES)]) {
                let found = self.by_rule(at, text, from, Depth::Full, tags, &mut attempts);
                seen.spans.extend(found);
            }
        }
    }

    /// Tries a rule at a place.
    fn by_rule(
        &self,
        at: usize,
        text: &str,
        place: usize,
        depth: Depth,
        tags: &[Range<usize>],
        attempts: &mut Attempts,
    ) -> Option<Span> {
        let rule = &self.rules.rules[at];
        let Place { secret, looked_at, confidence, goes_on } =
            find(rule, text.as_bytes(), place, depth, attempts)?;
        attempts.cover(at, secret.end, goes_on);
        let next = tags.partition_point(|tag| tag.end <= secret.start);
        if tags.get(next).is_some_and(|tag| tag.start < secret.end) {
            return None;
        }
        Some(Span {
            start: secret.start,
            end: text.ceil_char_boundary(secret.end),
            kind: rule.kind.clone(),
            digits: self.digits(&text.as_bytes()[looked_at]),
            source: match confidence {
                Confidence::Likely => Source::Likely,
                Confidence::Sure => Source::Sure,
            },
            rule: at,
            goes_on,
        })
    }

    /// Returns the tags that are in the text already and name something this server looks for, in their order.
    fn tags(&self, text: &str) -> Vec<Range<usize>> {
        let tags = kinds::removed(text).into_iter();
        tags.filter(|tag| self.writes_kind(tag.kind.as_str())).map(|tag| tag.span).collect()
    }

    /// Reads the private key whose first line stands at a place, and returns where it ends.
    fn key(&self, view: &View<'_>, at: usize, seen: &mut Seen) -> Option<usize> {
        match pem::read(view.text.as_bytes(), at, view.is_whole) {
            pem::Key::No => None,
            pem::Key::Undecided => {
                seen.until = seen.until.min(at);
                None
            }
            pem::Key::Found { digest, body } => {
                seen.spans.push(self.key_span(at..body.end, self.digits(&digest), Source::Sure));
                if !body.is_over {
                    seen.until = seen.until.min(body.end);
                    seen.open_key = true;
                }
                Some(body.end)
            }
        }
    }

    pub(crate) fn key_span(&self, place: Range<usize>, digits: u16, source: Source) -> Span {
        let kind = self.private_key.clone();
        Span { start: place.start, end: place.end, kind, digits, source, rule: 0, goes_on: false }
    }

    /// A run that is text with a sure secret in it is a secret as a whole.
    fn within(&self, run: Range<usize>, plain: &str, spans: &mut Vec<Span>) {
        let mut seen = Seen { spans: Vec::new(), until: plain.len(), open_key: false };
        self.known().find(plain, &mut seen.spans);
        let tags = self.tags(plain);
        self.by_rules(&View { text: plain, is_whole: true }, &tags, &mut seen);
        encoded::runs(plain, |run| self.by_run(plain, &run, &tags, &mut seen));
        if let Some(inner) = seen
            .spans
            .into_iter()
            .filter(|span| span.source > Source::Likely)
            .max_by_key(|span| (span.source, std::cmp::Reverse(span.start)))
        {
            spans.push(Span { start: run.start, end: run.end, goes_on: false, ..inner });
        }
    }
}

/// A secret as a rule finds it.
struct Place {
    secret: Range<usize>,
    /// The part of it that the rule saw.
    looked_at: Range<usize>,
    confidence: Confidence,
    /// Whether there is more of it.
    goes_on: bool,
}

/// Tries a rule where one of its keywords stands.
fn find(rule: &Rule, text: &[u8], at: usize, depth: Depth, attempts: &mut Attempts) -> Option<Place> {
    let look = depth.bytes();
    let place = match rule.shape {
        Shape::Word { back: 0 } => {
            if !begins(text, at) {
                return None;
            }
            at..word_end(text, at, at + look)
        }
        Shape::Run => at..word_end(text, at, at + look),
        Shape::Word { back } => word_start(text, at, back)..word_end(text, at, at + look),
        Shape::Name => {
            if rule.needs_whole_name() && !begins_name(text, at) {
                return None;
            }
            at..text.len().min(at + CONTEXT + look)
        }
        Shape::Line => {
            if at > 0
                && text[at - 1].is_ascii_alphabetic()
                && text[at].is_ascii_alphabetic()
                && !begins(text, at)
            {
                return None;
            }
            at..text.len().min(at + CONTEXT + look)
        }
    };
    let (start, end) = (place.start, place.end);
    let found = rule.secret_in(&text[place])?;
    let mut secret = start + found.start..start + found.end;
    if rule.query {
        secret.end = value_end(text, at, &secret);
    }
    if secret.start > at + CONTEXT {
        return None;
    }
    let confidence = rule.accepts(&text[..secret.start], &text[secret.clone()])?;
    let follows = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    if rule.closed && text.get(secret.end).is_some_and(follows) {
        return None;
    }
    if let Shape::Word { back: 1.. } = rule.shape
        && !(rule.has_groups() || begins(text, secret.start))
    {
        return None;
    }
    let looked_at = secret.clone();
    let goes_on = secret.end == end && text.get(end).is_some_and(|byte| !is_delimiter(*byte));
    if goes_on {
        secret.end = attempts.end_of_word(end, |at| word_end(text, at, text.len()));
    }
    Some(Place { secret, looked_at, confidence, goes_on })
}

/// Returns where a value that is given to a name ends. In a query or a form `&` ends it, in a script `&&`; elsewhere,
/// and in quotes of its own, a password may have one inside.
fn value_end(text: &[u8], name: usize, value: &Range<usize>) -> usize {
    let is_field = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_-.[]%;".contains(byte);
    let ends = |at: &usize| {
        let after = &text[at + 1..];
        let field = after.iter().take(CONTEXT).take_while(is_field).count();
        at + 1 == value.end || after[0] == b'&' || field > 0 && after.get(field) == Some(&b'=')
    };
    if matches!(text[value.start - 1], b'"' | b'\'' | b'`') {
        return value.end;
    }
    let before = &text[word_start(text, name, CONTEXT)..name];
    let in_query = before.iter().any(|byte| matches!(byte, b'?' | b'&'));
    let mut ampersands = value.clone().filter(|at| text[*at] == b'&');
    ampersands.find(|at| in_query || ends(at)).unwrap_or(value.end)
}

/// Returns whether a secret can begin here: after nothing that is part of a word, or after an escape.
fn begins(text: &[u8], at: usize) -> bool {
    let before = &text[..at];
    match before {
        [] => true,
        _ if !text[at].is_ascii_alphanumeric() => true,
        [.., last] if !last.is_ascii_alphanumeric() && *last != b'_' => true,
        [.., b'\\', b'n' | b'r' | b't' | b'b' | b'f'] => true,
        [.., b'%', high, low] | [.., b'\\', b'x', high, low] => {
            high.is_ascii_hexdigit() && low.is_ascii_hexdigit()
        }
        [.., b'\\', b'u', a, b, c, d] => [a, b, c, d].iter().all(|byte| byte.is_ascii_hexdigit()),
        // `FOO_ghp_…` and the like: a name runs into the secret.
        [.., b'_'] => !text[at].is_ascii_lowercase(),
        _ => false,
    }
}

/// Returns whether a name, or a word of it, begins here.
fn begins_name(text: &[u8], at: usize) -> bool {
    match (text[..at].last(), text[at]) {
        (Some(last), first) => {
            !last.is_ascii_alphabetic()
                || last.is_ascii_lowercase() && first.is_ascii_uppercase()
                || begins(text, at)
        }
        (None, _) => true,
    }
}

fn word_start(text: &[u8], at: usize, back: usize) -> usize {
    let from = at.saturating_sub(back);
    text[from..at].iter().rposition(|byte| is_delimiter(*byte)).map_or(from, |found| from + found + 1)
}

fn word_end(text: &[u8], at: usize, until: usize) -> usize {
    let until = until.min(text.len());
    text[at..until].iter().position(|byte| is_delimiter(*byte)).map_or(until, |found| at + found)
}
