//! Changes of which tasks a plan has, and of their order.

use super::fields::{change, set_lines, set_title, shown};
use super::layout::{Layout, LineRole};
use super::tokens::{NumberForm, renumber, renumbered, replace_number};
use super::{EditError, Edited, NewTask, Place, TaskFields, not_expressible};
use crate::outline::facts;
use std::collections::{BTreeMap, BTreeSet};

/// A place in the order of tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slot {
    Old(usize),
    New(usize),
}

/// What takes the place of dependencies on a task.
type Mended = BTreeMap<usize, Vec<Slot>>;

pub(super) fn reorder(text: &str, task: &str, place: &Place) -> Result<Edited, EditError> {
    let layout = Layout::of(text)?;
    let at = layout.index(task)?;
    let mut order: Vec<Slot> = (0..layout.units.len()).map(Slot::Old).collect();
    order.remove(at);
    let target = target(&layout, place)?;
    if target == at {
        return Ok(Edited { text: text.to_owned(), origins: (0..layout.units.len()).map(Some).collect() });
    }
    let beside = order.iter().position(|slot| *slot == Slot::Old(target)).unwrap_or_default();
    let is_after = matches!(place, Place::After(_));
    order.insert(beside + usize::from(is_after), Slot::Old(at));
    let mut pieces = Pieces::of(&layout, &order, &Mended::new(), &BTreeMap::new())?;
    let moved = pieces.take(at);
    pieces.insert(target, is_after, Chunk::Block(at, moved));
    Ok(Edited { text: pieces.join(), origins: origins(&order) })
}

pub(super) fn remove(text: &str, task: &str) -> Result<Edited, EditError> {
    let layout = Layout::of(text)?;
    let at = layout.index(task)?;
    if layout.units.len() == 1 {
        return Err(EditError::Invalid(
            "task",
            "is the only task of the plan; a plan has at least one".to_owned(),
        ));
    }
    let needed: BTreeSet<usize> = layout.written[at].iter().flat_map(|(_, found)| found).copied().collect();
    let mended = Mended::from([(at, needed.into_iter().map(Slot::Old).collect())]);
    take_out(&layout, at, &mended, &BTreeMap::new(), None)
}

pub(super) fn add(text: &str, task: &NewTask, place: Option<&Place>) -> Result<Edited, EditError> {
    let layout = Layout::of(text)?;
    let last = layout.units.len().checked_sub(1);
    let Some(last) = last else {
        return not_expressible("it has no task whose form a further one could have.");
    };
    let (target, is_after) = match place {
        Some(place) => (target(&layout, place)?, matches!(place, Place::After(_))),
        None => (last, true),
    };
    let edited = insert(&layout, target, is_after, std::slice::from_ref(task), &Mended::new())?;
    let at = target + usize::from(is_after);
    with_details(edited, at, task)
}

pub(super) fn split(text: &str, task: &str, parts: &[NewTask]) -> Result<Edited, EditError> {
    let mut layout = Layout::of(text)?;
    let at = layout.index(task)?;
    let unit = layout.units[at].clone();
    let is_told = !layout.written[at].is_empty();
    set_title(&mut layout, at, &parts[0].title)?;
    let count = layout.units.len();
    let layout = Layout::of(&layout.lines.concat())?;
    if layout.units.len() != count {
        return not_expressible("the title of a part would be read as a task.");
    }
    let all = std::iter::once(Slot::Old(at)).chain((0..parts.len() - 1).map(Slot::New)).collect();
    let mut edited = insert(&layout, at, true, &parts[1..], &Mended::from([(at, all)]))?;
    for (place, part) in parts.iter().enumerate() {
        edited = with_details(edited, at + place, part)?;
        if place == 0 {
            continue;
        }
        let units = crate::plan::parse(&edited.text).units();
        let (Some(before), Some(own)) = (units.get(at + place - 1), units.get(at + place)) else {
            return not_expressible("a part would be read as something else than a task.");
        };
        let given = |values: &[String]| (!values.is_empty()).then(|| values.to_vec());
        let fields = TaskFields {
            requirements: given(&unit.requirements),
            boundary: given(&unit.boundary),
            resources: given(&unit.resources),
            dependencies: is_told.then(|| vec![before.number.clone()]),
            ..TaskFields::default()
        };
        edited.text = change(&edited.text, &own.number, &fields)?.text;
    }
    Ok(edited)
}

