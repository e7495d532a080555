//! The lint of requirements and plan: what a reviewer should know, each with a stable rule, its line and a suggestion.

use super::finding::{Document, Finding, Severity};
use super::item::{self, pattern};
use super::plan::{self, Plan, PlanUnit};
use super::requirements::{self, Criterion, EarsPattern, Requirement, Requirements};
use regex::Regex;
use std::collections::BTreeSet;
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
static OPEN: LazyLock<Regex> = LazyLock::new(|| pattern(r"\[NEEDS CLARIFICATION|\bTODO\b|\bTBD\b|\bFIXME\b"));
static THEN: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)\bthen\b"));
static ERROR: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(fails?|failed|failure|error|invalid|missing|unavailable|denied|times? out|timeout|malformed|unauthori[sz]ed|not found)\b",
    )
});
static SUBJECT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)(?:^|,|\bthen\b)\s*[*_`]{0,2}(?:the\s+)?([\p{L}\p{N}][\p{L}\p{N} _/.*`-]*?)[*_`]{0,2}\s+shall\b",
    )
});
static KEYWORD: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(When|While|If|Where|when|while|if|where)\b"));

/// Looks at requirements and plan together.
pub fn lint(requirements: &str, tasks: &str) -> Vec<Finding> {
    let parsed = requirements::parse(requirements);
    let plan = plan::parse(tasks);
    let units = plan.units();
    let mut findings = Vec::new();
    for line in item::lines(requirements).filter(|line| OPEN.is_match(line.text)) {
        let message = "Something is still open here.".to_owned();
        let advice = "Settle it, or ask it under Open Questions.";
        findings.push(finding(
            Document::Requirements,
            line.number,
            "open-point",
            Severity::Warning,
            message,
            Some(advice),
        ));
    }
    // Where sentences have no English modal at all, the rules about modals stay silent.
    let english = parsed
        .items
        .iter()
        .flat_map(|item| &item.criteria)
        .any(|one| SHALL.is_match(&one.text) || WEAK.is_match(&one.text));
    for criterion in parsed.items.iter().flat_map(|item| &item.criteria) {
        sentence(criterion, &parsed, english, &mut findings);
    }
    identities(&parsed, &mut findings);
    coverage(&parsed, &units, english, &mut findings);
    plan_rules(&parsed, &plan, &units, &mut findings);
    findings.sort_by_key(|finding| (finding.document, finding.line, finding.rule));
    findings
}

fn finding(
    document: Document,
    line: usize,
    rule: &'static str,
    severity: Severity,
    message: String,
    suggestion: Option<&str>,
) -> Finding {
    Finding { document, line, rule, severity, message, suggestion: suggestion.map(str::to_owned) }
}

fn sentence(criterion: &Criterion, parsed: &Requirements, english: bool, findings: &mut Vec<Finding>) {
    let Criterion { number, text, line, pattern } = criterion;
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
        match SUBJECT.captures(text).map(|found| found[1].trim().trim_matches(['*', '`', '_']).to_owned()) {
            None => {
                let advice = "Name the system: THE Todo Service SHALL ….".to_owned();
                find(
                    "no-subject",
                    Severity::Error,
                    format!("{number} does not say who SHALL."),
                    Some(advice),
                );
            }
            Some(subject) if !parsed.glossary.is_empty() && !is_in_glossary(&subject, &parsed.glossary) => {
                let message = format!("{number} is about {subject:?}, which the Glossary does not explain.");
                find(
                    "unknown-subject",
                    Severity::Warning,
                    message,
                    Some("Use a term of the Glossary, or add this one.".to_owned()),
                );
            }
            Some(_) => {}
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

fn is_in_glossary(subject: &str, glossary: &[String]) -> bool {
    let plain = |text: &str| text.to_lowercase().replace(['_', '-'], " ");
    let subject = plain(subject);
    ["system", "it"].contains(&subject.as_str())
        || glossary
            .iter()
            .map(|term| plain(term))
            .any(|term| subject == term || subject.ends_with(&term) || term.contains(&subject))
}

fn identities(parsed: &Requirements, findings: &mut Vec<Finding>) {
    let mut seen = BTreeSet::new();
    let numbers = parsed.items.iter().map(|item| (&item.number, item.line));
    let criteria = parsed.items.iter().flat_map(|item| &item.criteria).map(|one| (&one.number, one.line));
    for (number, line) in numbers.chain(criteria) {
        if !seen.insert(number) {
            let message = format!("The number {number} is used twice.");
            findings.push(finding(
                Document::Requirements,
                line,
                "duplicate-id",
                Severity::Error,
                message,
                Some("Number it anew."),
            ));
        }
    }
}

fn coverage(parsed: &Requirements, units: &[PlanUnit], english: bool, findings: &mut Vec<Finding>) {
    let cited: BTreeSet<&str> =
        units.iter().flat_map(|unit| &unit.requirements).map(String::as_str).collect();
    let cites = |number: &str| cited.contains(number) || cited.contains("All");
    for requirement in &parsed.items {
        let Requirement { number, criteria, line, .. } = requirement;
        let is_unwanted = |one: &Criterion| {
            one.pattern == Some(EarsPattern::UnwantedBehaviour)
                || one.pattern == Some(EarsPattern::Complex) && one.text.to_lowercase().contains("if ")
        };
        if english && !criteria.is_empty() && !criteria.iter().any(is_unwanted) {
            let message = format!("Requirement {number} says nothing of what may go wrong.");
            let advice = "Add an IF …, THEN … SHALL … criterion.";
            findings.push(finding(
                Document::Requirements,
                *line,
                "no-unwanted",
                Severity::Warning,
                message,
                Some(advice),
            ));
        }
        if units.is_empty() {
            continue;
        }
        for one in criteria.iter().filter(|one| !cites(&one.number) && !cites(number)) {
            let message = format!("No task cites {}.", one.number);
            let advice = "Name it in a task's _Requirements_.";
            findings.push(finding(
                Document::Requirements,
                one.line,
                "uncovered",
                Severity::Warning,
                message,
                Some(advice),
            ));
        }
    }
}

fn plan_rules(parsed: &Requirements, plan: &Plan, units: &[PlanUnit], findings: &mut Vec<Finding>) {
    let mut find = |line, rule, severity, message: String, suggestion| {
        findings.push(finding(Document::Tasks, line, rule, severity, message, suggestion));
    };
    let numbers: BTreeSet<&str> = parsed
        .items
        .iter()
        .flat_map(|item| {
            std::iter::once(item.number.as_str()).chain(item.criteria.iter().map(|one| one.number.as_str()))
        })
        .collect();
    for unit in units {
        if unit.requirements.is_empty() && !parsed.items.is_empty() {
            find(
                unit.line,
                "orphan-task",
                Severity::Warning,
                format!("Task {} cites no requirement.", unit.number),
                Some("Name what it is for in _Requirements_, or drop it."),
            );
        }
        for cited in unit.requirements.iter().filter(|cited| *cited != "All") {
            let bare = cited.rsplit('-').next().unwrap_or(cited);
            if !numbers.is_empty() && !numbers.contains(bare) {
                find(
                    unit.line,
                    "dangling-id",
                    Severity::Error,
                    format!("Task {} cites {cited}, which requirements.md does not have.", unit.number),
                    None,
                );
            }
        }
        for reference in &unit.unknown {
            find(
                unit.line,
                "unknown-dependency",
                Severity::Error,
                format!("Task {} depends on {reference}, which the plan does not have.", unit.number),
                None,
            );
        }
    }
    if let Some(cycle) = super::units::cycle(units) {
        let line = units.iter().find(|unit| Some(&unit.number) == cycle.first()).map_or(1, |unit| unit.line);
        find(
            line,
            "cycle",
            Severity::Error,
            format!("The tasks wait for each other: {}.", cycle.join(" → ")),
            Some("Break the cycle."),
        );
    }
    for (at, one) in units.iter().enumerate() {
        for other in units
            .iter()
            .skip(at + 1)
            .filter(|other| !waits(units, one.index, other.index) && !waits(units, other.index, one.index))
        {
            if let Some(place) =
                one.boundary.iter().find(|place| other.boundary.iter().any(|theirs| overlaps(place, theirs)))
            {
                let message = format!(
                    "Tasks {} and {} may run at once and both touch {place}.",
                    one.number, other.number
                );
                find(
                    other.line,
                    "overlapping-boundaries",
                    Severity::Warning,
                    message,
                    Some("Let one depend on the other, or part what they touch."),
                );
            }
        }
    }
    for item in plan.items.iter().filter(|item| item.in_fence) {
        let number = item.number.as_deref().unwrap_or_default();
        find(
            item.line,
            "task-in-code",
            Severity::Warning,
            format!("Task {number} stands inside a code fence; it is taken as a task."),
            Some("Close the fence above it."),
        );
    }
}

/// Whether one planned task waits for another, directly or not.
fn waits(units: &[PlanUnit], one: usize, other: usize) -> bool {
    let mut open = vec![one];
    let mut seen = BTreeSet::new();
    while let Some(at) = open.pop() {
        if at == other {
            return true;
        }
        if seen.insert(at) {
            open.extend(units.get(at).into_iter().flat_map(|unit| &unit.dependencies));
        }
    }
    false
}

/// Whether two places are the same or one is inside the other.
fn overlaps(one: &str, other: &str) -> bool {
    let (one, other) = (one.trim_end_matches(['/', '*']), other.trim_end_matches(['/', '*']));
    one == other || one.starts_with(&format!("{other}/")) || other.starts_with(&format!("{one}/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(sentence: &str) -> Vec<&'static str> {
        let text = format!(
            "### Requirement 1: T\n\n#### Acceptance Criteria\n\n1. {sentence}\n2. IF it fails, THEN THE system SHALL say so.\n"
        );
        let tasks = "- [ ] 1. Do\n  - _Requirements: 1_\n";
        lint(&text, tasks)
            .into_iter()
            .filter(|finding| finding.line == 5)
            .map(|finding| finding.rule)
            .collect()
    }

    #[test]
    fn each_rule_finds_its_fault_and_good_sentences_pass() {
        assert_eq!(rules("WHEN a date is given, THE system SHALL keep it."), Vec::<&str>::new());
        assert_eq!(
            rules("WHILE a list is open, WHEN a date is given, THE system SHALL keep it."),
            Vec::<&str>::new()
        );
        for (sentence, rule) in [
            ("The system should work.", "no-shall"),
            ("WHEN asked, SHALL answer.", "no-subject"),
            ("WHEN asked, WHEN told, THE system SHALL answer.", "two-triggers"),
            ("THE system SHALL.", "empty-response"),
            ("THE system SHALL answer fast.", "vague"),
            ("THE system SHALL answer and SHALL log.", "two-shall"),
            ("IF asked, THE system SHALL answer.", "if-without-then"),
            ("WHEN the upload fails, THE system SHALL retry.", "when-for-error"),
            ("WHEN asked THEN THE system SHALL answer.", "when-then"),
            ("When asked, THE system SHALL answer.", "keyword-case"),
            ("THE system SHALL answer TODO.", "open-point"),
            ("THE system SHALL answer what it can.", "weak-modal"),
        ] {
            assert!(rules(sentence).contains(&rule), "{sentence}: {:?}", rules(sentence));
        }
        assert_eq!(rules("THE system SHALL answer fast, within 200 ms."), Vec::<&str>::new());
    }

    #[test]
    fn requirements_and_plan_are_compared() {
        let requirements = "### Requirement 1: A\n\n#### Acceptance Criteria\n\n1. THE system SHALL a.\n\n### Requirement 2: B\n\n#### Acceptance Criteria\n\n1. IF b, THEN THE system SHALL c.\n";
        let tasks = "- [ ] 1. (P) a\n  - _Requirements: 1.1, 9.9_\n  - _Boundary: src/_\n- [ ] 2. (P) b\n  - _Boundary: src/x.rs_\n";
        let found: Vec<(&str, usize)> =
            lint(requirements, tasks).into_iter().map(|one| (one.rule, one.line)).collect();
        for expected in [
            ("no-unwanted", 1),
            ("uncovered", 11),
            ("dangling-id", 1),
            ("orphan-task", 4),
            ("overlapping-boundaries", 4),
        ] {
            assert!(found.contains(&expected), "{expected:?} in {found:?}");
        }
    }
}
