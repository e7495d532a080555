//! Plans without boxes and numbered headings: data, tables and lists.

use super::data::TaskList;
use super::model::{Item, Plan};
use super::reader::{take, without_flags};
use super::tables;
use crate::finding::warning;
use crate::finding::{Document, Finding, Severity};
use crate::markdown::context::{MarkdownContext, Place};
use crate::markdown::item;
use crate::markdown::item::Line;
use crate::markdown::labels;
use crate::markdown::labels::Kind;
use crate::markdown::marker::Marker;
use crate::outline::facts;
use crate::outline::headings;
use crate::outline::headings::Heading;
use std::collections::{BTreeMap, BTreeSet};

/// Takes the entries of lists that are written as data for tasks.
pub(crate) fn take_data(lists: Vec<TaskList>, plan: &mut Plan) {
    if lists.iter().any(TaskList::is_whole_text) {
        plan.findings.clear();
    }
    plan.findings.extend(lists.first().map(|list| {
        warning(
            list.line,
            "no-boxes",
            "No box begins a line: the entries of this list are taken as tasks.".to_owned(),
            "Write each task as `- [ ] 1. Title`.",
        )
    }));
    plan.items.extend(lists.into_iter().flat_map(|list| list.items));
}

/// Takes the rows of tables for tasks, in a text that has neither boxes at the start of lines nor headings that are tasks.
pub(crate) fn take_tables(text: &str, plan: &mut Plan) {
    plan.items = tables::tasks(text);
    let Some(first) = plan.items.first().map(|item| item.line) else { return };
    plan.phase_dependencies.retain(|told| told.line < first);
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

/// Returns whether a text has a list that counts its entries.
pub(crate) fn has_numbered_list(text: &str) -> bool {
    let mut context = MarkdownContext::new(text);
    let is_entry = |line: &Line<'_>| {
        line.text.starts_with(|c: char| c.is_ascii_digit()) && facts::bullet(line.text).is_some()
    };
    item::lines(text).filter(|line| context.place(*line) == Place::Text && is_entry(line)).nth(1).is_some()
}

/// Returns the lines that count from 1 without being items of a list: `第一步：…`, `① …`, `가. …`.
fn counted<'t>(lines: &[Line<'t>]) -> Vec<Line<'t>> {
    let number = |line: &Line<'_>| {
        let is_plain = facts::indent(line.text) == 0 && !line.text.starts_with(['#', '|', '>']);
        let heading = headings::named(line.text.trim());
        let is_known = matches!(heading.word.as_str(), "" | "第" | "제") || heading.is_task();
        let number = heading.number.filter(|_| is_plain && is_known && !heading.title.is_empty())?;
        number.parse::<usize>().ok()
    };
    let numbered: Vec<(usize, Line<'t>)> =
        lines.iter().filter_map(|line| Some((number(line)?, *line))).collect();
    let goes_up = numbered.iter().zip(1..).all(|((number, _), place)| *number == place);
    numbered.into_iter().map(|(_, line)| line).filter(|_| goes_up).collect()
}

/// Takes the items of a list for tasks, in a text that has neither boxes nor numbered headings: those with numbers, else
/// those of the first list, else the text as a whole.
pub(crate) fn take_lists(text: &str, plan: &mut Plan) {
    let mut context = MarkdownContext::new(text);
    let texts: Vec<Line<'_>> = item::lines(text).filter(|line| context.place(*line) == Place::Text).collect();
    let numbered = |line: &&Line<'_>| {
        facts::indent(line.text) == 0
            && headings::named(line.text.trim()).number.is_some()
            && facts::bullet(line.text).is_some()
    };
    let outermost = texts.iter().filter_map(|line| facts::bullet(line.text)).map(|(indent, _)| indent).min();
    let bulleted =
        |line: &&Line<'_>| facts::bullet(line.text).is_some_and(|(indent, _)| Some(indent) == outermost);
    let mut starts: Vec<Line<'_>> = texts.iter().filter(numbered).copied().collect();
    if starts.len() < 2 {
        starts = counted(&texts);
    }
    if starts.len() < 2 {
        starts = texts.iter().filter(bulleted).copied().collect();
    }
    if starts.is_empty() {
        starts.extend(texts.iter().find(|line| line.text.contains(char::is_alphanumeric)));
    }
    let Some(first) = starts.first().map(|line| line.number) else { return };
    let whole = starts.len() == 1;
    // A text below the heading of a phase that has no tasks of its own tells about the task above it.
    plan.phase_dependencies.retain(|told| told.line < first);
    let names: Vec<Heading> = starts.iter().map(|line| headings::named(line.text.trim())).collect();
    let numbers: BTreeSet<&str> = names.iter().filter_map(|name| name.number.as_deref()).collect();
    let is_numbered = numbers.len() == starts.len() && !whole;
    let mut starts = starts.iter().zip(&names).peekable();
    let mut in_done = false;
    for line in &texts {
        if let Some(heading) = headings::read(line.number, line.text) {
            in_done = labels::is_done(&heading.text);
        }
        if line.number < first {
            continue;
        }
        if let Some((_, name)) = starts.next_if(|(start, _)| start.number == line.number) {
            let value = facts::bullet(line.text).map_or(line.text, |(_, value)| value);
            let value = if is_numbered && !name.title.is_empty() { name.title.as_str() } else { value };
            let (title, parallel) = without_flags(value.trim_matches(['#', '*', '_', ' ']));
            plan.items.push(Item {
                number: name.number.clone().filter(|_| is_numbered),
                title,
                parallel,
                state: if in_done { Marker::Completed } else { Marker::Pending },
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
