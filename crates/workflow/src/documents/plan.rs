//! The plan: tasks.md in any dialect, as one model.

use super::checklist::{self, ChecklistItem, Marker};
use super::facts;
use super::finding::{Document, Finding, Severity};
use super::graph::Graph;
use super::headings::{self, BoxPlace, Heading, HeadingPart, Headings};
use super::item::{self, Line, RawItem};
use super::labels::Kind;
use super::phases::{self, Phase};
use super::plan_reader::{Reader, take, without_flags};
use super::surroundings::{Place, Surroundings};
use super::tables;
use super::units;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;

pub use super::references::{Told, Unresolved};

/// A plan, read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    pub items: Vec<Item>,
    pub dialect: Dialect,
    /// What reading it found; the lint has the rest.
    pub findings: Vec<Finding>,
    /// Numbered headings, for plans whose tasks stand below them.
    pub(super) headings: Vec<Heading>,
    pub(super) phases: Vec<Phase>,
    /// What the text says that all tasks of a phase wait for, besides the order of writing.
    pub(super) phase_dependencies: Vec<Told>,
    /// Flowcharts, of tasks or of anything else.
    pub(super) graphs: Vec<Graph>,
    /// Lines with arrows in sections about dependencies: the texts between the arrows.
    pub(super) chains: Vec<(usize, Vec<String>)>,
    /// Which task may begin in which wave.
    pub(super) waves: BTreeMap<String, usize>,
    /// Labels that are not known and have ids behind them.
    pub(super) assumed: Vec<Assumed>,
}

/// A label in words that are not known, and what it was taken for by the ids behind it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Assumed {
    /// The first line that has it.
    pub(super) line: usize,
    pub(super) label: String,
    pub(super) ids: Vec<String>,
    /// None when its lines are left in the description.
    pub(super) kind: Option<Kind>,
    /// Whether its shape leaves little doubt.
    pub(super) is_sure: bool,
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
    /// The section that it stands in, counted from the start of the plan.
    pub phase: usize,
    /// Whether it may run beside its neighbours.
    pub parallel: bool,
    pub requirements: Vec<String>,
    /// What the text says that it waits for, as written.
    pub dependencies: Vec<Told>,
    /// What a label that is not known seems to say that it waits for, besides the order of writing.
    pub assumed_dependencies: Vec<Told>,
    /// What the text says that waits for it, as written.
    pub dependents: Vec<Told>,
    pub boundary: Vec<String>,
    pub effort: Option<Effort>,
    pub acceptance: Vec<String>,
    /// From 1.
    pub line: usize,
    /// Where its marker is; empty for a task that is a heading.
    pub marker_span: Range<usize>,
    /// Whether Markdown would take it for code.
    pub in_fence: bool,
    /// Whether it is a heading or an item of a plain list, without a box.
    pub is_heading: bool,
    /// Whether it is an acceptance criterion of the heading above it.
    pub is_criterion: bool,
    /// Whether it is a check of the whole plan, which no session carries out.
    pub is_check: bool,
    /// Whether it, or what it is a part of, is struck through: no session carries it out.
    pub is_dropped: bool,
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
    /// From 1.
    pub line: usize,
    /// Whether all of it is ticked already.
    pub is_done: bool,
    /// Dependencies that name no task: the order of writing counts for this task then.
    pub unresolved: Vec<Unresolved>,
    /// Dependencies that are left out, since the tasks would wait for each other.
    pub cut: Vec<usize>,
    /// Words that are taken to mean that it depends on nothing.
    pub taken_as_none: Vec<Told>,
}

