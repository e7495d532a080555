//! The dependencies of planned tasks: written ones, waves, and the order of writing.

use super::cycles::cut_cycles;
use super::drawn;
use super::lookup::{Tasks, tasks_in, title_index};
use super::model::{Item, Plan};
use super::order::{MAX_PARALLEL_PLAN, order_of_writing};
use super::titles;
use super::units::Group;
use crate::finding::Finding;
use crate::markdown::fold::fold;
use crate::markdown::labels;
use crate::outline::references::{self, Names as _, Told, Unresolved};
use std::collections::{BTreeMap, BTreeSet};

/// The dependencies of a planned task.
#[derive(Clone, Debug, Default)]
pub(crate) struct Needs {
    pub(crate) needed: BTreeSet<usize>,
    /// Written dependencies that name no task.
    pub(crate) unresolved: Vec<Unresolved>,
    /// Written dependencies that are left out, since the tasks would wait for each other.
    pub(crate) cut: Vec<usize>,
    /// Texts that are taken to mean that there is no dependency.
    pub(crate) taken_as_none: Vec<Told>,
    /// Whether the task depends on all tasks before it by its own words.
    pub(super) all_before: bool,
}

/// Returns the dependencies of each planned task.
///
/// Where all written dependencies of a task are understood, they replace the order of writing. Where one is not, the
/// order of writing counts besides: a dependency is never lost.
pub(crate) fn needs(plan: &Plan, groups: &[Group]) -> Vec<Needs> {
    let mut all = vec![Needs::default(); groups.len()];
    let titles = title_index(plan, groups);
    let mut is_said = vec![false; groups.len()];
    let drawn = drawn::of(plan, groups, &Tasks { plan, groups, titles: &titles, from: groups.len() });
    let said_of_first = said_of_first(plan, groups, &titles);
    let mut waits_for_itself = BTreeSet::new();
    for (index, (group, drawn)) in groups.iter().zip(drawn).enumerate() {
        let head = group.head.map(|at| &plan.items[at]);
        let parts = group.parts.iter().map(|at| &plan.items[*at]);
        let drawn_whole = drawn.unknown.is_empty();
        is_said[index] =
            drawn_whole && (drawn.is_node || head.is_some_and(|head| !head.dependencies.is_empty()));
        all[index].needed.extend(drawn.needed);
        all[index].unresolved.extend(drawn.unknown.into_iter().map(|Told { line, text }| {
            let is_number = text.starts_with(|c: char| c.is_ascii_digit())
                && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '.');
            Unresolved { line, text, is_number }
        }));
        let names = Tasks { plan, groups, titles: &titles, from: index };
        let in_title = |item: &Item| titles::told(&item.title, &names);
        let told = head.filter(|head| head.dependencies.is_empty()).and_then(in_title);
        is_said[index] |= told.is_some() && drawn_whole;
        // Beside its neighbours it would miss what its words say; any other waits for all tasks before it anyway.
        if let Some(head) = head.filter(|head| head.dependencies.is_empty() && told.is_none()) {
            let aside = Some(&head.title).filter(|_| groups.len() <= MAX_PARALLEL_PLAN);
            let aside = aside.and_then(|title| titles::aside(title, &names));
            let is_ahead = |(text, found): &(String, Vec<usize>)| {
                text.contains(char::is_alphabetic) && found.iter().any(|at| *at > index)
            };
            let prose = || order_in_prose(head, &names).filter(|_| head.parallel);
            let aside = aside.filter(|aside| head.parallel || is_ahead(aside)).map(|(text, _)| text);
            let text = prose().or(aside);
            all[index].unresolved.extend(text.map(|text| Unresolved {
                line: head.line,
                text,
                is_number: false,
            }));
        }
        let of_parts =
            parts.clone().filter(|part| part.dependencies.is_empty()).filter_map(in_title).flatten();
        let in_titles = told.into_iter().flatten().chain(of_parts).filter(|needed| *needed != index);
        all[index].needed.extend(in_titles.collect::<Vec<_>>());
        for item in head.into_iter().chain(parts) {
            for told in &item.dependencies {
                let mut resolved = references::resolve(&told.text, &names);
                if index > 0 && said_of_first.contains(&fold(&told.text)) {
                    resolved.nothing.append(&mut resolved.words);
                }
                let nothing = resolved.nothing.into_iter().map(|text| Told { line: told.line, text });
                all[index].taken_as_none.extend(nothing);
                is_said[index] &= !resolved.all;
                all[index].all_before |= resolved.all;
                // A dependency on a part of the same task orders its parts.
                let names_itself = || {
                    told.text
                        .split(|c: char| !c.is_alphanumeric() && !".-".contains(c))
                        .any(|word| word == group.root)
                };
                if item.number.as_deref() == Some(&group.root)
                    && resolved.found.contains(&index)
                    && names_itself()
                {
                    waits_for_itself.insert(index);
                }
                all[index].needed.extend(resolved.found.into_iter().filter(|needed| *needed != index));
                let unresolved = unresolved(told.line, resolved.numbers, resolved.words);
                is_said[index] &= unresolved.is_empty();
                all[index].unresolved.extend(unresolved);
            }
            for told in &item.assumed_dependencies {
                let resolved = references::resolve(&told.text, &names);
                all[index].needed.extend(resolved.found.into_iter().filter(|needed| *needed != index));
            }
            for told in &item.dependents {
                let resolved = references::resolve(&told.text, &names);
                for waiting in resolved.found.into_iter().filter(|waiting| *waiting != index) {
                    all[waiting].needed.insert(index);
                }
                all[index].unresolved.extend(unresolved(told.line, resolved.numbers, resolved.words));
            }
        }
    }
    for told in &plan.phase_dependencies {
        let Some(phase) = plan.phases.iter().rfind(|phase| phase.lines.contains(&told.line)) else {
            continue;
        };
        let Some(first) = tasks_in(groups, &phase.lines).next() else { continue };
        let resolved = references::resolve(&told.text, &Tasks { plan, groups, titles: &titles, from: first });
        for index in tasks_in(groups, &phase.lines) {
            all[index].needed.extend(resolved.found.iter().filter(|needed| **needed != index));
        }
        for text in resolved.numbers.into_iter().chain(resolved.words) {
            all[first].unresolved.push(Unresolved { line: told.line, text, is_number: false });
        }
    }
    cut_cycles(&mut all);
    for index in waits_for_itself {
        all[index].cut.push(index);
    }
    // Where a written dependency is left out, the order of writing counts besides.
    for (is_said, needs) in is_said.iter_mut().zip(&all) {
        *is_said &= needs.cut.is_empty();
    }
    order_of_writing(plan, groups, &is_said, &mut all);
    all
}

