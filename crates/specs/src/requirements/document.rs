//! Requirements: their headings, user stories and EARS sentences, in any language.

use super::ids;
use super::sections::{below, choose, has_own_id, is_criterion_heading, owner, repeated_labels};
use crate::finding::{Document, Finding, Severity};
use crate::markdown::labels;
use crate::markdown::pattern::pattern;
use crate::outline::sections as outline;
use crate::outline::sections::{Entry, Section, Shape};
use regex::Regex;
use std::collections::BTreeSet;
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
    pub(crate) bare: Option<String>,
    /// The findings of the parser; the lint has the rest.
    pub findings: Vec<Finding>,
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
    /// The id as it is written, where that is another than the number: `AC-2`.
    pub written: Option<String>,
    /// The lines further in below it.
    pub details: Vec<String>,
    /// Whether it is a scenario of steps instead of a sentence.
    pub is_scenario: bool,
}

impl Criterion {
    /// Returns whether it is struck through or says that there is none.
    pub(crate) fn is_void(&self) -> bool {
        let text = self.text.trim_matches(|c: char| c.is_whitespace() || "*_.".contains(c));
        labels::is_none(text) || text.len() > 4 && text.starts_with("~~") && text.ends_with("~~")
    }

    /// Returns the whole criterion, as an agent is to read it: its number, its sentence and what stands below.
    pub fn in_full(&self) -> String {
        let mut text = format!("{} {}", self.number, self.text);
        for detail in &self.details {
            text.push_str("\n  - ");
            text.push_str(detail);
        }
        text
    }
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

/// Reads requirements: by their numbers, by the shape that they repeat, and by sentences that can only be criteria.
pub fn parse(text: &str) -> Requirements {
    let sections = outline::read(text);
    let chosen = choose(&sections);
    let mut found = Requirements {
        glossary: glossary(&sections),
        open_questions: open_questions(&sections),
        ..Requirements::default()
    };
    // What stands before the number of each requirement.
    let mut words: Vec<String> = Vec::new();
    let repeated = repeated_labels(&sections, &chosen);
    let tops: Vec<usize> = (0..sections.len()).filter(|at| chosen[*at]).collect();
    let own = |top: usize| -> Vec<usize> {
        let is_own = |other: &usize| owner(&sections, &chosen, *other) == Some(top);
        std::iter::once(top).chain(below(&sections, top)).filter(is_own).collect()
    };
    let first: Vec<Read> = tops.iter().map(|top| requirement(&sections, &own(*top), &repeated, 0)).collect();
    let written: BTreeSet<String> =
        first.iter().filter(|read| read.is_written).map(|read| read.requirement.number.clone()).collect();
    let mut place = 0;
    for (top, mut read) in tops.into_iter().zip(first) {
        // What has no number gets the next that no other has.
        if !read.is_written {
            place += 1;
            while written.contains(&place.to_string()) {
                place += 1;
            }
            read = requirement(&sections, &own(top), &repeated, place);
        }
        found.items.push(read.requirement);
        words.push(read.word);
    }
    ids::disambiguate(&mut found, words);
    if found.items.is_empty() && text.contains(char::is_alphanumeric) {
        found.findings.push(Finding {
            document: Document::Requirements,
            line: 1,
            rule: "no-requirements",
            severity: Severity::Warning,
            message: "No numbered requirement was found: tasks cannot cite what this text asks for."
                .to_owned(),
            suggestion: Some(
                "Write each requirement as `### Requirement 1: Title` with numbered acceptance criteria."
                    .to_owned(),
            ),
        });
    }
    found
}

/// A requirement, read.
struct Read {
    requirement: Requirement,
    /// The word before its number.
    word: String,
    /// Whether its number is written there.
    is_written: bool,
}

/// Makes a requirement of a section and what is below it; without a number of its own it gets its place.
fn requirement(sections: &[Section], own: &[usize], repeated: &BTreeSet<String>, place: usize) -> Read {
    let top = own[0];
    let heading = sections[top].heading.clone();
    let number = heading.as_ref().and_then(|heading| heading.digits().map(str::to_owned));
    let word = heading
        .as_ref()
        .filter(|heading| heading.number.is_some())
        .map_or(String::new(), |heading| heading.word.clone());
    let title = heading.as_ref().map_or(String::new(), |heading| {
        if heading.number.is_some() { heading.title.clone() } else { heading.text.clone() }
    });
    // Every list, with whether its label says that it is one of criteria, or of something else.
    let mut lists: Vec<(Kind, &[Entry])> = Vec::new();
    let mut headed: Vec<Entry> = Vec::new();
    for at in own {
        let below = sections[*at].heading.as_ref().filter(|_| *at != top);
        if is_criterion_heading(sections, *at) && *at != top {
            let heading = below.map_or(String::new(), |heading| heading.text.clone());
            let parts = sections[*at].prose.iter().map(|(line, text)| (*line, text.clone()));
            let entries = sections[*at].groups.iter().flat_map(|group| &group.entries);
            let mut parts: Vec<(usize, String)> =
                parts.chain(entries.map(|entry| (entry.line, entry.text.clone()))).collect();
            parts.sort();
            let texts: Vec<String> = parts.into_iter().map(|(_, text)| text).collect();
            headed.push(Entry {
                line: below.map_or(1, |heading| heading.line),
                id: below.and_then(|heading| heading.number.clone()),
                text: format!("{heading} {}", texts.join(" ")).trim().to_owned(),
                shape: Shape::Scenario,
                ..Entry::default()
            });
            continue;
        }
        for group in &sections[*at].groups {
            let label =
                if group.label.is_empty() { below.map_or("", |heading| &heading.text) } else { &group.label };
            lists.push((Kind::of(label, repeated), &group.entries));
        }
    }
    let has_criteria = lists.iter().any(|(kind, entries)| *kind == Kind::Criteria && !entries.is_empty());
    let only =
        lists.iter().filter(|(kind, entries)| *kind != Kind::Aside && !entries.is_empty()).count() == 1;
    let mut entries: Vec<Entry> = Vec::new();
    for (kind, list) in &lists {
        let numbered = list.iter().any(|entry| entry.shape == Shape::Ordered);
        entries.extend(
            list.iter()
                .filter(|entry| {
                    let is_sentence = outline::is_requirement_sentence(&entry.text);
                    match kind {
                        // Beside numbers, a bullet is a detail unless it reads like a criterion.
                        Kind::Criteria => !numbered || entry.shape != Shape::Bullet || is_sentence,
                        Kind::Aside => SHALL.is_match(&entry.text) || entry.shape == Shape::Scenario,
                        Kind::Other => {
                            is_sentence
                                || entry.shape == Shape::Scenario
                                || has_own_id(entry)
                                || !has_criteria
                                    && (entry.shape == Shape::Ordered || only && is_long(&entry.text))
                        }
                    }
                })
                .cloned(),
        );
    }
    entries.extend(headed);
    if entries.is_empty() {
        // A requirement may be a sentence and nothing else.
        let sentences =
            own.iter().flat_map(|at| &sections[*at].prose).filter(|(_, text)| SHALL.is_match(text));
        entries.extend(sentences.map(|(line, text)| Entry {
            line: *line,
            text: text.clone(),
            shape: Shape::Paragraph,
            ..Entry::default()
        }));
    }
    entries.sort_by_key(|entry| entry.line);
    let roots: BTreeSet<&str> = entries
        .iter()
        .filter_map(|entry| entry.id.as_deref()?.split_once('.').map(|(root, _)| root))
        .collect();
    let number = number
        .or_else(|| {
            (roots.len() == 1)
                .then(|| roots.first().map(|root| (*root).to_owned()))
                .flatten()
                .filter(|root| root.bytes().all(|byte| byte.is_ascii_digit()))
        })
        .or_else(|| common_letters(&entries));
    let is_written = number.is_some();
    let number = number.unwrap_or_else(|| place.to_string());
    let criteria = numbered(&number, &entries);
    let line = heading.as_ref().map_or(1, |heading| heading.line);
    let user_story = own.iter().find_map(|at| sections[*at].story.clone());
    Read { requirement: Requirement { number, title, user_story, line, criteria }, word, is_written }
}

/// Returns the letters that all ids of a list have in common: `FR` of `FR-001`, `FR-002`.
fn common_letters(entries: &[Entry]) -> Option<String> {
    let letters = |entry: &Entry| {
        let id = entry.id.as_deref()?;
        let end = id.find(|c: char| c.is_ascii_digit())?;
        Some(id[..end].trim_end_matches(['-', '.']).to_owned()).filter(|letters| !letters.is_empty())
    };
    let first = letters(entries.first()?)?;
    let is_same = entries.iter().all(|entry| letters(entry).as_deref() == Some(first.as_str()));
    (is_same && !labels::is_criterion_word(&first)).then_some(first)
}

fn is_long(text: &str) -> bool {
    text.split_whitespace().count() > 2 || text.chars().filter(|c| !c.is_ascii()).count() > 5
}

/// The kind of a list, by its label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Criteria,
    /// Tests, files, steps, notes.
    Aside,
    Other,
}

