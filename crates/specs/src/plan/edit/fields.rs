//! Changes of the fields of one planned task.

use super::layout::{Layout, LineRole};
use super::{EditError, Edited, TaskFields, not_expressible};
use crate::markdown::ids;
use crate::markdown::labels::Kind;
use crate::outline::facts;
use crate::plan::model::Dialect;
use similar::{Algorithm, DiffOp, capture_diff_slices};
use std::collections::BTreeSet;

pub(super) fn change(text: &str, task: &str, fields: &TaskFields) -> Result<Edited, EditError> {
    let count = Layout::of(text)?.units.len();
    let mut text = text.to_owned();
    let mut step = |edit: &dyn Fn(&mut Layout, usize) -> Result<(), EditError>| -> Result<(), EditError> {
        let mut layout = Layout::of(&text)?;
        let at = layout.index(task)?;
        edit(&mut layout, at)?;
        text = layout.lines.concat();
        Ok(())
    };
    if let Some(details) = &fields.details {
        step(&|layout, at| set_lines(layout, at, LineRole::Detail, details))?;
    }
    if let Some(acceptance) = &fields.acceptance {
        step(&|layout, at| set_lines(layout, at, LineRole::Entry(Kind::Acceptance), acceptance))?;
    }
    let lists = [
        (Kind::Requirements, &fields.requirements),
        (Kind::Boundary, &fields.boundary),
        (Kind::Resources, &fields.resources),
    ];
    for (kind, wanted) in lists {
        if let Some(wanted) = wanted {
            step(&|layout, at| {
                set_list(layout, at, kind, wanted);
                Ok(())
            })?;
        }
    }
    if let Some(effort) = fields.effort {
        step(&|layout, at| {
            if layout.units[at].effort != Some(effort) {
                set_value(layout, at, Kind::Effort, &effort.to_string());
            }
            Ok(())
        })?;
    }
    if let Some(dependencies) = &fields.dependencies {
        step(&|layout, at| set_dependencies(layout, at, dependencies))?;
    }
    if let Some(optional) = fields.optional {
        step(&|layout, at| set_optional(layout, at, optional))?;
    }
    if let Some(title) = &fields.title {
        step(&|layout, at| set_title(layout, at, title))?;
    }
    Ok(Edited { text, origins: (0..count).map(Some).collect() })
}

pub(super) fn set_title(layout: &mut Layout, at: usize, title: &str) -> Result<(), EditError> {
    let line = layout.blocks[at].start;
    let old = layout.units[at].title.clone();
    if old == title {
        return Ok(());
    }
    let text = &layout.lines[line];
    match text.rfind(&old).filter(|_| !old.is_empty()) {
        Some(start) => {
            layout.lines[line] = format!("{}{title}{}", &text[..start], &text[start + old.len()..]);
            Ok(())
        }
        None => not_expressible("the title is decorated, or written in several pieces."),
    }
}

fn set_optional(layout: &mut Layout, at: usize, optional: bool) -> Result<(), EditError> {
    if layout.units[at].optional == optional {
        return Ok(());
    }
    let Some(head) = layout.head(at).filter(|head| !head.is_heading) else {
        return not_expressible("only a task with a checkbox can be optional.");
    };
    let line = head.line - 1;
    let start: usize = layout.lines[..line].iter().map(String::len).sum();
    let text = &layout.lines[line];
    let end = head.marker_span.end - start;
    let Some(close) = text[end..].find(']').filter(|offset| *offset < 3).map(|offset| end + offset + 1)
    else {
        return not_expressible("only a task with a checkbox in brackets can be optional.");
    };
    let rest = &text[close..];
    let rest = if optional {
        format!("*{rest}")
    } else {
        rest.strip_prefix("\\*").or_else(|| rest.strip_prefix('*')).unwrap_or(rest).to_owned()
    };
    layout.lines[line] = format!("{}{rest}", &text[..close]);
    Ok(())
}

/// Returns the values of a fact.
fn values(kind: Kind, value: &str) -> Vec<String> {
    match kind {
        Kind::Requirements => ids::requirement_ids(value),
        Kind::Boundary => facts::places(value),
        _ => facts::resources(value).collect(),
    }
}

