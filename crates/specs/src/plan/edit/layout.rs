//! Where the planned tasks of a document stand: the lines of each, and what each line is.

use super::{EditError, not_expressible};
use crate::markdown::context::{MarkdownContext, Place};
use crate::markdown::item;
use crate::markdown::labels::{self, Kind};
use crate::outline::facts;
use crate::plan::model::{Item, Plan, PlanUnit};
use crate::plan::units::{Group, groups};
use crate::plan::{needs, parse};
use std::collections::BTreeMap;
use std::ops::Range;

/// A document with the lines of its planned tasks.
pub(super) struct Layout {
    pub(super) plan: Plan,
    pub(super) groups: Vec<Group>,
    pub(super) units: Vec<PlanUnit>,
    /// Every line with its end.
    pub(super) lines: Vec<String>,
    /// The lines of each planned task, counted from 0; blank lines at its end are left out.
    pub(super) blocks: Vec<Range<usize>>,
    pub(super) written: Vec<Vec<(crate::plan::Told, std::collections::BTreeSet<usize>)>>,
    places: Vec<Place>,
}

/// A line below a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineRole {
    Blank,
    Detail,
    /// A fact with its value in the line.
    Fact(Kind),
    /// The label of a list.
    Label(Kind),
    /// An entry of a list.
    Entry(Kind),
}

impl Layout {
    pub(super) fn of(text: &str) -> Result<Self, EditError> {
        let plan = parse(text);
        let groups = groups(&plan);
        let units = plan.units();
        let lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
        let mut context = MarkdownContext::new(text);
        let places: Vec<Place> = item::lines(text).map(|line| context.place(line)).collect();
        let written = needs::written(&plan, &groups);
        let mut layout = Self { plan, groups, units, lines, blocks: Vec::new(), written, places };
        layout.blocks = layout.find_blocks()?;
        Ok(layout)
    }

    /// Returns the index of a planned task.
    pub(super) fn index(&self, number: &str) -> Result<usize, EditError> {
        let found = self.units.iter().position(|unit| unit.number == number);
        found.ok_or_else(|| EditError::UnknownTask(number.to_owned()))
    }

    pub(super) fn items(&self, group: usize) -> impl Iterator<Item = &Item> {
        let group = &self.groups[group];
        group.head.iter().chain(&group.parts).map(|at| &self.plan.items[*at])
    }

    /// Returns the item that stands for the whole of a planned task.
    pub(super) fn head(&self, group: usize) -> Option<&Item> {
        self.groups[group].head.map(|at| &self.plan.items[at])
    }

    /// Returns the lines below the title of a task and before its first part; of a task that is only a heading above
    /// its parts, those of its first part.
    pub(super) fn own_lines(&self, group: usize) -> Range<usize> {
        let block = &self.blocks[group];
        let start = match self.head(group) {
            Some(head) => head.line,
            None => self.items(group).next().map_or(block.start + 1, |part| part.line),
        };
        let next = self.items(group).map(|item| item.line - 1).filter(|line| *line >= start).min();
        start..next.unwrap_or(block.end).min(block.end).max(start)
    }

    /// Returns what each of some lines is.
    pub(super) fn roles(&self, range: Range<usize>) -> Vec<(usize, LineRole)> {
        let mut list: Option<(Kind, usize)> = None;
        let role = |at: usize| {
            let text = self.bare(at);
            if text.trim().is_empty() {
                return (at, LineRole::Blank);
            }
            if self.places[at] != Place::Text {
                list = None;
                return (at, LineRole::Detail);
            }
            if let (Some((kind, indent)), Some((inner, _))) = (list, facts::bullet(text))
                && (inner > indent || facts::bullet(self.bare(at)).is_some() && indent == 0 && inner == 0)
            {
                return (at, LineRole::Entry(kind));
            }
            list = None;
            let known = facts::fact(text, &BTreeMap::new()).filter(|(kind, _)| *kind != Kind::Advice);
            match known {
                Some((kind, "")) => {
                    list = Some((kind, facts::indent(text)));
                    (at, LineRole::Label(kind))
                }
                Some((kind, value)) if kind != Kind::Dependencies || is_told(text, value) => {
                    (at, LineRole::Fact(kind))
                }
                _ => (at, LineRole::Detail),
            }
        };
        range.map(role).collect()
    }

