//! The plan: tasks.md in any dialect, as one model.

use super::checklist::{self, ChecklistItem, Marker};
use super::facts::{self, Kind};
use super::finding::{Document, Finding, Severity};
use super::item::{self, Line, pattern};
use super::surroundings::{Place, Surroundings};
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
    pub dialect: Dialect,
    /// What reading it found; the lint has the rest.
    pub findings: Vec<Finding>,
    /// Numbered headings, for plans whose tasks stand below them.
    pub(super) headings: Vec<Heading>,
    /// Which task may begin in which wave.
    pub(super) waves: BTreeMap<String, usize>,
}

/// One task of a plan.
#[expect(clippy::struct_excessive_bools, reason = "each is a mark of its own in the text")]
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Item {
    /// Stays the same when the plan is renumbered.
    pub uid: String,
    /// As displayed.
    pub number: Option<String>,
    pub title: String,
    pub description: String,
    pub state: Marker,
    pub optional: bool,
    pub depth: usize,
    /// The item it is a part of.
    pub parent: Option<usize>,
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
    /// Whether it is an acceptance criterion of the heading above it.
    pub is_criterion: bool,
}

/// Whose way of writing plans it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// `- [ ] 1. Title` with detail bullets and `_Requirements: …_`.
    #[default]
    Kiro,
    /// Kiro's with `(P)`, `_Depends: …_` and `_Boundary: …_`; what is written here.
    CcSdd,
    /// `- [ ] T012 [P] [US1] Title`.
    SpecKit,
    /// `## 1. Title` above `- [ ] 1.1 Title`.
    OpenSpec,
    /// Kiro's with `_Leverage: …_` and `_Prompt: …_`.
    SpecWorkflow,
    /// `### Task 3: Title`.
    Headings,
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

