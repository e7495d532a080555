//! The rules for the sentences of requirements: one trigger, one subject, one SHALL, a measure.

use crate::finding::{Document, Finding, Severity};
use crate::markdown::pattern::pattern;
use crate::requirements::{Criterion, EarsPattern, Requirements};
use regex::Regex;
use std::borrow::Cow;
use std::sync::LazyLock;

/// How many words a sentence may have.
const MAX_WORDS: usize = 40;

static SHALL: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)(?:\b|_)shall(?:\b|_)"));
static WEAK: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)\b(should|may|will|can|must)\b"));
// A modal of a main clause: after the subject or after *and*, and not in a relative clause.
static BESIDE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)(?:[.;]\s+(?:(?:it|they|the\s+[\w-]+(?:\s+[\w-]+)?)\s+)?|,?\s+(?:and|or|but)\s+(?:(?:it|they)\s+)?)(should|may|will|can|must)\b",
    )
});
static TRIGGER: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?:^|[,;]\s*|\b(?:AND|OR|and|or)\s+)[*_]{0,2}(WHEN|IF|When|If)\b"));
static VAGUE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(appropriate(?:ly)?|fast|quick(?:ly)?|gracefully|efficient(?:ly)?|user[- ]friendly|intuitive(?:ly)?|reasonabl[ey]|adequate(?:ly)?|robust(?:ly)?|seamless(?:ly)?|easy|easily|flexible|as needed|if necessary|etc\.?|and so on|properly|relevant|sufficient(?:ly)?)\b",
    )
});
static THEN: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)[*_`]{0,3}\bthen\b[*_`]{0,3}"));
// Something failed: a verb says so, or an error *occurs*. A word such as *error* alone tells nothing.
static FAILURE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:fails|failed|crashes|crashed|times out|timed out|(?:is|are|was|were|becomes) (?:invalid|missing|unavailable|denied|malformed|unauthori[sz]ed|corrupt(?:ed)?|unreachable|not found)|(?:errors?|failures?|exceptions?|timeouts?) (?:occurs?|happens?|(?:is|are) (?:raised|thrown|returned|detected)))\b",
    )
});
static NEGATION: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)\b(?:no|not|never|without|none|neither|nor|free of|zero)\b|n't\b"));
static TRIGGERED: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)^[*_`]{0,2}(?:when|while|if|where)\b"));
static CLAUSE_END: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)[,，、;；]|\bthen\b"));
static ARTICLE: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)\bthe\s+"));
static KEYWORD: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(When|While|If|Where|when|while|if|where)\b"));
static PROPERTY: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)^[*_`]{0,2}(?:for (?:all|any|each|every)|given|property)\b"));
// Code, and what is quoted: words of others.
static QUOTED: LazyLock<Regex> = LazyLock::new(|| {
    pattern("`[^`]*`|\"[^\"]*\"|“[^”]*”|«[^»]*»|「[^」]*」|‘[^’]*’|\\(\\s*'[^']*'|\\s'[^']+'")
});

/// Returns whether a sentence says what something shall do.
pub(crate) fn has_shall(text: &str) -> bool {
    SHALL.is_match(text)
}

/// Returns a sentence with the words of others, which stand in code and quotations, blotted out; every place stays the
/// same.
pub(crate) fn own_words(text: &str) -> Cow<'_, str> {
    QUOTED.replace_all(text, |found: &regex::Captures<'_>| "_".repeat(found[0].len()))
}

/// Returns whether the letters of a text are English ones, nine in ten.
fn is_latin(text: &str) -> bool {
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    let ascii = text.chars().filter(char::is_ascii_alphabetic).count();
    ascii * 10 >= letters * 9
}

/// How a document writes its criteria.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Style {
    /// Whether most criteria have a SHALL: one without is a fault then.
    pub(crate) uses_shall: bool,
    /// Whether most subjects are terms of the glossary.
    pub(crate) uses_glossary: bool,
}

impl Style {
    pub(crate) fn of(parsed: &Requirements) -> Self {
        let criteria = || parsed.items.iter().flat_map(|item| &item.criteria);
        let shalls = criteria().filter(|one| has_shall(&one.text)).count();
        let subjects: Vec<String> = criteria()
            .filter_map(|one| {
                let text = own_words(&one.text);
                let shall = SHALL.find(&text)?;
                match subject(&text[..shall.start()], &one.text) {
                    Subject::Named(subject) => Some(subject),
                    Subject::Missing | Subject::Unclear => None,
                }
            })
            .collect();
        let known = subjects.iter().filter(|subject| is_in_glossary(subject, &parsed.glossary)).count();
        Self {
            uses_shall: shalls * 2 >= criteria().count() && shalls > 0,
            uses_glossary: known * 2 > subjects.len(),
        }
    }
}

