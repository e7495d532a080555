//! Resolves flowcharts and lines with arrows to the planned tasks that they name, and to dependencies between these.

use super::graph::{Edge, Graph};
use super::lookup::Tasks;
use super::model::Plan;
use super::units::Group;
use crate::finding::warning;
use crate::finding::{Document, Finding, Severity};
use crate::markdown::fold::fold;
use crate::markdown::labels;
use crate::outline::headings;
use crate::outline::references;
use crate::outline::references::{Names as _, Told};
use std::collections::{BTreeMap, BTreeSet};

/// The dependencies of one planned task that graphs and arrows show.
#[derive(Clone, Debug, Default)]
pub(crate) struct Drawn {
    pub(crate) needed: BTreeSet<usize>,
    /// Nodes with an arrow to this task that name no task and have no arrow to them.
    pub(crate) unknown: Vec<Told>,
    /// Whether the task is a node of its own: the graph then shows all its dependencies.
    pub(crate) is_node: bool,
}

/// A graph with the tasks that its nodes name.
struct Resolved<'p> {
    /// The tasks that each node names; empty for a node that names none.
    tasks: BTreeMap<&'p str, BTreeSet<usize>>,
    /// Each edge with its source and its target; the target waits for the source.
    edges: Vec<(&'p Edge, &'p str, &'p str)>,
    /// The sources of the edges to each node.
    incoming: BTreeMap<&'p str, Vec<&'p str>>,
    /// Whether every arrow runs from a task to one that is written before it.
    is_reversed: bool,
}

/// Returns the dependencies that graphs and arrows show, for each planned task.
pub(crate) fn of(plan: &Plan, groups: &[Group], names: &Tasks<'_>) -> Vec<Drawn> {
    let mut all = vec![Drawn::default(); groups.len()];
    for graph in &plan.graphs {
        let graph = resolve(graph, names);
        if graph.is_of_tasks() {
            graph.add_to(&mut all);
        }
    }
    for (line, chain) in &plan.chains {
        for pair in sides(chain, names).windows(2) {
            pair[1].wait_for(&pair[0], *line, &mut all);
        }
    }
    all
}

/// Returns a finding for each part of a graph that is not understood.
pub(crate) fn findings(plan: &Plan, names: &Tasks<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for graph in &plan.graphs {
        let resolved = resolve(graph, names);
        if !resolved.is_of_tasks() {
            found.extend(graph.is_in_dependencies.then(|| unread(graph.line)));
            continue;
        }
        if resolved.is_reversed {
            found.push(reversed(graph.line));
        }
        found.extend(graph.unread.iter().copied().map(unread));
        let unknown =
            resolved.edges.iter().filter(|(_, _, to)| is_numbered(to) && resolved.tasks[to].is_empty());
        found.extend(unknown.map(|(edge, _, _)| unread(edge.line)));
    }
    for (line, chain) in &plan.chains {
        let sides = sides(chain, names);
        let is_known = sides.iter().any(|side| !side.tasks.is_empty());
        let is_end_unknown = sides.last().is_some_and(|side| side.is_unclear && is_numbered(side.text));
        if is_known && is_end_unknown {
            found.push(unread(*line));
        }
    }
    found
}

/// Returns whether a text is a number that a task could have.
fn is_numbered(text: &str) -> bool {
    text.trim_start_matches('T').starts_with(|c: char| c.is_ascii_digit())
}

/// The text on one side of an arrow, with the tasks that it names.
struct Side<'t> {
    text: &'t str,
    tasks: Vec<usize>,
    has_phase: bool,
    /// Whether the text, or a part of it, names no task.
    is_unclear: bool,
}

/// Resolves the texts between the arrows of a line.
fn sides<'t>(chain: &'t [String], names: &Tasks<'_>) -> Vec<Side<'t>> {
    let side = |text: &'t String| {
        let found = references::resolve(text, names);
        let is_unclear =
            found.all || found.found.is_empty() || !found.numbers.is_empty() || !found.words.is_empty();
        Side { text, tasks: found.found, has_phase: found.has_phase, is_unclear }
    };
    chain.iter().map(side).collect()
}