/// Returns the dependencies that each planned task writes below itself or its parts, with the tasks they name.
pub(super) fn written(plan: &Plan, groups: &[Group]) -> Vec<Vec<(Told, BTreeSet<usize>)>> {
    let titles = title_index(plan, groups);
    let of_group = |(from, group): (usize, &Group)| {
        let names = Tasks { plan, groups, titles: &titles, from };
        let items = group.head.iter().chain(&group.parts).map(|at| &plan.items[*at]);
        let told = items.flat_map(|item| &item.dependencies);
        let found = |told: &Told| {
            let found = references::resolve(&told.text, &names).found;
            (told.clone(), found.into_iter().filter(|other| *other != from).collect())
        };
        told.map(found).collect()
    };
    groups.iter().enumerate().map(of_group).collect()
}

/// Returns the parts of a text that name no task: numbers that no task has, and words.
fn unresolved(line: usize, numbers: Vec<String>, words: Vec<String>) -> Vec<Unresolved> {
    let numbers = numbers.into_iter().map(|text| Unresolved { line, text, is_number: true });
    let words = words.into_iter().map(|text| Unresolved { line, text, is_number: false });
    numbers.chain(words).collect()
}

/// Returns the texts about dependencies of the first task that name nothing: as nothing comes before it, they say that
/// there is no dependency, whatever their language.
fn said_of_first(
    plan: &Plan,
    groups: &[Group],
    titles: &BTreeMap<String, BTreeSet<usize>>,
) -> BTreeSet<String> {
    let Some(head) = groups.first().and_then(|group| group.head).map(|at| &plan.items[at]) else {
        return BTreeSet::new();
    };
    let names = Tasks { plan, groups, titles, from: 0 };
    let names_nothing = |told: &&Told| {
        let resolved = references::resolve(&told.text, &names);
        resolved.found.is_empty()
            && resolved.numbers.is_empty()
            && !resolved.all
            && !resolved.words.is_empty()
    };
    head.dependencies.iter().filter(names_nothing).map(|told| fold(&told.text)).collect()
}

