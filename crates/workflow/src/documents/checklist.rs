//! The living checklist: reading it, changing one marker and nothing else, and its status block.

use super::item::{self, RawItem};
use super::plan::Plan;
use std::fmt::Write as _;

/// Where an item stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Marker {
    #[default]
    Pending,
    InProgress,
    Completed,
}

impl Marker {
    /// Reads what is between the brackets; `[-]` and `[~]` are being worked on.
    pub(super) fn of(text: &str) -> Self {
        match text {
            "x" | "X" => Self::Completed,
            "~" | "-" => Self::InProgress,
            _ => Self::Pending,
        }
    }

    /// The word clients know.
    pub fn status(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
        }
    }

    fn sign(self) -> char {
        match self {
            Self::Pending => ' ',
            Self::InProgress => '~',
            Self::Completed => 'x',
        }
    }
}

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

/// The depth of each item: from its number where it has one, else from its indentation.
pub(super) fn depths(items: &[RawItem]) -> Vec<usize> {
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
    /// What is being worked on: the first item in progress that has no part in progress.
    pub fn current_index(&self) -> Option<usize> {
        let is_open = |at: &usize| self.items[*at].marker == Marker::InProgress;
        let all: Vec<usize> = (0..self.items.len()).filter(is_open).collect();
        let has_open_part =
            |at: usize| self.parts(at).any(|part| self.items[part].marker == Marker::InProgress);
        all.iter().copied().find(|at| !has_open_part(*at)).or(all.first().copied())
    }

    /// The share of the leaves that are done, optional ones aside, 0 to 1.
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

    /// The items below one.
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
    marked.replace_range(item.marker_span.clone(), marker.sign().encode_utf8(&mut [0; 4]));
    marked
}

/// Makes the living checklist of a plan: every item open, below a status block.
pub fn render_progress(plan: &Plan, name: &str) -> String {
    let mut text = format!("# Progress: {}\n\n", name.replace(['\r', '\n'], " "));
    text.push_str(&block(&StatusBlock::default()));
    text.push('\n');
    for item in plan.checklist() {
        let indent = "  ".repeat(item.depth);
        let optional = if item.optional { "*" } else { "" };
        let number = item.number.as_ref().map_or(String::new(), |number| {
            if number.contains('.') || !number.starts_with(|c: char| c.is_ascii_digit()) {
                format!("{number} ")
            } else {
                format!("{number}. ")
            }
        });
        let _ = writeln!(text, "{indent}- [ ]{optional} {number}{}", item.description);
    }
    text
}

/// What the status block of a living checklist says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatusBlock {
    pub current_task: Option<String>,
    pub agent_session: Option<String>,
    pub started: Option<String>,
    pub estimated_completion: Option<String>,
}

const BEGIN: &str = "<!-- spectask:status -->";
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
    let after_title = text.find('\n').filter(|_| text.starts_with('#')).map_or(0, |at| at + 1);
    let (title, rest) = text.split_at(after_title);
    let gap = if title.is_empty() { "" } else { "\n" };
    format!("{title}{gap}{fresh}\n{}", rest.trim_start_matches(['\r', '\n']))
}

fn block(status: &StatusBlock) -> String {
    let line = |name: &str, value: &Option<String>| {
        let value = value.as_deref().unwrap_or("–").replace(['\r', '\n'], " ");
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
    use crate::documents::plan;

    const TEXT: &str =
        "# Plan\r\n\r\n- [x] 1. One\r\n  - [X] 1.1 Part\r\n- [-] 2. Two\n  - [ ]* 2.1 Maybe\n  - [~] 2.2 Now";

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
        assert_eq!(mark(TEXT, "2", Marker::InProgress), TEXT, "[-] says the same already");
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
