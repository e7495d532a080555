//! The sub-tasks that an agent reported as done. SpecTask itself never takes one for done.
//!
//! Three things are a report: the item is ticked in the living checklist, an entry of the agent's own plan that names it
//! is completed, or the agent's message says `1.2: done`.

use crate::{PlanEntry, PlannedItem, Session, Unit, WorkReport};
use specs::checklist::{self, Checklist, ChecklistItem, Marker};

/// Returns what a session's agent reported: in earlier turns, in the checklist, by its own plan, and in its last
/// message.
pub fn work_report(
    units: &[Unit],
    checklist: &Checklist,
    known: &[String],
    plan: &[PlanEntry],
    said: &str,
) -> WorkReport {
    let is_plan_complete = !plan.is_empty() && plan.iter().all(is_completed);
    let mut report = WorkReport::default();
    let (mut is_ticked, mut has_parts) = (!units.is_empty(), false);
    for unit in units {
        let own = position(checklist, unit);
        is_ticked &= own.is_some_and(|at| checklist.items[at].marker == Marker::Completed);
        for item in own.map_or(&[][..], |at| parts(checklist, at)) {
            has_parts = true;
            let is_reported = item.marker == Marker::Completed
                || item.number.as_ref().is_some_and(|number| known.contains(number))
                || plan.iter().any(|entry| is_completed(entry) && names(&entry.content, item))
                || said.lines().any(|line| says_done(line, item));
            match &item.number {
                Some(number) if is_reported => report.reported.push(number.clone()),
                None if is_reported => {}
                // What is optional may be left out without a word.
                _ if item.optional => {}
                number => {
                    report
                        .unreported
                        .push(PlannedItem { number: number.clone(), title: item.description.clone() });
                }
            }
        }
    }
    report.is_complete = is_ticked || is_plan_complete || (has_parts && report.unreported.is_empty());
    report
}

/// Ticks what a session's agent reported, and a planned task as a whole where nothing of it is unreported.
#[must_use]
pub fn tick_reported(text: &str, units: &[Unit], session: &Session) -> String {
    let mut marked = text.to_owned();
    for number in &session.reported {
        marked = checklist::mark(&marked, number, Marker::Completed);
    }
    for unit in units {
        let list = checklist::parse(&marked);
        let parts = position(&list, unit).map_or(&[][..], |at| parts(&list, at));
        let is_unreported = |item: &ChecklistItem| {
            session.unreported.iter().any(|open| open.number == item.number && open.title == item.description)
        };
        let marker = if parts.iter().any(is_unreported) { Marker::Pending } else { Marker::Completed };
        marked = checklist::mark(&marked, &unit.number, marker);
    }
    marked
}

impl PlannedItem {
    /// Returns the item as a line of text.
    pub fn label(&self) -> String {
        self.number.as_ref().map_or_else(|| self.title.clone(), |number| format!("{number} {}", self.title))
    }

    pub(crate) fn is_part_of(&self, unit: &Unit) -> bool {
        let rest = self.number.as_ref().and_then(|number| number.strip_prefix(unit.number.as_str()));
        rest.is_some_and(|rest| rest.starts_with('.'))
    }
}

/// Returns where a planned task's own line is.
pub(crate) fn position(checklist: &Checklist, unit: &Unit) -> Option<usize> {
    checklist.items.iter().position(|item| item.number.as_ref() == Some(&unit.number))
}

/// Returns the sub-tasks below a planned task's own line.
pub(crate) fn parts(checklist: &Checklist, at: usize) -> &[ChecklistItem] {
    let depth = checklist.items[at].depth;
    let below = &checklist.items[at + 1..];
    let end = below.iter().position(|item| item.depth <= depth).unwrap_or(below.len());
    &below[..end]
}

fn is_completed(entry: &PlanEntry) -> bool {
    entry.status == "completed"
}

/// Returns whether a line names an item: it begins with its number, or is its title.
fn names(line: &str, item: &ChecklistItem) -> bool {
    let line = bare(line);
    let begins = item.number.as_ref().is_some_and(|number| after_number(line, number).is_some());
    begins || line.to_lowercase().contains(&bare(&item.description).to_lowercase())
}

