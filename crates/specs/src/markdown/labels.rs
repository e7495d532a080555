//! What a label of a plan or of requirements is about, by the [stems](super::stems) of its words.
//!
//! Shape and numbers decide; these stems only say which of several readings of the same shape is meant. A label in
//! none of these languages is read by its values.

use super::fold::fold;
use super::stems::{
    ACCEPTANCE, ADVICE, ALL, AND, ASIDE, BOUNDARY, DEPENDENCIES, DEPENDENTS, DONE, EFFORT, GLOSSARY, NONE,
    ORDER, QUESTIONS, RANGE, REQUIREMENTS, SCENARIOS, STATUS, STORY, TASKS,
};

/// The kind of a labelled line below a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Requirements,
    Dependencies,
    /// The tasks that wait for this one.
    Dependents,
    Boundary,
    /// What one session at a time may use, such as a simulator.
    Resources,
    Effort,
    Acceptance,
    /// Advice of other tools, which stays in the description.
    Advice,
}

/// Returns what a label of a task's line is about; none when its words do not tell.
pub(crate) fn kind(label: &str) -> Option<Kind> {
    let label = label.to_lowercase();
    let has = |stems: &[&str]| stems.iter().any(|stem| begins_word(&label, stem));
    Some(if has(ADVICE) {
        Kind::Advice
    } else if has(ACCEPTANCE) {
        Kind::Acceptance
    } else if has(DEPENDENCIES) {
        Kind::Dependencies
    } else if has(DEPENDENTS) {
        Kind::Dependents
    } else if has(REQUIREMENTS) || label == "req" {
        Kind::Requirements
    } else if has(BOUNDARY) {
        Kind::Boundary
    } else if has(EFFORT) {
        Kind::Effort
    } else {
        return None;
    })
}

/// Returns whether a stem stands at the start of a word; scripts without blanks have it anywhere.
fn begins_word(text: &str, stem: &str) -> bool {
    text.match_indices(stem).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        !stem.starts_with(char::is_lowercase) || before.is_none_or(|c| !c.is_alphabetic())
    })
}

/// Returns whether a text says that something waits for something.
pub(crate) fn tells_dependency(text: &str) -> bool {
    let text = text.to_lowercase();
    let is_order =
        || ORDER.iter().any(|word| text.starts_with(word)) && text.bytes().any(|byte| byte.is_ascii_digit());
    DEPENDENCIES.iter().any(|stem| begins_word(&text, stem)) || is_order()
}

/// Returns whether a text begins with a word for what comes after something, which may be a span of time as well as a
/// task.
pub(crate) fn begins_order(text: &str) -> bool {
    let text = text.to_lowercase();
    ORDER.iter().any(|word| text.starts_with(word))
}

/// Returns whether a label says that something comes after what it names.
pub(crate) fn is_order(label: &str) -> bool {
    let label = label.to_lowercase();
    ORDER.iter().any(|word| word.trim_end() == label)
}

/// Returns whether a label is that of acceptance criteria.
pub(crate) fn is_acceptance(label: &str) -> bool {
    kind(label) == Some(Kind::Acceptance)
}

/// Returns whether a label is that of a user story.
pub(crate) fn is_story(label: &str) -> bool {
    let label = label.to_lowercase();
    STORY.iter().any(|stem| label.starts_with(stem))
}

pub(crate) fn is_glossary(heading: &str) -> bool {
    let heading = heading.to_lowercase();
    GLOSSARY.iter().any(|stem| begins_word(&heading, stem))
}

pub(crate) fn is_questions(heading: &str) -> bool {
    let heading = heading.to_lowercase();
    QUESTIONS.iter().any(|stem| heading.contains(stem))
}

/// Returns whether a label is that of a list of tests, files, steps or notes.
pub(crate) fn is_aside(label: &str) -> bool {
    let label = label.to_lowercase();
    !is_acceptance(&label) && ASIDE.iter().any(|stem| begins_word(&label, stem))
}

/// Returns whether a heading is that of a scenario.
pub(crate) fn is_scenario(heading: &str) -> bool {
    let heading = heading.trim_start_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    SCENARIOS.iter().any(|stem| heading.starts_with(stem))
}

/// Returns whether a word in front of a number is one for a requirement.
pub(crate) fn is_requirement_word(word: &str) -> bool {
    kind(word) == Some(Kind::Requirements)
        || matches!(word, "fr" | "nfr" | "us" | "r" | "rf" | "rnf" | "br")
        || is_story(word)
}

/// Returns whether letters in front of a number are those of a criterion.
pub(crate) fn is_criterion_word(word: &str) -> bool {
    matches!(word.to_uppercase().as_str(), "AC" | "A" | "C" | "CA" | "AK" | "KA" | "КП")
        || is_acceptance(word)
}

/// Returns whether a word in front of a number is one for a part of a text or of a schedule.
pub(crate) fn is_structure(word: &str) -> bool {
    matches!(
        word.to_lowercase().as_str(),
        "phase"
            | "track"
            | "module"
            | "week"
            | "sprint"
            | "milestone"
            | "section"
            | "part"
            | "chapter"
            | "step"
            | "stage"
            | "appendix"
            | "version"
            | "task"
            | "level"
            | "v"
            | "fase"
            | "semana"
            | "kapitel"
            | "abschnitt"
            | "раздел"
            | "этап"
            | "фаза"
            | "阶段"
            | "フェーズ"
            | "단계"
            | "option"
            | "problem"
            | "issue"
    )
}