impl Kind {
    fn of(label: &str, repeated: &BTreeSet<String>) -> Self {
        if labels::is_aside(label) {
            Self::Aside
        } else if labels::is_acceptance(label) || repeated.contains(&label.to_lowercase()) {
            Self::Criteria
        } else {
            Self::Other
        }
    }
}

/// Gives every criterion its number: what is written, made one of its requirement.
fn numbered(requirement: &str, entries: &[Entry]) -> Vec<Criterion> {
    // What is written out keeps its number.
    let written_out = entries.iter().filter_map(|entry| entry.id.clone()).filter(|id| id.contains('.'));
    let mut taken: BTreeSet<String> = written_out.collect();
    let mut criteria = Vec::new();
    for (at, entry) in entries.iter().enumerate() {
        let place = format!("{requirement}.{}", at + 1);
        let written = entry.id.clone();
        let wanted = match &written {
            None => place,
            Some(id) if id.starts_with(|c: char| c.is_ascii_digit()) => {
                if id.contains('.') {
                    id.clone()
                } else {
                    format!("{requirement}.{id}")
                }
            }
            Some(id) => {
                let digits = id.find(|c: char| c.is_ascii_digit()).unwrap_or(0);
                let is_local = labels::is_criterion_word(id[..digits].trim_end_matches(['-', '.']))
                    && !id[digits..].contains(['-', '.']);
                if is_local {
                    format!("{requirement}.{}", id[digits..].trim_start_matches('0'))
                } else {
                    id.clone()
                }
            }
        };
        let is_explicit = written.as_ref().is_some_and(|id| *id == wanted);
        let mut number = wanted;
        // Lists that begin again go on counting; what is written out stays, and is found when it is there twice.
        if !is_explicit {
            let mut next = at + 1;
            while taken.contains(&number) {
                number = format!("{requirement}.{next}");
                next += 1;
            }
        }
        taken.insert(number.clone());
        let text = entry.text.trim().to_owned();
        criteria.push(Criterion {
            pattern: ears(&text),
            line: entry.line,
            is_numbered: written.is_some(),
            written: written.filter(|id| *id != number),
            details: entry.details.clone(),
            is_scenario: entry.shape == Shape::Scenario,
            number,
            text,
        });
    }
    criteria
}

