//! The rules: how secrets of known services are written, and where secrets without a format of their own stand.
//!
//! They are in `rules.toml`. A rule is tried only where one of its keywords stands, and its expression is compiled
//! when that happens first: a server that meets no such text pays for none of it.

use crate::finding::Confidence;
use crate::{kinds, looks};
use aho_corasick::{AhoCorasick, AhoCorasickKind};
use base64::Engine as _;
use regex::bytes::{Regex, RegexBuilder};
use serde::Deserialize;
use std::ops::Range;
use std::sync::{Arc, LazyLock, OnceLock};

/// How large a compiled expression may be, in bytes.
const SIZE: usize = 1 << 20;

/// The text between the name of a secret and its value: `=`, `:` and their kin, quotes, a type.
const BETWEEN: &str = r#"[\\"'`\])]{0,4}[ \t]{0,8}(?::[ \t]{0,2}&?[A-Za-z_][\w.]{0,23}[ \t]{0,2}=|=>|:=|\?=|={1,3}|:{1,2}|>|\(|,[ \t]?\\?["']|%3[DAda])[ \t]{0,8}[brf@]?[\\"'`]{0,4}"#;

/// A rule that a configuration adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnRule {
    pub id: String,
    /// Matches the secret, or has it as its first group.
    pub regex: String,
    /// One of these stands in every secret that the expression matches.
    pub keywords: Vec<String>,
}

/// Why a rule cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RuleError {
    #[error(
        "the rule {id:?} names no keyword of at least three letters; without one every text would be searched for it"
    )]
    NoKeyword { id: String },
    #[error("the rule {id:?} has an expression that cannot be compiled")]
    Expression { id: String, source: regex::Error },
    #[error("the keywords of the rules cannot be compiled")]
    Keywords(#[from] aho_corasick::BuildError),
}

/// A rule, ready to be tried.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) kind: Arc<str>,
    pub(crate) shape: Shape,
    pub(crate) confidence: Confidence,
    /// Whether a letter or digit after the secret makes it none.
    pub(crate) closed: bool,
    /// Whether `&` ends the value where it stands in a URL's query or a form.
    pub(crate) query: bool,
    entropy: f64,
    check: Check,
    pattern: String,
    regex: OnceLock<Regex>,
    /// For a name with a value, the expressions of its two parts.
    parts: Option<Parts>,
}

/// The parts of an expression whose only group is its end: what leads to the secret, and the secret.
#[derive(Debug)]
struct Parts {
    lead: String,
    value: String,
    regexes: OnceLock<(Regex, Regex)>,
}

/// Where a rule's expression is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// In the keyword's word: from the keyword on, or from at most so many bytes before it.
    Word { back: usize },
    /// From a name on, over what stands between it and the value.
    Name,
    /// From the keyword on, over blanks and quotes.
    Line,
    /// From the first character of a run of Base64 on; it has no keyword.
    Run,
}

/// The additional check of a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Check {
    #[default]
    None,
    Random,
    Password,
    /// Anything that a person may have chosen: nothing but a password stands there.
    Chosen,
    /// Drawn from letters, digits and signs.
    Signs,
    /// A password in a URL: sure where it looks like one, else likely.
    Url,
    /// Base64 of `user:password`.
    Basic,
    /// A password where a command takes one; a variable, a path or an option is none.
    Argument,
    /// The value after `pass:` of openssl(1): a password that a person chose, with a digit or sign.
    Openssl,
    /// A name and a random rest, as services write their keys.
    Prefixed,
}

/// Rules with what finds the places to try them.
pub(crate) struct Rules {
    pub(crate) rules: Vec<Rule>,
    /// By keyword, which rules it stands for.
    pub(crate) of_keyword: Vec<Vec<usize>>,
    /// The rules for runs of Base64.
    pub(crate) of_run: Vec<usize>,
    pub(crate) keywords: AhoCorasick,
    pub(crate) words: Vec<String>,
}

#[derive(Deserialize)]
struct File {
    rule: Vec<Written>,
}

/// A rule as it is written in the file: `word`, `line`, `run`, or `names` with `value`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    id: String,
    #[serde(default)]
    keywords: Vec<String>,
    word: Option<String>,
    line: Option<String>,
    run: Option<String>,
    #[serde(default)]
    names: Vec<String>,
    value: Option<String>,
    #[serde(default)]
    back: usize,
    #[serde(default)]
    entropy: f64,
    #[serde(default)]
    check: Check,
    #[serde(default)]
    likely: bool,
    #[serde(default)]
    closed: bool,
    #[serde(default)]
    query: bool,
}

