//! Reads a plan line after line: boxes, headings that are tasks, and the facts told below them.

use super::graph;
use super::model::{Assumed, Item, Plan};
use super::tables;
use crate::finding::warning;
use crate::markdown::fold::fold;
use crate::markdown::ids;
use crate::markdown::item::{Line, RawItem};
use crate::markdown::labels;
use crate::markdown::labels::Kind;
use crate::markdown::marker::Marker;
use crate::outline::facts;
use crate::outline::facts::Labelled;
use crate::outline::headings;
use crate::outline::headings::Heading;
use crate::outline::references::Told;
use std::collections::{BTreeMap, BTreeSet};

/// A line with a label whose words are not known: what it tells shows by all the values of its label.
struct Unknown {
    item: usize,
    line: usize,
    label: String,
    /// The label as it is written.
    written: String,
    value: String,
    is_decorated: bool,
}

/// Reads line after line.
#[derive(Default)]
pub(crate) struct Reader {
    plan: Plan,
    /// Headings that were not come to yet, by their lines.
    headings: BTreeMap<usize, Heading>,
    task_lines: BTreeSet<usize>,
    sections: Sections,
    section: (usize, bool),
    /// How many headings that are no tasks, nor stand inside of one, came so far.
    phase: usize,
    /// The last item, while lines below may tell about it.
    current: Option<usize>,
    /// The task that is a heading, with its level, until a heading ends it.
    whole: Option<(usize, usize)>,
    /// The part of such a task that is a heading, with its level, until a heading ends it.
    part: Option<(usize, usize)>,
    /// The items that the last one stands inside of, itself included, with their indentations.
    inside: Vec<(usize, usize)>,
    /// A list that is being told: what of, and the indentation it is inside of where that bounds it.
    list: Option<(Kind, Option<usize>)>,
    /// The item that the list tells about.
    told: usize,
    unknown: Vec<Unknown>,
    /// The level of the heading of a section that tells dependencies, while lines stand in it.
    in_dependencies: Option<usize>,
    /// The lines of such sections.
    edges: Vec<(usize, String)>,
    /// The Mermaid blocks, and whether each stands in such a section.
    drawings: Vec<(Vec<(usize, String)>, bool)>,
    /// Whether the last line stands in a Mermaid block.
    is_drawing: bool,
}

/// For each item of a plan, how many headings stand before it, and whether the last of them has a number.
pub(crate) type Sections = Vec<(usize, bool)>;

impl Reader {
    /// Reads into a plan without items; some of the headings, named by their lines, are tasks.
    pub(crate) fn new(plan: Plan, headings: Vec<Heading>, task_lines: BTreeSet<usize>) -> Self {
        let headings = headings.into_iter().map(|heading| (heading.line, heading)).collect();
        Self { plan, headings, task_lines, ..Self::default() }
    }

    /// Takes in a line that stands neither in code nor in a comment, and is no box.
    pub(crate) fn text(&mut self, line: Line<'_>) {
        match self.headings.remove(&line.number) {
            Some(heading) => self.heading(heading, line),
            None => self.tell(line),
        }
    }

    /// Takes in a label that is written as a heading and belongs to the one above it.
    pub(crate) fn label(&mut self, line: Line<'_>) {
        let text = line.text.trim_start_matches(['#', ' ', '\u{feff}']);
        self.tell(Line { text, ..line });
    }

    pub(crate) fn finish(mut self) -> (Plan, Sections) {
        self.learn();
        self.read_edges();
        self.read_drawings();
        (self.plan, self.sections)
    }