    /// Returns a line without its end.
    pub(super) fn bare(&self, at: usize) -> &str {
        self.lines[at].trim_end_matches('\n').trim_end_matches('\r')
    }

    /// Returns the end of lines that the document has near a line.
    pub(super) fn line_end(&self, at: usize) -> &'static str {
        let near = self.lines[..=at.min(self.lines.len().saturating_sub(1))].iter().rev();
        let ended = near.chain(&self.lines).find(|line| line.ends_with('\n'));
        if ended.is_some_and(|line| line.ends_with("\r\n")) { "\r\n" } else { "\n" }
    }

    /// Returns whether dependencies are told elsewhere than below the tasks, as in waves or a graph.
    pub(super) fn has_drawn_dependencies(&self) -> bool {
        let is_outside = |(group, told): (usize, &Vec<(crate::plan::Told, _)>)| {
            told.iter().any(|(told, _)| !self.blocks[group].contains(&(told.line - 1)))
        };
        !self.plan.waves.is_empty()
            || !self.plan.graphs.is_empty()
            || !self.plan.chains.is_empty()
            || !self.plan.phase_dependencies.is_empty()
            || self.plan.items.iter().any(|item| !item.dependents.is_empty())
            || self.written.iter().enumerate().any(is_outside)
    }

    fn is_heading(&self, at: usize) -> Option<usize> {
        let text = self.bare(at).trim_start_matches('\u{feff}');
        let level = text.len() - text.trim_start_matches('#').len();
        let is_heading = level > 0 && level < 7 && text[level..].starts_with([' ', '\t']);
        (is_heading && self.places[at] == Place::Text).then_some(level)
    }

    fn find_blocks(&self) -> Result<Vec<Range<usize>>, EditError> {
        let mut starts = Vec::new();
        for at in 0..self.groups.len() {
            let start = self.start(at)?;
            if starts.last().is_some_and(|last| *last >= start) {
                return not_expressible("its tasks are not written one below the other.");
            }
            starts.push(start);
        }
        let mut blocks: Vec<Range<usize>> = Vec::new();
        for (at, start) in starts.iter().enumerate() {
            let next = starts.get(at + 1).copied().unwrap_or(self.lines.len());
            let level = self.is_heading(*start);
            let ends = |line: &usize| {
                self.is_heading(*line).is_some_and(|found| level.is_none_or(|level| found <= level))
            };
            let mut end = (start + 1..next).find(ends).unwrap_or(next);
            let is_rule = |text: &str| text.len() > 2 && text.bytes().all(|byte| byte == b'-');
            while end > start + 1
                && (self.bare(end - 1).trim().is_empty() || is_rule(self.bare(end - 1).trim()))
            {
                end -= 1;
            }
            if self.items(at).any(|item| item.line <= *start || item.line > end) {
                return not_expressible("the parts of a task do not stand together.");
            }
            blocks.push(*start..end);
        }
        Ok(blocks)
    }

    /// Returns the line that begins a planned task.
    fn start(&self, group: usize) -> Result<usize, EditError> {
        let Some(first) = self.items(group).map(|item| item.line).min() else {
            return not_expressible("a task has no line of its own.");
        };
        let text = self.lines.get(first.wrapping_sub(1)).map_or("", String::as_str);
        let title = self.items(group).find(|item| item.line == first).map_or("", |item| &item.title);
        if text.trim_start().starts_with('|') || !text.contains(title) {
            return not_expressible("its tasks are rows of a table, data, or decorated text.");
        }
        if self.groups[group].head.is_some() {
            return Ok(first - 1);
        }
        let above = self.plan.headings.iter().rev().find(|heading| heading.line < first);
        let root = self.groups[group].root.as_str();
        let names =
            above.filter(|heading| heading.digits() == Some(root) || heading.number.as_deref() == Some(root));
        Ok(names.map_or(first, |heading| heading.line) - 1)
    }
}

/// Returns whether a line about dependencies is one, and no prose that stays in the description.
fn is_told(text: &str, value: &str) -> bool {
    facts::labelled(text).is_some() || value.contains(|c: char| c.is_ascii_digit()) || labels::is_none(value)
}
