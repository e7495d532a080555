//! Requirements as an outline: headings with what stands below them, as sentences that may be criteria.

use super::facts;
use super::headings;
use super::headings::{Heading, HeadingPart, Headings};
use crate::markdown::boxes;
use crate::markdown::context::{MarkdownContext, Place};
use crate::markdown::fold::{Folded, fold};
use crate::markdown::item;
use crate::markdown::item::Line;
use crate::markdown::labels;
use crate::markdown::numerals;
use crate::markdown::pattern::pattern;
use regex::Regex;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// A heading, or the text before the first, with what stands directly below it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Section {
    pub(crate) heading: Option<Heading>,
    /// Deeper headings have higher numbers; bold lines that stand for headings the highest.
    pub(crate) level: usize,
    pub(crate) parent: Option<usize>,
    pub(crate) groups: Vec<Group>,
    pub(crate) story: Option<String>,
    pub(crate) prose: Vec<(usize, String)>,
}

/// A list with the label above it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Group {
    pub(crate) label: String,
    pub(crate) entries: Vec<Entry>,
}

/// A sentence that may be a criterion.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Entry {
    pub(crate) line: usize,
    /// The id in front of it, as written.
    pub(crate) id: Option<String>,
    pub(crate) text: String,
    /// The lines further in below it.
    pub(crate) details: Vec<String>,
    pub(crate) shape: Shape,
    pub(crate) indent: usize,
}

/// How a sentence is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Shape {
    Ordered,
    #[default]
    Bullet,
    Paragraph,
    Row,
    Scenario,
}

