//! Which sections of a text are requirements, and which sections belong to each.

use super::document::SHALL;
use crate::markdown::labels;
use crate::outline::sections as outline;
use crate::outline::sections::{Entry, Section, Shape};
use std::collections::{BTreeMap, BTreeSet};

/// The features of requirements that a section has.
#[derive(Clone, Copy, Debug, Default)]
struct Evidence {
    /// A story, a list of criteria, a scenario, or sentences that say what something shall do.
    is_strong: bool,
    /// Lists of any kind.
    has_list: bool,
    has_prose: bool,
}

impl Evidence {
    fn of(sections: &[Section], at: usize) -> Self {
        let section = &sections[at];
        let title = section.heading.as_ref().map_or("", |heading| &heading.text);
        let mut evidence = Self { has_prose: !section.prose.is_empty(), ..Self::default() };
        let entries = || {
            section
                .groups
                .iter()
                .filter(|group| !labels::is_aside(&group.label))
                .flat_map(|group| &group.entries)
        };
        evidence.has_list = entries().any(|entry| entry.shape != Shape::Row);
        let has_criteria = section
            .groups
            .iter()
            .any(|group| labels::is_acceptance(&group.label) && !group.entries.is_empty());
        let sentences = entries()
            .filter(|entry| outline::is_requirement_sentence(&entry.text) || has_own_id(entry))
            .count();
        evidence.is_strong = section.story.is_some()
            || has_criteria
            || sentences > 0
            || entries().any(|entry| entry.shape == Shape::Scenario)
            || section
                .prose
                .iter()
                .any(|(_, text)| SHALL.is_match(text) && text.split_whitespace().count() > 4)
            || below(sections, at).any(|other| {
                let heading = sections[other].heading.as_ref();
                let has_entries = sections[other].groups.iter().any(|group| !group.entries.is_empty());
                heading.is_some_and(|heading| {
                    labels::is_acceptance(&heading.text) && has_entries || labels::is_scenario(&heading.text)
                }) && sections[other].parent == Some(at)
            });
        let says_shall = || entries().any(|entry| SHALL.is_match(&entry.text));
        let is_plain = section.heading.as_ref().is_none_or(|heading| heading.number.is_none());
        let is_clear = section.story.is_some() || has_criteria || says_shall();
        if is_plain && (labels::is_acceptance(title) || labels::is_aside(title) && !is_clear) {
            evidence.is_strong = false;
        }
        evidence
    }
}

/// Returns whether the id in front of a sentence is its own, and not the place in a list.
pub(crate) fn has_own_id(entry: &Entry) -> bool {
    entry.id.as_ref().is_some_and(|id| id.contains(|c: char| c == '.' || c.is_ascii_uppercase()))
}

fn is_below(sections: &[Section], at: usize, top: usize) -> bool {
    let mut at = at;
    while let Some(up) = sections[at].parent {
        if up == top {
            return true;
        }
        at = up;
    }
    false
}

pub(crate) fn below(sections: &[Section], top: usize) -> impl Iterator<Item = usize> + '_ {
    (top + 1..sections.len()).take_while(move |at| is_below(sections, *at, top))
}

/// Returns the requirement that a section is a part of.
pub(crate) fn owner(sections: &[Section], chosen: &[bool], at: usize) -> Option<usize> {
    let mut at = Some(at);
    while let Some(here) = at {
        if chosen[here] {
            return Some(here);
        }
        at = sections[here].parent;
    }
    None
}

