//! Dependencies drawn as a graph: Mermaid flowcharts, and lines with arrows such as `T1, T2 → T3`.

use crate::markdown::pattern::pattern;
use regex::Regex;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The largest number of edges that are read; a plan has at most 500 tasks.
const MAX_EDGES: usize = 1_000;
/// The largest number of nodes that are read on one side of an arrow.
const MAX_SIDE: usize = 64;

/// A graph as it is written.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Graph {
    /// Its first line, from 1.
    pub(crate) line: usize,
    pub(crate) edges: Vec<Edge>,
    /// The label of each node that has one: `Set up` of `A[Set up]`.
    labels: BTreeMap<String, String>,
    /// The nodes of each subgraph.
    members: BTreeMap<String, Vec<String>>,
    /// Lines that are not understood.
    pub(crate) unread: Vec<usize>,
    /// Whether it stands in a section about dependencies.
    pub(crate) is_in_dependencies: bool,
}

/// An arrow between two nodes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Edge {
    /// From 1.
    pub(crate) line: usize,
    pub(crate) from: String,
    pub(crate) to: String,
    /// The label of the arrow.
    pub(crate) text: String,
}

static NODE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^\s*([\p{L}\p{M}\p{N}_]+(?:[.\-/][\p{L}\p{M}\p{N}_]+)*)"));
static LINK: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^\s*(?:(?:--+>|==+>|-\.+->|--+[ox]\s|==+[ox]\s)(?:\s*\|([^|]*)\|)?|--\s+([^-|>]{1,80}?)\s*--+>|==\s+([^=|>]{1,80}?)\s*==+>|-\.\s+([^.|>]{1,80}?)\s*\.+->)",
    )
});
static ARROW: LazyLock<Regex> = LazyLock::new(|| pattern(r"\s*(?:[─—–]*[→⇒➜➔⟶▶►]|[-=─]+>)\s*"));

/// Reads the lines of a Mermaid block; none when it is no flowchart.
pub(crate) fn mermaid(lines: &[(usize, &str)]) -> Option<Graph> {
    let mut lines = lines.iter().map(|(line, text)| (*line, text.trim())).filter(|(_, text)| {
        !text.is_empty() && !text.starts_with("%%") && *text != "---" && !text.starts_with("title:")
    });
    let (line, first) = lines.next()?;
    let (head, rest) = first.split_once([' ', ';']).unwrap_or((first, ""));
    if !matches!(head, "graph" | "flowchart" | "flowchart-elk") {
        return None;
    }
    let mut graph = Graph { line, ..Graph::default() };
    let mut open: Vec<String> = Vec::new();
    let rest = rest.split_once(';').map_or("", |(_, rest)| rest);
    for (line, text) in std::iter::once((line, rest)).chain(lines) {
        graph.statement(line, text, &mut open);
    }
    Some(graph)
}

/// Splits a line at its arrows; none for a line without an arrow, or with no text on a side of one.
pub(crate) fn arrows(text: &str) -> Option<Vec<&str>> {
    let text = text.trim().trim_start_matches(['-', '*', '+', '•', '`', ' ']).trim_end_matches('`');
    let parts: Vec<&str> = ARROW.split(text).map(str::trim).collect();
    (parts.len() > 1 && parts.iter().all(|part| !part.is_empty())).then_some(parts)
}

impl Graph {
    /// Returns the label of a node; none for a node with a name only.
    pub(crate) fn label(&self, node: &str) -> Option<&str> {
        self.labels.get(node).map(String::as_str)
    }

    /// Returns the nodes of a subgraph; empty for any other node.
    pub(crate) fn members(&self, node: &str) -> &[String] {
        self.members.get(node).map_or(&[], Vec::as_slice)
    }

    /// Reads one statement; `open` has the subgraphs around it.
    fn statement(&mut self, line: usize, text: &str, open: &mut Vec<String>) {
        let text = text.trim();
        let first = text.split_whitespace().next().unwrap_or_default();
        match first {
            "end" => {
                open.pop();
            }
            "subgraph" => {
                let rest = text["subgraph".len()..].trim();
                let name =
                    NODE.captures(rest).map_or(rest, |found| found.get(1).map_or(rest, |one| one.as_str()));
                let label = self.shape(name, &rest[rest.find(name).map_or(0, |at| at + name.len())..]);
                if label == 0 && name != rest {
                    self.labels.insert(name.to_owned(), rest.trim_matches('"').to_owned());
                }
                open.push(name.to_owned());
            }
            "classDef" | "class" | "style" | "linkStyle" | "click" | "direction" | "accTitle"
            | "accDescr" => {}
            _ => self.chain(line, text, open.last().map(String::as_str)),
        }
    }

    /// Reads `A & B --> C --> D; E`.
    fn chain(&mut self, line: usize, text: &str, within: Option<&str>) {
        let mut at = 0;
        let mut before: Vec<String> = Vec::new();
        let mut link = String::new();
        loop {
            let side = self.side(text, &mut at, within);
            for from in &before {
                for to in &side {
                    if self.edges.len() < MAX_EDGES {
                        self.edges.push(Edge {
                            line,
                            from: from.clone(),
                            to: to.clone(),
                            text: link.clone(),
                        });
                    }
                }
            }
            let rest = &text[at..];
            if let Some(found) = LINK.captures(rest).filter(|_| !side.is_empty()) {
                let words = found.iter().skip(1).flatten().next().map_or("", |words| words.as_str());
                words.trim().trim_matches('"').clone_into(&mut link);
                at += found[0].len();
                before = side;
            } else if let Some(next) =
                rest.trim_start().strip_prefix(';').filter(|next| !next.trim().is_empty())
            {
                at = text.len() - next.len();
                before.clear();
            } else {
                if !rest.trim().trim_end_matches(';').is_empty() {
                    self.unread.push(line);
                }
                return;
            }
        }
    }