/// Checks one criterion.
pub(crate) fn look(
    criterion: &Criterion,
    parsed: &Requirements,
    style: Style,
    in_shall: bool,
    findings: &mut Vec<Finding>,
) {
    if criterion.is_void() {
        return;
    }
    let Criterion { number, text: written, line, pattern, details, is_scenario, .. } = criterion;
    let text = &*own_words(written);
    let mut find = |rule, severity, message: String, suggestion: Option<String>| {
        findings.push(Finding {
            document: Document::Requirements,
            line: *line,
            rule,
            severity,
            message,
            suggestion,
        });
    };
    let english = is_latin(text);
    let shalls = SHALL.find_iter(text).count();
    if shalls == 0
        && !is_scenario
        && in_shall
        && style.uses_shall
        && english
        && !PROPERTY.is_match(text)
        && !has_shall(written)
        && !details.iter().any(|detail| has_shall(detail))
    {
        let weak = WEAK.find(text).map(|word| word.as_str().to_owned());
        let message = match &weak {
            Some(word) => format!("{number} has no SHALL, only {word:?}."),
            None => format!("{number} has no SHALL."),
        };
        // MAY, MUST and SHOULD in capitals are keywords too; what has parts below it may be their title; and without a
        // trigger or another modal it may be no sentence at all.
        let is_keyword = weak.as_ref().is_some_and(|word| word.bytes().all(|byte| byte.is_ascii_uppercase()));
        let is_sentence = weak.is_some() || TRIGGERED.is_match(text);
        let is_fault = is_sentence && !is_keyword && details.is_empty() && criterion.is_numbered;
        let severity = if is_fault { Severity::Error } else { Severity::Warning };
        find("no-shall", severity, message, Some("Say what the system SHALL do.".to_owned()));
    }
    if shalls > 1 {
        let message = format!("{number} has {shalls} SHALLs.");
        find("two-shall", Severity::Warning, message, Some("Write one sentence for each.".to_owned()));
    }
    if let Some(shall) = SHALL.find(text) {
        let (before, response) =
            (&text[..shall.start()], text[shall.end()..].trim().trim_matches(['.', '*', ' ']));
        if let Some(word) = BESIDE.captures(response).filter(|_| english) {
            let message = format!("{number} says {:?} beside SHALL.", &word[1]);
            let advice = "Use SHALL for what is required and leave out the rest.".to_owned();
            find("weak-modal", Severity::Warning, message, Some(advice));
        }
        if response.is_empty() && details.is_empty() && english {
            find("empty-response", Severity::Error, format!("{number} does not say what happens."), None);
        }
        match subject(before, written) {
            Subject::Missing if english && !PROPERTY.is_match(text) => {
                let advice = "Name the system: THE Todo Service SHALL ….".to_owned();
                find(
                    "no-subject",
                    Severity::Error,
                    format!("{number} does not say who SHALL."),
                    Some(advice),
                );
            }
            Subject::Named(subject)
                if style.uses_glossary
                    && english
                    && !PROPERTY.is_match(text)
                    && subject.split_whitespace().count() < 6
                    && !is_in_glossary(&subject, &parsed.glossary) =>
            {
                let message = format!("{number} is about {subject:?}, which the Glossary does not explain.");
                find(
                    "unknown-subject",
                    Severity::Warning,
                    message,
                    Some("Use a term of the Glossary, or add this one.".to_owned()),
                );
            }
            Subject::Named(_) | Subject::Unclear | Subject::Missing => {}
        }
        let triggers: Vec<String> =
            TRIGGER.captures_iter(before).map(|found| found[1].to_uppercase()).collect();
        let is_repeated = triggers.iter().skip(1).any(|one| *one == triggers[0]);
        if triggers.len() > 1 {
            find(
                "two-triggers",
                if is_repeated { Severity::Error } else { Severity::Warning },
                format!("{number} has two triggers."),
                Some("Write one sentence for each trigger.".to_owned()),
            );
        }
        if *pattern == Some(EarsPattern::UnwantedBehaviour) && !THEN.is_match(before) && english {
            let advice = "Put THEN before the system: IF …, THEN THE … SHALL ….".to_owned();
            find(
                "if-without-then",
                Severity::Warning,
                format!("{number} says IF without THEN."),
                Some(advice),
            );
        }
        if *pattern == Some(EarsPattern::EventDriven) {
            if FAILURE.is_match(before) && !NEGATION.is_match(before) {
                find(
                    "when-for-error",
                    Severity::Warning,
                    format!("{number} is about something unwanted and says WHEN."),
                    Some("Write IF …, THEN THE … SHALL ….".to_owned()),
                );
            } else if THEN.is_match(before) {
                let fixed = THEN.replace(written, "").replace(" ,", ",").replace("  ", " ");
                find(
                    "when-then",
                    Severity::Info,
                    format!("{number} says WHEN … THEN; EARS has THEN after IF only."),
                    Some(fixed),
                );
            }
        }
        if response.to_lowercase().contains(" and ")
            && shalls == 1
            && response.split_whitespace().count() > 18
        {
            find(
                "compound",
                Severity::Info,
                format!("{number} asks for several things at once."),
                Some("Write one sentence for each.".to_owned()),
            );
        }
    }
    let is_name = |found: &regex::Match<'_>| {
        let (before, after) = (&text[..found.start()], &text[found.end()..]);
        let capital = found.as_str().starts_with(char::is_uppercase) && !before.trim().is_empty();
        capital
            || before.ends_with(['_', '-', '/', '.'])
            || after.starts_with(['_', '-', '/'])
            || NEGATION.is_match(before)
    };
    let vague = VAGUE.find_iter(text).find(|found| !is_name(found));
    if let Some(word) =
        vague.filter(|_| !written.bytes().any(|byte| byte.is_ascii_digit()) && details.is_empty())
    {
        let message = format!("{number} says {:?} and gives no measure.", word.as_str());
        find("vague", Severity::Warning, message, Some("Give a number, a limit or an example.".to_owned()));
    }
    let words = text.split_whitespace().count();
    if words > MAX_WORDS {
        find(
            "long",
            Severity::Warning,
            format!("{number} has {words} words."),
            Some("Split it, or move detail to the design.".to_owned()),
        );
    }
    if let Some(keyword) = KEYWORD.find(text).filter(|_| pattern.is_some()) {
        let fixed = format!("{}{}", keyword.as_str().to_uppercase(), &written[keyword.end()..]);
        find(
            "keyword-case",
            Severity::Info,
            format!("{number} writes {:?} in lower case.", keyword.as_str()),
            Some(fixed),
        );
    }
}