// All patterns read folded text.
static ITEM: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^([\s>]*)(?:([-*+•]|#?\.)|(\d{1,4}(?:\.\d+)*[a-z]?|[a-z]|[ivx]{2,5})([.)]))(\s*)(?:\[[ xX~/\-]?\]\s*)?(\S.*)$",
    )
});
static ENTRY_ID: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^[*_\[`(]*((?:[A-Z][A-Z0-9]{0,7}[-.])*[A-Z]{0,6}-?\d{1,4}(?:[.\-]\d+)*(?:[.\-][A-Z]{1,4}-?\d+)?[a-z]?)[*_\]`)]*(\s*[.:)|\-])?[*_]*:?\s+(\S.*)$",
    )
});
static DOTTED: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^[*_\s>]*(\d{1,3}(?:\.\d+)+[a-z]?)[.):*_]*\s+(\S.*)$"));
static LETTERED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^\s*[*_]*((?:[A-Z][A-Z0-9]{0,7}[-.])*[A-Z]{1,6}-?\d{1,4}(?:[.\-]\d+)*[a-z]?)[*_]*(?:\s*[:.)]|\s+-)[*_]*\s+(\S.*)$",
    )
});
/// An item of a list in HTML.
static HTML_ITEM: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)^\s*(?:</?[uo]l[^<>]*>\s*)*<li(?:\s[^<>]*)?>(.*\S)\s*$"));
/// A definition below its term.
static DEFINITION: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\s{0,3}:\s+(\S.*)$"));
static STORY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i)^(?:[-*+]\s+)?[*_]{0,2}(?:as an?|i want|i need|so that)\b[*_]{0,2}:?\s*(.*)$")
});
static EARS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^[*_`]{0,3}(?:WHEN|WHILE|IF|WHERE|GIVEN|When|While|If|Where|Given)\b|(?:\b|_)(?:SHALL|shall|MUST)(?:\b|_)",
    )
});
static STEP: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)^[*_`]{0,3}(?:given|when|then|and|but)\b[*_`:]{0,3}"));
static ID_CELL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"^[*_`]*((?:[A-Z][A-Z0-9]{0,7}[-.])*[A-Z]{0,6}-?\d{1,4}(?:[.\-]\d+)*[a-z]?)[*_`]*$")
});

/// Returns whether a sentence is written as one of a requirement.
pub(crate) fn is_requirement_sentence(text: &str) -> bool {
    EARS.is_match(text)
}

/// Reads the outline of a text.
pub(crate) fn read(text: &str) -> Vec<Section> {
    let Headings { by_line, parts } = headings::of(text, &BTreeMap::new());
    let mut reader = Reader { sections: vec![Section::default()], headings: by_line, ..Reader::default() };
    let mut context = MarkdownContext::new(text);
    for line in item::lines(text) {
        match context.place(line) {
            Place::Comment | Place::FrontMatter => {}
            Place::Code => reader.code(line),
            Place::Text => {
                reader.end_code();
                if parts.get(&line.number) != Some(&HeadingPart::Underline) {
                    reader.line(line);
                }
            }
        }
    }
    reader.end_code();
    reader.end_scenario();
    // The sections that the present one stands inside of.
    let mut open: Vec<usize> = vec![0];
    for at in 1..reader.sections.len() {
        let level = reader.sections[at].level;
        while open.last().is_some_and(|up| reader.sections[*up].level >= level) {
            open.pop();
        }
        reader.sections[at].parent = open.last().copied();
        open.push(at);
    }
    reader.sections
}

#[derive(Default)]
struct Reader {
    sections: Vec<Section>,
    /// The headings by their lines, until they are read.
    headings: BTreeMap<usize, Heading>,
    /// Whether the line before belongs to the last entry or story.
    is_open: bool,
    in_story: bool,
    code: Vec<(usize, String)>,
    /// The lines of a scenario that stands outside code, its title first.
    scenario: Vec<(usize, String)>,
}

impl Reader {
    fn section(&mut self) -> &mut Section {
        let last = self.sections.len() - 1;
        &mut self.sections[last]
    }

    fn group(&mut self) -> &mut Group {
        let section = self.section();
        if section.groups.is_empty() {
            section.groups.push(Group::default());
        }
        let last = section.groups.len() - 1;
        &mut section.groups[last]
    }

    fn open(&mut self, heading: Heading) {
        self.end_scenario();
        (self.is_open, self.in_story) = (false, false);
        self.sections.push(Section { level: heading.level, heading: Some(heading), ..Section::default() });
    }

    fn line(&mut self, line: Line<'_>) {
        let folded = Folded::new(line.text);
        let text = folded.text();
        let trimmed = text.trim();
        let is_closing = trimmed.starts_with("</") && boxes::without_tags(trimmed).is_empty();
        if trimmed.is_empty() || is_closing {
            (self.is_open, self.in_story) = (false, false);
            // A blank line may stand below the title.
            if self.scenario.len() > 1 {
                self.end_scenario();
            }
            return;
        }
        if let Some(heading) = self.headings.remove(&line.number) {
            return self.open(heading);
        }
        if trimmed.starts_with('|') {
            self.end_scenario();
            return self.row(line.number, line.text);
        }
        if let Some(heading) = bold_heading(line) {
            return self.open(heading);
        }
        if let Some((heading, text)) = bold_story(line) {
            self.open(heading);
            self.section().story = Some(text.to_owned());
            self.in_story = true;
            return;
        }
        if is_scenario_title(trimmed) {
            self.end_scenario();
            let title = line.text.trim().trim_matches(['*', '_', ' ']).to_owned();
            self.scenario.push((line.number, title));
            return;
        }
        if !self.scenario.is_empty() {
            let step = trimmed.trim_start_matches(['-', '*', '+', ' ']);
            let is_numbered = step.starts_with(|c: char| c.is_ascii_digit());
            if step.chars().count() < 200 && !is_numbered && !EARS_SHALL.is_match(step) {
                let step = line.text.trim().trim_start_matches(['-', '*', '+', ' ']).to_owned();
                return self.scenario.push((line.number, step));
            }
            self.end_scenario();
        }
        if let Some(found) = HTML_ITEM.captures(line.text) {
            return self.item(line.number, 0, None, &boxes::without_tags(&found[1]));
        }
        if let Some(found) = DEFINITION.captures(text).and_then(|found| found.get(1)) {
            self.end_term(line.number);
            return self.item(line.number, 0, None, folded.original_from(found.start()).trim());
        }
        let indent = facts::indent(line.text);
        if let Some(found) = ITEM.captures(text)
            && let Some(content) = found.get(6)
            && is_apart(&found, &folded, content.as_str())
        {
            let original = folded.original_from(content.start()).trim();
            let id = found.get(3).map(|id| id.as_str().to_owned());
            let is_lettered = id.as_ref().is_some_and(|id| id.starts_with(|c: char| c.is_ascii_lowercase()));
            let last = self.section().groups.last().and_then(|group| group.entries.last());
            let is_part = last.is_some_and(|last| last.shape == Shape::Ordered && last.id.is_some());
            // Letters below a numbered sentence are parts of it.
            if is_lettered
                && is_part
                && let Some(last) = self.group().entries.last_mut()
            {
                last.details.push(original.to_owned());
                self.is_open = true;
                return;
            }
            return self.item(line.number, indent, id, original);
        }
        // `① …`, `가. …`: a number in other signs.
        let lead = text.len() - text.trim_start().len();
        if let Some((end, value)) =
            numerals::start(&text[lead..]).filter(|_| !trimmed.starts_with(|c: char| c.is_ascii()))
        {
            let content =
                folded.original_from(lead + end).trim_start_matches(['.', ')', '．', '）', '、', ' ']);
            return self.item(line.number, indent, Some(value.to_string()), content.trim());
        }
        if self.story(trimmed, line.text.trim()) {
            return;
        }
        if is_label(trimmed) {
            let label = line.text.trim().trim_matches(['*', '_', ':', '：', ' ']).to_owned();
            self.is_open = false;
            self.section().groups.push(Group { label, entries: Vec::new() });
            return;
        }
        let numbered = DOTTED.captures(text).or_else(|| LETTERED.captures(text));
        if let Some(found) = numbered
            && let (id, Some(content)) = (found[1].to_owned(), found.get(2))
        {
            let text = folded.original_from(content.start()).trim().to_owned();
            self.push(Entry {
                line: line.number,
                id: Some(id),
                text,
                shape: Shape::Paragraph,
                indent,
                ..Entry::default()
            });
            return;
        }
        let is_inside = indent > 1 || self.is_open;
        if is_inside
            && let Some(last) = self.section().groups.last_mut().and_then(|group| group.entries.last_mut())
        {
            if last.details.is_empty() {
                last.text = format!("{} {}", last.text, line.text.trim());
            } else if let Some(detail) = last.details.last_mut() {
                *detail = format!("{detail} {}", line.text.trim());
            }
            return;
        }
        if EARS.is_match(trimmed) {
            // A sentence over lines begins where the paragraph does.
            let (mut first, mut text) = (line.number, line.text.trim().to_owned());
            while self.section().prose.last().is_some_and(|(before, _)| before + 1 == first) {
                if let Some((before, start)) = self.section().prose.pop() {
                    (first, text) = (before, format!("{start} {text}"));
                }
            }
            self.push(Entry { line: first, text, shape: Shape::Paragraph, indent, ..Entry::default() });
            return;
        }
        self.section().prose.push((line.number, line.text.trim().to_owned()));
    }

    /// Takes the line above a definition for a heading where it has a number.
    fn end_term(&mut self, line: usize) {
        let Some((above, text)) = self.section().prose.last().cloned() else { return };
        let heading = headings::named(&text);
        if line - above <= 2 && heading.number.is_some() {
            self.section().prose.pop();
            self.open(Heading { line: above, level: headings::BOLD_LEVEL, ..heading });
        }
    }

    fn push(&mut self, entry: Entry) {
        (self.is_open, self.in_story) = (true, false);
        self.group().entries.push(entry);
    }

    fn item(&mut self, line: usize, indent: usize, ordinal: Option<String>, text: &str) {
        let folded = Folded::new(text);
        if ordinal.is_none() && self.story(folded.text(), text) {
            return;
        }
        // `- **Acceptance Criteria**:` with its list further in.
        if ordinal.is_none() && is_label(folded.text()) && indent == 0 {
            let label = text.trim_matches(['*', '_', ':', '：', ' ']).to_owned();
            self.is_open = false;
            self.section().groups.push(Group { label, entries: Vec::new() });
            return;
        }
        let last = self.group().entries.last();
        // What is further in than the item above it is a part of that.
        if let Some(last) = last
            && last.shape != Shape::Row
            && indent > last.indent + 1
        {
            let own = ENTRY_ID.captures(folded.text()).is_some_and(|found| found[1].contains('.'))
                || ordinal.as_ref().is_some_and(|id| id.contains('.'));
            if !own {
                self.is_open = true;
                if let Some(last) = self.group().entries.last_mut() {
                    last.details.push(text.to_owned());
                }
                return;
            }
        }
        let is_step =
            ordinal.is_none() && STEP.is_match(folded.text()) && !EARS_SHALL.is_match(folded.text());
        let starts = ["given", "when"]
            .iter()
            .any(|word| folded.text().trim_start_matches(['*', '_', '`']).to_lowercase().starts_with(word));
        if is_step
            && let Some(last) = self.group().entries.last_mut()
            && last.shape == Shape::Scenario
            && (!starts || !last.text.to_lowercase().contains("then"))
        {
            last.text = format!("{} {text}", last.text);
            self.is_open = true;
            return;
        }
        let shape = match ordinal {
            Some(_) => Shape::Ordered,
            None if is_step && starts => Shape::Scenario,
            None => Shape::Bullet,
        };
        let (id, text) = match ENTRY_ID.captures(folded.text()) {
            Some(found)
                if is_id(&found[1], found.get(2).is_some() || text.starts_with(['*', '[', '`']))
                    || is_id_of_sentence(&found) =>
            {
                let rest = found.get(3).map_or(text, |rest| folded.original_from(rest.start()));
                (Some(found[1].to_owned()), rest)
            }
            _ => (None, text),
        };
        let id = id.or(ordinal.filter(|ordinal| !ordinal.starts_with(|c: char| c.is_ascii_lowercase())));
        self.push(Entry { line, id, text: text.trim().to_owned(), shape, indent, ..Entry::default() });
    }

    /// Takes in a line of a user story.
    fn story(&mut self, folded: &str, text: &str) -> bool {
        let is_first = self.section().groups.iter().all(|group| group.entries.is_empty());
        let labelled = facts::labelled(text);
        let is_label = labelled.as_ref().is_some_and(|told| labels::is_story(told.label));
        let long = |value: &str| {
            value.split_whitespace().count() > 3 || value.chars().filter(|c| !c.is_ascii()).count() > 9
        };
        let is_first_label = labelled.as_ref().is_some_and(|told| {
            told.is_decorated
                && !told.value.is_empty()
                && long(told.value)
                && labels::kind(told.label).is_none()
                && !labels::is_aside(told.label)
        }) && self.section().story.is_none()
            && self.section().heading.as_ref().is_some_and(|heading| heading.number.is_some());
        if is_first && !STORY.is_match(folded) && (is_label || is_first_label && !EARS_SHALL.is_match(folded))
        {
            let value = labelled.map_or("", |told| told.value).trim_matches(['*', ' ']).to_owned();
            self.section().story = Some(value);
            self.in_story = true;
            return true;
        }
        let goes_on = self.in_story && !folded.starts_with(['#', '|']) && !is_label && labelled.is_none();
        if is_first && (STORY.is_match(folded) || goes_on) {
            let line = text.trim_start_matches(['-', '+', '*', ' ']).replace("**", "");
            let told = self.section().story.take().filter(|told| !told.is_empty());
            let told = told.map_or(String::new(), |told| format!("{told} "));
            self.section().story = Some(told + &line);
            self.in_story = true;
            return true;
        }
        false
    }

    /// Takes in a row of a table: one with an id and a sentence is an entry.
    fn row(&mut self, line: usize, text: &str) {
        let cells: Vec<&str> = text.trim().trim_matches('|').split('|').map(str::trim).collect();
        let id = cells.iter().take(2).find_map(|cell| {
            let folded = fold(cell);
            let found = ID_CELL.captures(&folded)?;
            (is_id(&found[1], true)).then(|| found[1].to_owned())
        });
        let sentence = cells.iter().skip(1).max_by_key(|cell| cell.chars().count());
        if let (Some(id), Some(sentence)) = (id, sentence)
            && (sentence.split_whitespace().count() > 2
                || sentence.chars().filter(|c| !c.is_ascii()).count() > 5)
        {
            let text = (*sentence).to_owned();
            self.push(Entry { line, id: Some(id), text, shape: Shape::Row, ..Entry::default() });
        }
    }

    /// Takes the lines of a scenario for an entry; a title without steps is prose.
    fn end_scenario(&mut self) {
        let lines = std::mem::take(&mut self.scenario);
        let Some((line, _)) = lines.first() else { return };
        if lines.len() < 3 {
            return self.section().prose.extend(lines);
        }
        let texts: Vec<&str> = lines.iter().map(|(_, text)| text.as_str()).collect();
        let (text, line) = (texts.join(" "), *line);
        self.push(Entry { line, text, shape: Shape::Scenario, ..Entry::default() });
        self.is_open = false;
    }

    fn code(&mut self, line: Line<'_>) {
        self.end_scenario();
        self.code.push((line.number, line.text.to_owned()));
    }

    /// Takes the scenarios of a Gherkin block for entries.
    fn end_code(&mut self) {
        let lines = std::mem::take(&mut self.code);
        let Some((_, first)) = lines.first() else { return };
        let info = first.trim_start_matches([' ', '\t', '>', '-', '`', '~']).to_lowercase();
        let is_gherkin = ["gherkin", "cucumber", "feature"].iter().any(|name| info.starts_with(name))
            || info.trim().is_empty()
                && lines.iter().filter(|(_, line)| STEP.is_match(line.trim())).count() > 2;
        if !is_gherkin {
            return;
        }
        let inside = &lines[1..lines.len().saturating_sub(1).max(1)];
        let is_title = |text: &str| {
            text.split_once([':', '：']).is_some_and(|(word, _)| {
                word.chars().count() < 24
                    && !word.contains(['"', '<', '|'])
                    && word.starts_with(char::is_alphabetic)
            }) && !STEP.is_match(text)
        };
        let titles: Vec<usize> = (0..inside.len()).filter(|at| is_title(inside[*at].1.trim())).collect();
        if titles.is_empty() {
            let text: Vec<&str> =
                inside.iter().map(|(_, line)| line.trim()).filter(|line| !line.is_empty()).collect();
            if let Some((line, _)) = inside.first() {
                self.push(Entry {
                    line: *line,
                    text: text.join(" "),
                    shape: Shape::Scenario,
                    ..Entry::default()
                });
            }
        }
        for (place, at) in titles.iter().enumerate() {
            let end = titles.get(place + 1).copied().unwrap_or(inside.len());
            let steps: Vec<&str> = inside[at + 1..end]
                .iter()
                .map(|(_, line)| line.trim())
                .filter(|line| !line.is_empty())
                .collect();
            // A feature has its scenarios below it and no steps.
            if steps.len() < 2
                || place == 0
                    && titles.len() > 1
                    && inside[titles[1]].1.starts_with(' ')
                    && !inside[*at].1.starts_with(' ')
            {
                continue;
            }
            let title = inside[*at].1.trim();
            let title = title.split_once([':', '：']).map_or(title, |(_, title)| title.trim());
            let text = format!("{title}: {}", steps.join(" ")).trim_start_matches([':', ' ']).to_owned();
            self.push(Entry { line: inside[*at].0, text, shape: Shape::Scenario, ..Entry::default() });
        }
        self.is_open = false;
    }
}

