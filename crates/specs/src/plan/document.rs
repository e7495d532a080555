//! The plan: tasks.md in any dialect, as one model.

use super::aside::{drop_struck, in_code, repeated_numbers, set_checks_aside, untitled};
use super::checklist;
use super::data;
use super::data::TaskList;
use super::model::{Dialect, Item, Plan};
use super::phases;
use super::reader::{Reader, Sections};
use super::tables;
use super::unboxed;
use super::units;
use crate::finding::Finding;
use crate::markdown::context::{MarkdownContext, Place};
use crate::markdown::item;
use crate::markdown::item::RawItem;
use crate::markdown::marker::is_spec_workflow;
use crate::outline::facts;
use crate::outline::headings;
use crate::outline::headings::{BoxPlace, Heading, HeadingPart, Headings};
use std::collections::{BTreeMap, BTreeSet};

/// Reads a plan in any dialect.
pub fn parse(text: &str) -> Plan {
    let mut lexed = item::read(text);
    let place = |item: &RawItem| BoxPlace { indent: item.indent, has_number: item.number.is_some() };
    let boxes: BTreeMap<usize, BoxPlace> = lexed.items.iter().map(|item| (item.line, place(item))).collect();
    let Headings { by_line, parts } = headings::of(text, &boxes);
    let headings: Vec<Heading> = by_line.into_values().collect();
    let lists = data::lists(text);
    let has_others = !lexed.items.is_empty() || headings.iter().any(Heading::is_task);
    let is_taken = |list: &TaskList| {
        list.is_whole_text() || !has_others && (list.is_before_lists() || !unboxed::has_numbered_list(text))
    };
    if lists.first().is_some_and(is_taken) {
        let mut plan = Plan { findings: lexed.findings, ..Plan::default() };
        unboxed::take_data(lists, &mut plan);
        let sections = vec![(0, true); plan.items.len()];
        return finish(text, plan, &sections);
    }
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
    let mut context = MarkdownContext::new(text);
    let mut reader = Reader::new(empty, headings, task_lines);
    for line in item::lines(text) {
        let place = context.place(line);
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
        unboxed::take_tables(text, &mut plan);
        if plan.items.is_empty() {
            unboxed::take_lists(text, &mut plan);
        }
        sections = vec![(0, true); plan.items.len()];
    }
    let titles: BTreeSet<String> = plan.items.iter().map(|item| item.title.to_lowercase()).collect();
    plan.findings.extend(data::not_read(&lists, &titles));
    finish(text, plan, &sections)
}

/// Completes a plan whose items are read.
fn finish(text: &str, mut plan: Plan, sections: &Sections) -> Plan {
    let is_empty = |item: &&Item| {
        !item.title.contains(char::is_alphanumeric) && item.description.trim().is_empty() && !item.is_heading
    };
    let empty: Vec<Finding> = plan.items.iter().filter(is_empty).map(|item| untitled(item.line)).collect();
    plan.findings.extend(empty);
    for item in &mut plan.items {
        item.description.truncate(item.description.trim_end().len());
    }
    number_parts(&mut plan.items);
    units::identify(&mut plan.items);
    drop_struck(&mut plan);
    set_checks_aside(&mut plan, sections);
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

/// Returns which headings are tasks.
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
    let lines_are_none = lines.is_empty();
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
    // A plan may be nothing but its headings.
    if lines_are_none {
        holds.fill(1);
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

fn dialect(plan: &Plan, text: &str) -> Dialect {
    let numbers = || plan.items.iter().filter_map(|item| item.number.as_deref());
    let is_kit =
        |number: &str| number.starts_with('T') && number[1..].bytes().all(|byte| byte.is_ascii_digit());
    let is_part = |number: &str| number.contains('.');
    if is_spec_workflow(text) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outline::facts::Effort;
    use crate::outline::references::Told;

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

    /// Returns the number of each planned task, with whether it is done.
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