pub(super) fn merge(text: &str, task: &str, into: &str) -> Result<Edited, EditError> {
    let mut layout = Layout::of(text)?;
    let (from, to) = (layout.index(task)?, layout.index(into)?);
    if layout.head(from).is_some() != layout.head(to).is_some() {
        return not_expressible("only one of the two tasks has a line of its own.");
    }
    let (one, other) = (layout.units[to].clone(), layout.units[from].clone());
    if layout.head(to).is_some() {
        let roles = layout.roles(layout.own_lines(from));
        let details = roles.iter().filter(|(_, role)| *role == LineRole::Detail);
        let added = details.map(|(line, _)| layout.bare(*line).to_owned());
        let added: Vec<String> = std::iter::once(format!("- {}", other.title)).chain(added).collect();
        let own: Vec<(usize, LineRole)> = layout.roles(layout.own_lines(to));
        let model = own.iter().find(|(_, role)| *role == LineRole::Detail).map(|(line, _)| *line);
        let mut details: Vec<String> = own
            .iter()
            .filter(|(_, role)| *role == LineRole::Detail)
            .map(|(line, _)| shown(layout.bare(*line)))
            .collect();
        let is_plain = model.is_none_or(|line| facts::bullet(layout.bare(line)).is_some());
        details.extend(added.iter().map(|line| if is_plain { shown(line) } else { line.trim().to_owned() }));
        set_lines(&mut layout, to, LineRole::Detail, &details)?;
        if one.is_done && !other.is_done {
            open(&mut layout, to)?;
        }
        let count = layout.units.len();
        layout = Layout::of(&layout.lines.concat())?;
        if layout.units.len() != count {
            return not_expressible("a line of the merged task would be read as a task.");
        }
    }
    let parts = parts_after(&layout, from, to);
    let mended = Mended::from([(from, vec![Slot::Old(to)])]);
    let mut edited = take_out(&layout, from, &mended, &parts, Some(to))?;
    let place = to - usize::from(from < to);
    let units = crate::plan::parse(&edited.text).units();
    let number = units.get(place).map(|unit| unit.number.clone()).unwrap_or_default();
    let union = |one: &[String], other: &[String]| {
        let mut all = one.to_vec();
        all.extend(other.iter().filter(|value| !one.contains(value)).cloned());
        (all != one).then_some(all)
    };
    let is_told = !layout.written[from].is_empty() || !layout.written[to].is_empty();
    let needed: BTreeSet<usize> = one
        .dependencies
        .iter()
        .chain(&other.dependencies)
        .copied()
        .filter(|at| *at != from && *at != to)
        .collect();
    let needed: Vec<usize> = needed.into_iter().map(|at| at - usize::from(from < at)).collect();
    let is_same = units.get(place).is_some_and(|unit| unit.dependencies == needed);
    let needed = needed.into_iter().filter_map(|at| units.get(at).map(|unit| unit.number.clone())).collect();
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let fields = TaskFields {
        acceptance: union(&lines(&one.acceptance_criteria), &own_acceptance(&layout, from)),
        requirements: union(&one.requirements, &other.requirements),
        boundary: union(&one.boundary, &other.boundary),
        resources: union(&one.resources, &other.resources),
        effort: one.effort.is_none().then_some(other.effort).flatten(),
        dependencies: (is_told && !is_same && layout.head(to).is_some()).then_some(needed),
        ..TaskFields::default()
    };
    edited.text = change(&edited.text, &number, &fields)?.text;
    Ok(edited)
}

/// Removes the tick of a task.
fn open(layout: &mut Layout, at: usize) -> Result<(), EditError> {
    let Some(span) = layout.head(at).map(|head| head.marker_span.clone()).filter(|span| !span.is_empty())
    else {
        return not_expressible("a task that is done cannot take in one that is not.");
    };
    let line = layout.blocks[at].start;
    let start: usize = layout.lines[..line].iter().map(String::len).sum();
    layout.lines[line].replace_range(span.start - start..span.end - start, " ");
    Ok(())
}