/// Reads a plan in any dialect.
pub fn parse(text: &str) -> Plan {
    let mut lexed = item::read(text);
    let place = |item: &RawItem| BoxPlace { indent: item.indent, has_number: item.number.is_some() };
    let boxes: BTreeMap<usize, BoxPlace> = lexed.items.iter().map(|item| (item.line, place(item))).collect();
    let Headings { by_line, parts } = headings::of(text, &boxes);
    let headings: Vec<Heading> = by_line.into_values().collect();
    let is_task = task_headings(text, &headings, &lexed.items);
    let depths = checklist::depths(&lexed.items);
    let own: Vec<&Heading> =
        headings.iter().zip(&is_task).filter(|(_, is_task)| **is_task).map(|(heading, _)| heading).collect();
    let task_lines: BTreeSet<usize> = own.iter().map(|heading| heading.line).collect();
    let others: Vec<(Option<&str>, &str)> = lexed
        .items
        .iter()
        .map(|item| (item.number.as_deref(), item.title.as_str()))
        .chain(own.iter().map(|heading| (heading.number.as_deref(), heading.title.as_str())))
        .collect();
    let mut rows = if lexed.items.is_empty() && task_lines.is_empty() {
        BTreeMap::new()
    } else {
        tables::beside(text, &others)
    };
    // A sign in the heading of a task and a box in the row of one are read with it.
    lexed.findings.retain(|finding| {
        let is_read = task_lines.contains(&finding.line) || rows.contains_key(&finding.line);
        finding.rule != "box-not-read" || !is_read
    });
    let empty = Plan {
        waves: facts::waves(text),
        findings: lexed.findings,
        phases: phases::of(&headings, &is_task),
        ..Plan::default()
    };
    let mut raw = lexed.items.into_iter().zip(depths).peekable();
    let mut surroundings = Surroundings::new(text);
    let mut reader = Reader::new(empty, headings, task_lines);
    for line in item::lines(text) {
        let place = surroundings.place(line);
        if let Some((found, depth)) = raw.next_if(|(found, _)| found.line == line.number) {
            reader.box_item(found, depth);
            continue;
        }
        match place {
            Place::Comment | Place::FrontMatter => {}
            Place::Code => reader.code(line),
            Place::Text if rows.contains_key(&line.number) => {
                if let Some(row) = rows.remove(&line.number).flatten() {
                    reader.row(row);
                }
            }
            Place::Text => match parts.get(&line.number) {
                Some(HeadingPart::Underline) => {}
                Some(HeadingPart::Label) => reader.label(line),
                None => reader.text(line),
            },
        }
    }
    let (mut plan, mut sections) = reader.finish();
    if plan.items.is_empty() {
        take_tables(text, &mut plan);
        if plan.items.is_empty() {
            take_lists(text, &mut plan);
        }
        sections = vec![(0, true); plan.items.len()];
    }
    for item in &mut plan.items {
        item.description.truncate(item.description.trim_end().len());
    }
    number_parts(&mut plan.items);
    units::identify(&mut plan.items);
    drop_struck(&mut plan);
    set_checks_aside(&mut plan, &sections);
    let repeated = repeated_numbers(&plan);
    plan.findings.extend(repeated);
    let open = units::open_parts(&plan);
    plan.findings.extend(open);
    let drawn = units::drawn_findings(&plan);
    plan.findings.extend(drawn);
    plan.dialect = dialect(&plan, text);
    let in_code: Vec<Finding> = plan.items.iter().filter(|item| item.in_fence).map(in_code).collect();
    plan.findings.extend(in_code);
    plan.findings.sort_by_key(|finding| finding.line);
    plan
}

/// Which headings are tasks.
fn task_headings(text: &str, headings: &[Heading], items: &[RawItem]) -> Vec<bool> {
    let numbered = items.iter().filter(|item| item.number.is_some()).count();
    let boxes: Vec<usize> = items.iter().map(|item| item.line).collect();
    // What a heading holds, headings below it included: boxes where there are any, else lines.
    let lines: Vec<usize> = if boxes.is_empty() {
        item::lines(text)
            .filter(|line| !line.text.trim().is_empty() && !line.text.trim_start().starts_with('#'))
            .map(|line| line.number)
            .collect()
    } else {
        boxes
    };
    let mut holds = vec![0; headings.len()];
    let mut open: Vec<usize> = Vec::new();
    let mut next = 0;
    for line in lines {
        while next < headings.len() && headings[next].line < line {
            let level = headings[next].level;
            open.retain(|at| headings[*at].level < level);
            open.push(next);
            next += 1;
        }
        for at in &open {
            holds[*at] += 1;
        }
    }
    headings::tasks(headings, numbered, &holds)
}