/// Returns which sections are requirements.
pub(crate) fn choose(sections: &[Section]) -> Vec<bool> {
    let evidence: Vec<Evidence> = (0..sections.len()).map(|at| Evidence::of(sections, at)).collect();
    let mut chosen = vec![false; sections.len()];
    let mut forms: BTreeMap<(usize, String), Vec<usize>> = BTreeMap::new();
    for (at, section) in sections.iter().enumerate() {
        let Some(heading) = &section.heading else { continue };
        let is_structure = heading.number.is_some() && labels::is_structure(&heading.word);
        let is_criterion = is_criterion_heading(sections, at);
        if !is_structure && !is_criterion && (heading.number.is_some() || heading.text.contains([':', '：']))
        {
            let word = match &heading.number {
                Some(_) => heading.word.to_lowercase(),
                None => {
                    format!("{}:", heading.text.split([':', '：']).next().unwrap_or_default().to_lowercase())
                }
            };
            forms.entry((section.level, word)).or_default().push(at);
        }
        // Criteria of their own make a requirement of any heading, structure or not.
        chosen[at] = evidence[at].is_strong
            && !is_criterion
            && !labels::is_questions(&heading.text)
            && !labels::is_glossary(&heading.text);
    }
    // A heading that a chosen one stands above of with the same form is one too, although nothing stands below it yet.
    for ((_, word), members) in &forms {
        let strong = members.iter().filter(|at| chosen[**at]).count();
        let is_worded = !word.is_empty() && !word.ends_with(':');
        let is_named = labels::is_requirement_word(word.trim_end_matches(':'));
        if is_named || strong > 0 && (is_worded || strong * 2 >= members.len()) {
            for at in members {
                // A chapter that holds requirements is none; `#### Happy path` below `### Requirement 1` is a part of it.
                let has_name =
                    |other: usize| !is_named || word.ends_with(':') || is_named_requirement(sections, other);
                let holds = below(sections, *at)
                    .any(|other| chosen[other] && has_name(other) && !is_dotted_part(sections, other, *at));
                chosen[*at] |=
                    !holds && (is_worded || is_named || evidence[*at].has_list || evidence[*at].has_prose);
            }
        }
    }
    if !chosen.contains(&true) {
        // No sentence tells: numbered headings that hold lists.
        let is_numbered = |word: &str| !word.ends_with(':');
        let lists = |members: &[usize]| members.iter().any(|at| evidence[*at].has_list);
        let deepest = forms
            .iter()
            .filter(|((_, word), _)| is_numbered(word))
            .map(|(_, members)| members)
            .rfind(|members| lists(members))
            .or_else(|| forms.iter().rfind(|((_, word), _)| is_numbered(word)).map(|(_, members)| members));
        let has_lists = deepest.is_some_and(|members| lists(members));
        for at in deepest.into_iter().flatten().filter(|at| evidence[**at].has_list || !has_lists) {
            let title = sections[*at].heading.as_ref().map_or("", |heading| heading.text.as_str());
            chosen[*at] |= !labels::is_aside(title);
        }
    }
    if !chosen.contains(&true) {
        // A heading for requirements above a list with numbers, and nothing else that tells.
        for (at, section) in sections.iter().enumerate() {
            let is_named = section
                .heading
                .as_ref()
                .is_some_and(|heading| labels::kind(&heading.text) == Some(labels::Kind::Requirements));
            let mut entries = section.groups.iter().flat_map(|group| &group.entries);
            chosen[at] = is_named && entries.any(|entry| entry.shape == Shape::Ordered);
        }
    }
    // What stands inside a requirement, without a number or id of its own, is a part of it.
    let all = chosen.clone();
    for at in 0..sections.len() {
        let up = sections[at].parent.and_then(|up| owner(sections, &all, up));
        let Some(up) = up.filter(|_| chosen[at]) else { continue };
        let is_numbered =
            |at: usize| sections[at].heading.as_ref().is_some_and(|heading| heading.number.is_some());
        let direct =
            !sections[up].groups.iter().all(|group| group.entries.is_empty()) || sections[up].story.is_some();
        if is_numbered(at) || !is_numbered(up) && !direct {
            continue;
        }
        chosen[at] = false;
    }
    // Sentences of an introduction that stands before requirements with numbers and stories.
    let first = (0..sections.len()).find(|at| {
        let is_numbered = sections[*at].heading.as_ref().is_some_and(|heading| heading.number.is_some());
        chosen[*at] && is_numbered && sections[*at].story.is_some()
    });
    for at in 0..first.unwrap_or(0) {
        let is_numbered = sections[at].heading.as_ref().is_some_and(|heading| heading.number.is_some());
        let mut entries = sections[at].groups.iter().flat_map(|group| &group.entries);
        let is_prose = entries.all(|entry| entry.shape == Shape::Paragraph && entry.id.is_none());
        chosen[at] &= is_numbered || sections[at].story.is_some() || !is_prose;
    }
    // A chapter with nothing of its own besides the requirements in it.
    for at in 0..sections.len() {
        let has_own =
            sections[at].story.is_some() || sections[at].groups.iter().any(|group| !group.entries.is_empty());
        let has_number = sections[at]
            .heading
            .as_ref()
            .is_some_and(|heading| heading.number.is_some() && !heading.word.is_empty());
        if chosen[at] && !has_own && !has_number && below(sections, at).any(|other| chosen[other]) {
            chosen[at] = false;
        }
    }
    chosen
}