impl Side<'_> {
    /// Adds the dependencies of the tasks of this side on those of the side before the arrow.
    fn wait_for(&self, before: &Side<'_>, line: usize, all: &mut [Drawn]) {
        for target in &self.tasks {
            all[*target].is_node |= !self.has_phase;
            if !before.tasks.contains(target) {
                all[*target].needed.extend(&before.tasks);
            }
            if before.is_unclear {
                all[*target].unknown.push(Told { line, text: before.text.to_owned() });
            }
        }
        for task in &before.tasks {
            all[*task].is_node |= !before.has_phase && !self.tasks.is_empty();
        }
    }
}

/// Returns the finding for a line of a graph that is not understood.
fn unread(line: usize) -> Finding {
    warning(
        line,
        "unread-dependency",
        "This line of a graph is not understood as a dependency between tasks.".to_owned(),
        "Write `1 --> 2` with the numbers of tasks, or `_Depends: 1_` below the task that waits.",
    )
}

/// Returns the finding for a graph whose arrows run from a task to its dependencies.
fn reversed(line: usize) -> Finding {
    Finding {
        document: Document::Tasks,
        line,
        rule: "graph-direction",
        severity: Severity::Info,
        message:
            "Every arrow of this graph runs to a task that is written before: it is read as `depends on`."
                .to_owned(),
        suggestion: Some("Draw `1 --> 2` where task 2 waits for task 1.".to_owned()),
    }
}

/// Looks up the nodes of a graph, and turns its edges in the direction of the work.
fn resolve<'p>(graph: &'p Graph, names: &Tasks<'_>) -> Resolved<'p> {
    let nodes: BTreeSet<&str> = graph.edges.iter().flat_map(|edge| [edge.from.as_str(), &edge.to]).collect();
    let tasks = nodes.into_iter().map(|node| (node, tasks_of(graph, node, names))).collect();
    let edges = graph.edges.iter().map(|edge| {
        let is_needing = labels::tells_dependency(&edge.text);
        if is_needing {
            (edge, edge.to.as_str(), edge.from.as_str())
        } else {
            (edge, edge.from.as_str(), edge.to.as_str())
        }
    });
    let mut resolved =
        Resolved { tasks, edges: edges.collect(), incoming: BTreeMap::new(), is_reversed: false };
    if resolved.pairs().next().is_some() && resolved.pairs().all(|(from, to)| from > to) {
        resolved.is_reversed = true;
        for (_, from, to) in &mut resolved.edges {
            std::mem::swap(from, to);
        }
    }
    for (_, from, to) in &resolved.edges {
        resolved.incoming.entry(*to).or_default().push(*from);
    }
    resolved
}

/// Returns the tasks that a node names; for a subgraph those of its nodes.
fn tasks_of(graph: &Graph, node: &str, names: &Tasks<'_>) -> BTreeSet<usize> {
    let own = own_tasks(graph, node, names);
    if !own.is_empty() {
        return own;
    }
    graph.members(node).iter().flat_map(|member| own_tasks(graph, member, names)).collect()
}

/// Returns the tasks that a node names by its label, else by its name.
fn own_tasks(graph: &Graph, node: &str, names: &Tasks<'_>) -> BTreeSet<usize> {
    let label = graph.label(node);
    let labelled = label.map(|label| by_label(label, names)).filter(|found| !found.is_empty());
    labelled.unwrap_or_else(|| by_name(node, label.is_some(), names))
}