static WRITTEN: LazyLock<Vec<Written>> = LazyLock::new(|| {
    // The file is part of the crate, and a test reads it.
    let file: File = toml::from_str(include_str!("rules.toml")).expect("the file of rules is well formed");
    file.rule
});

/// The rules of the file alone: they are the same for everyone.
static PLAIN: LazyLock<Arc<Rules>> = LazyLock::new(|| {
    Arc::new(Rules::with(&[]).expect("the rules of the file are well formed, as a test says"))
});

impl Rules {
    /// Returns the rules of the file, then those of a configuration.
    pub(crate) fn new(own: &[OwnRule]) -> Result<Arc<Self>, RuleError> {
        if own.is_empty() {
            return Ok(PLAIN.clone());
        }
        Self::with(own).map(Arc::new)
    }

    fn with(own: &[OwnRule]) -> Result<Self, RuleError> {
        let mut rules = Vec::new();
        let mut words: Vec<String> = Vec::new();
        let mut of_keyword: Vec<Vec<usize>> = Vec::new();
        let mut add = |rule: Rule, keywords: &[String]| {
            for keyword in keywords {
                let keyword = keyword.to_ascii_lowercase();
                let at = words.iter().position(|known| *known == keyword).unwrap_or_else(|| {
                    words.push(keyword);
                    of_keyword.push(Vec::new());
                    words.len() - 1
                });
                of_keyword[at].push(rules.len());
            }
            rules.push(rule);
        };
        for written in WRITTEN.iter() {
            let keywords = if written.keywords.is_empty() { &written.names } else { &written.keywords };
            add(Rule::of(written), keywords);
        }
        for rule in own {
            let keywords: Vec<String> =
                rule.keywords.iter().filter(|word| word.len() >= 3).cloned().collect();
            if keywords.is_empty() {
                return Err(RuleError::NoKeyword { id: rule.id.clone() });
            }
            let made = Rule {
                kind: kinds::kind_of(&rule.id).into(),
                shape: Shape::Word { back: crate::CONTEXT },
                confidence: Confidence::Sure,
                closed: false,
                query: false,
                entropy: 0.0,
                check: Check::None,
                pattern: rule.regex.clone(),
                regex: OnceLock::new(),
                parts: None,
            };
            let regex = compile(&made.pattern)
                .map_err(|source| RuleError::Expression { id: rule.id.clone(), source })?;
            // The cell was made a moment ago and is empty.
            let _ = made.regex.set(regex);
            add(made, &keywords);
        }
        // Private keys take several lines; they are read where these stand.
        for begin in crate::pem::BEGIN {
            words.push(begin.to_owned());
            of_keyword.push(Vec::new());
        }
        let of_run = (0..rules.len()).filter(|at| rules[*at].shape == Shape::Run).collect();
        let keywords = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .kind(Some(AhoCorasickKind::DFA))
            .build(&words)?;
        Ok(Self { rules, of_keyword, of_run, keywords, words })
    }
}

impl Rule {
    fn of(written: &Written) -> Self {
        let mut parts = None;
        let (shape, pattern) = match (&written.word, &written.line, &written.run, &written.value) {
            (Some(word), None, None, None) if written.back > 0 => {
                (Shape::Word { back: written.back }, word.clone())
            }
            (Some(word), None, None, None) => (Shape::Word { back: 0 }, format!("^(?:{word})")),
            (None, Some(line), None, None) => (Shape::Line, format!("^(?i:{line})")),
            (None, None, Some(run), None) => (Shape::Run, format!("^(?:{run})")),
            (None, None, None, Some(value)) => {
                let names = written.names.join("|");
                let lead = format!("^(?i:{names})(?i:[a-z0-9_.-]{{0,40}}){BETWEEN}");
                let pattern = format!("{lead}({value})");
                parts = Some(Parts { lead, value: format!("^(?:{value})"), regexes: OnceLock::new() });
                (Shape::Name, pattern)
            }
            // A test compiles every rule of the file.
            _ => unreachable!("the rule {} is a word, a line, a run, or names with a value", written.id),
        };
        Self {
            kind: written.id.as_str().into(),
            shape,
            confidence: if written.likely { Confidence::Likely } else { Confidence::Sure },
            closed: written.closed,
            query: written.query,
            entropy: written.entropy,
            check: written.check,
            pattern,
            regex: OnceLock::new(),
            parts,
        }
    }