fn own_acceptance(layout: &Layout, at: usize) -> Vec<String> {
    layout.head(at).map(|head| head.acceptance.clone()).unwrap_or_default()
}

/// Returns the numbers that the parts of a task have behind those of another task.
fn parts_after(layout: &Layout, from: usize, to: usize) -> BTreeMap<String, String> {
    let below = |at: usize| {
        let root = layout.groups[at].root.clone();
        let numbers = layout.items(at).filter_map(|item| item.number.clone());
        numbers.filter_map(move |number| {
            let rest = number.strip_prefix(&root)?.strip_prefix('.')?;
            let first = rest.split('.').next()?.parse::<u64>().ok()?;
            Some((number, first))
        })
    };
    let last = below(to).map(|(_, first)| first).max().unwrap_or(0);
    let root = &layout.groups[to].root;
    let mut parts = BTreeMap::new();
    for (number, first) in below(from) {
        let Some(rest) = number.strip_prefix(&layout.groups[from].root) else { continue };
        let deeper = rest[1..].split_once('.').map_or(String::new(), |(_, deeper)| format!(".{deeper}"));
        parts.insert(number, format!("{root}.{}{deeper}", last + first));
    }
    parts
}

fn with_details(edited: Edited, at: usize, task: &NewTask) -> Result<Edited, EditError> {
    let Some(details) = &task.details else { return Ok(edited) };
    let mut layout = Layout::of(&edited.text)?;
    if at >= layout.units.len() {
        return not_expressible("a task would be read as something else.");
    }
    if layout.head(at).is_some() {
        set_lines(&mut layout, at, LineRole::Detail, details)?;
    }
    Ok(Edited { text: layout.lines.concat(), origins: edited.origins })
}

fn target(layout: &Layout, place: &Place) -> Result<usize, EditError> {
    let (Place::Before(number) | Place::After(number)) = place;
    layout.index(number)
}

fn origins(order: &[Slot]) -> Vec<Option<usize>> {
    let origin = |slot: &Slot| match slot {
        Slot::Old(at) => Some(*at),
        Slot::New(_) => None,
    };
    order.iter().map(origin).collect()
}

/// Removes a task; its parts go to the end of another one where that is given.
fn take_out(
    layout: &Layout,
    at: usize,
    mended: &Mended,
    parts: &BTreeMap<String, String>,
    to: Option<usize>,
) -> Result<Edited, EditError> {
    if layout.has_drawn_dependencies() {
        return not_expressible(
            "its dependencies are also written in waves, in a graph or in a section of their own.",
        );
    }
    let order: Vec<Slot> = (0..layout.units.len()).filter(|other| *other != at).map(Slot::Old).collect();
    let mut pieces = Pieces::of(layout, &order, mended, parts)?;
    let block = pieces.take(at);
    if let Some(to) = to {
        let head = layout.blocks[at].start;
        let first = layout.items(at).map(|item| item.line - 1).filter(|line| *line > head).min();
        if let Some(first) = first {
            let own = layout.head(at).map(|head| &head.dependencies);
            let is_own = |line: &usize| own.into_iter().flatten().any(|told| told.line == head + line + 1);
            let lines = block.split_inclusive('\n').enumerate().skip(first - head);
            let lines: String = lines.filter(|(line, _)| !is_own(line)).map(|(_, text)| text).collect();
            pieces.append(to, &lines);
        }
    }
    Ok(Edited { text: pieces.join(), origins: origins(&order) })
}

/// Adds tasks beside another one, in the form of the tasks around them.
fn insert(
    layout: &Layout,
    target: usize,
    is_after: bool,
    tasks: &[NewTask],
    mended: &Mended,
) -> Result<Edited, EditError> {
    let mut order: Vec<Slot> = (0..layout.units.len()).map(Slot::Old).collect();
    let place = target + usize::from(is_after);
    order.splice(place..place, (0..tasks.len()).map(Slot::New));
    let mut pieces = Pieces::of(layout, &order, mended, &BTreeMap::new())?;
    let mut beside = Beside { target, is_after };
    for (at, task) in tasks.iter().enumerate() {
        let number = pieces.numbers.of(Slot::New(at))?;
        let block = new_block(layout, target, &number, task)?;
        pieces.insert_beside(&beside, Chunk::New(at, block));
        beside = Beside { target: usize::MAX - at, is_after: true };
    }
    Ok(Edited { text: pieces.join(), origins: origins(&order) })
}