/// Writes the values of a fact: removes those that are not wanted wherever the task or its parts have them, and adds
/// those that are missing to the task itself.
pub(super) fn set_list(layout: &mut Layout, at: usize, kind: Kind, wanted: &[String]) {
    let block = layout.blocks[at].clone();
    let own = layout.own_lines(at);
    let mut kept: BTreeSet<String> = BTreeSet::new();
    let mut to_extend = None;
    let mut removed = Vec::new();
    for (line, role) in layout.roles(block) {
        let text = layout.bare(line).to_owned();
        let is_entry = role == LineRole::Entry(kind);
        if !(role == LineRole::Fact(kind) || is_entry) {
            continue;
        }
        let value = match facts::labelled(&text) {
            Some(labelled) if !is_entry => labelled.value.to_owned(),
            _ => facts::bullet(&text).map_or(text.trim(), |(_, value)| value).to_owned(),
        };
        let has = values(kind, &value);
        let keeps: Vec<&String> = has.iter().filter(|one| wanted.contains(one)).collect();
        kept.extend(keeps.iter().map(|one| (*one).clone()));
        if !is_entry && own.contains(&line) {
            to_extend.get_or_insert(line);
        }
        if keeps.len() == has.len() {
            continue;
        }
        if keeps.is_empty() {
            removed.push(line);
        } else {
            let quoted =
                |one: &&String| if value.contains('`') { format!("`{one}`") } else { (*one).clone() };
            let rest = keeps.iter().map(quoted).collect::<Vec<_>>().join(", ");
            replace_value(layout, line, &value, &rest);
        }
    }
    let missing: Vec<String> = wanted.iter().filter(|one| !kept.contains(*one)).cloned().collect();
    if !missing.is_empty() {
        match to_extend.filter(|line| !removed.contains(line)) {
            Some(line) => {
                let text = layout.bare(line).to_owned();
                let value =
                    facts::labelled(&text).map(|labelled| labelled.value.to_owned()).unwrap_or_default();
                let quoted =
                    |one: &String| if value.contains('`') { format!("`{one}`") } else { one.clone() };
                let more = missing.iter().map(quoted).collect::<Vec<_>>().join(", ");
                replace_value(layout, line, &value, &format!("{value}, {more}"));
            }
            None => match to_extend {
                Some(line) => {
                    removed.retain(|other| *other != line);
                    let text = layout.bare(line).to_owned();
                    let value = facts::labelled(&text).map(|labelled| labelled.value.to_owned());
                    replace_value(layout, line, &value.unwrap_or_default(), &missing.join(", "));
                }
                None => {
                    let line = fact_line(layout, at, kind, &missing.join(", "));
                    insert_fact(layout, at, &line, &mut removed);
                }
            },
        }
    }
    remove_lines(layout, &removed);
}

/// Replaces the value of a line, the last place where it stands.
fn replace_value(layout: &mut Layout, line: usize, from: &str, to: &str) {
    let text = &layout.lines[line];
    if let Some(at) = text.rfind(from).filter(|_| !from.is_empty()) {
        layout.lines[line] = format!("{}{to}{}", &text[..at], &text[at + from.len()..]);
    }
}

fn remove_lines(layout: &mut Layout, lines: &[usize]) {
    for line in lines {
        layout.lines[*line].clear();
    }
}

/// Writes a fact with one value in place of the task's own.
fn set_value(layout: &mut Layout, at: usize, kind: Kind, value: &str) {
    let roles = layout.roles(layout.own_lines(at));
    if let Some((line, _)) = roles.iter().find(|(_, role)| *role == LineRole::Fact(kind)) {
        let text = layout.bare(*line).to_owned();
        let old = facts::labelled(&text).map_or(String::new(), |labelled| labelled.value.to_owned());
        replace_value(layout, *line, &old, value);
    } else {
        let line = fact_line(layout, at, kind, value);
        insert_fact(layout, at, &line, &mut Vec::new());
    }
}