    pub(crate) fn regex(&self) -> &Regex {
        self.regex.get_or_init(|| self.compiled(&self.pattern))
    }

    /// Returns the secret that the expression finds in a text: its first group, or the whole match.
    pub(crate) fn secret_in(&self, text: &[u8]) -> Option<Range<usize>> {
        let regex = self.regex();
        if regex.captures_len() == 1 {
            return Some(regex.find(text)?.range());
        }
        // Groups are several times dearer than the match alone, which most places do not have.
        if !regex.is_match(text) {
            return None;
        }
        if let Some(found) = self.parts.as_ref().and_then(|parts| self.value_in(parts, text)) {
            return Some(found);
        }
        let groups = regex.captures(text)?;
        Some(groups.iter().skip(1).flatten().next().or_else(|| groups.get(0))?.range())
    }

    /// Returns the value that follows what leads to it, without groups.
    ///
    /// An expression prefers the first of the ways in which its lead matches, and takes the next one only where no value
    /// follows. So the lead and then the value, each searched for alone, are what the groups of the whole expression
    /// are; where no value follows the lead's first way, there is no answer here.
    fn value_in(&self, parts: &Parts, text: &[u8]) -> Option<Range<usize>> {
        let (lead, value) =
            parts.regexes.get_or_init(|| (self.compiled(&parts.lead), self.compiled(&parts.value)));
        let from = lead.find(text)?.end();
        Some(from..from + value.find(&text[from..])?.end())
    }

    fn compiled(&self, pattern: &str) -> Regex {
        // Rules of the file are compiled by a test, those of a configuration when they are added.
        compile(pattern).unwrap_or_else(|error| panic!("the rule {} is well formed: {error}", self.kind))
    }

    /// Returns whether the secret is a group of the expression.
    pub(crate) fn has_groups(&self) -> bool {
        self.regex().captures_len() > 1
    }

    /// Returns whether the name has to be a word of its own, as names of services are: `lob` is in `global` too.
    pub(crate) fn needs_whole_name(&self) -> bool {
        self.check == Check::None
    }

    /// Returns how sure it is that a value that has the form, after some text, is a secret; none for an example or a
    /// name.
    pub(crate) fn accepts(&self, before: &[u8], value: &[u8]) -> Option<Confidence> {
        if value.is_empty() || self.entropy > 0.0 && looks::entropy(value) < self.entropy {
            return None;
        }
        let confidence = self.confidence_by_look(before, value)?;
        (!looks::is_placeholder(value)).then_some(confidence)
    }

    /// Returns how sure it is by the look of a value that it is a secret.
    fn confidence_by_look(&self, before: &[u8], value: &[u8]) -> Option<Confidence> {
        let is_secret = match self.check {
            Check::None => true,
            Check::Random => looks::is_random(value),
            Check::Password => looks::is_password(value),
            Check::Signs => looks::is_mixed(value),
            Check::Chosen => looks::is_chosen(value, user_before(before)),
            Check::Url if looks::is_password(value) => true,
            Check::Url => {
                return looks::is_chosen(value, user_before(before)).then_some(Confidence::Likely);
            }
            Check::Argument => looks::is_argument(value, user_before(before)),
            Check::Openssl => looks::is_password(value) || looks::is_random(value),
            Check::Prefixed => looks::is_prefixed_key(value),
            Check::Basic => base64::engine::general_purpose::STANDARD.decode(value).is_ok_and(|plain| {
                plain.contains(&b':') && plain.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ')
            }),
        };
        is_secret.then_some(self.confidence)
    }
}

/// Returns the name that stands before a password, as in `name:` or `//name:`.
fn user_before(before: &[u8]) -> &[u8] {
    let name = before.strip_suffix(b":").unwrap_or_default();
    let from = name.iter().rposition(|byte| crate::is_delimiter(*byte) || *byte == b'/');
    &name[from.map_or(0, |at| at + 1)..]
}

fn compile(pattern: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(pattern).unicode(false).size_limit(SIZE).build()
}

