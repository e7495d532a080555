//! Requirements: their headings, user stories and EARS sentences, in any language.

use super::facts;
use super::ids;
use super::item::{self, pattern};
use super::surroundings::{Place, Surroundings};
use regex::Regex;
use std::fmt;
use std::sync::LazyLock;

/// requirements.md, read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requirements {
    pub items: Vec<Requirement>,
    /// The terms that the glossary explains.
    pub glossary: Vec<String>,
    pub open_questions: Vec<String>,
    /// The letters of the ids that go by their bare number: `REQ` where `REQ-3` is requirement 3.
    pub(super) bare: Option<String>,
}

/// A numbered requirement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    pub number: String,
    pub title: String,
    pub user_story: Option<String>,
    pub line: usize,
    pub criteria: Vec<Criterion>,
}

/// An acceptance criterion, ideally one EARS sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Criterion {
    /// Requirement and place: `1.2`.
    pub number: String,
    pub text: String,
    pub line: usize,
    pub pattern: Option<EarsPattern>,
    /// Whether the number is written there.
    pub is_numbered: bool,
}

/// The patterns of the Easy Approach to Requirements Syntax (Mavin et al., 2009).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EarsPattern {
    /// The system shall …
    Ubiquitous,
    /// When …, the system shall …
    EventDriven,
    /// While …, the system shall …
    StateDriven,
    /// If …, then the system shall …
    UnwantedBehaviour,
    /// Where …, the system shall …
    OptionalFeature,
    /// Several of the clauses together.
    Complex,
}

impl fmt::Display for EarsPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ubiquitous => "ubiquitous",
            Self::EventDriven => "event_driven",
            Self::StateDriven => "state_driven",
            Self::UnwantedBehaviour => "unwanted_behaviour",
            Self::OptionalFeature => "optional_feature",
            Self::Complex => "complex",
        })
    }
}

