//! The plan: tasks.md in any dialect, as one model.

use super::checklist::{self, ChecklistItem, Marker};
use super::item::{self, Line, Surroundings, pattern};
use super::units;
use regex::Regex;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::LazyLock;

/// A plan, read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    pub items: Vec<Item>,
    /// Numbered headings, for plans whose tasks stand below them.
    pub(super) headings: Vec<Heading>,
    /// Which task may begin in which wave.
    pub(super) waves: BTreeMap<String, usize>,
}

/// One task of a plan.
#[expect(clippy::struct_excessive_bools, reason = "each is a mark of its own in the text")]
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// As displayed.
    pub number: Option<String>,
    pub title: String,
    pub description: String,
    pub state: Marker,
    pub optional: bool,
    pub depth: usize,
    /// Whether it may run beside its neighbours.
    pub parallel: bool,
    pub requirements: Vec<String>,
    /// References to other tasks, as written; absent when nothing is said of them.
    pub dependencies: Option<Vec<String>>,
    pub boundary: Vec<String>,
    pub effort: Option<Effort>,
    pub acceptance: Vec<String>,
    /// From 1.
    pub line: usize,
    /// Where its marker is; empty for a task that is a heading.
    pub marker_span: Range<usize>,
    /// Whether Markdown would take it for code.
    pub in_fence: bool,
    /// Whether it is a heading instead of a checklist item.
    pub is_heading: bool,
}

/// How much work a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    Small,
    Medium,
    Large,
}

impl fmt::Display for Effort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Small => "small",
            Self::Medium => "medium",
            Self::Large => "large",
        })
    }
}

/// A numbered heading.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Heading {
    pub(super) number: String,
    pub(super) title: String,
    pub(super) line: usize,
}

/// A planned task: a top-level item with its parts, carried out by one session.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanUnit {
    /// Stays the same when the plan is renumbered.
    pub uid: String,
    pub index: usize,
    pub number: String,
    pub title: String,
    pub description: String,
    pub acceptance_criteria: String,
    pub effort: Option<Effort>,
    pub optional: bool,
    /// Indices of the planned tasks it needs.
    pub dependencies: Vec<usize>,
    pub requirements: Vec<String>,
    pub boundary: Vec<String>,
    pub line: usize,
    /// References that name no task.
    pub unknown: Vec<String>,
}

static FACT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)^[\s\u{a0}]*(?:[-*+][\s\u{a0}]+)?[_*]{0,3}(requirements?|validates|requisitos?|exigences?|anforderungen|требования|需求|要求|要件|요구사항|depends(?: on)?|dependencies|blocked by|boundary|boundaries|files?|effort|estimate|size|acceptance criteria|leverage|prompt)[_*]{0,2}\s*[:：]\s*[_*]{0,2}\s*(.*?)[_*\s]*$",
    )
});
static TASK_HEADING: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^#{1,5}\s+(?:Task\s+)?(\d+(?:\.\d+)*|T\d+)\s*[.:：)\-–—]\s*(.+?)\s*#*$"));
static NAMED_TASK: LazyLock<Regex> = LazyLock::new(|| pattern(r"^#{1,5}\s+Task\s+(?:\d|T\d)"));

/// Reads a plan in any dialect.
pub fn parse(text: &str) -> Plan {
    let mut plan = Plan { waves: waves(text), ..Plan::default() };
    let raw = item::items(text);
    let depths = checklist::depths(&raw);
    let mut raw = raw.into_iter().zip(depths).peekable();
    let mut surroundings = Surroundings::default();
    // The last item, while lines below may tell about it.
    let mut current: Option<usize> = None;
    for line in item::lines(text) {
        let in_fence = surroundings.enter(line.text);
        if let Some((found, depth)) = raw.next_if(|(found, _)| found.line == line.number) {
            current = Some(plan.items.len());
            plan.items.push(Item {
                number: found.number,
                title: found.title,
                description: String::new(),
                state: found.marker,
                optional: found.optional,
                depth,
                parallel: found.parallel,
                requirements: Vec::new(),
                dependencies: found.depends.as_deref().map(references),
                boundary: Vec::new(),
                effort: None,
                acceptance: Vec::new(),
                line: found.line,
                marker_span: found.marker_span,
                in_fence: found.in_fence,
                is_heading: false,
            });
            continue;
        }
        if in_fence {
            if let Some(item) = current.and_then(|at| plan.items.get_mut(at)) {
                describe(item, line.text);
            }
            continue;
        }
        if line.text.starts_with('#') {
            current = heading(&mut plan, line);
            continue;
        }
        if let Some(item) = current.and_then(|at| plan.items.get_mut(at)) {
            tell(item, line.text);
        }
    }
    for item in &mut plan.items {
        item.description.truncate(item.description.trim_end().len());
    }
    plan
}

/// Takes in a heading; `### Task 3: Title` is a task itself.
fn heading(plan: &mut Plan, line: Line<'_>) -> Option<usize> {
    let found = TASK_HEADING.captures(line.text)?;
    let (number, title) = (found[1].to_owned(), found[2].to_owned());
    if !NAMED_TASK.is_match(line.text) {
        plan.headings.push(Heading { number, title, line: line.number });
        return None;
    }
    plan.items.push(Item {
        depth: number.matches('.').count(),
        number: Some(number),
        title,
        description: String::new(),
        state: Marker::Pending,
        optional: false,
        parallel: line.text.contains("[P]") || line.text.contains("(P)"),
        requirements: Vec::new(),
        dependencies: None,
        boundary: Vec::new(),
        effort: None,
        acceptance: Vec::new(),
        line: line.number,
        marker_span: 0..0,
        in_fence: false,
        is_heading: true,
    });
    Some(plan.items.len() - 1)
}

