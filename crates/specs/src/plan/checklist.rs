//! The living checklist: reading it, changing one marker and nothing else, and its status block.

use super::model::Plan;
use crate::markdown::item;
use crate::markdown::item::RawItem;
use crate::markdown::marker::BEGIN;

pub use crate::markdown::marker::Marker;

use std::fmt::Write as _;

/// A checklist, read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checklist {
    pub items: Vec<ChecklistItem>,
}

/// One item of a checklist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChecklistItem {
    pub number: Option<String>,
    pub description: String,
    pub marker: Marker,
    /// 0 for a top-level item.
    pub depth: usize,
    pub optional: bool,
}

/// Reads a checklist in any dialect.
pub fn parse(text: &str) -> Checklist {
    let items = item::items(text);
    let depths = depths(&items);
    let items = items
        .into_iter()
        .zip(depths)
        .map(|(item, depth)| ChecklistItem {
            number: item.number,
            description: item.title,
            marker: item.marker,
            depth,
            optional: item.optional,
        })
        .collect();
    Checklist { items }
}

/// Returns the depth of each item: from its number where it has one, else from its indentation.
pub(crate) fn depths(items: &[RawItem]) -> Vec<usize> {
    // Indentations that contain the present line, each with its depth.
    let mut open: Vec<(usize, usize)> = Vec::new();
    items
        .iter()
        .map(|item| {
            open.retain(|(indent, _)| *indent < item.indent);
            let inside = open.last().map_or(0, |(_, depth)| depth + 1);
            let depth = match &item.number {
                Some(number) if number.starts_with(|c: char| c.is_ascii_digit()) => {
                    number.matches('.').count()
                }
                Some(_) | None => inside,
            };
            open.push((item.indent, depth));
            depth
        })
        .collect()
}

impl Checklist {
    /// Returns what is being worked on: the first item in progress that has no part in progress.
    pub fn current_index(&self) -> Option<usize> {
        let is_open = |at: &usize| self.items[*at].marker == Marker::InProgress;
        let all: Vec<usize> = (0..self.items.len()).filter(is_open).collect();
        let has_open_part =
            |at: usize| self.parts(at).any(|part| self.items[part].marker == Marker::InProgress);
        all.iter().copied().find(|at| !has_open_part(*at)).or(all.first().copied())
    }

    /// Returns the share of the leaves that are done, optional ones aside, 0 to 1.
    pub fn progress(&self) -> f64 {
        let leaves: Vec<&ChecklistItem> = (0..self.items.len())
            .filter(|at| self.parts(*at).next().is_none())
            .map(|at| &self.items[at])
            .filter(|item| !item.optional)
            .collect();
        if leaves.is_empty() {
            return 0.0;
        }
        let done = leaves.iter().filter(|item| item.marker == Marker::Completed).count();
        #[expect(clippy::cast_precision_loss, reason = "a checklist has few items")]
        let share = done as f64 / leaves.len() as f64;
        share
    }

    /// Returns the items below one.
    fn parts(&self, at: usize) -> impl Iterator<Item = usize> + '_ {
        let depth = self.items[at].depth;
        (at + 1..self.items.len()).take_while(move |part| self.items[*part].depth > depth)
    }
}

/// Sets the marker of the item with a number and changes nothing else; an unknown number changes nothing.
#[must_use]
pub fn mark(text: &str, number: &str, marker: Marker) -> String {
    let found = item::items(text).into_iter().find(|item| item.number.as_deref() == Some(number));
    found.map_or_else(|| text.to_owned(), |item| put(text, &item, marker))
}

/// Marks the item with a number and what it consists of as done, optional parts aside, and changes nothing else.
#[must_use]
pub fn complete(text: &str, number: &str) -> String {
    let items = item::items(text);
    let depths = depths(&items);
    let Some(at) = items.iter().position(|item| item.number.as_deref() == Some(number)) else {
        return text.to_owned();
    };
    let parts = (at + 1..items.len()).take_while(|part| depths[*part] > depths[at]);
    let wanted: Vec<usize> = std::iter::once(at).chain(parts.filter(|part| !items[*part].optional)).collect();
    // From the end, so that the places of those before stay.
    wanted.into_iter().rev().fold(text.to_owned(), |text, item| put(&text, &items[item], Marker::Completed))
}