    /// Reads `A[Title] & B`, and moves `at` behind it.
    fn side(&mut self, text: &str, at: &mut usize, within: Option<&str>) -> Vec<String> {
        let mut nodes = Vec::new();
        while let Some(found) = NODE.captures(&text[*at..]).filter(|_| nodes.len() < MAX_SIDE) {
            let name = found[1].to_owned();
            *at += found[0].len();
            *at += self.shape(&name, &text[*at..]);
            if let Some(within) = within {
                self.members.entry(within.to_owned()).or_default().push(name.clone());
            }
            nodes.push(name);
            let rest = text[*at..].trim_start();
            let Some(next) = rest.strip_prefix('&') else { break };
            *at = text.len() - next.len();
        }
        nodes
    }

    /// Reads the shape behind a node's name, with its label, and a class; returns their length.
    fn shape(&mut self, name: &str, text: &str) -> usize {
        let inner = text.trim_start_matches(['[', '(', '{', '/', '\\']);
        let opening = text.len() - inner.len();
        let mut end = 0;
        if opening > 0 {
            let quoted = inner.strip_prefix('"').and_then(|quoted| quoted.split_once('"'));
            let (label, rest) = match quoted {
                Some((label, rest)) => (label, rest),
                None => {
                    let close = match text.as_bytes()[opening - 1] {
                        b'(' => ')',
                        b'{' => '}',
                        _ => ']',
                    };
                    let Some(close) = inner.find(close) else { return 0 };
                    inner.split_at(close)
                }
            };
            let label = label.trim().trim_matches(['`', ')', '/', '\\']);
            self.labels.insert(name.to_owned(), label.replace("<br/>", " ").replace("<br>", " "));
            end = text.len() - rest.trim_start_matches([']', ')', '}', '/', '\\']).len();
        }
        if let Some(class) = text[end..].strip_prefix(":::") {
            let rest = class.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_');
            end = text.len() - rest.len();
        }
        end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edges(text: &str) -> Vec<(String, String)> {
        let lines: Vec<(usize, &str)> = text.lines().enumerate().map(|(at, line)| (at + 1, line)).collect();
        let graph = mermaid(&lines).expect("a flowchart");
        assert_eq!(graph.unread, Vec::<usize>::new(), "{text}");
        graph.edges.into_iter().map(|edge| (edge.from, edge.to)).collect()
    }

    #[test]
    fn edges_of_every_form_are_read() {
        for (text, expected) in [
            ("graph TD\n  T1 --> T2", &[("T1", "T2")][..]),
            ("graph LR; 1-->2-->3;", &[("1", "2"), ("2", "3")]),
            ("flowchart TB\n  1[Set up] --> 2[\"Build (all)\"]:::big", &[("1", "2")]),
            ("graph TD\n  A & B --> C", &[("A", "C"), ("B", "C")]),
            ("graph TD\n  1.1 -.-> 2.1\n  CORE-1 ==> CORE-2", &[("1.1", "2.1"), ("CORE-1", "CORE-2")]),
            ("graph TD\n  A -->|needs| B\n  A -- then --> C", &[("A", "B"), ("A", "C")]),
            ("%% note\ngraph TD\n  A((one)) --> B{{two}}\n  style A fill:#fff", &[("A", "B")]),
        ] {
            let expected: Vec<(String, String)> =
                expected.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect();
            assert_eq!(edges(text), expected, "{text}");
        }
    }

    #[test]
    fn labels_and_subgraphs_are_kept() {
        let text = [
            (1, "graph TD"),
            (2, "subgraph P1[Phase 1]"),
            (3, "a[Set up]"),
            (4, "b([Build it])"),
            (5, "end"),
        ];
        let graph = mermaid(&text).expect("a flowchart");
        assert_eq!(graph.label("P1"), Some("Phase 1"));
        assert_eq!((graph.label("a"), graph.label("b")), (Some("Set up"), Some("Build it")));
        assert_eq!(graph.members("P1"), ["a", "b"]);
    }

    #[test]
    fn what_is_no_arrow_is_named_and_other_diagrams_are_none() {
        let graph = mermaid(&[(1, "graph TD"), (2, "A --- B"), (3, "A --> ?")]).expect("a flowchart");
        assert_eq!(graph.unread, [2, 3]);
        assert_eq!(mermaid(&[(1, "sequenceDiagram"), (2, "A->>B: hello")]), None);
    }

    #[test]
    fn lines_with_arrows_are_split() {
        assert_eq!(arrows("- T1, T2 → T3 -> T4"), Some(vec!["T1, T2", "T3", "T4"]));
        assert_eq!(arrows("1 ──→ 2"), Some(vec!["1", "2"]));
        assert_eq!(arrows("no arrow"), None);
        assert_eq!(arrows("→ 2"), None);
    }
}