/// Returns whether the header of a column is one for the state of a task.
pub(crate) fn is_status(header: &str) -> bool {
    let header = header.trim().to_lowercase();
    STATUS.iter().any(|stem| header.starts_with(stem))
}

/// Returns whether a cell says that a task is done.
pub(crate) fn is_done(cell: &str) -> bool {
    let cell = cell.trim_matches(|c: char| !c.is_alphanumeric() && c != '✅' && c != '✓').to_lowercase();
    DONE.iter().any(|word| cell == *word || cell.starts_with('✅') || cell.starts_with('✓'))
}

/// Returns whether a word is one for a task.
pub(crate) fn is_task_word(word: &str) -> bool {
    let word = word.trim().to_lowercase();
    TASKS.contains(&word.as_str())
}

/// Returns whether a word is one for a task but for its last letter, as in languages that inflect it: `tehtävien`.
pub(crate) fn is_inflected_task_word(word: &str) -> bool {
    let stem = |task: &str| task.char_indices().nth_back(0).map_or(0, |(at, _)| at);
    let is_long = |task: &&&str| task.chars().count() > 5;
    TASKS.iter().filter(is_long).any(|task| word.starts_with(&task[..stem(task)]))
}

/// Returns the end of a title that says what comes before it: `after 1 and 2` of `Integrate after 1 and 2`.
pub(crate) fn order_in(title: &str) -> Option<&str> {
    title.char_indices().map(|(at, _)| &title[at..]).find(|rest| {
        let before = title[..title.len() - rest.len()].chars().next_back();
        let starts_word = before.is_none_or(|c| !c.is_alphanumeric());
        let is_short = rest.len() < 240;
        is_short && starts_word && fold(rest).contains(|c: char| c.is_ascii_digit()) && {
            let rest = rest.to_lowercase();
            DEPENDENCIES.iter().chain(ORDER).any(|stem| rest.starts_with(stem))
        }
    })
}

/// Returns whether a value says that there is nothing.
pub(crate) fn is_none(value: &str) -> bool {
    let value = value
        .trim()
        .trim_matches(['.', '*', '_', '`', '。', '(', ')', '（', '）', '"'])
        .trim()
        .to_lowercase();
    let first = value.split(['(', '（', ',', '，', '—', '–', ';']).next().unwrap_or_default().trim();
    !value.chars().any(char::is_alphanumeric) || NONE.contains(&value.as_str()) || NONE.contains(&first)
}

/// Returns whether a text without numbers seems to say that there is no dependency: it has a word for nothing (`keine
/// weiteren`), or is short and has the word for dependencies itself (`ei riippuvuuksia`).
pub(crate) fn denies_dependency(text: &str) -> bool {
    let text = text.to_lowercase();
    if text.chars().any(char::is_numeric) {
        return false;
    }
    let words: Vec<&str> =
        text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let is_nothing =
        |(at, word): (usize, &&str)| NONE.contains(word) && (word.len() > 2 || at == 0 && *word == "no");
    // Scripts without blanks have the word at an end of the text.
    let is_glued = || {
        let is_short = text.chars().count() <= 10;
        let nothing = NONE.iter().filter(|word| !word.starts_with(char::is_lowercase) && !word.contains(' '));
        is_short && nothing.clone().any(|word| text.starts_with(word) || text.ends_with(word))
    };
    let repeats_label = || {
        let names = |word: &str| DEPENDENCIES.iter().any(|stem| word.starts_with(stem));
        words.len() < 3 && words.iter().skip(1).any(|word| names(word))
    };
    words.iter().enumerate().any(is_nothing) || is_glued() || repeats_label()
}

/// Returns whether a text begins with a word for everything there is.
pub(crate) fn is_all(text: &str) -> bool {
    let word = text.split_whitespace().next().unwrap_or_default().to_lowercase();
    ALL.contains(&word.trim_matches(['.', '*', '_']))
}

pub(crate) fn is_range_word(word: &str) -> bool {
    RANGE.contains(&word)
}

pub(crate) fn is_and_word(word: &str) -> bool {
    AND.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_known_in_many_languages() {
        for (label, expected) in [
            ("Depends on", Some(Kind::Dependencies)),
            ("Abhängigkeiten", Some(Kind::Dependencies)),
            ("依存関係", Some(Kind::Dependencies)),
            ("Requirements", Some(Kind::Requirements)),
            ("Validates", Some(Kind::Requirements)),
            ("Critérios de Aceitação", Some(Kind::Acceptance)),
            ("Независимые", None),
            ("Independent", None),
            ("Files to Create/Modify", Some(Kind::Boundary)),
            ("Profile", None),
            ("Tests Required", None),
            ("Req", Some(Kind::Requirements)),
        ] {
            assert_eq!(kind(label), expected, "{label}");
        }
        for (text, expected) in [
            ("keine weiteren", true),
            ("aucune dépendance", true),
            ("特になし", true),
            ("不依赖任何任务", true),
            ("Não depende de nenhuma tarefa", true),
            ("ei riippuvuuksia", true),
            ("no other task", true),
            ("the security review", false),
            ("depends on the review", false),
            ("テストなしのビルド", false),
            ("task 2 and nothing else", false),
        ] {
            assert_eq!(denies_dependency(text), expected, "{text}");
        }
        assert!(is_none("—") && is_none("None (first task)") && !is_none("Postgres"));
    }
}