/// Sets the marker of the n-th item, from 0.
#[must_use]
pub fn mark_at(text: &str, index: usize, marker: Marker) -> String {
    item::items(text).get(index).map_or_else(|| text.to_owned(), |item| put(text, item, marker))
}

fn put(text: &str, item: &RawItem, marker: Marker) -> String {
    // What says the same already stays as it is written.
    if item.marker == marker {
        return text.to_owned();
    }
    let mut marked = text.to_owned();
    marked.replace_range(item.marker_span.clone(), marker.sign(item.signs));
    marked
}

/// Makes the living checklist of a plan, below a status block: what the plan has ticked is ticked, all else is open.
pub fn render_progress(plan: &Plan, name: &str) -> String {
    let mut text = format!("# Progress: {}\n\n", name.replace(['\r', '\n'], " "));
    text.push_str(&block(&StatusBlock::default()));
    text.push('\n');
    for item in plan.checklist() {
        let indent = "  ".repeat(item.depth);
        let optional = if item.optional { "*" } else { "" };
        let number = item.number.as_ref().map_or(String::new(), |number| {
            // What has a dash or letters of its own is read as a number only when something ends it.
            let is_plain = number.starts_with(char::is_numeric) && !number.contains('.');
            let is_lettered =
                number.starts_with(|c: char| c.is_ascii_uppercase() && (c != 'T' || number.len() == 1));
            let needs_end = is_plain || is_lettered || number.contains('-');
            // A letter that stands alone is read as a number only behind a word for a task.
            match (number.len(), needs_end) {
                (1, true) if is_lettered => format!("Task {number}: "),
                (_, true) => format!("{number}. "),
                (_, false) => format!("{number} "),
            }
        });
        let sign = if item.marker == Marker::Completed { 'x' } else { ' ' };
        let _ = writeln!(text, "{indent}- [{sign}]{optional} {number}{}", item.description);
    }
    text
}

/// The status block of a living checklist.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatusBlock {
    pub current_task: Option<String>,
    pub agent_session: Option<String>,
    pub started: Option<String>,
    pub estimated_completion: Option<String>,
}

const END: &str = "<!-- /spectask:status -->";

/// Puts a status block in place of the one there is, or below the title.
#[must_use]
pub fn set_status_block(text: &str, status: &StatusBlock) -> String {
    let fresh = block(status);
    if let Some(begin) = text.find(BEGIN)
        && let Some(length) = text[begin..].find(END)
    {
        let end = begin + length + END.len();
        return format!("{}{}{}", &text[..begin], fresh.trim_end(), &text[end..]);
    }
    let mark = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let titled = text[mark..].starts_with('#');
    let after_title = text.find('\n').filter(|_| titled).map_or(mark, |at| at + 1);
    let (title, rest) = text.split_at(after_title);
    let gap = if titled { "\n" } else { "" };
    format!("{title}{gap}{fresh}\n{}", rest.trim_start_matches(['\r', '\n']))
}