/// Writes what a task depends on.
pub(super) fn set_dependencies(layout: &mut Layout, at: usize, wanted: &[String]) -> Result<(), EditError> {
    let indices = wanted.iter().map(|number| layout.index(number)).collect::<Result<BTreeSet<usize>, _>>()?;
    if indices.contains(&at) {
        let number = layout.units[at].number.clone();
        return Err(EditError::Cycle(vec![number.clone(), number]));
    }
    let is_told = !layout.written[at].is_empty();
    let told: BTreeSet<usize> = layout.written[at].iter().flat_map(|(_, found)| found).copied().collect();
    if is_told && told == indices {
        return Ok(());
    }
    if layout.head(at).is_none() {
        return not_expressible(
            "a task that is a heading above its parts depends on what is written before it.",
        );
    }
    let numbers: Vec<String> = indices.iter().map(|other| layout.units[*other].number.clone()).collect();
    let value = if numbers.is_empty() { "none".to_owned() } else { numbers.join(", ") };
    let own = layout.own_lines(at);
    let roles = layout.roles(own);
    let head = layout.head(at).map_or(0, |head| head.line - 1);
    let aside =
        layout.written[at].iter().find(|(told, _)| told.line == head + 1).map(|(told, _)| told.text.clone());
    let is_dependency = |role: &LineRole| {
        matches!(
            role,
            LineRole::Fact(Kind::Dependencies)
                | LineRole::Entry(Kind::Dependencies)
                | LineRole::Label(Kind::Dependencies)
        )
    };
    let mut lines: Vec<usize> =
        roles.iter().filter(|(_, role)| is_dependency(role)).map(|(line, _)| *line).collect();
    if let Some(aside) = aside {
        let words: String = aside.chars().take_while(|c| !c.is_ascii_digit()).collect();
        let words = words.trim_end_matches(|c: char| c.is_ascii_alphabetic() && c.is_ascii_uppercase());
        let value = format!("{words}{value}");
        if !layout.lines[head].contains(&aside) {
            return not_expressible("its dependencies are decorated.");
        }
        replace_value(layout, head, &aside, &value);
        remove_lines(layout, &lines);
        return Ok(());
    }
    let first = roles.iter().find(|(_, role)| *role == LineRole::Fact(Kind::Dependencies));
    if let Some((line, _)) = first
        && let Some(old) = facts::labelled(layout.bare(*line)).map(|labelled| labelled.value.to_owned())
        && !old.is_empty()
    {
        replace_value(layout, *line, &old, &value);
        lines.retain(|other| other != line);
        remove_lines(layout, &lines);
    } else {
        let line = fact_line(layout, at, Kind::Dependencies, &value);
        insert_fact(layout, at, &line, &mut lines);
        remove_lines(layout, &lines);
    }
    Ok(())
}

/// Returns the line of a fact in the style of the document.
fn fact_line(layout: &Layout, at: usize, kind: Kind, value: &str) -> String {
    let label = match kind {
        Kind::Requirements => "Requirements",
        Kind::Boundary => "Boundary",
        Kind::Resources => "Needs",
        Kind::Effort => "Effort",
        Kind::Acceptance => "Acceptance Criteria",
        Kind::Dependencies | Kind::Dependents | Kind::Advice => "Depends",
    };
    if layout.plan.dialect == Dialect::Headings && kind != Kind::Resources {
        return format!("**{label}:** {value}");
    }
    if layout.head(at).is_some_and(|head| head.is_heading) {
        return format!("- _{label}: {value}_");
    }
    format!("{}- _{label}: {value}_", detail_indent(layout, at))
}

/// Returns the indentation of what stands below a task.
fn detail_indent(layout: &Layout, at: usize) -> String {
    let own = layout.own_lines(at);
    let is_heading = layout.head(at).is_some_and(|head| head.is_heading);
    let above = own.start.checked_sub(1).map_or("", |line| layout.bare(line));
    let around = facts::indent(above);
    let is_inside = |line: &usize| {
        facts::bullet(layout.bare(*line)).is_some_and(|(indent, _)| indent > around || is_heading)
    };
    let mut of_own = own.filter(is_inside);
    if let Some(line) = of_own.next() {
        let text = layout.bare(line);
        return text[..text.len() - text.trim_start().len()].to_owned();
    }
    if is_heading {
        return String::new();
    }
    let blank: String =
        above.trim_start_matches('\u{feff}').chars().take_while(|c| c.is_whitespace()).collect();
    format!("{blank}  ")
}

/// Adds a line at the end of what stands below a task itself.
fn insert_fact(layout: &mut Layout, at: usize, line: &str, removed: &mut Vec<usize>) {
    let own = layout.own_lines(at);
    let mut after = own.clone().rfind(|line| !layout.bare(*line).trim().is_empty()).unwrap_or(own.start - 1);
    // A removed line gives its place to the new one.
    if let Some(place) = removed.iter().position(|line| own.contains(line)) {
        after = removed.remove(place);
        let end = layout.line_end(after);
        layout.lines[after] = format!("{line}{end}");
        return;
    }
    let end = layout.line_end(after);
    let is_apart = layout.head(at).is_some_and(|head| head.is_heading)
        && facts::bullet(line).is_none()
        && (after < own.start || !layout.bare(after).starts_with("**"));
    let gap = if is_apart { end } else { "" };
    append(layout, after, &format!("{gap}{line}"));
}

/// Adds text below a line.
pub(super) fn append(layout: &mut Layout, after: usize, text: &str) {
    let end = layout.line_end(after);
    let above = &mut layout.lines[after];
    if above.ends_with('\n') {
        above.push_str(text);
        above.push_str(end);
    } else {
        *above = format!("{above}{end}{text}");
    }
}