/// A block, and on which side of it another one is put; blocks that are added count down from the largest number.
struct Beside {
    target: usize,
    is_after: bool,
}

/// Returns the text of a task in the form of another one.
fn new_block(layout: &Layout, like: usize, number: &str, task: &NewTask) -> Result<String, EditError> {
    let block = &layout.blocks[like];
    let unit = &layout.units[like];
    let text = layout.bare(block.start);
    let end = layout.line_end(block.start);
    let title_start = text.rfind(&unit.title).filter(|_| !unit.title.is_empty());
    let Some(title_start) = title_start else { return not_expressible("the title beside it is decorated.") };
    let behind = &text[title_start + unit.title.len()..];
    let closing: String = behind.chars().take_while(|c| matches!(c, '*' | '_' | '~' | '`')).collect();
    let mut before = text[..title_start].to_owned();
    if let Some(head) = layout.head(like) {
        let start: usize = layout.lines[..block.start].iter().map(String::len).sum();
        let span = head.marker_span.clone();
        if !span.is_empty() && span.start >= start && span.end - start <= title_start {
            let (from, to) = (span.start - start, span.end - start);
            if before[to..].starts_with(']') && text[from..to].trim() != "" {
                before.replace_range(from..to, " ");
            }
            let optional = if before[..].contains("]*") { "]*" } else { "]\\*" };
            if head.optional {
                before = before.replacen(optional, "]", 1);
            }
        }
    }
    for flag in ["[P] ", "(P) ", "（P）"] {
        before = before.replace(flag, "");
    }
    while let Some(at) = before.find("[US")
        && let Some(length) = before[at..].find("] ")
    {
        before.replace_range(at..at + length + 2, "");
    }
    let root = &layout.groups[like].root;
    let is_numbered = layout.head(like).is_none_or(|head| head.number.is_some());
    if is_numbered {
        let Some(numbered) = replace_number(&before, "", root, number) else {
            return not_expressible("the number beside it is decorated.");
        };
        before = numbered;
    }
    let mut block = format!("{before}{}{closing}{end}", task.title);
    if layout.head(like).is_none() {
        let Some(part) = layout.items(like).next() else { return not_expressible("it has no parts.") };
        let line = layout.bare(part.line - 1);
        let Some(at) = line.rfind(&part.title) else { return not_expressible("its parts are decorated.") };
        let own = [task.title.clone()];
        let details = task.details.as_deref().filter(|details| !details.is_empty()).unwrap_or(&own);
        if part.line - 1 > layout.blocks[like].start + 1 {
            block.push_str(end);
        }
        for (place, detail) in details.iter().enumerate() {
            let number = format!("{number}.{}", place + 1);
            let old = part.number.clone().unwrap_or_default();
            let open = line[..at].replace("[x]", "[ ]").replace("[X]", "[ ]").replace("]*", "]");
            let Some(before) = replace_number(&open, "", &old, &number) else {
                return not_expressible("its parts are decorated.");
            };
            block.push_str(&format!("{before}{detail}{end}"));
        }
    }
    Ok(block)
}

/// The numbers of the tasks in their order.
struct Numbers {
    by_slot: Vec<(Slot, Option<String>)>,
    /// The numbers that change.
    changed: BTreeMap<String, String>,
}