    /// Takes in a box.
    pub(crate) fn box_item(&mut self, found: RawItem, depth: usize) {
        let is_list = matches!(self.list, Some((Kind::Acceptance, inside)) if inside.is_none_or(|inside| found.indent > inside || self.whole.is_some()));
        let is_criterion = found.number.is_none() && is_list;
        if is_criterion {
            let whole = self.whole.map_or(self.told, |(whole, _)| whole);
            if let Some(item) = self.plan.items.get_mut(whole) {
                item.acceptance.push(found.title.clone());
            }
        } else {
            self.list = None;
        }
        // A line of a list ends with what stands further in.
        if found.indent == 0 && self.whole.is_some_and(|(_, level)| level == headings::LIST_LEVEL) {
            self.whole = None;
        }
        if let Some(level) = found.heading {
            self.whole = Some((self.plan.items.len(), level));
            self.inside.clear();
        }
        self.current = Some(self.plan.items.len());
        self.inside.retain(|(indent, _)| *indent < found.indent);
        self.inside.push((found.indent, self.plan.items.len()));
        self.sections.push(self.section);
        let told = |text: String| Told { line: found.line, text };
        self.plan.items.push(Item {
            number: found.number,
            title: found.title,
            state: found.marker,
            optional: found.optional,
            depth: if self.whole.is_some() && found.heading.is_none() { depth.max(1) } else { depth },
            parallel: found.parallel,
            requirements: found.stories,
            dependencies: found.depends.into_iter().map(told).collect(),
            phase: self.phase,
            line: found.line,
            marker_span: found.marker_span,
            in_fence: found.in_fence,
            is_dropped: found.is_struck && found.marker != Marker::Completed,
            is_criterion,
            ..Item::default()
        });
    }

    /// Takes in the row of a table that is a task.
    pub(crate) fn row(&mut self, item: Item) {
        self.list = None;
        self.inside.clear();
        self.sections.push((self.section.0, true));
        let depth = if self.whole.is_some() { item.depth.max(1) } else { item.depth };
        self.plan.items.push(Item { phase: self.phase, depth, ..item });
        self.current = self.whole.map(|(whole, _)| whole);
    }

    /// Takes in a heading; `### Task 3: Title` is a task itself, and headings below it are parts of its text.
    fn heading(&mut self, heading: Heading, line: Line<'_>) {
        let inside = self.whole.filter(|(_, whole)| heading.level > *whole);
        self.list = None;
        self.inside.clear();
        self.section = (self.section.0 + 1, heading.number.is_some());
        if self.task_lines.contains(&heading.line)
            && let Some(number) = heading.number.clone()
        {
            self.whole = Some((self.plan.items.len(), heading.level));
            self.current = Some(self.plan.items.len());
            self.sections.push(self.section);
            let (title, parallel) =
                without_flags(if heading.title.is_empty() { &heading.text } else { &heading.title });
            self.plan.items.push(Item {
                depth: number.matches('.').count(),
                number: Some(number),
                parallel,
                title,
                phase: self.phase,
                line: heading.line,
                state: heading.sign(),
                is_heading: true,
                ..Item::default()
            });
            return;
        }
        self.phase += usize::from(inside.is_none());
        if inside.is_none() && self.in_dependencies.is_none_or(|level| heading.level <= level) {
            let tells = facts::section(line.text) == Some(Kind::Dependencies);
            self.in_dependencies = tells.then_some(heading.level);
        }
        self.whole = inside;
        self.current = inside.map(|(whole, _)| whole);
        if let Some((at, level)) = inside {
            if let Some(part) = self.plan.items.get(at).and_then(|whole| part(whole, &heading)) {
                self.part = Some((self.plan.items.len(), heading.level));
                self.current = Some(self.plan.items.len());
                self.sections.push(self.section);
                self.plan.items.push(Item { phase: self.phase, ..part });
                return;
            }
            let part =
                self.part.filter(|(part, below)| *part > at && heading.level > *below && *below > level);
            self.part = part;
            self.current = Some(part.map_or(at, |(part, _)| part));
            self.told = self.current.unwrap_or_default();
            // `### Dependencies: 1.1` has its value behind its label.
            if facts::labelled(&heading.text).is_some_and(|told| !told.value.is_empty()) {
                return self.tell(Line { text: line.text.trim_start_matches(['#', ' ']), ..line });
            }
            self.list = facts::section(line.text).map(|kind| (kind, None));
            if self.list.is_none() {
                self.describe(line.text.trim_start_matches('#'));
            }
        }
        if heading.number.is_some() {
            self.plan.headings.push(heading);
        }
    }