/// Returns whether a heading has a number, or a word for a requirement before a colon.
fn is_named_requirement(sections: &[Section], at: usize) -> bool {
    sections[at].heading.as_ref().is_some_and(|heading| {
        let word = heading.text.split([':', '：']).next().filter(|word| word.len() < heading.text.len());
        heading.number.is_some() || word.is_some_and(|word| labels::is_requirement_word(&word.to_lowercase()))
    })
}

fn is_dotted_part(sections: &[Section], at: usize, up: usize) -> bool {
    let digits =
        |at: usize| sections[at].heading.as_ref().and_then(|heading| heading.digits().map(str::to_owned));
    match (digits(at), digits(up)) {
        (Some(own), Some(up)) => own.starts_with(&format!("{up}.")),
        _ => false,
    }
}

/// Returns whether a heading is a criterion itself: `#### AC-1: Title`, `#### Scenario: Title`.
pub(crate) fn is_criterion_heading(sections: &[Section], at: usize) -> bool {
    let Some(heading) = &sections[at].heading else { return false };
    labels::is_scenario(&heading.text) && sections[at].parent.is_some_and(|up| up > 0)
        || heading.number.is_some()
            && labels::is_criterion_word(&heading.word)
            // `A-1` is a criterion below a requirement with a number, else a requirement.
            && (heading.word.chars().count() > 1 || is_below_number(sections, at))
}

/// Returns whether a heading with a number stands above a section.
fn is_below_number(sections: &[Section], at: usize) -> bool {
    let up = sections[at].parent.and_then(|up| sections[up].heading.as_ref());
    up.is_some_and(|heading| heading.number.is_some())
}

/// Returns the labels of lists that most requirements have: in whatever language, these are the criteria.
pub(crate) fn repeated_labels(sections: &[Section], chosen: &[bool]) -> BTreeSet<String> {
    let total = chosen.iter().filter(|is_chosen| **is_chosen).count();
    let mut count: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
    for at in 0..sections.len() {
        let Some(owner) = owner(sections, chosen, at) else { continue };
        let heading =
            sections[at].heading.as_ref().filter(|_| at != owner).map(|heading| heading.text.to_lowercase());
        let labels = sections[at].groups.iter().filter(|group| !group.entries.is_empty()).map(|group| {
            if group.label.is_empty() {
                heading.clone().unwrap_or_default()
            } else {
                group.label.to_lowercase()
            }
        });
        for label in labels.filter(|label| !label.is_empty()) {
            count.entry(label).or_default().insert(owner);
        }
    }
    count
        .into_iter()
        .filter(|(_, owners)| owners.len() > 1 && owners.len() * 2 > total)
        .map(|(label, _)| label)
        .collect()
}