fn block(status: &StatusBlock) -> String {
    let line = |name: &str, value: &Option<String>| {
        let value = value.as_deref().unwrap_or("–").replace(['\r', '\n'], " ");
        // The end of the block is known by its comment alone.
        let value = value.replace("<!--", "").replace("-->", "");
        format!("**{name}**: {value}  \n")
    };
    format!(
        "{BEGIN}\n{}{}{}{}{END}\n",
        line("Current Task", &status.current_task),
        line("Agent Session", &status.agent_session),
        line("Started", &status.started),
        line("Estimated Completion", &status.estimated_completion)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan;

    const TEXT: &str =
        "# Plan\r\n\r\n- [x] 1. One\r\n  - [X] 1.1 Part\r\n- [~] 2. Two\n  - [ ]* 2.1 Maybe\n  - [~] 2.2 Now";

    #[test]
    fn what_is_done_is_done_in_all_its_parts() {
        let text =
            "- [~] 1. One\n  - [ ] 1.1 A\n  - [x] 1.2 B\n  - [ ]* 1.3 Perhaps\n- [ ] 2. Two\n  - [ ] 2.1 C\n";
        let done =
            "- [x] 1. One\n  - [x] 1.1 A\n  - [x] 1.2 B\n  - [ ]* 1.3 Perhaps\n- [ ] 2. Two\n  - [ ] 2.1 C\n";
        assert_eq!(complete(text, "1"), done);
        assert_eq!(complete(text, "3"), text);
    }

    #[test]
    fn a_checklist_tells_what_is_done_and_what_is_being_done() {
        let list = parse(TEXT);
        let statuses: Vec<&str> = list.items.iter().map(|item| item.marker.status()).collect();
        assert_eq!(statuses, ["completed", "completed", "in_progress", "pending", "in_progress"]);
        assert_eq!(list.current_index(), Some(4));
        assert!((list.progress() - 0.5).abs() < f64::EPSILON);
        assert_eq!(Checklist::default().current_index(), None);
    }

    #[test]
    fn a_mark_changes_one_byte() {
        let marked = mark(TEXT, "2.1", Marker::Completed);
        assert_eq!(marked, TEXT.replace("[ ]* 2.1", "[x]* 2.1"));
        assert_eq!(mark(&marked, "2.1", Marker::Pending), TEXT);
        assert_eq!(mark(TEXT, "9", Marker::Completed), TEXT);
        assert_eq!(mark("- [-] 2. Two\n", "2", Marker::InProgress), "- [-] 2. Two\n");
        assert_eq!(mark("- [X] 2. Two\n", "2", Marker::Completed), "- [X] 2. Two\n");
    }

    #[test]
    fn a_text_keeps_its_own_signs() {
        let kiro = "- [-] 1. a\n- [~] 2. b\n- [ ] 3. c\n";
        let statuses =
            |text: &str| parse(text).items.iter().map(|item| item.marker.status()).collect::<Vec<_>>();
        assert_eq!(statuses(kiro), ["in_progress", "pending", "pending"]);
        assert_eq!(mark(kiro, "3", Marker::InProgress), kiro.replace("[ ]", "[-]"));
        assert_eq!(mark(kiro, "2", Marker::Pending), kiro, "[~] waits already");
        let flow = "- [ ] 1. a\n  - _Leverage: src_\n- [~] 2. b\n";
        assert_eq!(statuses(flow), ["pending", "pending"]);
        assert_eq!(mark(flow, "1", Marker::InProgress), flow.replace("[ ]", "[-]"));
        let ours = set_status_block(kiro, &StatusBlock::default());
        assert_eq!(statuses(&ours), ["in_progress", "in_progress", "pending"]);
        assert_eq!(mark("- [ ] 1. a\n", "1", Marker::InProgress), "- [~] 1. a\n");
    }

    #[test]
    fn every_planned_task_can_be_marked() {
        let text = "## A\n- [ ] 1. a\n- [ ] 1.1 b\n## B\n- [ ] 1. c\n- [ ] **CORE-1: d**\n- [ ] **CORE-1: e**\n- [ ] T001 f\n- [ ] T001 g\n- [ ] A1. h\n- [ ] ෦. i\n";
        let plan = plan::parse(text);
        let progress = render_progress(&plan, "Name");
        for unit in plan.units() {
            let marked = mark(&progress, &unit.number, Marker::Completed);
            let done: Vec<&str> = marked.lines().filter(|line| line.contains("[x]")).collect();
            assert!(
                matches!(done.as_slice(), [line] if line.ends_with(&unit.title)),
                "{}: {done:?} in {marked}",
                unit.number
            );
        }
    }

    #[test]
    fn a_title_cannot_end_the_status_block() {
        let status = StatusBlock { current_task: Some(format!("{END} x")), ..StatusBlock::default() };
        let once = set_status_block("\u{feff}# Name\n\n- [ ] 1. a\n", &status);
        assert!(once.starts_with("\u{feff}# Name\n"), "{once}");
        assert_eq!(set_status_block(&once, &status), once);
    }

    #[test]
    fn the_status_block_is_put_in_place_once() {
        let plan = plan::parse("- [ ] 1. One\n  - [ ] 1.1 Part\n- [ ] 2. (P) Two\n");
        let text = render_progress(&plan, "Name");
        let status = StatusBlock { current_task: Some("1. One".to_owned()), ..StatusBlock::default() };
        let once = set_status_block(&text, &status);
        assert!(once.contains("**Current Task**: 1. One"), "{once}");
        assert_eq!(set_status_block(&once, &status), once);
        assert_eq!(set_status_block(&once, &StatusBlock::default()), text);
        assert_eq!(parse(&once).items.len(), 3);
        let bare = set_status_block("- [ ] 1. One\n", &status);
        assert_eq!(parse(&bare).items.len(), 1);
    }
}