    /// Takes in a line below an item: a fact about it, or its description.
    fn tell(&mut self, line: Line<'_>) {
        if self.in_dependencies.is_some() && self.current.is_none() {
            self.edges.push((line.number, line.text.to_owned()));
        }
        let Some(told) = self.told_by(line.text) else { return self.tell_phase(line) };
        if let Some((kind, inside)) = self.list {
            if line.text.trim().is_empty() {
                return;
            }
            let Some(item) = self.plan.items.get_mut(self.told) else { return };
            match facts::bullet(line.text) {
                Some((indent, value))
                    if inside
                        .is_none_or(|inside| indent > inside || self.whole.is_some() && indent == inside)
                        && facts::is_told(kind, value) =>
                {
                    return take(item, kind, value, line.number);
                }
                _ => self.list = None,
            }
        }
        if self.tell_state(told, line.text) {
            return;
        }
        let fact = facts::fact(line.text, &BTreeMap::new()).filter(|(kind, _)| *kind != Kind::Advice);
        let (Some((kind, value)), Some(item)) = (fact, self.plan.items.get_mut(told)) else {
            if let Some(Labelled { label, value, is_decorated }) = facts::labelled(line.text) {
                let (label, written, value) = (label.to_lowercase(), label.to_owned(), value.to_owned());
                let line = line.number;
                self.unknown.push(Unknown { item: told, line, label, written, value, is_decorated });
            }
            return self.describe(line.text);
        };
        take(item, kind, value, line.number);
        let is_prose = kind == Kind::Dependencies && facts::labelled(line.text).is_none();
        if is_prose && !fold(value).contains(|c: char| c.is_ascii_digit()) {
            self.describe(line.text);
        }
        if value.is_empty() {
            // A label that is no list item has the list below it at any indentation.
            let bound = facts::bullet(line.text).map(|(indent, _)| indent);
            let bound = if self.whole.is_some() { bound } else { Some(facts::indent(line.text)) };
            self.list = Some((kind, bound));
            self.told = told;
        }
    }

    /// Takes in the state of a task without a box: `**Status**: Done`.
    fn tell_state(&mut self, told: usize, line: &str) -> bool {
        let Some(item) = self.plan.items.get_mut(told).filter(|item| item.is_heading) else { return false };
        let Some(Labelled { label, value, .. }) = facts::labelled(line) else { return false };
        let is_state = labels::is_status(label) && labels::kind(label).is_none();
        if is_state {
            item.state = tables::state(value);
        }
        is_state
    }

    /// Takes in what a line below the heading of a phase says that its tasks wait for.
    fn tell_phase(&mut self, line: Line<'_>) {
        let told = facts::fact(line.text, &BTreeMap::new()).filter(|_| self.in_dependencies.is_none());
        // `Prerequisites: plan.md (required), contracts/` names documents to read.
        let names_files = |value: &str| value.split([',', ';', ' ']).any(|word| word.contains(".md"));
        if let Some((Kind::Dependencies, value)) = told
            && !value.is_empty()
            && !names_files(value)
        {
            self.plan.phase_dependencies.push(Told { line: line.number, text: value.to_owned() });
        }
    }

    /// Returns the item that a line tells about: for a bullet that which it stands inside of, else the last.
    fn told_by(&self, line: &str) -> Option<usize> {
        let last = self.current?;
        let around = facts::bullet(line)
            .and_then(|(indent, _)| self.inside.iter().rev().find(|(other, _)| *other < indent));
        Some(around.map_or(last, |(_, item)| *item))
    }

    /// Takes in a line of code, or the fence around it.
    pub(crate) fn code(&mut self, line: Line<'_>) {
        self.describe(line.text);
        let in_dependencies = self.in_dependencies.is_some() && self.current.is_none();
        if let Some(language) = fence_language(line.text) {
            self.is_drawing = language.eq_ignore_ascii_case("mermaid");
            if self.is_drawing {
                self.drawings.push((Vec::new(), in_dependencies));
            }
        } else if self.is_drawing {
            let text = line.text.trim_start_matches([' ', '\t', '>']).to_owned();
            if let Some((lines, _)) = self.drawings.last_mut() {
                lines.push((line.number, text));
            }
        } else if in_dependencies {
            self.edges.push((line.number, line.text.to_owned()));
        }
    }