impl Numbers {
    fn new(layout: &Layout, order: &[Slot], parts: &BTreeMap<String, String>) -> Self {
        let form = NumberForm::of(layout.units.iter().map(|unit| unit.number.as_str()));
        let is_sequence =
            form.as_ref().is_some_and(|form| form.is_sequence) && !layout.has_drawn_dependencies();
        let number = |place: usize, slot: Slot| match (&form, slot) {
            (Some(form), _) if is_sequence => Some(form.at(place)),
            (_, Slot::Old(at)) => Some(layout.units[at].number.clone()),
            (Some(form), Slot::New(at)) => Some(form.unused(at)),
            (None, Slot::New(_)) => None,
        };
        let by_slot: Vec<(Slot, Option<String>)> =
            order.iter().enumerate().map(|(place, slot)| (*slot, number(place, *slot))).collect();
        let mut changed = BTreeMap::new();
        for (slot, number) in &by_slot {
            if let (Slot::Old(at), Some(number)) = (slot, number)
                && layout.units[*at].number != *number
            {
                changed.insert(layout.units[*at].number.clone(), number.clone());
            }
        }
        // The parts of a merged task have numbers of the other one, which may change itself.
        let parts: Vec<(String, String)> = parts
            .iter()
            .map(|(from, to)| (from.clone(), renumbered(to, &changed).unwrap_or_else(|| to.clone())))
            .collect();
        changed.extend(parts);
        Self { by_slot, changed }
    }

    fn of_slot(&self, slot: Slot) -> Option<&String> {
        self.by_slot.iter().find(|(other, _)| *other == slot).and_then(|(_, number)| number.as_ref())
    }

    fn of(&self, slot: Slot) -> Result<String, EditError> {
        let missing = || EditError::NotExpressible("the numbers of its tasks have several forms.".to_owned());
        self.of_slot(slot).cloned().ok_or_else(missing)
    }
}

enum Chunk {
    Gap(String),
    Block(usize, String),
    New(usize, String),
}

/// A document in pieces: its tasks, and what stands between them.
struct Pieces {
    chunks: Vec<Chunk>,
    numbers: Numbers,
    /// What separates two tasks.
    separator: String,
    end: &'static str,
}

impl Pieces {
    fn of(
        layout: &Layout,
        order: &[Slot],
        mended: &Mended,
        parts: &BTreeMap<String, String>,
    ) -> Result<Self, EditError> {
        let numbers = Numbers::new(layout, order, parts);
        let mut chunks = Vec::new();
        let mut last = 0;
        let mut separator = None;
        for (at, block) in layout.blocks.iter().enumerate() {
            let gap = layout.lines[last..block.start].concat();
            if at > 0 && gap.trim().is_empty() && separator.is_none() {
                separator = Some(gap.clone());
            }
            chunks.push(Chunk::Gap(gap));
            chunks.push(Chunk::Block(at, rendered(layout, at, mended, &numbers)?));
            last = block.end;
        }
        chunks.push(Chunk::Gap(layout.lines[last..].concat()));
        let end = layout.line_end(0);
        let is_heading = layout.blocks.first().is_some_and(|block| layout.bare(block.start).starts_with('#'));
        let separator = separator.unwrap_or_else(|| if is_heading { end.to_owned() } else { String::new() });
        Ok(Self { chunks, numbers, separator, end })
    }

    fn place(&self, target: usize) -> usize {
        let is_it = |chunk: &Chunk| match chunk {
            Chunk::Block(at, _) => *at == target,
            Chunk::New(at, _) => usize::MAX - *at == target,
            Chunk::Gap(_) => false,
        };
        self.chunks.iter().position(is_it).unwrap_or_default()
    }

    /// Takes a task out, with the blank lines that separated it from its neighbours.
    fn take(&mut self, target: usize) -> String {
        let place = self.place(target);
        let is_last = place + 2 == self.chunks.len();
        let Chunk::Block(_, text) = self.chunks.remove(place) else { return String::new() };
        let (Chunk::Gap(after), Chunk::Gap(before)) =
            (self.chunks.remove(place), self.chunks.remove(place - 1))
        else {
            return text;
        };
        let gap = match (before.trim().is_empty(), after.trim().is_empty()) {
            (true, false) if place > 1 => after,
            (true, true) if is_last && place > 1 => after,
            (_, true) => before,
            _ => before + &after,
        };
        self.chunks.insert(place - 1, Chunk::Gap(gap));
        text
    }

    fn insert(&mut self, target: usize, is_after: bool, chunk: Chunk) {
        self.insert_beside(&Beside { target, is_after }, chunk);
    }