/// Gives boxes below a heading that is a task, which count from 1 below each of them, the number of the heading.
fn number_parts(items: &mut [Item]) {
    let mut whole: Option<String> = None;
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut again: BTreeSet<String> = BTreeSet::new();
    for item in items.iter().filter(|item| !item.is_heading) {
        again.extend(item.number.iter().filter(|number| !seen.insert((*number).clone())).cloned());
    }
    let heads: BTreeSet<String> =
        items.iter().filter(|item| item.is_heading).filter_map(|item| item.number.clone()).collect();
    for item in items {
        if item.is_heading {
            whole.clone_from(&item.number);
            continue;
        }
        let (Some(whole), Some(number)) = (&whole, &item.number) else { continue };
        let is_count = number.bytes().all(|byte| byte.is_ascii_digit());
        if is_count && (again.contains(number) || heads.contains(number)) {
            item.number = Some(format!("{whole}.{number}"));
            item.depth = item.depth.max(1);
        }
    }
}

/// Takes the rows of tables for tasks, in a text that has neither boxes at the start of lines nor headings that are tasks.
fn take_tables(text: &str, plan: &mut Plan) {
    plan.items = tables::tasks(text);
    let Some(first) = plan.items.first().map(|item| item.line) else { return };
    let rows: BTreeSet<usize> = plan.items.iter().map(|item| item.line).collect();
    plan.findings.retain(|finding| finding.rule != "box-not-read" || !rows.contains(&finding.line));
    plan.findings.push(warning(
        first,
        "no-boxes",
        "No box begins a line and no heading has a number: the rows of the table are taken as tasks."
            .to_owned(),
        "Write each task as `- [ ] 1. Title`.",
    ));
}

/// Takes the items of a list for tasks, in a text that has neither boxes nor numbered headings: those with numbers, else
/// those of the first list, else the text as a whole.
fn take_lists(text: &str, plan: &mut Plan) {
    let mut surroundings = Surroundings::new(text);
    let texts: Vec<Line<'_>> =
        item::lines(text).filter(|line| surroundings.place(*line) == Place::Text).collect();
    let numbered = |line: &&Line<'_>| {
        facts::indent(line.text) == 0
            && headings::named(line.text.trim()).number.is_some()
            && facts::bullet(line.text).is_some()
    };
    let bulleted = |line: &&Line<'_>| facts::indent(line.text) == 0 && facts::bullet(line.text).is_some();
    let mut starts: Vec<Line<'_>> = texts.iter().filter(numbered).copied().collect();
    if starts.len() < 2 {
        starts = texts.iter().filter(bulleted).copied().collect();
    }
    if starts.is_empty() {
        starts.extend(texts.iter().find(|line| line.text.contains(char::is_alphanumeric)));
    }
    let Some(first) = starts.first().map(|line| line.number) else { return };
    let whole = starts.len() == 1;
    let mut starts = starts.into_iter().peekable();
    for line in texts.iter().filter(|line| line.number >= first) {
        if starts.next_if(|start| start.number == line.number).is_some() {
            let value = facts::bullet(line.text).map_or(line.text, |(_, value)| value);
            let ordered = headings::named(line.text.trim());
            let is_ordered =
                line.text.trim_start().starts_with(|c: char| c.is_alphanumeric()) && ordered.number.is_some();
            let (title, parallel) = without_flags(value.trim_matches(['#', '*', '_', ' ']));
            plan.items.push(Item {
                number: ordered.number.filter(|_| is_ordered && !whole),
                title,
                parallel,
                line: line.number,
                is_heading: true,
                ..Item::default()
            });
        } else if let Some(item) = plan.items.last_mut().filter(|_| whole || !line.text.starts_with('#')) {
            match facts::fact(line.text, &BTreeMap::new()) {
                Some((kind, value)) if kind != Kind::Advice => take(item, kind, value, line.number),
                _ => {
                    item.description.push_str(line.text.trim());
                    item.description.push('\n');
                }
            }
        }
    }
    plan.findings.push(Finding {
        document: Document::Tasks,
        line: first,
        rule: "no-boxes",
        severity: Severity::Warning,
        message: if whole {
            "No box begins a line and no heading has a number: the plan is taken as one task.".to_owned()
        } else {
            "No box begins a line and no heading has a number: the items of the lists are taken as tasks."
                .to_owned()
        },
        suggestion: Some("Write each task as `- [ ] 1. Title`.".to_owned()),
    });
}