static TERM: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"^(?:\*\*|__|`|\*)?([^*:`：]+?)(?:\*\*|__|`|\*)?\s*(?:[:：]|\s[–—-]\s|[–—]|$)")
});

fn glossary(sections: &[Section]) -> Vec<String> {
    let is_glossary = |section: &&Section| {
        section.heading.as_ref().is_some_and(|heading| labels::is_glossary(&heading.text))
    };
    let entries = sections
        .iter()
        .filter(is_glossary)
        .flat_map(|section| &section.groups)
        .flat_map(|group| &group.entries);
    entries.filter_map(|entry| TERM.captures(&entry.text).map(|term| term[1].trim().to_owned())).collect()
}

fn open_questions(sections: &[Section]) -> Vec<String> {
    let is_questions = |section: &&Section| {
        section.heading.as_ref().is_some_and(|heading| labels::is_questions(&heading.text))
    };
    let entries = sections
        .iter()
        .filter(is_questions)
        .flat_map(|section| &section.groups)
        .flat_map(|group| &group.entries);
    entries.map(|entry| entry.text.clone()).collect()
}

pub(crate) static SHALL: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)(?:\b|_)shall(?:\b|_)"));
static CLAUSE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)(?:^|[,，]\s*|\bAND\s+)[*_`]{0,2}(when|while|if|where)\b"));

/// Returns the pattern of a sentence; none without a *shall*.
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

    /// Returns the number of each requirement with how many criteria it has.
    fn counts(text: &str) -> Vec<(String, usize)> {
        parse(text).items.into_iter().map(|item| (item.number, item.criteria.len())).collect()
    }

    #[test]
    fn lists_without_headings_and_other_markup_are_read() {
        for (text, expected) in [
            (
                "REQ-1 Sign in\n: The system SHALL ask for a password.\n: IF it is wrong, THEN the system SHALL say so.\n\nREQ-2 Sign out\n: The system SHALL end the session.\n",
                &[("1", 2), ("2", 1)][..],
            ),
            ("# Requisitos\n\nRF01 – O sistema deve guardar.\nRF02 – O sistema deve avisar.\n", &[("RF", 2)]),
            (
                "## A-1 Anmeldung\n\nAkzeptanzkriterien:\n- Das System muss ein Passwort annehmen.\n\n## A-2 Abmeldung\n\nAkzeptanzkriterien:\n- Danach ist die Sitzung ungültig.\n",
                &[("1", 1), ("2", 1)],
            ),
            (
                "# PRD\n\n## Goals\n- Fewer tickets\n\n## Requirements\n1. A mail is sent every day.\n2. People can unsubscribe.\n",
                &[("1", 2)],
            ),
            (
                "<h2>Requirement 1: Upload</h2>\n<ol>\n<li>THE system SHALL upload it.</li>\n<li>IF it fails, THEN THE system SHALL retry.</li>\n</ol>\n",
                &[("1", 2)],
            ),
            ("Requirement 1: Import\n---\n\n1. THE tool SHALL read it.\n", &[("1", 1)]),
            (
                "### Epic A\n\n**Story 1.1** — As a member I want to mute.\n\nAcceptance criteria:\n- Given a thread, when muted, then no mail comes\n\n**Story 1.2** — As a member I want a digest.\n\nAcceptance criteria:\n- Given a digest, when it is 7, then a mail comes\n",
                &[("1.1", 1), ("1.2", 1)],
            ),
            (
                "## Introduction\n\nThe tool SHALL be small.\n\n### Requirement 1\n\n**User Story:** As a user, I want imports, so that I save time.\n\n1. THE tool SHALL read it.\n",
                &[("1", 1)],
            ),
        ] {
            let found = counts(text);
            let found: Vec<(&str, usize)> =
                found.iter().map(|(number, count)| (number.as_str(), *count)).collect();
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn headings_inside_a_requirement_are_parts_of_it() {
        let own = |number: &str, count| (number.to_owned(), count);
        for (text, expected) in [
            (
                "## Requirements\n### Requirement 1: Login\n#### Happy path\n1. WHEN a, THE app SHALL b.\n#### Errors\n\
                 1. IF a, THEN THE app SHALL c.\n### Requirement 2: Out\n1. THE app SHALL d.\n",
                vec![own("1", 2), own("2", 1)],
            ),
            (
                "## Requirement 1: Login\n### Requirement 1.1: A\n1. THE app SHALL b.\n### Requirement 1.2: B\n1. THE app SHALL c.\n",
                vec![own("1", 0), own("1.1", 1), own("1.2", 1)],
            ),
            (
                "## Requirements\n### Requirement: A\n#### Scenario: S\n- GIVEN a\n- WHEN b\n- THEN c\n### Requirement: B\n#### Scenario: T\n\
                 - GIVEN a\n- WHEN b\n- THEN c\n",
                vec![own("1", 1), own("2", 1)],
            ),
        ] {
            assert_eq!(counts(text), expected, "{text}");
        }
    }

    #[test]
    fn lists_with_letters_are_criteria() {
        for (text, numbers) in [
            ("a) WHEN a, THE app SHALL b.\nb) IF c, THEN THE app SHALL d.\n", &["1.1", "1.2"][..]),
            ("i. WHEN a, THE app SHALL b.\nii. IF c, THEN THE app SHALL d.\n", &["1.1", "1.2"]),
            ("1. THE app SHALL do:\na) this\nb) that\n2. THE app SHALL end.\n", &["1.1", "1.2"]),
            ("1. THE app SHALL do:\n   a. this\n   b. that\n", &["1.1"]),
            ("- FR-1.1: THE app SHALL a.\n- FR-1.2 The app shall b.\n", &["FR-1.1", "FR-1.2"]),
        ] {
            let found = parse(&format!("### Requirement 1: A\n#### Acceptance Criteria\n{text}"));
            let criteria: Vec<&str> = found.items[0].criteria.iter().map(|one| one.number.as_str()).collect();
            assert_eq!(criteria, numbers, "{text}");
        }
    }

    #[test]
    fn scenarios_outside_a_fence_are_criteria_in_any_language() {
        for scenario in [
            "Scenario: Cash\n  Given an account\n  When I deposit 20\n  Then it grows\n",
            "Szenario: Bar\n  Angenommen ein Konto\n  Wenn ich einzahle\n  Dann steigt der Saldo\n",
            "Сценарий: За границу\n  Дано счёт\n  Когда я перевожу\n  Тогда остаток меньше\n",
            "场景: 现金\n  假如 有一个账户\n  当 我存款\n  那么 余额增加\n",
            "Cenário: Senha certa\n\nDado um usuário\nQuando ele entra\nEntão vê o menu\n",
            "**Scenario: Bold**\n- Given an account\n- When I deposit 20\n- Then it grows\n",
        ] {
            let text = format!(
                "# A\n\n## Requirement 1: B\n\n{scenario}\n{scenario}\n## Requirement 2: C\n\n1. THE app SHALL a.\n"
            );
            assert_eq!(counts(&text), [("1".to_owned(), 2), ("2".to_owned(), 1)], "{scenario}");
            assert!(parse(&text).items[0].criteria[0].is_scenario, "{scenario}");
        }
        for (text, count) in [
            (
                "**Scenarios:**\n1. **Given** a, **When** b, **Then** c.\n2. **Given** a, **When** b, **Then** d.\n",
                2,
            ),
            ("Scenarios: all of these\n1. WHEN a, THE app SHALL b.\n2. WHEN a, THE app SHALL c.\n", 2),
            (
                "**Scenario 1: A**\n\n- GIVEN a\n\n- WHEN b\n- THEN c\n\n**Scenario 2: B**\n\n- GIVEN a\n- WHEN b\n- THEN c\n",
                2,
            ),
        ] {
            assert_eq!(
                counts(&format!("### Requirement 1: B\n\n{text}")),
                [("1".to_owned(), count)],
                "{text}"
            );
        }
        assert_eq!(counts("## Requirement 1: B\nScenario: a word about it.\n"), [("1".to_owned(), 0)]);
    }

    #[test]
    fn patterns_are_told_apart() {
        assert_eq!(ears("THE system SHALL work"), Some(EarsPattern::Ubiquitous));
        assert_eq!(ears("WHILE open, WHEN asked, THE system SHALL answer"), Some(EarsPattern::Complex));
        assert_eq!(ears("WHERE dark mode is on, THE page SHALL be dark"), Some(EarsPattern::OptionalFeature));
        assert_eq!(ears("it works"), None);
    }
}