// The number and the shape count, not the word before it.
static HEADING: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^#{2,5}\s*((?:[\p{L}\p{M}-]+\s+){0,2}(?:[\p{L}\p{M}]+[-\s]?)?)(\d+(?:\.\d+)*)\s*(?:[:：.)）\-–—、]|\s|$)\s*(.*?)\s*#*$",
    )
});
// Headings of this shape that are no requirements.
static STRUCTURE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)^(?:phase|track|module|week|sprint|milestone|section|part|chapter|step|stage|appendix|version|task|level|v)[-\s]?$",
    )
});
static CRITERION: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^[\s\u{a0}]*(?:[-*+][\s\u{a0}]+(?:\[[ xX]\][\s\u{a0}]+)?)?(?:\*\*)?((?:[A-Z]{2,4}-?)?)(\d+(?:\.\d+)*)([.)：:、]?)(?:\*\*)?[：:]?[\s\u{a0}]+(\S.*)$",
    )
});
static STORY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)^[\s\u{a0}]*(?:[-*+][\s\u{a0}]+)?[*_]{0,2}(?:as an?|i want|i need|so that)\b[*_]{0,2}[:：]?\s*(.*)$",
    )
});
static BULLET: LazyLock<Regex> = LazyLock::new(|| pattern(r"^[\s\u{a0}]*[-*+][\s\u{a0}]+(\S.*)$"));
static TERM: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^[\s\u{a0}]*[-*+][\s\u{a0}]+(?:\*\*|__|`|\*)?([^*:`：]+?)(?:\*\*|__|`|\*)?\s*(?:[:：]|\s[–—-]\s|[–—])",
    )
});
static KEYWORD: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)\b(shall|when|while|if|where|must|should)\b"));
static MODAL: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)\bshall\b|\b(?:MUST|SHOULD)\b|^(?:WHEN|WHILE|IF|WHERE)\b"));

/// Which part of the text a line belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Other,
    Glossary,
    Questions,
    Requirement,
    Criteria,
}

/// Reads requirements.
pub fn parse(text: &str) -> Requirements {
    let mut found = Requirements::default();
    // What stands before the number of each requirement.
    let mut words: Vec<String> = Vec::new();
    let mut surroundings = Surroundings::new(text);
    let mut part = Part::Other;
    for line in item::lines(text) {
        if surroundings.place(line) != Place::Text {
            continue;
        }
        let heading = line.text.trim_start_matches([' ', '\u{feff}']);
        if heading.starts_with('#') {
            let numbered = HEADING.captures(heading).filter(|_| !is_criteria(heading));
            if let Some(numbered) = numbered.filter(|numbered| !STRUCTURE.is_match(&numbered[1])) {
                words.push(numbered[1].trim_end_matches(['-', ' ']).to_owned());
                found.items.push(Requirement {
                    number: numbered[2].to_owned(),
                    title: numbered[3].trim_matches(['*', ' ']).to_owned(),
                    user_story: None,
                    line: line.number,
                    criteria: Vec::new(),
                });
                part = Part::Requirement;
            } else {
                part = part_of(heading, part);
            }
            continue;
        }
        match part {
            Part::Glossary => {
                found.glossary.extend(TERM.captures(line.text).map(|term| term[1].trim().to_owned()));
            }
            Part::Questions => {
                let question = BULLET.captures(line.text).map(|found| found[1].to_owned());
                let numbered = || CRITERION.captures(line.text).map(|found| found[4].to_owned());
                found.open_questions.extend(question.or_else(numbered));
            }
            Part::Requirement | Part::Criteria => {
                if let Some(requirement) = found.items.last_mut() {
                    part = tell(requirement, line.number, line.text, part);
                }
            }
            Part::Other => {}
        }
    }
    ids::tell_apart(&mut found, words);
    found
}

fn is_criteria(heading: &str) -> bool {
    let heading = heading.to_lowercase();
    [
        "acceptance",
        "criteria",
        "验收",
        "受け入れ",
        "aceptación",
        "aceitação",
        "acceptation",
        "akzeptanz",
        "승인",
        "인수",
    ]
    .iter()
    .any(|word| heading.contains(word))
}

fn part_of(heading: &str, before: Part) -> Part {
    let text = heading.to_lowercase();
    if is_criteria(heading) {
        return if before == Part::Other { Part::Other } else { Part::Criteria };
    }
    if text.contains("glossary")
        || text.contains("术语")
        || text.contains("用語")
        || text.contains("glosario")
    {
        return Part::Glossary;
    }
    if text.contains("open question") {
        return Part::Questions;
    }
    // A smaller heading inside a requirement belongs to it.
    let level = heading.chars().take_while(|c| *c == '#').count();
    if level >= 4 && matches!(before, Part::Requirement | Part::Criteria) { before } else { Part::Other }
}

/// Takes in a line of a requirement.
fn tell(requirement: &mut Requirement, line: usize, text: &str, part: Part) -> Part {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return part;
    }
    let lower = trimmed.to_lowercase();
    if lower.trim_start_matches(['*', '_', ' ']).starts_with("user story") {
        let story = trimmed.split_once([':', '：']).map_or(trimmed, |(_, story)| story);
        requirement.user_story = Some(story.trim_matches(['*', ' ']).to_owned());
        return part;
    }
    if let Some(story) = STORY.find(text).filter(|_| part == Part::Requirement) {
        let line = story.as_str().trim().trim_start_matches(['-', '+', '*', ' ']).replace("**", "");
        let told = requirement.user_story.take().map_or(String::new(), |told| format!("{told} "));
        requirement.user_story = Some(told + &line);
        return part;
    }
    if is_criteria(trimmed) && trimmed.len() < 60 && !KEYWORD.is_match(trimmed) {
        return Part::Criteria;
    }
    let place = requirement.criteria.len() + 1;
    // What is further in than the line above it tells more of it.
    let is_inside = part == Part::Criteria && !requirement.criteria.is_empty() && facts::indent(text) > 1;
    if let Some(numbered) = CRITERION.captures(text).filter(|found| is_numbered(text, found)) {
        let (number, sentence) = (&numbered[2], numbered[4].trim());
        let is_nested = is_inside && !number.contains('.') && !KEYWORD.is_match(sentence);
        // A numbered line counts as a criterion below its heading, or when it reads like one.
        if !is_nested && (part == Part::Criteria || KEYWORD.is_match(sentence)) {
            let number = if number.contains('.') {
                number.to_owned()
            } else {
                format!("{}.{number}", requirement.number)
            };
            requirement.criteria.push(criterion(number, sentence, line));
        }
    } else if let Some(bullet) = BULLET.captures(text) {
        let is_part = text.starts_with([' ', '\t', '\u{a0}']) && !requirement.criteria.is_empty();
        let numbered = requirement.criteria.iter().any(|one| one.is_numbered);
        // Bullets are criteria below their heading when nothing there has a number, or when they read like one.
        let counts = if part == Part::Criteria {
            !numbered || SHALL.is_match(&bullet[1])
        } else {
            MODAL.is_match(&bullet[1])
        };
        if !is_part && counts {
            let number = format!("{}.{place}", requirement.number);
            let one = criterion(number, bullet[1].trim(), line);
            requirement.criteria.push(Criterion { is_numbered: false, ..one });
        }
    } else if text.starts_with([' ', '\t'])
        && let Some(last) = requirement.criteria.last_mut()
    {
        last.text = format!("{} {trimmed}", last.text);
        last.pattern = ears(&last.text);
    }
    part
}

/// Whether it is a number that stands first, and not a word such as `200 OK` in a list.
fn is_numbered(text: &str, found: &regex::Captures<'_>) -> bool {
    !found[3].is_empty()
        || found[2].contains('.')
        || !found[1].is_empty()
        || !text.trim_start().starts_with(['-', '*', '+'])
}

fn criterion(number: String, text: &str, line: usize) -> Criterion {
    let boxed = ["[ ]", "[x]", "[X]"].iter().find_map(|sign| text.strip_prefix(sign));
    let text = boxed.unwrap_or(text).trim().to_owned();
    Criterion { number, pattern: ears(&text), text, line, is_numbered: true }
}

static SHALL: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)\bshall\b"));
static CLAUSE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)(?:^|[,，]\s*|\bAND\s+)[*_`]{0,2}(when|while|if|where)\b"));