/// Takes in a line below an item: a fact about it, or its description.
fn tell(item: &mut Item, line: &str) {
    let Some(found) = FACT.captures(line) else { return describe(item, line) };
    let value = found[2].trim().trim_end_matches(['_', '*']).trim();
    match found[1].to_lowercase().as_str() {
        "depends" | "depends on" | "dependencies" | "blocked by" => {
            item.dependencies.get_or_insert_default().extend(references(value));
        }
        "boundary" | "boundaries" | "file" | "files" => item.boundary.extend(list(value)),
        "effort" | "estimate" | "size" => item.effort = effort(value),
        "acceptance criteria" => item.acceptance.extend((!value.is_empty()).then(|| value.to_owned())),
        "leverage" | "prompt" => describe(item, line),
        _ => item.requirements.extend(requirement_ids(value)),
    }
}

fn describe(item: &mut Item, line: &str) {
    let text = line.trim();
    if text.is_empty() && item.description.is_empty() {
        return;
    }
    item.description.push_str(text);
    item.description.push('\n');
}

fn effort(value: &str) -> Option<Effort> {
    match value.to_lowercase().split(|c: char| !c.is_alphanumeric()).next()? {
        "small" | "s" | "xs" | "low" => Some(Effort::Small),
        "medium" | "m" => Some(Effort::Medium),
        "large" | "l" | "xl" | "high" => Some(Effort::Large),
        _ => None,
    }
}

fn list(value: &str) -> Vec<String> {
    let pieces = value.split([',', ';', '、']).map(|piece| piece.trim().trim_matches('`').trim().to_owned());
    pieces.filter(|piece| !piece.is_empty()).collect()
}

static REFERENCE: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?:[A-Z]{1,5}-?)?\d+(?:\.\d+)*"));

/// References to tasks in a text such as `Task 1, 2.1` or `T012`; `none` is an empty list.
fn references(value: &str) -> Vec<String> {
    REFERENCE.find_iter(value).map(|found| found.as_str().to_owned()).collect()
}

static RANGE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^(\d+)\.(\d+)\s*(?:-|–|—|\.\.|to)\s*(?:(\d+)\.)?(\d+)$"));

/// Requirement ids in a text such as `1.2, 6, 1.1-1.5, REQ-3.2` or `All`, ranges written out.
fn requirement_ids(value: &str) -> Vec<String> {
    let mut ids = Vec::new();
    for piece in list(value) {
        if piece.to_lowercase().starts_with("all") {
            ids.push("All".to_owned());
        } else if let Some(range) = RANGE.captures(&piece) {
            let whole = &range[1];
            let same = range.get(3).is_none_or(|other| other.as_str() == whole);
            let (from, to) = (range[2].parse::<u32>().unwrap_or(0), range[4].parse::<u32>().unwrap_or(0));
            if same && from <= to && to - from < 100 {
                ids.extend((from..=to).map(|number| format!("{whole}.{number}")));
            }
        } else {
            ids.extend(REFERENCE.find_iter(&piece).map(|found| found.as_str().to_owned()));
        }
    }
    ids
}

/// The waves of a plan: `{"waves":[{"id":0,"tasks":["1.1"]}]}` anywhere in the text.
fn waves(text: &str) -> BTreeMap<String, usize> {
    #[derive(serde::Deserialize)]
    struct Waves {
        waves: Vec<Wave>,
    }
    #[derive(serde::Deserialize)]
    struct Wave {
        tasks: Vec<String>,
    }
    let mut found = BTreeMap::new();
    let Some(key) = text.find("\"waves\"") else { return found };
    let Some(start) = text[..key].rfind('{') else { return found };
    let mut json = serde_json::Deserializer::from_str(&text[start..]).into_iter::<Waves>();
    if let Some(Ok(Waves { waves })) = json.next() {
        for (at, wave) in waves.into_iter().enumerate() {
            for task in wave.tasks {
                found.insert(task, at);
            }
        }
    }
    found
}

impl Plan {
    /// The planned tasks, each carried out by one session, with what each needs.
    pub fn units(&self) -> Vec<PlanUnit> {
        units::of(self)
    }

    /// The plan as a checklist: its planned tasks with their parts.
    pub(super) fn checklist(&self) -> Vec<ChecklistItem> {
        units::checklist(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_read_in_every_decoration() {
        let text = "- [ ] 1. One\n  - Detail\n  - _Requirements: 1.1-1.3, 2.4, REQ-3.2_\n  - _Boundary: src/a, `src/b`_\n  - _Effort: small_\n\
                    - [ ] 2. Two\n  _Depends: 1_\n  **Validates: Requirements 1.2**\n  - _需求: 4_\n";
        let plan = parse(text);
        assert_eq!(plan.items[0].requirements, ["1.1", "1.2", "1.3", "2.4", "REQ-3.2"]);
        assert_eq!(plan.items[0].boundary, ["src/a", "src/b"]);
        assert_eq!(plan.items[0].effort, Some(Effort::Small));
        assert_eq!(plan.items[0].description, "- Detail");
        assert_eq!(plan.items[1].dependencies.as_deref(), Some(&["1".to_owned()][..]));
        assert_eq!(plan.items[1].requirements, ["1.2", "4"]);
    }
}