static TASK_HEADING: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"^#{1,5}\s+(?:Task\s+)?(\d+(?:\.\d+)*|T\d+(?:\.\d+)*)\s*[.:：)\-–—]\s*(.+?)\s*#*$")
});
static NAMED_TASK: LazyLock<Regex> = LazyLock::new(|| pattern(r"^#{1,5}\s+Task\s+(?:\d|T\d)"));
static HEADING: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(#{1,6})(?:\s|$)"));

/// Reads a plan in any dialect.
pub fn parse(text: &str) -> Plan {
    let raw = item::items(text);
    let depths = checklist::depths(&raw);
    let mut raw = raw.into_iter().zip(depths).peekable();
    let mut surroundings = Surroundings::new(text);
    let mut reader =
        Reader { plan: Plan { waves: facts::waves(text), ..Plan::default() }, ..Reader::default() };
    for line in item::lines(text) {
        let place = surroundings.place(line);
        if let Some((found, depth)) = raw.next_if(|(found, _)| found.line == line.number) {
            reader.box_item(found, depth);
            continue;
        }
        match place {
            Place::Comment => {}
            Place::Code => reader.describe(line.text),
            Place::Text if HEADING.is_match(line.text) => reader.heading(line),
            Place::Text => reader.tell(line.text),
        }
    }
    let mut plan = reader.plan;
    for item in &mut plan.items {
        item.description.truncate(item.description.trim_end().len());
    }
    units::identify(&mut plan.items);
    plan.dialect = dialect(&plan, text);
    plan.findings = plan.items.iter().filter(|item| item.in_fence).map(in_code).collect();
    plan
}

/// Reads line after line.
#[derive(Default)]
struct Reader {
    plan: Plan,
    /// The last item, while lines below may tell about it.
    current: Option<usize>,
    /// The task that is a heading, with its level, until a heading ends it.
    whole: Option<(usize, usize)>,
    /// The items that the last one stands inside of, itself included, with their indentations.
    inside: Vec<(usize, usize)>,
    /// A list that is being told: what of, and the indentation it is inside of where that bounds it.
    list: Option<(Kind, Option<usize>)>,
    /// The item that the list tells about.
    told: usize,
}

impl Reader {
    fn box_item(&mut self, found: item::RawItem, depth: usize) {
        let is_criterion = found.number.is_none() && self.list == Some((Kind::Acceptance, None));
        if let Some((whole, _)) = self.whole.filter(|_| is_criterion) {
            self.plan.items[whole].acceptance.push(found.title.clone());
        } else {
            self.list = None;
        }
        self.current = Some(self.plan.items.len());
        self.inside.retain(|(indent, _)| *indent < found.indent);
        self.inside.push((found.indent, self.plan.items.len()));
        self.plan.items.push(Item {
            number: found.number,
            title: found.title,
            state: found.marker,
            optional: found.optional,
            depth,
            parallel: found.parallel,
            dependencies: found.depends.as_deref().map(facts::references),
            line: found.line,
            marker_span: found.marker_span,
            in_fence: found.in_fence,
            is_criterion,
            ..Item::default()
        });
    }

    /// Takes in a heading; `### Task 3: Title` is a task itself, and headings below it are parts of its text.
    fn heading(&mut self, line: Line<'_>) {
        let level = line.text.bytes().take_while(|byte| *byte == b'#').count();
        let inside = self.whole.filter(|(_, whole)| level > *whole);
        let found = TASK_HEADING.captures(line.text);
        self.list = None;
        self.inside.clear();
        if let Some(found) = &found {
            let (number, title) = (found[1].to_owned(), found[2].to_owned());
            if NAMED_TASK.is_match(line.text) {
                self.whole = Some((self.plan.items.len(), level));
                self.current = Some(self.plan.items.len());
                self.plan.items.push(Item {
                    depth: number.matches('.').count(),
                    number: Some(number),
                    parallel: title.contains("[P]") || title.contains("(P)"),
                    title: title.replace("[P]", "").replace("(P)", "").trim().to_owned(),
                    line: line.number,
                    is_heading: true,
                    ..Item::default()
                });
                return;
            }
            self.plan.headings.push(Heading { number, title, line: line.number });
        }
        self.whole = inside;
        self.current = inside.map(|(whole, _)| whole);
        if inside.is_some() {
            self.list = facts::section(line.text).map(|kind| (kind, None));
            self.told = self.current.unwrap_or_default();
            if self.list.is_none() {
                self.describe(line.text.trim_start_matches('#'));
            }
        }
    }

    /// Takes in a line below an item: a fact about it, or its description.
    fn tell(&mut self, line: &str) {
        let Some(told) = self.told_by(line) else { return };
        if let Some((kind, inside)) = self.list {
            if line.trim().is_empty() {
                return;
            }
            let Some(item) = self.plan.items.get_mut(self.told) else { return };
            match facts::bullet(line) {
                Some((indent, value))
                    if inside.is_none_or(|inside| indent > inside) && facts::is_told(kind, value) =>
                {
                    return take(item, kind, value);
                }
                _ => self.list = None,
            }
        }
        let fact = facts::fact(line).filter(|(kind, _)| *kind != Kind::Advice);
        let (Some((kind, value)), Some(item)) = (fact, self.plan.items.get_mut(told)) else {
            return self.describe(line);
        };
        take(item, kind, value);
        if value.is_empty() {
            self.list = Some((kind, Some(facts::indent(line))));
            self.told = told;
        }
    }

    /// The item that a line tells about: for a bullet that which it stands inside of, else the last.
    fn told_by(&self, line: &str) -> Option<usize> {
        let last = self.current?;
        let around = facts::bullet(line)
            .and_then(|(indent, _)| self.inside.iter().rev().find(|(other, _)| *other < indent));
        Some(around.map_or(last, |(_, item)| *item))
    }

    fn describe(&mut self, line: &str) {
        let Some(item) = self.current.and_then(|at| self.plan.items.get_mut(at)) else { return };
        let text = line.trim();
        if text.is_empty() && item.description.is_empty() {
            return;
        }
        item.description.push_str(text);
        item.description.push('\n');
    }
}

/// Takes in a fact.
fn take(item: &mut Item, kind: Kind, value: &str) {
    match kind {
        Kind::Requirements => item.requirements.extend(facts::requirement_ids(value)),
        Kind::Dependencies => item.dependencies.get_or_insert_default().extend(facts::references(value)),
        Kind::Boundary => item.boundary.extend(facts::places(value)),
        Kind::Effort => item.effort = facts::effort(value).or(item.effort),
        Kind::Acceptance => item.acceptance.extend((!value.is_empty()).then(|| value.to_owned())),
        Kind::Advice => {}
    }
}

fn in_code(item: &Item) -> Finding {
    let number = item.number.as_deref().unwrap_or_default();
    Finding {
        document: Document::Tasks,
        line: item.line,
        rule: "task-in-code",
        severity: Severity::Warning,
        message: format!("Task {number} stands inside a code fence; it is taken as a task."),
        suggestion: Some("Close the fence above it.".to_owned()),
    }
}

fn dialect(plan: &Plan, text: &str) -> Dialect {
    let numbers = || plan.items.iter().filter_map(|item| item.number.as_deref());
    let is_kit =
        |number: &str| number.starts_with('T') && number[1..].bytes().all(|byte| byte.is_ascii_digit());
    let is_part = |number: &str| number.contains('.');
    if checklist::is_spec_workflow(text) {
        Dialect::SpecWorkflow
    } else if plan.items.iter().any(|item| item.is_heading) {
        Dialect::Headings
    } else if numbers().any(is_kit) {
        Dialect::SpecKit
    } else if !plan.headings.is_empty() && numbers().next().is_some() && numbers().all(is_part) {
        Dialect::OpenSpec
    } else if plan
        .items
        .iter()
        .any(|item| item.parallel || item.dependencies.is_some() || !item.boundary.is_empty())
    {
        Dialect::CcSdd
    } else {
        Dialect::Kiro
    }
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

    #[test]
    fn a_fact_beside_the_parts_is_about_the_whole() {
        let text = "- [ ] 1. One\n- [ ] 2. Two\n- [ ] 3. Three\n  - [ ] 3.1 Part\n    - _Boundary: src/a_\n  - _Depends: 1_\n";
        let plan = parse(text);
        assert_eq!(plan.items[2].dependencies.as_deref(), Some(&["1".to_owned()][..]));
        assert_eq!(
            (plan.items[3].boundary.as_slice(), &plan.items[3].dependencies),
            (&["src/a".to_owned()][..], &None)
        );
        let needs: Vec<_> = plan.units().into_iter().map(|unit| unit.dependencies).collect();
        assert_eq!(needs, [vec![], vec![0], vec![0]]);
    }

    #[test]
    fn a_fact_may_be_a_list() {
        let text = "- [ ] 1. One\n  - **Files:**\n    - `src/a.rs` (new)\n    - src/b.rs\n  - **Acceptance Criteria:**\n    - It works\n  - Detail\n";
        let item = parse(text).items.remove(0);
        assert_eq!(item.boundary, ["src/a.rs", "src/b.rs"]);
        assert_eq!(item.acceptance, ["It works"]);
        assert_eq!(item.description, "- Detail");
    }

    #[test]
    fn sections_of_a_task_that_is_a_heading_belong_to_it() {
        let text = "## Task 1: First\n\n**Dependencies:** None\n\n### Description\nDo it.\n\n### Acceptance Criteria\n- [ ] Works\n- [x] Fast\n\n\
                    ### Files to Create/Modify\n- `src/x.rs` (new)\n\n## Task 2: Second\n\n## Notes\n\nWords.\n";
        let plan = parse(text);
        assert_eq!(plan.dialect, Dialect::Headings);
        let units = plan.units();
        assert_eq!(units.len(), 2);
        assert_eq!(units[0].acceptance_criteria, "Works\nFast");
        assert_eq!(units[0].description, "Description\nDo it.");
        assert_eq!(units[0].boundary, ["src/x.rs"]);
        assert_eq!(units[1].description, "");
    }

    #[test]
    fn comments_tell_nothing() {
        let plan = parse("- [ ] 1. a\n<!-- _Depends: 7_ -->\n<!--\n_Effort: large_\n-->\n  - b\n");
        assert_eq!((plan.items[0].dependencies.as_ref(), plan.items[0].effort), (None, None));
        assert_eq!(plan.items[0].description, "- b");
    }

    #[test]
    fn dialects_are_told_apart() {
        for (text, dialect) in [
            ("- [ ] 1. a\n  - _Requirements: 1_\n", Dialect::Kiro),
            ("- [ ] 1. (P) a\n", Dialect::CcSdd),
            ("- [ ] T001 a\n", Dialect::SpecKit),
            ("## 1. a\n- [ ] 1.1 b\n", Dialect::OpenSpec),
            ("- [ ] 1. a\n  - _Leverage: src_\n", Dialect::SpecWorkflow),
            ("### Task 1: a\n", Dialect::Headings),
        ] {
            assert_eq!(parse(text).dialect, dialect, "{text}");
        }
    }

    #[test]
    fn a_part_knows_its_whole() {
        let plan = parse("- [ ] 1. a\n- [ ] 1.1 b\n- [ ] 1.1.1 c\n- [ ] 2. d\n  - [ ] e\n");
        let parents: Vec<Option<usize>> = plan.items.iter().map(|item| item.parent).collect();
        assert_eq!(parents, [None, Some(0), Some(1), None, Some(3)]);
    }
}