/// Takes boxes without numbers in a section of their own for checks of the whole plan, where tasks have numbers.
fn set_checks_aside(plan: &mut Plan, sections: &[(usize, bool)]) {
    let has_number = |item: &Item| item.number.is_some();
    let numbered: BTreeSet<usize> = plan
        .items
        .iter()
        .zip(sections)
        .filter(|(item, _)| has_number(item))
        .map(|(_, section)| section.0)
        .collect();
    let is_aside = |item: &Item, section: &(usize, bool)| {
        item.number.is_none()
            && !item.is_criterion
            && section.0 > 0
            && !section.1
            && !numbered.contains(&section.0)
    };
    let mut aside: Vec<usize> = Vec::new();
    for (at, item) in plan.items.iter().enumerate() {
        let is_below = at > 0 && aside.last() == Some(&(at - 1));
        if is_aside(item, &sections[at]) && (item.depth == 0 || is_below) {
            aside.push(at);
        }
    }
    let total = plan.items.iter().filter(|item| has_number(item)).count();
    if total == 0 || aside.len() >= total {
        return;
    }
    for at in aside {
        let item = &mut plan.items[at];
        item.is_check = true;
        plan.findings.push(Finding {
            document: Document::Tasks,
            line: item.line,
            rule: "plan-check",
            severity: Severity::Warning,
            message: "This box has no number and stands in a section without tasks: it is a check of the plan, and no session carries it out."
                .to_owned(),
            suggestion: Some("Give it a number if it is a task.".to_owned()),
        });
    }
}

/// Leaves out what stands below a task that is struck through, and names each such task.
fn drop_struck(plan: &mut Plan) {
    for at in 0..plan.items.len() {
        let parent = plan.items[at].parent;
        let is_below = parent.is_some_and(|parent| plan.items[parent].is_dropped);
        let item = &mut plan.items[at];
        if item.is_dropped && !is_below {
            let name = item.number.clone().unwrap_or_else(|| format!("{:?}", item.title));
            plan.findings.push(warning(
                item.line,
                "struck-out",
                format!("Task {name} is struck through or cancelled: no session carries it out."),
                "Remove the strikethrough, or the word for it, if it is to be done.",
            ));
        }
        item.is_dropped |= is_below && item.state != Marker::Completed;
    }
}

/// Finds numbers that several tasks have; where the numbers start again in a section, once for all of them.
fn repeated_numbers(plan: &Plan) -> Vec<Finding> {
    let mut first: BTreeMap<&str, &Item> = BTreeMap::new();
    let mut starts_again = false;
    let mut found = Vec::new();
    let counted = |item: &&Item| !item.is_dropped && !item.is_check && !item.is_criterion;
    for item in plan.items.iter().filter(counted) {
        let Some(number) = item.number.as_deref() else { continue };
        let Some(known) = first.insert(number, item) else { continue };
        if known.phase != item.phase && std::mem::replace(&mut starts_again, true) {
            continue;
        }
        let message = format!(
            "The number {number} stands on line {} too: a dependency on it means the nearest task before.",
            known.line
        );
        found.push(warning(item.line, "duplicate-number", message, "Give each task a number of its own."));
    }
    found
}

/// A finding in a plan.
pub(super) fn warning(line: usize, rule: &'static str, message: String, suggestion: &str) -> Finding {
    Finding {
        document: Document::Tasks,
        line,
        rule,
        severity: Severity::Warning,
        message,
        suggestion: Some(suggestion.to_owned()),
    }
}