/// The pattern of a sentence; none without a *shall*.
pub fn ears(text: &str) -> Option<EarsPattern> {
    let shall = SHALL.find(text)?;
    let before = &text[..shall.start()];
    let mut clauses: Vec<String> =
        CLAUSE.captures_iter(before).map(|found| found[1].to_lowercase()).collect();
    clauses.dedup();
    Some(match clauses.as_slice() {
        [] => EarsPattern::Ubiquitous,
        [one] => match one.as_str() {
            "when" => EarsPattern::EventDriven,
            "while" => EarsPattern::StateDriven,
            "if" => EarsPattern::UnwantedBehaviour,
            _ => EarsPattern::OptionalFeature,
        },
        _ => EarsPattern::Complex,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_count_in_every_language() {
        for (text, number, title) in [
            ("### Requirement 1: Title", "1", "Title"),
            ("### 需求 1：标题", "1", "标题"),
            ("### 要件 2: 見出し", "2", "見出し"),
            ("### Requisito 3: Título", "3", "Título"),
            ("## Requirement 4", "4", ""),
            ("### 5. Title", "5", "Title"),
            ("### REQ-6: Title", "6", "Title"),
            ("### Requirement 7 - Title", "7", "Title"),
        ] {
            let found = parse(text);
            assert_eq!(found.items.len(), 1, "{text}");
            assert_eq!(
                (found.items[0].number.as_str(), found.items[0].title.as_str()),
                (number, title),
                "{text}"
            );
        }
        assert!(parse("## Introduction\n### Overview").items.is_empty());
    }

    #[test]
    fn a_requirement_is_read_whole() {
        let text = "## Glossary\n\n- **Todo**: a thing\n- **Todo_List**: things\n- `Well-known` – known\n\n### Requirement 1: Due dates\n\n**User Story:** As a user, I want dates.\n\n\
                    #### Acceptance Criteria\n\n1. WHEN a date is given, THE Todo SHALL keep it.\n2. IF the date is wrong,\n   THEN THE Todo SHALL say so.\n\n\
                    ## Open Questions\n\n- Which zone?\n";
        let found = parse(text);
        let criteria: Vec<(&str, Option<EarsPattern>)> =
            found.items[0].criteria.iter().map(|one| (one.number.as_str(), one.pattern)).collect();
        assert_eq!(
            criteria,
            [("1.1", Some(EarsPattern::EventDriven)), ("1.2", Some(EarsPattern::UnwantedBehaviour))]
        );
        assert_eq!(found.items[0].user_story.as_deref(), Some("As a user, I want dates."));
        assert_eq!(
            (found.glossary, found.open_questions),
            (["Todo", "Todo_List", "Well-known"].map(str::to_owned).to_vec(), vec!["Which zone?".to_owned()])
        );
    }

    #[test]
    fn other_shapes_of_criteria_are_read() {
        let numbers = |text: &str| -> Vec<String> {
            parse(text).items.into_iter().flat_map(|item| item.criteria).map(|one| one.number).collect()
        };
        let bullets = "### US-1: Fork\n**As a** developer\n**I want** it when asked\n\n**Acceptance Criteria:**\n- [ ] Fork it\n- [x] Rename it\n";
        assert_eq!(numbers(bullets), ["1.1", "1.2"]);
        assert_eq!(
            parse(bullets).items[0].user_story.as_deref(),
            Some("As a developer I want it when asked")
        );
        let nested = "### Requirement 1: A\n#### Acceptance Criteria\n1. THE API SHALL answer:\n   - 200 OK\n   - 201 Created\n2. THE API SHALL log.\n- detail\n";
        assert_eq!(numbers(nested), ["1.1", "1.2"]);
        let bold = "### Requirement 1: A\n#### Acceptance Criteria\n- **AC1**: THE API SHALL a.\n- **AC2:** THE API SHALL b.\n";
        assert_eq!(numbers(bold), ["1.1", "1.2"]);
    }

    #[test]
    fn patterns_are_told_apart() {
        assert_eq!(ears("THE system SHALL work"), Some(EarsPattern::Ubiquitous));
        assert_eq!(ears("WHILE open, WHEN asked, THE system SHALL answer"), Some(EarsPattern::Complex));
        assert_eq!(ears("WHERE dark mode is on, THE page SHALL be dark"), Some(EarsPattern::OptionalFeature));
        assert_eq!(ears("it works"), None);
    }
}