/// Writes the lines of a list, or of the description, and keeps those that are the same.
pub(super) fn set_lines(
    layout: &mut Layout,
    at: usize,
    role: LineRole,
    wanted: &[String],
) -> Result<(), EditError> {
    if layout.head(at).is_none() {
        return if wanted.is_empty() {
            Ok(())
        } else {
            not_expressible("a task that is a heading above its parts has no text of its own.")
        };
    }
    let own = layout.own_lines(at);
    let roles = layout.roles(own.clone());
    let lines: Vec<usize> = roles.iter().filter(|(_, found)| *found == role).map(|(line, _)| *line).collect();
    let present: Vec<String> = lines.iter().map(|line| shown(layout.bare(*line))).collect();
    if present == wanted {
        return Ok(());
    }
    let model = lines.first().map(|line| layout.bare(*line).to_owned());
    let (before, mark) = match &model {
        Some(line) => {
            let blank = &line[..line.len() - line.trim_start().len()];
            (
                blank.to_owned(),
                if facts::bullet(line).is_some() || role != LineRole::Detail { "- " } else { "" },
            )
        }
        None if role == LineRole::Detail => (detail_indent(layout, at), "- "),
        None => (format!("{}  ", detail_indent(layout, at)), "- "),
    };
    let write = |value: &String| format!("{before}{mark}{value}");
    let label = match role {
        LineRole::Entry(kind) => {
            roles.iter().find(|(_, found)| *found == LineRole::Label(kind)).map(|(line, _)| *line)
        }
        _ => None,
    };
    if let (LineRole::Entry(Kind::Acceptance), None) = (role, label) {
        // Criteria that the label's own line has, or that boxes are, are no lines of a list.
        if !layout.units[at].acceptance_criteria.is_empty() {
            return not_expressible("its acceptance criteria are no list below a label.");
        }
        let is_heading = layout.plan.dialect == Dialect::Headings;
        let indent = if is_heading { String::new() } else { detail_indent(layout, at) };
        let (opening, inner) = if is_heading {
            ("**Acceptance Criteria:**".to_owned(), "- ".to_owned())
        } else {
            (format!("{indent}- **Acceptance Criteria:**"), format!("{indent}  - "))
        };
        let end = layout.line_end(own.start);
        let entries: Vec<String> = wanted.iter().map(|value| format!("{inner}{value}")).collect();
        insert_fact(layout, at, &format!("{opening}{end}{}", entries.join(end)), &mut Vec::new());
        return Ok(());
    }
    let is_removed = |layout: &Layout, line: usize| layout.lines[line].is_empty();
    let mut cursor = label.unwrap_or(own.start - 1);
    for op in capture_diff_slices(Algorithm::Myers, &present, wanted) {
        match op {
            DiffOp::Equal { old_index, len, .. } => cursor = lines[old_index + len - 1],
            DiffOp::Delete { old_index, old_len, .. } => {
                remove_lines(layout, &lines[old_index..old_index + old_len]);
            }
            DiffOp::Insert { new_index, new_len, .. } => {
                let added: Vec<String> = wanted[new_index..new_index + new_len].iter().map(write).collect();
                let end = layout.line_end(cursor);
                append(layout, cursor, &added.join(end));
            }
            DiffOp::Replace { old_index, old_len, new_index, new_len } => {
                let replaced = &lines[old_index..old_index + old_len];
                let end = layout.line_end(replaced[0]);
                let mut added = wanted[new_index..new_index + new_len].iter();
                for line in replaced {
                    let text = layout.bare(*line).to_owned();
                    let next = added.next().map(|value| replaced_text(&text, value));
                    layout.lines[*line] = next.map_or_else(String::new, |text| format!("{text}{end}"));
                    if !is_removed(layout, *line) {
                        cursor = *line;
                    }
                }
                let rest: Vec<String> = added.map(write).collect();
                if !rest.is_empty() {
                    append(layout, cursor, &rest.join(end));
                }
            }
        }
    }
    if let (Some(label), true) = (label, wanted.is_empty()) {
        remove_lines(layout, &[label]);
    }
    Ok(())
}

/// Returns a line with another text behind its bullet.
fn replaced_text(line: &str, value: &str) -> String {
    let old = facts::bullet(line).map_or(line.trim(), |(_, text)| text);
    let at = line.rfind(old).unwrap_or_default();
    format!("{}{value}", &line[..at])
}

/// Returns the text of a line as a person reads and writes it.
pub(super) fn shown(line: &str) -> String {
    facts::bullet(line).map_or(line.trim(), |(_, text)| text).trim_end().to_owned()
}