/// The subject of a sentence.
#[derive(Debug, PartialEq, Eq)]
enum Subject {
    Named(String),
    Missing,
    /// The sentence is not written so that it can be told.
    Unclear,
}

/// Finds the subject in what stands before SHALL, with the words of others blotted out, and reads it as it is written.
fn subject(own: &str, written: &str) -> Subject {
    let before = own.trim();
    let last = CLAUSE_END.find_iter(before).last();
    let words = if !TRIGGERED.is_match(before) {
        // What follows a comma here is about the subject: THE list, when open, SHALL ….
        CLAUSE_END.find(before).map_or(before, |end| &before[..end.start()])
    } else if let Some(end) = last {
        &before[end.end()..]
    } else if let Some(article) = ARTICLE.find_iter(before).last() {
        &before[article.end()..]
    } else {
        // `WHEN asked SHALL`: a trigger of one word; of more words some may be the subject.
        let is_short = before.is_ascii() && before.split_whitespace().count() < 3;
        return if is_short { Subject::Missing } else { Subject::Unclear };
    };
    let start = words.as_ptr() as usize - own.as_ptr() as usize;
    let words = written.get(start..start + words.len()).unwrap_or(words);
    let decoration = ['*', '`', '_', '"', '“', '”', ' '];
    let words = words.trim_matches(decoration);
    let bare =
        ARTICLE.find(words).filter(|article| article.start() == 0).map_or(words, |the| &words[the.end()..]);
    let bare = bare.trim_matches(decoration);
    if bare.chars().any(char::is_alphanumeric) { Subject::Named(bare.to_owned()) } else { Subject::Missing }
}

fn is_in_glossary(subject: &str, glossary: &[String]) -> bool {
    let plain = |text: &str| text.to_lowercase().replace(['_', '-', '`', '*'], " ").trim().to_owned();
    let subject = plain(subject);
    ["system", "it", "they", "i", "we", "user", "users"].contains(&subject.as_str())
        || glossary
            .iter()
            .map(|term| plain(term))
            .any(|term| subject == term || subject.ends_with(&term) || term.contains(&subject))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_are_found_in_real_sentences() {
        let named = |text: &str| Subject::Named(text.to_owned());
        for (before, expected) in [
            ("THE system", named("system")),
            ("WHEN 用户提交，THE Order_Service", named("Order_Service")),
            ("WHEN 用户点击登出 THEN Novel_System", named("Novel_System")),
            ("WHEN asked, THE parser (v2)", named("parser (v2)")),
            ("THE list, when open,", named("list")),
            ("WHEN asked THE system", named("system")),
            ("WHEN asked,", Subject::Missing),
            ("WHEN asked", Subject::Missing),
            ("WHEN 用户提交 系统", Subject::Unclear),
        ] {
            assert_eq!(subject(before, before), expected, "{before}");
        }
    }
}