/// Returns the words by which the title or a line of a task seems to name tasks before it: `after 1`, `once 1 and 2 are
/// done`.
fn order_in_prose(head: &Item, names: &Tasks<'_>) -> Option<String> {
    let is_before = |number: &str| names.by_number(number).is_some_and(|at| at < names.from);
    let pair = |text: &str| {
        references::pair(text)
            .filter(|(one, other, _)| is_before(one) && is_before(other))
            .map(|(_, _, words)| words)
    };
    let names_task = |text: &&str| {
        let text = fold(text);
        let numbers = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '.');
        numbers.filter(|word| word.contains(|c: char| c.is_ascii_digit())).any(is_before)
    };
    labels::order_in(&head.title)
        .filter(names_task)
        .map(str::to_owned)
        .or_else(|| std::iter::once(head.title.as_str()).chain(head.description.lines()).find_map(pair))
}

/// Returns a finding for each part of the plan's graphs that is not understood.
pub(crate) fn drawn_findings(plan: &Plan, groups: &[Group]) -> Vec<Finding> {
    let titles = title_index(plan, groups);
    drawn::findings(plan, &Tasks { plan, groups, titles: &titles, from: groups.len() })
}

#[cfg(test)]
mod tests {
    use crate::plan;

    fn needs(text: &str) -> Vec<Vec<usize>> {
        plan::parse(text).units().into_iter().map(|unit| unit.dependencies).collect()
    }

    #[test]
    fn the_order_of_writing_gives_way_to_what_is_said() {
        let text = "- [ ] 1. a\n- [ ] 2. b\n  _Depends: 3_\n- [ ] 3. c\n- [ ] 4. d\n";
        assert_eq!(needs(text), [vec![], vec![2], vec![0], vec![1]]);
        assert_eq!(super::super::cycles::cycle(&plan::parse(text).units()), None);
    }

    #[test]
    fn the_order_of_writing_means_all_tasks_before() {
        for (text, expected) in [
            // A task that says what it needs does not cut off those before it.
            ("1. a|2. b|  _Depends: none_|3. c", vec![vec![], vec![], vec![0, 1]]),
            ("1. a|2. b|  _Depends: 1_|3. c|  _Depends: 1_|4. d", vec![vec![], vec![0], vec![0], vec![1, 2]]),
            // Neighbours side by side need what stands before all of them.
            (
                "1. a|2. b|  _Depends: none_|3. (P) c|4. (P) d|5. e",
                vec![vec![], vec![], vec![0, 1], vec![0, 1], vec![2, 3]],
            ),
            ("1. a|2. (P) b|  _Depends: none_|3. (P) c|4. d", vec![vec![], vec![], vec![0], vec![1, 2]]),
            (
                "1. a|2. b|  _Depends: none_|3. (P) c|  _Depends: all previous tasks_",
                vec![vec![], vec![], vec![0, 1]],
            ),
            // What is not understood may mean any of the tasks before.
            ("1. a|2. b|  _Depends: none_|3. c|  _Depends: the review_", vec![vec![], vec![], vec![0, 1]]),
            // A task that waits for this one is not waited for.
            ("1. a|2. b|  _Depends: 4_|3. c|4. d|5. e", vec![vec![], vec![3], vec![0, 1], vec![0], vec![2]]),
            ("1. a|  _Depends: 3_|2. b|3. c", vec![vec![2], vec![0], vec![]]),
        ] {
            let line = |line: &str| {
                if line.starts_with([' ', '#']) { line.to_owned() } else { format!("- [ ] {line}") }
            };
            let text = text.split('|').map(line).collect::<Vec<_>>().join("\n");
            assert_eq!(needs(&text), expected, "{text}");
            let unread = plan::parse(&text).units().iter().any(|unit| !unit.unresolved.is_empty());
            assert_eq!(unread, text.contains("review"), "{text}");
        }
    }

    #[test]
    fn a_task_of_a_circle_keeps_its_place_in_the_order_of_writing() {
        let text = "- [ ] 1. a\n- [ ] 2. b\n  _Depends: 3_\n- [ ] 3. c\n  _Depends: 2_\n- [ ] 4. d\n";
        assert_eq!(needs(text), [vec![], vec![0], vec![1], vec![2]]);
        assert!(super::super::cycles::cycle(&plan::parse(text).units()).is_some());
    }