/// Returns the keywords of the rules of the file, each of which makes a rule look at a text.
pub fn keywords() -> Vec<String> {
    PLAIN.words.clone()
}

/// Returns the expressions of every rule, as they would be searched for without keywords; for comparing.
pub fn plain_patterns() -> Vec<String> {
    WRITTEN.iter().map(|written| Rule::of(written).pattern.trim_start_matches('^').to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_rule_compiles_and_has_an_id_of_its_own_and_keywords() {
        let rules = Rules::new(&[]).expect("the rules compile");
        let mut ids = BTreeSet::new();
        for rule in &rules.rules {
            rule.regex();
            assert!(ids.insert(rule.kind.clone()), "{} is there twice", rule.kind);
            assert_eq!(kinds::kind_of(&rule.kind), *rule.kind, "an id is a kind");
        }
        assert!(rules.rules.len() >= 200, "{} rules", rules.rules.len());
        for written in WRITTEN.iter() {
            let keywords = if written.keywords.is_empty() { &written.names } else { &written.keywords };
            assert_eq!(keywords.is_empty(), written.run.is_some(), "{} has no keyword", written.id);
            for keyword in keywords {
                assert!(
                    keyword.len() >= 2 && !keyword.bytes().any(crate::is_delimiter),
                    "{}: {keyword:?}",
                    written.id
                );
            }
        }
    }

    #[test]
    fn a_rule_of_a_configuration_is_checked() {
        let rule = |regex: &str, keywords: &[&str]| OwnRule {
            id: "own".to_owned(),
            regex: regex.to_owned(),
            keywords: keywords.iter().map(|&word| word.to_owned()).collect(),
        };
        assert!(Rules::new(&[rule("acme_[0-9]+", &["acme_"])]).is_ok());
        assert!(matches!(Rules::new(&[rule("acme_[0-9]+", &[])]), Err(RuleError::NoKeyword { .. })));
        assert!(matches!(Rules::new(&[rule("acme_[0-9", &["acme_"])]), Err(RuleError::Expression { .. })));
    }

    /// Returns a text in which names, what stands between them and values, and values occur in any order.
    fn any_text(names: Vec<String>) -> impl Strategy<Value = String> {
        let between = prop::sample::select(vec![
            "",
            " ",
            "  ",
            "=",
            "= ",
            " = ",
            "='",
            "= '",
            "=\"",
            ": ",
            ":",
            "::",
            " :: ",
            " => ",
            " := ",
            "?=",
            "==",
            "===",
            ">",
            "(",
            ", '",
            "%3D",
            "%3a",
            "\\\"",
            "']",
            "\"): ",
            ": &str = ",
            ": String = \"",
            ": a.b= b'",
            "_",
            "-",
            ".",
            "\n",
        ]);
        let value = prop::sample::select(vec![
            "q8Zr2LmX0vT5yBn3KdW7q8Zr2LmX0vT5",
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
            "550e8400-e29b-41d4-a716-446655440000",
            "Tr0ub4dor&3",
            "hunter2!",
            "a",
            "key",
            "KEY_2",
            "f",
        ]);
        let name = prop::sample::select(names);
        let part = prop_oneof![
            3 => name.prop_map(|name| name),
            3 => between.prop_map(str::to_owned),
            2 => value.prop_map(str::to_owned),
            1 => "[ -~]{1,4}",
        ];
        prop::collection::vec(part, 1..12).prop_map(|parts| parts.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

        #[test]
        fn a_value_without_groups_is_that_of_the_groups(
            (at, text) in (0..WRITTEN.len()).prop_flat_map(|at| {
                let names = WRITTEN[at].names.clone();
                let names = if names.is_empty() { vec!["token".to_owned()] } else { names };
                let literal = |name: &String| name.chars().filter(|letter| !"?\\()[]".contains(*letter)).collect();
                (Just(at), any_text(names.iter().map(literal).collect()))
            })
        ) {
            let rule = Rule::of(&WRITTEN[at]);
            for from in 0..text.len() {
                let text = &text.as_bytes()[from..];
                let groups = rule.regex().captures(text);
                let whole = groups.and_then(|groups| {
                    Some(groups.iter().skip(1).flatten().next().or_else(|| groups.get(0))?.range())
                });
                prop_assert_eq!(rule.secret_in(text), whole);
            }
        }
    }
}
