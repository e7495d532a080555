//! The lint of requirements and plan: what a reviewer should know, each with a stable rule, its line and a suggestion.

use super::sentences;
use super::sentences::Style;
use crate::finding::{Document, Finding, Severity};
use crate::markdown::item;
use crate::markdown::labels::Kind;
use crate::markdown::pattern::pattern;
use crate::plan;
use crate::plan::cycles;
use crate::plan::{Assumed, Plan, PlanUnit, Told, Unresolved};
use crate::requirements;
use crate::requirements::{Criterion, EarsPattern, Requirement, Requirements};
use regex::Regex;
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// How many planned tasks are compared with each other.
const PAIRS: usize = 1_000;

static OPEN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\[NEEDS CLARIFICATION|\[(?:TODO|TBD|FIXME)\b|(?:^[\s>*_+-]*|[(\s:])(?:TODO|TBD|FIXME)(?:\s*[:(]|\s*[.)*_]*\s*$|\s+\()|^[\s>*_+-]*(?:TODO|TBD|FIXME)\s",
    )
});
// A criterion for what may go wrong, with its keywords in capitals and the rest in any language.
static IF_THEN: LazyLock<Regex> = LazyLock::new(|| pattern(r"^[*_`]{0,3}IF\b.*\bTHEN\b"));
// A text that speaks of such marks.
static MENTION: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:no|not|never|without|zero|any|remaining|remove[sd]?|find|detect|scan|search|markers?|comments?|placeholders?|stubs?)\b|\b(?:TODO|TBD|FIXME)s?\s*(?:/|,|\bor\b|\band\b)\s*(?:TODO|TBD|FIXME)",
    )
});

/// Checks requirements and plan together.
pub fn lint(requirements: &str, tasks: &str) -> Vec<Finding> {
    let parsed = requirements::parse(requirements);
    let plan = plan::parse(tasks);
    let units = plan.units();
    let mut findings = parsed.findings.clone();
    for line in item::lines(requirements).filter(|line| is_open(line.text)) {
        let message = "Unresolved marker here.".to_owned();
        let advice = "Resolve it, or ask it under Open Questions.";
        findings.push(finding(
            Document::Requirements,
            line.number,
            "open-point",
            Severity::Warning,
            message,
            Some(advice),
        ));
    }
    let style = Style::of(&parsed);
    for item in &parsed.items {
        // Where no sentence of a requirement has a SHALL, it is another kind of text: how something is now, or scenarios.
        let in_shall = item.criteria.iter().any(|one| sentences::has_shall(&one.text));
        for criterion in &item.criteria {
            let start = findings.len();
            sentences::look(criterion, &parsed, style, in_shall || item.criteria.len() == 1, &mut findings);
            // A sentence that stands alone may tell how something is now.
            for finding in findings[start..].iter_mut().filter(|one| !in_shall && one.rule == "no-shall") {
                finding.severity = Severity::Warning;
            }
        }
    }
    identities(&parsed, &mut findings);
    coverage(&parsed, &units, style.uses_shall, &mut findings);
    plan_rules(&parsed, &plan, &units, &mut findings);
    findings.sort_by_key(|finding| (finding.document, finding.line, finding.rule));
    findings
}