    #[test]
    fn an_order_told_in_a_title_is_not_lost() {
        for (title, needed, is_unread) in [
            ("Wire after 1, 2 (P)", &[0, 1][..], false),
            ("(P) Zusammenführen, nach 1 und 2", &[0, 1], false),
            ("(P) Release: blocked by #1 and #2", &[0, 1], false),
            ("(P) Release (depends on 1 and 2)", &[0, 1], false),
            ("(P) Wire — once 1 and 2 are done", &[0, 1], true),
            ("(P) 結合（1と2の完了後）", &[0, 1], true),
            ("(P) 结合（需要 1 和 2）", &[0, 1], true),
            ("(P) Wire\n  - This can only start when task 1 and task 2 are finished.", &[0, 1], true),
            ("(P) Retry after 5 seconds", &[], false),
            ("(P) Support 7 and 8\n  - As in task 1", &[], false),
            ("(P) Release", &[], false),
            ("(P) Wire both ← 1, 2", &[0, 1], false),
            ("(P) Сборка (2 қейін)", &[0, 1], true),
            ("(P) Trang (sau 2)", &[0, 1], true),
            ("(P) Rename (2 files)", &[], false),
            ("(P) Port (Phase 2)", &[], false),
            ("(P) Port (v2)", &[], false),
            ("Integrate after 1 and 2", &[0, 1], false),
        ] {
            let units = plan::parse(&format!("- [ ] 1. (P) a\n- [ ] 2. (P) b\n- [ ] 3. {title}\n")).units();
            assert_eq!(units[2].dependencies, needed, "{title}");
            assert_eq!(!units[2].unresolved.is_empty(), is_unread, "{title}");
        }
    }

    #[test]
    fn a_section_of_dependencies_is_read() {
        let text = "- [ ] 1. a\n- [ ] 2. b\n- [ ] 3. c\n- [ ] 4. d\n\n## Dependencies\n\n- 2 depends on 1\n- Task 3 depends on 1\n- **4** depends on 2 and 3\n";
        assert_eq!(needs(text), [vec![], vec![0], vec![0], vec![1, 2]]);
        assert!(plan::parse(text).findings.is_empty());
        for (line, is_found) in [("- 2 comes before 3", true), ("- Setup comes first", false)] {
            let text = format!(
                "- [ ] 1. a\n- [ ] 2. b\n- [ ] 3. c\n## Dependencies\n{line}\n{line}\n## Notes\n{line}\n"
            );
            let found: Vec<usize> = plan::parse(&text).findings.iter().map(|one| one.line).collect();
            assert_eq!(found, if is_found { vec![5] } else { vec![] }, "{line}");
        }
    }

    #[test]
    fn a_heading_ends_what_may_run_side_by_side() {
        let text = "# Tasks\n## Phase 1: Setup\n- [ ] T001 Create\n- [ ] T002 [P] Lint\n## Phase 2: Foundation\n- [ ] T003 [P] Auth\n\
                    - [ ] T004 [P] Routing\n## Phase 3: Story\n- [ ] T005 [P] [US1] Model\n- [ ] T006 [US1] Service\n\
                    ## Phase 4: Story\n- [ ] T007 [P] [US2] Page\n- [ ] T008 [P] Docs (depends on T001)\n";
        assert_eq!(needs(text), [vec![], vec![0], vec![1], vec![1], vec![2, 3], vec![4], vec![5], vec![0]]);
        let tasks = "## Phase 1\n### Task 1: [P] a\n#### Notes\nWords.\n### Task 2: [P] b\n## Phase 2\n### Task 3: [P] c\n";
        assert_eq!(needs(tasks), [vec![], vec![], vec![0, 1]]);
    }

    #[test]
    fn a_plan_of_many_sections_is_read_in_time() {
        let section = |at: usize| format!("## S{at}\n- [ ] {at}. (P) a\n  _Depends: none_\n");
        let text: String = (1..1_500).map(section).collect();
        let units = plan::parse(&format!("{text}## End\n- [ ] 1500. (P) b\n")).units();
        assert_eq!(units[1_499].dependencies.len(), 1_499);
    }

    #[test]
    fn what_the_waves_leave_out_keeps_its_order() {
        let text = "- [ ] 1. a\n- [ ] 2. b\n- [ ] 3. c\n- [ ] 4. d\n\n{\"waves\":[{\"id\":0,\"tasks\":[\"2\",\"3.1\",\"3\"]}]}\n";
        assert_eq!(needs(text), [vec![], vec![0], vec![0], vec![1, 2]]);
    }