/// Returns the tasks that a label such as `Task 1: Set up`, `Set up` or `Phase 1` names.
fn by_label(label: &str, names: &Tasks<'_>) -> BTreeSet<usize> {
    let heading = headings::named(label.trim());
    if let Some(number) = &heading.number {
        let phase = names.by_phase(&heading.word, number);
        if !phase.is_empty() {
            return phase.into_iter().collect();
        }
        if heading.word.is_empty() || labels::is_task_word(&heading.word) || names.has_number(number) {
            return names.by_number(number).into_iter().collect();
        }
    }
    let first = label.split([' ', ':']).next().unwrap_or_default();
    if names.has_number(first.trim_end_matches('.')) {
        return names.by_number(first.trim_end_matches('.')).into_iter().collect();
    }
    let titled = names.by_whole_title(label).or_else(|| names.by_whole_title(&heading.title));
    titled.into_iter().chain(names.by_phase_title(label)).collect()
}

/// Returns the tasks that the name of a node means: `1.1`, `T1`, `task_2`; beside a label only the number of a task.
fn by_name(node: &str, is_labelled: bool, names: &Tasks<'_>) -> BTreeSet<usize> {
    if names.has_number(node) {
        return names.by_number(node).into_iter().collect();
    }
    let folded = fold(node);
    let digits = folded.find(|c: char| c.is_ascii_digit()).unwrap_or(folded.len());
    let (word, number) = folded.split_at(digits);
    let word = word.trim_end_matches(['_', '-']).to_lowercase();
    let number = number.replace('_', ".");
    if word.is_empty() || word == "t" || labels::is_task_word(&word) {
        return names.by_number(&number).into_iter().collect();
    }
    if is_labelled {
        return BTreeSet::new();
    }
    let titled = names.by_whole_title(&node.replace(['_', '-'], " "));
    titled.into_iter().chain(names.by_phase(&word, &number)).collect()
}

impl<'p> Resolved<'p> {
    /// Returns whether several tasks of the plan stand in it; any other graph shows something else.
    fn is_of_tasks(&self) -> bool {
        self.tasks.values().filter(|tasks| !tasks.is_empty()).collect::<BTreeSet<_>>().len() > 1
    }

    /// Returns the first tasks at both ends of each arrow between tasks.
    fn pairs(&self) -> impl Iterator<Item = (usize, usize)> {
        self.edges.iter().filter_map(|(_, from, to)| {
            let (from, to) = (self.tasks[from].first()?, self.tasks[to].first()?);
            (from != to).then_some((*from, *to))
        })
    }

    /// Adds the dependencies of the graph to those of each planned task.
    fn add_to(&self, all: &mut [Drawn]) {
        for (edge, from, to) in &self.edges {
            let targets = &self.tasks[to];
            for ends in [&self.tasks[from], targets] {
                if let (Some(one), 1) = (ends.first(), ends.len()) {
                    all[*one].is_node |= self.tasks[from] != *targets;
                }
            }
            if targets.is_empty() {
                continue;
            }
            let (needed, unknown) = self.sources(from);
            for target in targets {
                if !needed.contains(target) {
                    all[*target].needed.extend(&needed);
                }
                let told = |text: &&str| Told { line: edge.line, text: (*text).to_owned() };
                all[*target].unknown.extend(unknown.iter().map(told));
            }
        }
    }

    /// Returns the tasks that a node names. For a node that names none, such as a milestone, the nearest tasks before
    /// it, and the nodes without an arrow to them that are reached instead of a task.
    fn sources(&self, node: &'p str) -> (BTreeSet<usize>, Vec<&'p str>) {
        let (mut found, mut unknown) = (BTreeSet::new(), Vec::new());
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        let mut open = vec![node];
        while let Some(at) = open.pop() {
            if !seen.insert(at) {
                continue;
            }
            if !self.tasks[at].is_empty() {
                found.extend(&self.tasks[at]);
                continue;
            }
            match self.incoming.get(at) {
                Some(before) => open.extend(before),
                None => unknown.push(at),
            }
        }
        (found, unknown)
    }
}

#[cfg(test)]
mod tests {
    use crate::plan;