fn in_code(item: &Item) -> Finding {
    let number = item.number.as_deref().unwrap_or_default();
    Finding {
        document: Document::Tasks,
        line: item.line,
        rule: "task-in-code",
        severity: Severity::Warning,
        message: format!("Task {number} stands inside a code fence and is taken as a task.")
            .replace("Task  ", "The box "),
        suggestion: Some(
            "Move it out of the code fence, or take its number away if it is an example.".to_owned(),
        ),
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
        .any(|item| item.parallel || !item.dependencies.is_empty() || !item.boundary.is_empty())
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

    /// Opens planned tasks and their parts again, by the numbers of the tasks.
    pub fn open_again(&mut self, numbers: &[&str]) {
        units::open_again(self, numbers);
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
        assert_eq!(plan.items[1].dependencies, [Told { line: 7, text: "1".to_owned() }]);
        assert_eq!(plan.items[1].requirements, ["1.2", "4"]);
    }

    #[test]
    fn a_fact_beside_the_parts_is_about_the_whole() {
        let text = "- [ ] 1. One\n- [ ] 2. Two\n- [ ] 3. Three\n  - [ ] 3.1 Part\n    - _Boundary: src/a_\n  - _Depends: 1_\n";
        let plan = parse(text);
        assert_eq!(plan.items[2].dependencies.len(), 1);
        assert_eq!(plan.items[3].boundary, ["src/a"]);
        assert!(plan.items[3].dependencies.is_empty());
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
        assert_eq!((plan.items[0].dependencies.len(), plan.items[0].effort), (0, None));
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

    /// The number of each planned task, with whether it is done.
    fn states(text: &str) -> Vec<(String, bool)> {
        parse(text).units().into_iter().map(|unit| (unit.number, unit.is_done)).collect()
    }

    /// Rule and line of each finding.
    fn findings(text: &str) -> Vec<(&'static str, usize)> {
        parse(text).findings.iter().map(|one| (one.rule, one.line)).collect()
    }

    #[test]
    fn a_ticked_task_with_an_open_part_is_open() {
        for (text, is_done, expected) in [
            ("- [x] 1. a\n  - [ ] 1.1 b\n", false, &[("open-part", 1)][..]),
            ("- [x] 1. a\n  - [~] 1.1 b\n", false, &[("open-part", 1)]),
            ("- [x] 1. a\n  - [ ] b\n", false, &[("open-part", 1)]),
            ("- [x] 1. a\n  - [x] 1.1 b\n", true, &[]),
            ("- [x] 1. a\n  - [ ]* 1.1 b\n", true, &[]),
            ("- [x] 1. a\n  - [ ] ~~1.1 b~~\n", true, &[("struck-out", 2)]),
            ("- [ ] 1. a\n  - [x] 1.1 b\n", false, &[]),
        ] {
            assert_eq!(states(text), [("1".to_owned(), is_done)], "{text}");
            assert_eq!(findings(text), expected, "{text}");
        }
    }

    #[test]
    fn a_task_that_is_struck_through_is_left_out() {
        for (text, numbers, lines) in [
            ("- [ ] 1. a\n- [ ] ~~2. b~~\n- [ ] 3. ~~c~~\n- [ ] 4. d ~~e~~\n", &["1", "4"][..], &[2, 3][..]),
            ("- [ ] ~~1. a~~\n  - [ ] 1.1 b\n- [ ] 2. c\n", &["2"], &[1]),
            ("- [x] ~~1. a~~\n- [ ] 2. c\n", &["1", "2"], &[]),
        ] {
            let found = states(text);
            assert_eq!(
                found.iter().map(|(number, _)| number.as_str()).collect::<Vec<_>>(),
                numbers,
                "{text}"
            );
            let wanted: Vec<(&str, usize)> = lines.iter().map(|line| ("struck-out", *line)).collect();
            assert_eq!(findings(text), wanted, "{text}");
        }
    }

    #[test]
    fn a_task_that_is_struck_through_in_part_is_kept_and_named() {
        for (text, lines) in [
            ("- [ ] 1. a\n- [ ] ~~2. b~~ not needed\n- [ ] 3. ~~c~~ d\n- [ ] 4. e ~~f~~\n", &[2, 3][..]),
            ("- [x] 1. ~~a~~ b\n", &[]),
        ] {
            let wanted: Vec<(&str, usize)> = lines.iter().map(|line| ("struck-in-part", *line)).collect();
            assert_eq!(findings(text), wanted, "{text}");
            assert_eq!(states(text).len(), text.lines().count(), "{text}");
        }
    }

    #[test]
    fn a_number_that_several_tasks_have_is_named() {
        for (text, lines) in [
            ("- [ ] 1. a\n- [ ] 2. b\n- [ ] 2. c\n- [ ] 2. d\n", &[3, 4][..]),
            ("## A\n- [ ] 1. a\n- [ ] 2. b\n## B\n- [ ] 1. c\n- [ ] 2. d\n", &[5]),
            ("- [ ] 1. a\n- [ ] 2. b\n", &[]),
            ("### Task 1: a\n- [ ] 1. x\n### Task 2: b\n- [ ] 1. y\n", &[]),
        ] {
            let wanted: Vec<(&str, usize)> = lines.iter().map(|line| ("duplicate-number", *line)).collect();
            assert_eq!(findings(text), wanted, "{text}");
        }
    }

    #[test]
    fn boxes_in_headings_are_tasks_with_their_facts() {
        let text = "# Plan\n### Phase 0\n#### - [ ] 0.1 Rename\n\n- [Detail](a)\n- _Requirements: Requirement 3, Requirement 4_\n\n#### - [ ] 1.1 Add\n";
        let units = parse(text).units();
        assert_eq!(units.len(), 2);
        assert_eq!((units[0].number.as_str(), units[0].requirements.join(" ")), ("0", "3 4".to_owned()));
    }

    #[test]
    fn lines_above_boxes_are_tasks() {
        for (text, expected) in [
            (
                "1. Table\n   - [x] a\n2. Worker\n   - [ ] b\n",
                &[("1", "Table", true), ("2", "Worker", false)][..],
            ),
            (
                "AP1 – Daten\n  [ ] a\n\nAP2 – Dienst\n  [ ] b\n",
                &[("AP1", "Daten", false), ("AP2", "Dienst", false)],
            ),
            (
                "**Task 1: Daten**\n\n- [x] a\n\n**Task 2: Dienst**\n- [ ] b\n- [ ] c\n",
                &[("1", "Daten", true), ("2", "Dienst", false)],
            ),
            (
                "**Phase 1: Base**\n- [ ] 1.1 a\n\n**Phase 2: Rest**\n- [ ] 2.1 b\n",
                &[("1", "Base", false), ("2", "Rest", false)],
            ),
            ("1. Words above\n   - [ ] a\n- [ ] b\n", &[("1", "a", false), ("2", "b", false)]),
            ("1. A\n   - [ ] a\n2. B\n   - [ ] b\n\n- [ ] c\n", &[("1", "A", false), ("2", "B", false)]),
            (
                "## ✅ 1. Parser\n\nWords.\n\n## ⬜ 2. Rest\n\nWords.\n",
                &[("1", "Parser", true), ("2", "Rest", false)],
            ),
            (
                "### Task 1: a\n**Status:** Done\n\n### Task 2: b\n- Status: Todo\n",
                &[("1", "a", true), ("2", "b", false)],
            ),
        ] {
            let units = parse(text).units();
            let found: Vec<(&str, &str, bool)> =
                units.iter().map(|unit| (unit.number.as_str(), unit.title.as_str(), unit.is_done)).collect();
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn a_part_knows_its_whole() {
        let plan = parse("- [ ] 1. a\n- [ ] 1.1 b\n- [ ] 1.1.1 c\n- [ ] 2. d\n  - [ ] e\n");
        let parents: Vec<Option<usize>> = plan.items.iter().map(|item| item.parent).collect();
        assert_eq!(parents, [None, Some(0), Some(1), None, Some(3)]);
    }
}