    /// Adds a line to the description of the last item.
    pub(crate) fn describe(&mut self, line: &str) {
        let Some(item) = self.current.and_then(|at| self.plan.items.get_mut(at)) else { return };
        let text = line.trim();
        if text.is_empty() && item.description.is_empty() {
            return;
        }
        item.description.push_str(text);
        item.description.push('\n');
    }

    /// Reads the lines of sections that tell dependencies: `4 depends on 2 and 3`.
    fn read_edges(&mut self) {
        let place: BTreeMap<&str, usize> = self
            .plan
            .items
            .iter()
            .enumerate()
            .filter_map(|(at, item)| Some((item.number.as_deref()?, at)))
            .collect();
        let mut told = Vec::new();
        let mut unread = None;
        for (line, text) in &self.edges {
            if let Some(chain) = graph::arrows(text) {
                self.plan.chains.push((*line, chain.into_iter().map(str::to_owned).collect()));
                continue;
            }
            let folded = fold(text).replace(['*', '_', '`'], " ");
            let words = || folded.split(|c: char| c.is_whitespace() || "-,;:()[]#>".contains(c));
            let known: Vec<usize> =
                words().filter_map(|word| place.get(word.trim_end_matches('.')).copied()).collect();
            let mut start = words().filter(|word| !word.is_empty() && !labels::is_task_word(word));
            let first = start.next().and_then(|word| place.get(word)).copied();
            let rest: Vec<&str> = start.collect();
            if let Some(first) = first
                && rest.first().is_some_and(|word| labels::tells_dependency(word))
            {
                let at = folded.find(rest[0]).unwrap_or(0);
                told.push((first, Told { line: *line, text: folded[at..].trim().to_owned() }));
            } else if known.len() > 1 && unread.is_none() {
                unread = Some(*line);
            }
        }
        for (item, told) in told {
            self.plan.items[item].dependencies.push(told);
        }
        self.plan.findings.extend(unread.map(|line| {
            warning(
                line,
                "unread-dependency",
                "Lines of this section name tasks and are not understood as dependencies.".to_owned(),
                "Write `_Depends: 1, 2_` below each task that waits.",
            )
        }));
    }

    fn read_drawings(&mut self) {
        for (lines, is_in_dependencies) in &self.drawings {
            let lines: Vec<(usize, &str)> = lines.iter().map(|(line, text)| (*line, text.as_str())).collect();
            let Some(mut graph) = graph::mermaid(&lines) else { continue };
            graph.is_in_dependencies = *is_in_dependencies;
            self.plan.graphs.push(graph);
        }
    }