/// Returns whether a line is the title of a scenario: `Scenario: Title`.
fn is_scenario_title(folded: &str) -> bool {
    let bare = folded.trim_start_matches(['*', '_', ' ']);
    bare.split_once(':').is_some_and(|(word, title)| {
        labels::is_scenario(word) && word.chars().count() < 30 && title.contains(char::is_alphanumeric)
    })
}

/// Returns whether a blank stands behind a list's sign; scripts without blanks need none.
fn is_apart(found: &regex::Captures<'_>, folded: &Folded<'_>, content: &str) -> bool {
    let is_wide = |at: usize| !folded.original_from(at).starts_with(|c: char| c.is_ascii());
    found.get(5).is_some_and(|blank| !blank.as_str().is_empty())
        || found
            .get(4)
            .is_some_and(|sign| is_wide(sign.start()) || !content.starts_with(|c: char| c.is_ascii()))
}

static EARS_SHALL: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?:\b|_)(?:SHALL|shall|MUST)(?:\b|_)"));

/// Returns whether letters and digits in front of a sentence are its id.
fn is_id(id: &str, is_apart: bool) -> bool {
    let is_number = id.bytes().all(|byte| byte.is_ascii_digit());
    let has_letters = id.bytes().any(|byte| byte.is_ascii_uppercase());
    let is_dotted = id.contains('.') && id.starts_with(|c: char| c.is_ascii_digit());
    !is_number && is_dotted
        || has_letters && is_apart && !matches!(id, "UTF-8" | "SHA-256")
        || is_number && is_apart && id.len() < 4
}

