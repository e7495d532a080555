//! What to look for, and the text without it.

use crate::exact::{Exact, Known};
use crate::finding::{self, Finding, Span};
use crate::rules::{OwnRule, RuleError, Rules};
use crate::scan::View;
use crate::stream::Stream;
use crate::{kinds, pem};
use parking_lot::{Mutex, RwLock};
use sha2::{Digest as _, Sha256};
use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

/// The values to look for, in addition to the rules that are always in force.
#[derive(Clone, Default)]
pub struct Settings {
    /// The key of tags; without it a tag reveals nothing.
    pub key: [u8; 32],
    /// Values that are known to be secret.
    pub exact: Vec<Exact>,
    pub rules: Vec<OwnRule>,
    /// Values that are no secrets, whatever they look like.
    pub allowed: Vec<String>,
}

/// Finds secrets in text and takes them out. Cheap to clone.
#[derive(Clone)]
pub struct Redactor(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    key: [u8; 32],
    /// The known values, and what is looked for because of them; [`Redactor::learn`] adds to them.
    known: RwLock<Arc<Known>>,
    exact: Mutex<Vec<Exact>>,
    pub(crate) rules: Arc<Rules>,
    /// The keywords that private keys begin with.
    pub(crate) begin: Vec<usize>,
    pub(crate) private_key: Arc<str>,
    /// The kinds of every tag this redactor writes.
    kinds: RwLock<HashSet<String>>,
    allowed: HashSet<String>,
    /// The fingerprints of values that a person decided to keep.
    kept: RwLock<HashSet<String>>,
}

impl Redactor {
    pub fn new(settings: &Settings) -> Result<Self, RuleError> {
        let rules = Rules::new(&settings.rules)?;
        let known = Known::new(&settings.exact, |value| digits(&settings.key, value.as_bytes()))?;
        let private_key: Arc<str> = Arc::from("private-key");
        let mut all: HashSet<String> = rules.rules.iter().map(|rule| rule.kind.to_string()).collect();
        all.insert(private_key.to_string());
        all.extend(settings.exact.iter().map(|exact| kinds::kind_of(&exact.name)));
        Ok(Self(Arc::new(Inner {
            key: settings.key,
            known: RwLock::new(Arc::new(known)),
            exact: Mutex::new(settings.exact.clone()),
            begin: (0..rules.words.len())
                .filter(|at| pem::BEGIN.contains(&rules.words[*at].as_str()))
                .collect(),
            rules,
            private_key,
            kinds: RwLock::new(all),
            allowed: settings.allowed.iter().cloned().collect(),
            kept: RwLock::default(),
        })))
    }

    /// Returns the text with a tag in each secret's place.
    pub fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let spans = self.0.whole(text);
        if spans.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut clean = String::with_capacity(text.len());
        let mut from = 0;
        for span in spans {
            clean.push_str(&text[from..span.start]);
            clean.push_str(&span.tag());
            from = span.end;
        }
        clean.push_str(&text[from..]);
        Cow::Owned(clean)
    }

    /// Returns the secrets in a text, in their order; none overlaps another.
    pub fn findings(&self, text: &str) -> Vec<Finding> {
        let spans = self.0.whole(text).into_iter();
        spans
            .map(|span| Finding {
                kind: span.kind.to_string(),
                confidence: span.confidence(),
                tag: span.tag(),
                span: span.start..span.end,
            })
            .collect()
    }

    /// Lines with a tag in each secret's place. Their number stays: a secret of several lines leaves
    /// its tag in the first of them and nothing in the others.
    pub fn redact_lines(&self, lines: &[&str]) -> Vec<String> {
        let text = lines.join("\n");
        let findings = self.findings(&text);
        let mut clean = Vec::with_capacity(lines.len());
        let mut begin = 0;
        for line in lines {
            let end = begin + line.len();
            let mut kept = String::new();
            let mut from = begin;
            let first = findings.partition_point(|one| one.span.end <= begin);
            for finding in findings[first..].iter().take_while(|one| one.span.start < end) {
                kept.push_str(text.get(from..finding.span.start).unwrap_or_default());
                if finding.span.start >= begin {
                    kept.push_str(&finding.tag);
                }
                from = finding.span.end.min(end);
            }
            kept.push_str(&text[from..end]);
            clean.push(kept);
            begin = end + 1;
        }
        clean
    }

    /// Returns a name for a text, the same for the same text, that says nothing of it.
    pub fn fingerprint(&self, text: &str) -> String {
        self.0.fingerprint(text)
    }

    /// Lets values of these fingerprints pass from now on: a person decided that they are no secrets.
    pub fn keep(&self, fingerprints: impl IntoIterator<Item = String>) {
        self.0.kept.write().extend(fingerprints);
    }

    /// Returns whether a value is one that is known to be secret, which no later rule overrides.
    pub fn is_known_secret(&self, value: &str) -> bool {
        let mut spans = Vec::new();
        self.0.known().find(value, &mut spans);
        !spans.is_empty()
    }

    /// Looks for further values that are known to be secret from now on, in streams under way as well. Values that are known
    /// already change nothing.
    pub fn learn(&self, more: impl IntoIterator<Item = Exact>) -> Result<(), RuleError> {
        let mut exact = self.0.exact.lock();
        let before = exact.len();
        for one in more {
            if !exact.iter().any(|known| known.value.trim() == one.value.trim()) {
                exact.push(one);
            }
        }
        if exact.len() == before {
            return Ok(());
        }
        let known = match Known::new(&exact, |value| self.0.digits(value.as_bytes())) {
            Ok(known) => known,
            Err(error) => {
                exact.truncate(before);
                return Err(error.into());
            }
        };
        self.0.kinds.write().extend(exact[before..].iter().map(|one| kinds::kind_of(&one.name)));
        *self.0.known.write() = Arc::new(known);
        Ok(())
    }

    /// Text that comes in pieces.
    pub fn stream(&self) -> Stream {
        Stream::new(self.clone())
    }
}

impl Inner {
    /// Returns the known values as they are now.
    pub(crate) fn known(&self) -> Arc<Known> {
        self.known.read().clone()
    }

    /// Returns whether a tag of this kind is one that this redactor writes.
    pub(crate) fn writes_kind(&self, kind: &str) -> bool {
        self.kinds.read().contains(kind)
    }

    fn whole(&self, text: &str) -> Vec<Span> {
        let mut spans = self.look(&View { text, is_whole: true }).spans;
        self.known().find(text, &mut spans);
        self.join(text, spans)
    }

    /// Returns the spans in their order, joined where they overlap, without what is allowed.
    pub(crate) fn join(&self, text: &str, mut spans: Vec<Span>) -> Vec<Span> {
        spans.retain(|span| {
            let value = &text[span.start..span.end];
            !self.allowed.contains(value) && !self.is_kept(value)
        });
        finding::join(spans)
    }

    fn is_kept(&self, value: &str) -> bool {
        let kept = self.kept.read();
        !kept.is_empty() && kept.contains(&self.fingerprint(value))
    }

    fn fingerprint(&self, text: &str) -> String {
        let digest = Sha256::new().chain_update(self.key).chain_update(text).finalize();
        digest[..6].iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
    }

    /// Returns the digits of a value's tag.
    pub(crate) fn digits(&self, value: &[u8]) -> u16 {
        digits(&self.key, value)
    }
}

/// Two bytes of a keyed hash: they tell secrets of one transcript apart, and are too few to try values against.
fn digits(key: &[u8; 32], value: &[u8]) -> u16 {
    let digest = Sha256::new().chain_update(key).chain_update(value).finalize();
    u16::from_be_bytes([digest[0], digest[1]])
}