    const PLAN: &str =
        "- [ ] 1. Create schema\n- [ ] 2. Build API\n- [ ] 3. Build page\n- [ ] 4. Wire both\n";

    fn read(drawn: &str) -> (Vec<Vec<usize>>, Vec<(usize, String)>) {
        let plan = plan::parse(&format!("{PLAN}\n{drawn}"));
        let units = plan.units();
        let unresolved =
            units.iter().flat_map(|unit| &unit.unresolved).map(|one| (one.line, one.text.clone()));
        let unread = plan.findings.iter().map(|one| (one.line, one.rule.to_owned()));
        (units.iter().map(|unit| unit.dependencies.clone()).collect(), unresolved.chain(unread).collect())
    }

    fn graph(lines: &str) -> (Vec<Vec<usize>>, Vec<(usize, String)>) {
        read(&format!("```mermaid\ngraph TD\n{lines}\n```\n"))
    }

    /// Tasks 2 and 3 wait for task 1, and task 4 for both.
    fn diamond() -> Vec<Vec<usize>> {
        vec![vec![], vec![0], vec![0], vec![1, 2]]
    }

    #[test]
    fn a_graph_of_tasks_replaces_the_order_of_writing() {
        for lines in [
            "T1 --> T2 & T3\nT2 --> T4\nT3 --> T4",
            "1[Create schema] --> 2\n1 --> 3\n2 & 3 --> 4",
            "A[Create schema] --> B[Build API] --> D[Wire both]\nA --> C[Build page] --> D",
            "A[Task 1: x] --> B[Task 2: x]\nA --> C[3. x]\nB & C --> D[4. x]",
            "task_1 --> task_2\ntask_1 --> task_3\ntask_2 & task_3 --> task_4",
            "T2 -->|depends on| T1\nT3 -->|depends on| T1\nT4 -->|depends on| T2 & T3",
        ] {
            assert_eq!(graph(lines), (diamond(), Vec::new()), "{lines}");
        }
        let (needs, found) = graph("4 --> 2\n4 --> 3\n2 --> 1\n3 --> 1");
        assert_eq!((needs, found), (diamond(), vec![(7, "graph-direction".to_owned())]));
    }

    #[test]
    fn what_is_between_tasks_is_passed_and_what_is_before_them_is_named() {
        let order = vec![vec![], vec![0], vec![1], vec![2]];
        assert_eq!(graph("1 --> M((done)) --> 3"), (diamond(), Vec::new()));
        assert_eq!(graph("1 --> 2\n9 --> 4").0, order);
        assert_eq!(graph("1 --> 2\n9 --> 4").1, [(9, "9".to_owned())]);
        assert_eq!(graph("1 --> 2\nReview --> 4").1, [(9, "Review".to_owned())]);
        assert_eq!(graph("1 --> 2\n4 --> 9").1, [(9, "unread-dependency".to_owned())]);
        assert_eq!(graph("1 --> 2\n1 --- 3").1, [(9, "unread-dependency".to_owned())]);
        assert_eq!(graph("Client --> Server --> Database"), (order, Vec::new()));
    }

    #[test]
    fn lines_with_arrows_are_read_below_dependencies() {
        for lines in [
            "1 → 2\n1 → 3\n2, 3 → 4\n",
            "- Task 1 -> Task 2 and 3 -> Task 4\n",
            "```\n1 ──→ 2, 3 ──→ 4\n```\n",
        ] {
            assert_eq!(read(&format!("## Dependencies\n\n{lines}")), (diamond(), Vec::new()), "{lines}");
        }
        let (needs, found) = read("## Dependencies\n\n1 → 2, 3\nthe review → 4\n");
        assert_eq!((&needs[3], found), (&vec![1, 2], vec![(9, "the review".to_owned())]));
        let (_, found) = read("## Dependencies\n\n```mermaid\ngraph TD\nA --> B\n```\n");
        assert_eq!(found, [(9, "unread-dependency".to_owned())]);
    }
}