    #[test]
    fn a_reference_is_to_the_nearest_task_before_with_its_number() {
        let text = "## A\n- [ ] 1. a\n- [ ] 2. b\n## B\n- [ ] 1. c\n- [ ] 2. d\n- [ ] 3. e\n  _Depends: 1_\n";
        assert_eq!(needs(text)[4], [2]);
        let named = "- [ ] **FOUNDATION-1: a**\n  - **Dependencies:** None\n- [ ] **CORE-1: b**\n  - **Dependencies:** FOUNDATION-1\n";
        assert_eq!(needs(named), [vec![], vec![0]]);
    }

    #[test]
    fn a_long_plan_is_no_trouble() {
        let lines: Vec<String> = (1..20_000).map(|number| format!("- [ ] {number}. t{number}")).collect();
        let units = plan::parse(&lines.join("\n")).units();
        assert_eq!(super::super::cycles::cycle(&units), None);
    }

    #[test]
    fn a_phase_means_all_of_its_tasks() {
        let plan = |told: &str| {
            format!(
                "## Phase 1: Setup\n- [ ] T001 a\n- [ ] T002 [P] b\n## Phase 2: Foundations (shared)\n- [ ] T003 [P] c\n### Tests\n- [ ] T004 [P] d\n\
                 ## Phase 3: Story\n- [ ] T005 [P] e\n  - Depends on: {told}\n"
            )
        };
        for (told, needed) in [
            ("Phase 1", &[0, 1][..]),
            ("phase 2", &[2, 3]),
            ("Phases 1 and 2", &[0, 1, 2, 3]),
            ("Phases 1-2", &[0, 1, 2, 3]),
            ("Setup", &[0, 1]),
            ("Foundations", &[2, 3]),
            ("Phase 1, T003", &[0, 1, 2]),
        ] {
            let unit = plan::parse(&plan(told)).units().remove(4);
            assert_eq!((&unit.dependencies[..], unit.unresolved.len()), (needed, 0), "{told}");
        }
        for told in ["Phase 9", "Phase 3"] {
            let unit = plan::parse(&plan(told)).units().remove(4);
            assert_eq!((unit.dependencies, unit.unresolved.len()), (vec![3], 1), "{told}");
        }
        let text = "## フェーズ1：準備\n- [ ] 1. a\n- [ ] 2. b\n## フェーズ2：実装\n- [ ] 3. c\n- [ ] 4. d\n  - 依存: フェーズ1\n";
        assert_eq!(needs(text)[3], [0, 1]);
    }

    #[test]
    fn what_a_phase_waits_for_is_read() {
        let plan = |told: &str| {
            format!("## Phase 1\n**Depends on**: {told}\n\n- [ ] 1. a\n- [ ] 2. b\n## Phase 2\n- [ ] 3. c\n")
        };
        assert_eq!(needs(&plan("Phase 2")), [vec![2], vec![0, 2], vec![]]);
        assert_eq!(needs(&plan("None (can start at once)")), [vec![], vec![0], vec![1]]);
        let units = plan::parse(&plan("the legal review")).units();
        assert_eq!(units.iter().map(|unit| unit.unresolved.len()).collect::<Vec<_>>(), [1, 0, 0]);
    }

    #[test]
    fn no_dependency_is_known_by_its_shape() {
        for (said, needed, is_named) in [
            ("_Depends: keine weiteren_", &[][..], true),
            ("Dépendances : aucune dépendance", &[], true),
            ("依存: 特になし", &[], true),
            ("依赖：不依赖任何任务", &[], true),
            ("Não depende de nenhuma tarefa", &[], true),
            ("Riippuvuudet: ei riippuvuuksia", &[], true),
            ("Depends: none", &[], false),
            ("Depends: the security review", &[0], false),
        ] {
            let unit = plan::parse(&format!("- [ ] 1. a\n- [ ] 2. b\n  - {said}\n")).units().remove(1);
            assert_eq!(unit.dependencies, needed, "{said}");
            assert_eq!(!unit.taken_as_none.is_empty(), is_named, "{said}");
            assert!(unit.unresolved.is_empty() || !needed.is_empty(), "{said}");
        }
        // Words that the first task has too mean that there is no dependency.
        let text = "- [ ] 1. a\n  - Depends: zero deps\n- [ ] 2. b\n  - Depends: zero deps\n- [ ] 3. c\n  - Depends: the review\n";
        assert_eq!(needs(text), [vec![], vec![], vec![0, 1]]);
        assert_eq!(plan::parse(text).units()[1].taken_as_none[0].line, 4);
    }
}