    /// Reads lines with unknown labels by their values.
    ///
    /// Where every value names tasks before its own one, the label is that of dependencies; a label that says
    /// so once only adds to the order of writing. Where decorated lines have nothing but other ids, and no known label
    /// cites requirements, it is that of requirements. Each such label is noted: it may have been meant otherwise.
    fn learn(&mut self) {
        let mut labels: BTreeMap<&str, Vec<&Unknown>> = BTreeMap::new();
        for unknown in &self.unknown {
            labels.entry(&unknown.label).or_default().push(unknown);
        }
        let place: BTreeMap<&str, usize> = self
            .plan
            .items
            .iter()
            .enumerate()
            .rev()
            .filter_map(|(at, item)| Some((item.number.as_deref()?, at)))
            .collect();
        let has_citations = self.plan.items.iter().any(|item| !item.requirements.is_empty());
        let mut learned: Vec<(usize, Kind, bool, String, usize)> = Vec::new();
        for (label, told) in &labels {
            let told = || told.iter().filter(|one| !labels::is_none(&one.value));
            let is_telling = |one: &&&Unknown| ids::is_ids(&one.value) && !facts::is_date(&one.value);
            let telling: Vec<&&Unknown> = told().filter(is_telling).collect();
            let Some(first) = telling.first() else { continue };
            if labels::is_aside(label) || labels::is_structure(label) {
                continue;
            }
            let is_whole = telling.len() == told().count();
            let is_decorated = telling.iter().all(|one| one.is_decorated);
            let is_before = |one: &&&Unknown| {
                let ids = ids::requirement_ids(&one.value);
                ids.iter().all(|id| place.get(id.as_str()).is_some_and(|at| *at < one.item))
            };
            let names_tasks = telling.iter().all(is_before);
            let is_repeated = telling.len() > 1;
            let kind = match (names_tasks, is_decorated) {
                _ if !is_whole => None,
                (true, _) => (is_decorated || is_repeated).then_some(Kind::Dependencies),
                (false, true) => (!has_citations).then_some(Kind::Requirements),
                (false, false) => None,
            };
            // A count beside prose is no reference.
            if kind.is_none() && !is_decorated && !names_tasks {
                continue;
            }
            self.plan.assumed.push(Assumed {
                line: first.line,
                label: first.written.clone(),
                ids: telling.iter().flat_map(|one| ids::requirement_ids(&one.value)).collect(),
                kind,
                is_sure: is_decorated && (is_repeated || kind != Some(Kind::Dependencies)),
            });
            let Some(kind) = kind else { continue };
            learned.extend(
                labels[label].iter().map(|one| (one.item, kind, is_repeated, one.value.clone(), one.line)),
            );
        }
        for (item, kind, is_repeated, value, line) in learned {
            let item = &mut self.plan.items[item];
            if kind == Kind::Dependencies && !is_repeated {
                item.assumed_dependencies.push(Told { line, text: value });
            } else {
                take(item, kind, &value, line);
            }
        }
    }
}

/// Reads a heading inside a task as a part of it: `## 2. Title [pending]`, with its state in brackets.
fn part(whole: &Item, heading: &Heading) -> Option<Item> {
    let (title, state) = heading.title.trim_end().strip_suffix(']')?.rsplit_once('[')?;
    let is_word = !state.is_empty() && state.chars().all(|c| c.is_alphabetic() || " -_".contains(c));
    let (whole, number) = (whole.number.as_deref()?, heading.number.as_deref().filter(|_| is_word)?);
    let is_inside = number.strip_prefix(whole).is_some_and(|rest| rest.starts_with('.'));
    let number = if is_inside { number.to_owned() } else { format!("{whole}.{number}") };
    Some(Item {
        depth: number.matches('.').count(),
        number: Some(number),
        title: title.trim().to_owned(),
        line: heading.line,
        state: tables::state(state),
        is_heading: true,
        ..Item::default()
    })
}

/// Returns what stands behind the signs of a fence; none for a line that is no fence.
fn fence_language(line: &str) -> Option<&str> {
    let bare = line.trim_start_matches([' ', '\t', '>', '-', '*', '+']);
    let rest = bare.trim_start_matches(['`', '~']);
    (bare.len() - rest.len() > 2).then(|| rest.split_whitespace().next().unwrap_or_default())
}

/// Returns a heading's title without its flags, and whether one says that it may run beside its neighbours.
pub(crate) fn without_flags(title: &str) -> (String, bool) {
    let flags = ["[P]", "(P)", "（P）", "（Ｐ）"];
    let parallel = flags.iter().any(|flag| title.contains(flag));
    let bare = flags.iter().fold(title.to_owned(), |title, flag| title.replace(flag, ""));
    (bare.trim().to_owned(), parallel)
}

/// Takes in a fact.
pub(crate) fn take(item: &mut Item, kind: Kind, value: &str, line: usize) {
    let told = || Told { line, text: value.to_owned() };
    match kind {
        Kind::Requirements => item.requirements.extend(ids::requirement_ids(value)),
        Kind::Dependencies if !value.is_empty() => item.dependencies.push(told()),
        Kind::Dependents if !value.is_empty() => item.dependents.push(told()),
        Kind::Boundary => item.boundary.extend(facts::places(value)),
        Kind::Resources => item.resources.extend(facts::resources(value)),
        Kind::Effort => item.effort = facts::effort(value).or(item.effort),
        Kind::Acceptance => item.acceptance.extend((!value.is_empty()).then(|| value.to_owned())),
        Kind::Dependencies | Kind::Dependents | Kind::Advice => {}
    }
}