/// Returns whether a line says that something is still to be settled, and does not only speak of such marks.
fn is_open(line: &str) -> bool {
    if !["CLARIFICATION", "TODO", "TBD", "FIXME"].iter().any(|mark| line.contains(mark)) {
        return false;
    }
    let words = sentences::own_words(line);
    words.contains("[NEEDS CLARIFICATION") || OPEN.is_match(&words) && !MENTION.is_match(&words)
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

fn identities(parsed: &Requirements, findings: &mut Vec<Finding>) {
    // A requirement and a criterion may have the same number; numbers that come from the place in a list are no ids.
    let mut seen = BTreeSet::new();
    let numbers = parsed.items.iter().map(|item| (false, &item.number, item.line));
    let is_explicit = |one: &&Criterion| one.is_numbered && one.written.is_none();
    let criteria = parsed.items.iter().flat_map(|item| &item.criteria).filter(is_explicit);
    let criteria = criteria.map(|one| (true, &one.number, one.line));
    for (is_criterion, number, line) in numbers.chain(criteria) {
        if !seen.insert((is_criterion, number)) {
            let message = format!("The number {number} is used twice.");
            findings.push(finding(
                Document::Requirements,
                line,
                "duplicate-id",
                Severity::Error,
                message,
                Some("Give it another number."),
            ));
        }
    }
}

fn coverage(parsed: &Requirements, units: &[PlanUnit], english: bool, findings: &mut Vec<Finding>) {
    let references = || units.iter().flat_map(|unit| &unit.requirements);
    let cited = parsed.find_all(references());
    let all = references().any(|reference| reference == "All");
    let cites = |number: &str| all || cited.contains(number);
    for requirement in &parsed.items {
        let Requirement { number, criteria, line, .. } = requirement;
        let is_unwanted = |one: &Criterion| {
            IF_THEN.is_match(&one.text)
                || one.pattern == Some(EarsPattern::UnwantedBehaviour)
                || one.pattern == Some(EarsPattern::Complex) && one.text.to_lowercase().contains("if ")
        };
        if english && !criteria.is_empty() && !criteria.iter().any(is_unwanted) {
            let message = format!("Requirement {number} has no error case (IF …, THEN …).");
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
        let part = format!("{number}.");
        let is_bare =
            criteria.is_empty() && !parsed.items.iter().any(|other| other.number.starts_with(&part));
        if is_bare {
            findings.push(finding(
                Document::Requirements,
                *line,
                "no-criteria",
                Severity::Warning,
                format!("Requirement {number} has no acceptance criteria."),
                Some("Add numbered criteria: 1. WHEN …, THE … SHALL …."),
            ));
        }
        if units.is_empty() {
            continue;
        }
        // Of a requirement without criteria, a task may cite a part that nothing is known of.
        if is_bare && !cites(number) && !references().any(|cited| cited.starts_with(&part)) {
            findings.push(finding(
                Document::Requirements,
                *line,
                "uncovered",
                Severity::Warning,
                format!("No task cites requirement {number}."),
                Some("Name it in a task's _Requirements_."),
            ));
        }
        let is_open = |one: &&Criterion| !cites(&one.number) && !cites(number) && !one.is_void();
        for one in criteria.iter().filter(is_open) {
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
    for unit in units {
        if unit.requirements.is_empty() && !parsed.items.is_empty() {
            find(
                unit.line,
                "orphan-task",
                Severity::Warning,
                format!("Task {} cites no requirement.", unit.number),
                Some("Cite a requirement in _Requirements_, or remove the task."),
            );
        }
        for cited in unit.requirements.iter().filter(|cited| *cited != "All") {
            let Some(severity) = dangling(parsed, cited) else { continue };
            find(
                unit.line,
                "dangling-id",
                severity,
                format!("Task {} cites {cited}, which requirements.md does not have.", unit.number),
                Some("Cite the number as requirements.md writes it."),
            );
        }
        for Unresolved { line, text, is_number } in &unit.unresolved {
            let (rule, severity, message) = if *is_number {
                let message = format!(
                    "Task {} depends on {text}, which the plan does not have; it waits for the tasks written before it.",
                    unit.number
                );
                ("unknown-dependency", Severity::Error, message)
            } else {
                let message = format!(
                    "The dependency {text:?} of task {} is not understood; the task waits for the tasks written before it.",
                    unit.number
                );
                ("unread-dependency", Severity::Warning, message)
            };
            find(*line, rule, severity, message, Some("Name tasks by their numbers: `_Depends: 1, 2.1_`."));
        }
    }
    for (unit, Told { line, text }) in
        units.iter().flat_map(|unit| unit.taken_as_none.iter().map(move |told| (unit, told)))
    {
        find(
            *line,
            "taken-as-none",
            Severity::Info,
            format!("{text:?} names no task: task {} is taken to depend on nothing.", unit.number),
            Some("Write `_Depends: none_`, or name tasks by their numbers."),
        );
    }
    for cycle in cycles::cycles(units) {
        let line = units.iter().find(|unit| Some(&unit.number) == cycle.first()).map_or(1, |unit| unit.line);
        find(
            line,
            "cycle",
            Severity::Error,
            match cycle.as_slice() {
                [task, again] if task == again => format!("Task {task} waits for itself."),
                _ => format!("The tasks wait for each other: {}.", cycle.join(" → ")),
            },
            Some("Remove one of these dependencies; until then the order of writing decides."),
        );
    }
    // Beyond this many a pair says nothing to a reader any more.
    let units = if units.len() > PAIRS { &[] } else { units };
    let reaches =
        if units.iter().any(|unit| !unit.boundary.is_empty()) { cycles::reaches(units) } else { Vec::new() };
    for (at, one) in units.iter().enumerate() {
        for other in units.iter().skip(at + 1) {
            let shared =
                one.boundary.iter().find(|place| other.boundary.iter().any(|theirs| overlaps(place, theirs)));
            let together = || !reaches[one.index][other.index] && !reaches[other.index][one.index];
            if let Some(place) = shared.filter(|_| together()) {
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
    findings.extend(plan.findings.iter().cloned());
    findings.extend(plan.assumed.iter().map(|assumed| unknown_label(parsed, assumed)));
}

/// Tells what a label that is not known was taken for.
fn unknown_label(parsed: &Requirements, assumed: &Assumed) -> Finding {
    let Assumed { line, label, ids, kind, is_sure } = assumed;
    let cites = parsed.items.is_empty() || ids.iter().all(|id| parsed.find(id).is_some());
    let (taken_for, is_clear) = match kind {
        Some(Kind::Dependencies) => {
            ("its numbers are taken as dependencies", !cites || parsed.items.is_empty())
        }
        Some(_) => ("its numbers are taken as requirements", cites && !parsed.items.is_empty()),
        None => ("its line is kept as a note, and the order of writing applies", false),
    };
    let severity = if *is_sure && is_clear { Severity::Info } else { Severity::Warning };
    finding(
        Document::Tasks,
        *line,
        "unknown-label",
        severity,
        format!("The label {label:?} is not known: {taken_for}."),
        Some("Write `_Depends: 1_` for tasks and `_Requirements: 1.1_` for requirements."),
    )
}

/// Returns how wrong a citation is: an error where the requirements have such numbers and not this one, a warning where
/// they are numbered in another way.
fn dangling(parsed: &Requirements, cited: &str) -> Option<Severity> {
    if parsed.items.is_empty() || parsed.find(cited).is_some() {
        return None;
    }
    let is_plain = |number: &str| number.starts_with(|c: char| c.is_ascii_digit());
    if !is_plain(cited) || !parsed.items.iter().all(|item| is_plain(&item.number)) {
        return Some(Severity::Warning);
    }
    let (whole, part) = cited.split_once('.').map_or((cited, None), |(whole, part)| (whole, Some(part)));
    match (parsed.items.iter().find(|item| item.number == whole), part) {
        // Of a requirement without numbered criteria, the parts are not known.
        (Some(item), Some(_)) if !item.criteria.iter().any(|one| one.is_numbered) => None,
        (Some(_), _) => Some(Severity::Error),
        (None, _) if parsed.items.len() > 1 => Some(Severity::Error),
        (None, _) => Some(Severity::Warning),
    }
}

/// Returns whether two places are the same or one is inside the other.
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
            ("THE system SHALL answer and should log.", "weak-modal"),
        ] {
            assert!(rules(sentence).contains(&rule), "{sentence}: {:?}", rules(sentence));
        }
        assert_eq!(rules("THE system SHALL answer fast, within 200 ms."), Vec::<&str>::new());
    }

    #[test]
    fn a_label_that_is_not_known_is_named() {
        let requirements = "### Requirement 1: A\n1. IF a, THEN THE system SHALL b.\n### Requirement 2: B\n1. IF a, THEN THE system SHALL c.\n";
        let plan = |label: &str, value: &str| {
            format!("- [ ] 1. a\n- [ ] 2. b\n  - _Depends: none_\n- [ ] 3. c\n  - _{label}: {value}_\n")
        };
        for (label, value, needs, cited, message) in [
            (
                "Zuvor",
                "1",
                &[0, 1][..],
                &[][..],
                Some("\"Zuvor\" is not known: its numbers are taken as dependencies"),
            ),
            (
                "前提",
                "1, 2",
                &[0, 1],
                &[],
                Some("\"前提\" is not known: its numbers are taken as dependencies"),
            ),
            ("前提", "52, 53", &[0, 1], &["52", "53"], Some("taken as requirements")),
            ("Erfüllt", "1.1, 2.1", &[0, 1], &["1.1", "2.1"], Some("taken as requirements")),
            ("Hängt ab von", "1", &[0], &[], None),
            ("Vorgänger", "1, 2", &[0, 1], &[], None),
            ("Nach", "1", &[0], &[], None),
            ("After", "1", &[0], &[], None),
            ("Priority", "1", &[0, 1], &[], None),
        ] {
            let text = plan(label, value);
            let units = plan::parse(&text).units();
            assert_eq!(units[2].dependencies, needs, "{label}: {value}");
            assert_eq!(units[2].requirements, cited, "{label}: {value}");
            let found: Vec<String> = lint(requirements, &text)
                .into_iter()
                .filter(|one| one.rule == "unknown-label")
                .map(|one| one.message)
                .collect();
            assert_eq!(found.len(), usize::from(message.is_some()), "{label}: {found:?}");
            assert!(message.is_none_or(|message| found[0].contains(message)), "{found:?}");
        }
        // Beside a known label, others cite nothing.
        let text = "- [ ] 1. a\n  - _Requirements: 1_\n  - _Foo: 7_\n";
        assert_eq!(plan::parse(text).units()[0].requirements, ["1"]);
        assert!(lint(requirements, text).iter().any(|one| one.message.contains("kept as a note")));
        // Several lines that name tasks before replace the order of writing.
        let text = "- [ ] 1. a\n- [ ] 2. b\n  - _Zuvor: 1_\n- [ ] 3. c\n  - _Zuvor: 1_\n";
        assert_eq!(plan::parse(text).units()[2].dependencies, [0]);
    }

    #[test]
    fn a_requirement_without_criteria_is_named() {
        let text = "### Requirement 1: A\n1. IF a, THEN THE system SHALL b.\n### Requirement 2: Audit trail\nEvery login is written.\n";
        for (cited, expected) in [
            ("1", &["no-criteria", "uncovered"][..]),
            ("1, 2", &["no-criteria"]),
            ("1, 2.1", &["no-criteria"]),
            ("1, 3.1", &["no-criteria", "uncovered", "dangling-id"]),
        ] {
            let tasks = format!("- [ ] 1. a\n  - _Requirements: {cited}_\n");
            let found: Vec<&str> = lint(text, &tasks).into_iter().map(|one| one.rule).collect();
            assert_eq!(found, expected, "{cited}");
        }
    }

    #[test]
    fn criteria_in_unusual_dress_are_no_faults() {
        for (sentence, expected) in [
            ("THE app _shall_ blink.", &[][..]),
            ("**THE app** **SHALL** blink.", &[]),
            ("WHEN done THEN\n   - THE app SHALL beep.\n   - THE app SHALL blink.", &[]),
            ("~~THE app should blink.~~", &[]),
            ("N/A", &[]),
            ("THE app should blink.", &["no-shall"]),
        ] {
            let text = format!(
                "### Requirement 1: T\n\n#### Acceptance Criteria\n\n1. {sentence}\n2. IF it fails, THEN THE system SHALL say so.\n"
            );
            let found = lint(&text, "- [ ] 1. Do\n  - _Requirements: 1.2_\n");
            let rules: Vec<&str> = found
                .iter()
                .filter(|one| one.line == 5 && one.rule != "uncovered")
                .map(|one| one.rule)
                .collect();
            assert_eq!(rules, expected, "{sentence}");
        }
        let japanese = "### Requirement 1: T\n1. THE app SHALL a.\n2. THE app SHALL b.\n3. IF 失敗した THEN エラーを表示する\n";
        assert!(lint(japanese, "").iter().all(|one| one.rule != "no-unwanted"));
        let bold = "### Requirement 1: T\n1. **WHEN** opened **THEN** the app SHALL load.\n";
        let fixes: Vec<_> = lint(bold, "").into_iter().filter(|one| one.rule == "when-then").collect();
        assert_eq!(fixes[0].suggestion.as_deref(), Some("**WHEN** opened the app SHALL load."));
    }

    #[test]
    fn how_something_is_now_is_no_error() {
        let text = "## Current Behavior\n1.1 WHEN a code is given THEN the system shows a wrong total\n\n## Expected Behavior\n2.1 WHEN a code is given THEN the system SHALL show the total\n";
        let errors = lint(text, "").into_iter().filter(|one| one.severity == Severity::Error);
        assert_eq!(errors.map(|one| one.message).collect::<Vec<_>>(), Vec::<String>::new());
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