/// Returns whether a line of an agent's message reports an item as done, as `1.2: done` or `- [x] 1.2 Title`.
fn says_done(line: &str, item: &ChecklistItem) -> bool {
    let line = line.trim_start_matches([' ', '\t', '-', '*', '+', '>']);
    if let Some(ticked) = line.strip_prefix("[x]").or_else(|| line.strip_prefix("[X]")) {
        return names(ticked, item);
    }
    let rest = match &item.number {
        Some(number) => after_number(bare(line), number),
        None => bare(line).strip_prefix(bare(&item.description)),
    };
    let word =
        rest.unwrap_or_default().trim_start_matches([' ', '.', ')', ':', '-', '–', '—', '*', '`', '_']);
    let word = word.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_lowercase();
    matches!(word.as_str(), "done" | "completed" | "complete" | "finished")
}

/// Returns what follows a number that a line begins with, where the number ends there.
fn after_number<'l>(line: &'l str, number: &str) -> Option<&'l str> {
    let rest = line.strip_prefix(number)?;
    let is_longer = rest.starts_with(|c: char| c.is_alphanumeric())
        || rest.strip_prefix('.').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    (!is_longer).then_some(rest)
}

/// Returns a line without marks around it.
fn bare(line: &str) -> &str {
    line.trim_matches(|c: char| c.is_whitespace() || matches!(c, '*' | '`' | '_' | '#'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::UnitId;

    const CHECKLIST: &str = "- [~] 1. Files\n  - [x] 1.1 Write a\n  - [ ] 1.2 Write b\n  - [ ] 1.3 Write c\n  - [ ]* 1.4 Perhaps d\n- [ ] 2. Rest\n";

    fn unit(number: &str) -> Unit {
        Unit {
            id: UnitId("stit_1".to_owned()),
            index: 0,
            number: number.to_owned(),
            title: "Files".to_owned(),
            description: String::new(),
            acceptance_criteria: String::new(),
            effort: "small".to_owned(),
            optional: false,
            dependencies: Vec::new(),
            requirements: Vec::new(),
            boundary: Vec::new(),
            resources: Vec::new(),
            completed_before: false,
        }
    }

    fn report(plan: &[(&str, &str)], said: &str) -> (Vec<String>, Vec<String>) {
        let plan: Vec<PlanEntry> = plan
            .iter()
            .map(|(content, status)| PlanEntry {
                content: (*content).to_owned(),
                status: (*status).to_owned(),
            })
            .collect();
        let report = work_report(&[unit("1")], &checklist::parse(CHECKLIST), &[], &plan, said);
        (report.reported, report.unreported.into_iter().filter_map(|item| item.number).collect())
    }

    #[test]
    fn what_was_not_reported_is_not_done() {
        let owned = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect::<Vec<String>>();
        assert_eq!(report(&[], "I wrote a."), (owned(&["1.1"]), owned(&["1.2", "1.3"])));
        let plan = [("1.2 Write b", "completed"), ("write C", "in_progress")];
        assert_eq!(report(&plan, ""), (owned(&["1.1", "1.2"]), owned(&["1.3"])));
        let said = "- **1.2**: done.\n1.3: not done, since c is missing\n1.31: done";
        assert_eq!(report(&[], said), (owned(&["1.1", "1.2"]), owned(&["1.3"])));
        assert_eq!(report(&[], "- [x] 1.2 Write b\n`1.3` – completed").1, owned(&[]));
        assert_eq!(report(&[], "1.4: done").0, owned(&["1.1", "1.4"]));
    }

    #[test]
    fn a_whole_is_reported_by_its_tick_or_its_plan() {
        let plan = [PlanEntry { content: "Do it".to_owned(), status: "completed".to_owned() }];
        let list = checklist::parse(CHECKLIST);
        assert!(work_report(&[unit("2")], &list, &[], &plan, "").is_complete);
        assert!(!work_report(&[unit("2")], &list, &[], &[], "Done.").is_complete);
        let ticked = checklist::mark(CHECKLIST, "2", Marker::Completed);
        assert!(work_report(&[unit("2")], &checklist::parse(&ticked), &[], &[], "").is_complete);
    }
}