    fn insert_beside(&mut self, beside: &Beside, chunk: Chunk) {
        let place = self.place(beside.target);
        let gap = Chunk::Gap(self.separator.clone());
        if beside.is_after {
            self.chunks.splice(place + 1..=place, [gap, chunk]);
        } else {
            self.chunks.splice(place..place, [chunk, gap]);
        }
    }

    /// Adds lines at the end of a task.
    fn append(&mut self, target: usize, lines: &str) {
        let place = self.place(target);
        let end = self.end;
        if let Chunk::Block(_, text) = &mut self.chunks[place] {
            if !text.ends_with('\n') {
                text.push_str(end);
            }
            text.push_str(lines);
        }
    }

    fn join(&self) -> String {
        let mut text = String::new();
        for chunk in &self.chunks {
            let (Chunk::Gap(next) | Chunk::Block(_, next) | Chunk::New(_, next)) = chunk;
            if !text.is_empty() && !text.ends_with('\n') && !next.is_empty() {
                text.push_str(self.end);
            }
            text.push_str(next);
        }
        text
    }
}

/// Returns the text of a task with its numbers and dependencies as they are after an operation.
fn rendered(layout: &Layout, at: usize, mended: &Mended, numbers: &Numbers) -> Result<String, EditError> {
    let block = layout.blocks[at].clone();
    let mut lines: Vec<String> = layout.lines[block.clone()].to_vec();
    let changed = &numbers.changed;
    if layout.head(at).is_none()
        && let Some(to) = renumbered(&layout.groups[at].root, changed)
        && !layout.items(at).any(|item| item.line - 1 == block.start)
    {
        let Some(line) = replace_number(&lines[0], "", &layout.groups[at].root, &to) else {
            return not_expressible("the number of a task is decorated.");
        };
        lines[0] = line;
    }
    for (told, found) in &layout.written[at] {
        let Some(line) = (told.line - 1).checked_sub(block.start).filter(|line| *line < lines.len()) else {
            continue;
        };
        let is_mended = found.iter().any(|other| mended.contains_key(other));
        let moves = found.iter().any(|other| changed.contains_key(&layout.units[*other].number))
            || renumber(&told.text, changed) != told.text;
        if !is_mended && !moves {
            continue;
        }
        let is_range =
            told.text.contains(['-', '–', '—', '~', '～', '〜']) && !told.text.contains(char::is_alphabetic);
        let text = if is_mended || is_range {
            let slots =
                found.iter().flat_map(|other| mended.get(other).cloned().unwrap_or(vec![Slot::Old(*other)]));
            let slots: Vec<Slot> = slots.filter(|slot| *slot != Slot::Old(at)).collect();
            let mut list: Vec<String> = Vec::new();
            for (slot, _) in numbers.by_slot.iter().filter(|(slot, _)| slots.contains(slot)) {
                list.push(numbers.of(*slot)?);
            }
            let words = told.text.chars().take_while(|c| !c.is_ascii_digit()).collect::<String>();
            let words = words.trim_end_matches(|c: char| c.is_ascii_uppercase() || c == '#' || c == '-');
            if list.is_empty() { "none".to_owned() } else { format!("{words}{}", list.join(", ")) }
        } else {
            renumber(&told.text, changed)
        };
        let Some(from) = lines[line].rfind(&told.text) else {
            return not_expressible("a dependency is decorated.");
        };
        let aside = format!(" ({})", told.text);
        let whole = lines[line]
            .rfind(&aside)
            .filter(|_| text == "none" && layout.head(at).is_some_and(|head| head.line == told.line));
        let (from, length, text) = match whole {
            Some(from) => (from, aside.len(), String::new()),
            None => (from, told.text.len(), text),
        };
        lines[line].replace_range(from..from + length, &text);
    }
    for item in layout.items(at) {
        let Some(number) = &item.number else { continue };
        let Some(to) = renumbered(number, changed) else { continue };
        let line = &mut lines[item.line - 1 - block.start];
        let Some(text) = replace_number(line, &item.title, number, &to) else {
            return not_expressible("the number of a task is decorated.");
        };
        *line = text;
    }
    Ok(lines.concat())
}