/// Returns whether an id with letters, such as `FR-2.1`, stands in front of a sentence of a requirement without a sign
/// between.
fn is_id_of_sentence(found: &regex::Captures<'_>) -> bool {
    let has_letters = found[1].starts_with(|c: char| c.is_ascii_uppercase());
    has_letters && found[1].contains(['-', '.']) && EARS.is_match(&found[3])
}

/// Returns whether a line is nothing but the label of what follows.
fn is_label(folded: &str) -> bool {
    let bare = folded.trim_matches(['*', '_', ' ']);
    let is_short = bare.chars().count() < 60;
    let decorated =
        folded.starts_with("**") && (folded.ends_with("**") || folded.trim_end_matches(':').ends_with("**"));
    is_short
        && !EARS_SHALL.is_match(bare)
        && (bare.ends_with(':')
            || decorated && !bare.contains('.')
            || labels::is_acceptance(bare)
                && bare.chars().count() < 40
                && !bare.contains(['.', '。'])
                && !bare.contains(": "))
}

/// Returns a line that begins with the bold number of a story: `**Story 1.2** — As a user I want …`.
fn bold_story(line: Line<'_>) -> Option<(Heading, &str)> {
    let (inner, text) = line.text.trim().strip_prefix("**")?.split_once("**")?;
    let heading = headings::named(inner.trim_end_matches([':', '：']));
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || "-–—:：".contains(c));
    let is_story = heading.number.is_some()
        && heading.title.is_empty()
        && (labels::is_story(&heading.word) || STORY.is_match(text))
        && text.split_whitespace().count() > 3;
    is_story.then_some((Heading { line: line.number, level: headings::BOLD_LEVEL, ..heading }, text))
}

/// Returns a bold line that stands for a heading: `**REQ-1: Title**`.
fn bold_heading(line: Line<'_>) -> Option<Heading> {
    let text = line.text.trim();
    let inner = text.strip_prefix("**")?.strip_suffix("**")?;
    if inner.contains("**") || inner.ends_with([':', '：']) {
        return None;
    }
    let heading = headings::named(inner);
    let is_named = heading.number.is_some() && !heading.word.is_empty() && !heading.title.is_empty();
    is_named.then_some(Heading { line: line.number, level: headings::BOLD_LEVEL, ..heading })
}
