//! The rules for the sentences of requirements: one trigger, one subject, one SHALL, a measure.

use super::finding::{Document, Finding, Severity};
use super::item::pattern;
use super::requirements::{Criterion, EarsPattern, Requirements};
use regex::Regex;
use std::sync::LazyLock;

/// How many words a sentence may have.
const WORDS: usize = 40;

static SHALL: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)\bshall\b"));
static WEAK: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)\b(should|may|will|can|must)\b"));
static TRIGGER: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)(?:^|[,;]\s*|\band\s+|\bor\s+)(when|if)\b"));
static VAGUE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(appropriate(?:ly)?|fast|quick(?:ly)?|gracefully|efficient(?:ly)?|user[- ]friendly|intuitive(?:ly)?|reasonabl[ey]|adequate(?:ly)?|robust(?:ly)?|seamless(?:ly)?|easy|easily|flexible|as needed|if necessary|etc\.?|and so on|properly|relevant|sufficient(?:ly)?)\b",
    )
});
static THEN: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)\bthen\b"));
static ERROR: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(fails?|failed|failure|error|invalid|missing|unavailable|denied|times? out|timeout|malformed|unauthori[sz]ed|not found)\b",
    )
});
static TRIGGERED: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)^[*_`]{0,2}(?:when|while|if|where)\b"));
static CLAUSE_END: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)[,，、;；]|\bthen\b"));
static ARTICLE: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)\bthe\s+"));
static KEYWORD: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(When|While|If|Where|when|while|if|where)\b"));

/// Whether a sentence has an English modal.
pub(super) fn is_english(text: &str) -> bool {
    SHALL.is_match(text) || WEAK.is_match(text)
}

/// Looks at one criterion.
pub(super) fn look(criterion: &Criterion, parsed: &Requirements, english: bool, findings: &mut Vec<Finding>) {
    let Criterion { number, text, line, pattern, .. } = criterion;
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
    let shalls = SHALL.find_iter(text).count();
    if english && shalls == 0 {
        let weak = WEAK.find(text).map(|word| word.as_str().to_owned());
        let message = match &weak {
            Some(word) => format!("{number} has no SHALL, only {word:?}."),
            None => format!("{number} has no SHALL."),
        };
        find("no-shall", Severity::Error, message, Some("Say what the system SHALL do.".to_owned()));
    } else if let Some(word) = WEAK.find(text).filter(|_| english) {
        let message = format!("{number} says {:?} beside SHALL.", word.as_str());
        find(
            "weak-modal",
            Severity::Warning,
            message,
            Some("Use SHALL for what is required and leave out the rest.".to_owned()),
        );
    }
    if shalls > 1 {
        let message = format!("{number} has {shalls} SHALLs.");
        find("two-shall", Severity::Warning, message, Some("Write one sentence for each.".to_owned()));
    }
    if let Some(shall) = SHALL.find(text) {
        let response = text[shall.end()..].trim().trim_matches(['.', '*', ' ']);
        if response.is_empty() {
            find("empty-response", Severity::Error, format!("{number} does not say what happens."), None);
        }
        match subject(&text[..shall.start()]) {
            Subject::Missing => {
                let advice = "Name the system: THE Todo Service SHALL ….".to_owned();
                find(
                    "no-subject",
                    Severity::Error,
                    format!("{number} does not say who SHALL."),
                    Some(advice),
                );
            }
            Subject::Named(subject)
                if !parsed.glossary.is_empty() && !is_in_glossary(&subject, &parsed.glossary) =>
            {
                let message = format!("{number} is about {subject:?}, which the Glossary does not explain.");
                find(
                    "unknown-subject",
                    Severity::Warning,
                    message,
                    Some("Use a term of the Glossary, or add this one.".to_owned()),
                );
            }
            Subject::Named(_) | Subject::Unclear => {}
        }
        let before = &text[..shall.start()];
        if TRIGGER.find_iter(before).count() > 1 {
            let message = format!("{number} has two triggers.");
            find(
                "two-triggers",
                Severity::Error,
                message,
                Some("Write one sentence for each trigger.".to_owned()),
            );
        }
        if *pattern == Some(EarsPattern::UnwantedBehaviour) && !THEN.is_match(before) {
            let advice = "Put THEN before the system: IF …, THEN THE … SHALL ….".to_owned();
            find(
                "if-without-then",
                Severity::Warning,
                format!("{number} says IF without THEN."),
                Some(advice),
            );
        }
        if *pattern == Some(EarsPattern::EventDriven) {
            if ERROR.is_match(before) {
                let message = format!("{number} is about something unwanted and says WHEN.");
                find(
                    "when-for-error",
                    Severity::Warning,
                    message,
                    Some("Write IF …, THEN THE … SHALL ….".to_owned()),
                );
            } else if THEN.is_match(before) {
                let fixed = THEN.replace(text, "").replace(" ,", ",").replace("  ", " ");
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
    if let Some(word) = VAGUE.find(text).filter(|_| !text.bytes().any(|byte| byte.is_ascii_digit())) {
        let message = format!("{number} says {:?} and gives no measure.", word.as_str());
        find("vague", Severity::Warning, message, Some("Give a number, a limit or an example.".to_owned()));
    }
    let words = text.split_whitespace().count();
    if words > WORDS {
        find(
            "long",
            Severity::Warning,
            format!("{number} has {words} words."),
            Some("Split it, or move detail to the design.".to_owned()),
        );
    }
    if let Some(keyword) = KEYWORD.find(text).filter(|_| pattern.is_some()) {
        let fixed = format!("{}{}", keyword.as_str().to_uppercase(), &text[keyword.end()..]);
        find(
            "keyword-case",
            Severity::Info,
            format!("{number} writes {:?} in lower case.", keyword.as_str()),
            Some(fixed),
        );
    }
}

/// Who a sentence is about.
#[derive(Debug, PartialEq, Eq)]
enum Subject {
    Named(String),
    Missing,
    /// The sentence is not written so that it can be told.
    Unclear,
}

/// Finds the subject in what stands before SHALL.
fn subject(before: &str) -> Subject {
    let before = before.trim();
    let last = CLAUSE_END.find_iter(before).last();
    let words = if !TRIGGERED.is_match(before) {
        // What follows a comma here is about the subject: THE list, when open, SHALL ….
        CLAUSE_END.find(before).map_or(before, |end| &before[..end.start()])
    } else if let Some(end) = last {
        &before[end.end()..]
    } else if let Some(article) = ARTICLE.find_iter(before).last() {
        &before[article.end()..]
    } else {
        return if before.is_ascii() { Subject::Missing } else { Subject::Unclear };
    };
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
    ["system", "it"].contains(&subject.as_str())
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
            assert_eq!(subject(before), expected, "{before}");
        }
    }
}
