//! Task lists that are written as data: YAML, JSON and TOML, in a code fence, in front matter, or as the whole text.

use super::data_tree;
use super::data_tree::{Node, Value};
use super::data_xml;
use super::model::Item;
use super::reader::{take, without_flags};
use super::tables;
use crate::finding::{Document, Finding, Severity};
use crate::markdown::context::{MarkdownContext, Place};
use crate::markdown::item;
use crate::markdown::item::Line;
use crate::markdown::labels;
use crate::markdown::labels::Kind;
use crate::markdown::marker::Marker;
use crate::outline::references::Told;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// A list of tasks.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TaskList {
    /// The line of its first task.
    pub(crate) line: usize,
    /// The format that holds the list.
    source: Source,
    pub(crate) items: Vec<Item>,
    /// Whether its tasks have a number, a state or dependencies.
    has_facts: bool,
    /// Whether that makes it one of tasks without a key that says so.
    is_clear: bool,
}

/// Where data stands in a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    FrontMatter,
    Fence,
    /// Elements of XML in the text.
    Text,
    Whole,
}

impl TaskList {
    /// Returns whether it counts more than a numbered list beside it.
    pub(crate) fn is_before_lists(&self) -> bool {
        self.source != Source::Fence
    }

    /// Returns whether the text is nothing but data.
    pub(crate) fn is_whole_text(&self) -> bool {
        self.source == Source::Whole
    }
}

/// A record of a list, with its values by their keys.
type Record = Vec<(String, Node)>;

/// How many keys of a record may be that of its title.
const MAX_KEYS: usize = 32;
/// Keys of a record's title, in the order in which they count.
const TITLES: &[&str] = &["title", "name", "task", "summary", "content", "subject", "label", "text", "todo"];
/// Keys of a record's number or id.
const IDS: &[&str] = &["id", "number", "no", "nr", "key", "index", "num", "#"];

/// Returns the lists of tasks that a text has as data.
pub(crate) fn lists(text: &str) -> Vec<TaskList> {
    let lines: Vec<Line<'_>> = item::lines(text).collect();
    let whole = data_tree::read(&lines).map(|root| lists_in(Source::Whole, &root)).unwrap_or_default();
    if !whole.is_empty() {
        return whole;
    }
    let mut lists: Vec<TaskList> =
        blocks(text).iter().flat_map(|(source, root)| lists_in(*source, root)).collect();
    if lists.is_empty() && text.contains("</") {
        let mut context = MarkdownContext::new(text);
        let lines: Vec<Line<'_>> =
            lines.into_iter().filter(|line| context.place(*line) == Place::Text).collect();
        let records = data_xml::tasks(&lines).and_then(|node| records(&node, "tasks"));
        lists.extend(records.and_then(|records| read(Source::Text, &records)));
    }
    lists
}

/// Names the lists that are not read, because the text has other tasks, by titles that none of those has.
pub(crate) fn not_read(lists: &[TaskList], titles: &BTreeSet<String>) -> Vec<Finding> {
    let is_known = |item: &Item| titles.contains(&item.title.to_lowercase());
    let others = lists.iter().filter(|list| list.has_facts && !list.items.iter().any(is_known));
    others
        .map(|list| {
            let (place, severity) = match list.source {
                Source::FrontMatter => ("front matter", Severity::Warning),
                Source::Fence | Source::Whole => ("code block", Severity::Info),
                Source::Text => ("text", Severity::Warning),
            };
            Finding {
                document: Document::Tasks,
                line: list.line,
                rule: "list-not-read",
                severity,
                message: format!(
                    "This list in the {place} has tasks (entries: {}) and is not read, because the text has other tasks.",
                    list.items.len()
                ),
                suggestion: Some("Write each as `- [ ] 1. Title` if it is to be done.".to_owned()),
            }
        })
        .collect()
}

/// Returns the data in a text: its front matter, and its fences that stand at the start of lines.
fn blocks(text: &str) -> Vec<(Source, Node)> {
    let mut context = MarkdownContext::new(text);
    let mut found = Vec::new();
    let mut block: Vec<Line<'_>> = Vec::new();
    let mut last = Place::Text;
    let mut end = |place: Place, block: &mut Vec<Line<'_>>| {
        let inner = match (place, block.first()) {
            (Place::FrontMatter, _) => Some((Source::FrontMatter, &block[..])),
            (Place::Code, Some(first)) if is_data_fence(first.text) && block.len() > 2 => {
                Some((Source::Fence, &block[1..block.len() - 1]))
            }
            _ => None,
        };
        found.extend(inner.and_then(|(source, lines)| Some((source, data_tree::read(lines)?))));
        block.clear();
    };
    for line in item::lines(text) {
        let place = context.place(line);
        if place != last {
            end(last, &mut block);
            last = place;
        }
        block.push(line);
        // Two fences may follow each other.
        if place == Place::Code && context.is_outside_fences() {
            end(place, &mut block);
        }
    }
    end(last, &mut block);
    found
}

/// Returns whether a line opens a fence of data, or one that does not say what it holds.
fn is_data_fence(line: &str) -> bool {
    let label = line.trim_start_matches(['`', '~']);
    let label = label.split_whitespace().next().unwrap_or_default().to_lowercase();
    line.starts_with(['`', '~'])
        && matches!(label.as_str(), "" | "yaml" | "yml" | "json" | "jsonc" | "json5" | "toml" | "text")
}

/// Returns the lists below a node: those under a key for tasks, else those whose records have what tasks have.
fn lists_in(source: Source, root: &Node) -> Vec<TaskList> {
    let mut named = Vec::new();
    let mut others = Vec::new();
    let mut open: Vec<(&str, &Node)> = vec![("", root)];
    while let Some((key, node)) = open.pop() {
        // Lines with dashes are Markdown as well as YAML.
        let is_data = source != Source::Whole || has_maps(node);
        let list = records(node, key).filter(|_| is_data).and_then(|records| read(source, &records));
        match (is_task_key(key), list) {
            (true, Some(list)) => named.push(list),
            (false, Some(list)) if list.is_clear && list.items.len() > 1 && !has_task_lists(node) => {
                others.push(list);
            }
            _ => match &node.value {
                Value::Map(pairs) => open.extend(pairs.iter().rev().map(|(key, node)| (key.as_str(), node))),
                Value::List(nodes) => open.extend(nodes.iter().rev().map(|node| ("", node))),
                Value::Scalar(_) => {}
            },
        }
    }
    if named.is_empty() { others } else { named }
}

/// Returns whether the records of a list have lists of tasks, as phases have.
fn has_task_lists(list: &Node) -> bool {
    let Value::List(nodes) = &list.value else { return false };
    nodes.iter().any(|node| match &node.value {
        Value::Map(pairs) => {
            pairs.iter().any(|(key, node)| is_task_key(key) && matches!(node.value, Value::List(_)))
        }
        Value::Scalar(_) | Value::List(_) => false,
    })
}

fn has_maps(node: &Node) -> bool {
    let is_map = |node: &Node| matches!(node.value, Value::Map(_));
    match &node.value {
        Value::List(nodes) => nodes.iter().all(is_map),
        Value::Map(_) => true,
        Value::Scalar(_) => false,
    }
}

/// Returns a key in words: `dependsOn`, `depends_on` and `depends-on` are `depends on`.
fn words(key: &str) -> String {
    let mut words = String::new();
    for c in key.chars() {
        if c.is_uppercase() && words.ends_with(char::is_lowercase) {
            words.push(' ');
        }
        words.extend(if c == '_' || c == '-' { ' '.to_lowercase() } else { c.to_lowercase() });
    }
    words
}

fn is_task_key(key: &str) -> bool {
    // Workflows of other tools have steps and items.
    let is_word = |word: &str| labels::is_task_word(word) && !matches!(word, "step" | "steps" | "item");
    words(key).split(' ').any(|word| is_word(word) || matches!(word, "todo" | "todos"))
}

/// Returns the records of a list, a text being one with a title only; a map of records has their ids as keys.
fn records(node: &Node, key: &str) -> Option<Vec<(usize, Record)>> {
    let record = |node: &Node| match &node.value {
        Value::Map(pairs) => Some((node.line, pairs.clone())),
        Value::Scalar(_) if is_task_key(key) => Some((node.line, vec![("title".to_owned(), node.clone())])),
        Value::Scalar(_) | Value::List(_) => None,
    };
    match &node.value {
        Value::List(nodes) => nodes.iter().map(record).collect(),
        Value::Map(pairs) if is_task_key(key) => {
            let is_record = |node: &Node| matches!(node.value, Value::Map(_));
            pairs.iter().all(|(_, node)| is_record(node)).then_some(())?;
            let id = |key: &String, line| ("id".to_owned(), Node { line, value: Value::Scalar(key.clone()) });
            let with_id = |(key, node): &(String, Node)| {
                let (line, mut pairs) = record(node)?;
                pairs.insert(0, id(key, line));
                Some((line, pairs))
            };
            pairs.iter().map(with_id).collect()
        }
        Value::Map(_) | Value::Scalar(_) => None,
    }
}

/// Reads records as tasks; none where they have no titles.
fn read(source: Source, records: &[(usize, Record)]) -> Option<TaskList> {
    let columns = Columns::of(records)?;
    let mut items = Vec::new();
    add(records, &columns, None, &mut items);
    let has_facts = columns.number.is_some()
        || items.iter().any(|item| !item.dependencies.is_empty())
        || records.iter().any(|(_, record)| record.iter().any(|(key, _)| labels::is_status(&words(key))));
    let needs = items.iter().any(|item| !item.dependencies.is_empty());
    // Rows of any table have names.
    let is_clear = has_facts && (needs || !matches!(columns.title.as_str(), "name" | "label" | "text"));
    let line = items.first()?.line;
    Some(TaskList { line, source, items, has_facts, is_clear })
}

/// The keys of a list of tasks.
struct Columns {
    title: String,
    /// The key of the number, where every record has one.
    number: Option<String>,
    /// The titles of the records by their ids, where these are no numbers.
    by_id: BTreeMap<String, String>,
}

impl Columns {
    fn of(records: &[(usize, Record)]) -> Option<Self> {
        let (_, first) = records.first()?;
        let texts = |key: &str| -> Option<Vec<String>> {
            records.iter().map(|(_, record)| scalar(record, key).map(str::to_owned)).collect()
        };
        let is_title = |key: &str| {
            texts(key).is_some_and(|texts| texts.iter().all(|text| text.contains(char::is_alphabetic)))
        };
        let is_free = |key: &str| {
            let words = words(key);
            !labels::is_status(&words) && labels::kind(&words).is_none() && !labels::is_order(&words)
        };
        let keys: Vec<&str> = first.iter().take(MAX_KEYS).map(|(key, _)| key.as_str()).collect();
        let known = TITLES.iter().filter_map(|name| keys.iter().find(|key| words(key) == *name));
        // In other languages it is the first text of several words that no other record has.
        let is_prose = |key: &str| {
            texts(key).is_some_and(|texts| {
                let distinct: BTreeSet<&String> = texts.iter().collect();
                distinct.len() == texts.len()
                    && texts.iter().any(|text| text.contains(' ') || !text.is_ascii())
            })
        };
        let other = keys.iter().filter(|key| is_free(key) && is_prose(key));
        let title = known.chain(other).find(|key| is_title(key))?;
        let ids = keys.iter().find(|key| {
            let words = words(key);
            *key != title && words.split(' ').any(|word| IDS.contains(&word))
        });
        // In other languages the number is the first value of a record.
        let is_count = |key: &&&str| {
            texts(key).is_some_and(|texts| {
                let distinct: BTreeSet<&String> = texts.iter().collect();
                distinct.len() == texts.len() && texts.iter().all(|text| tables::is_number(text))
            })
        };
        let ids = ids.or_else(|| keys.first().filter(|key| is_free(key)).filter(is_count));
        let numbers = ids.and_then(|key| Some((*key, texts(key)?)));
        let is_numbered = |texts: &[String]| texts.iter().all(|text| tables::is_number(text));
        let number =
            numbers.as_ref().filter(|(_, texts)| is_numbered(texts)).map(|(key, _)| (*key).to_owned());
        let by_id = match numbers {
            Some((_, ids)) if number.is_none() => ids.into_iter().zip(texts(title)?).collect(),
            _ => BTreeMap::new(),
        };
        Some(Self { title: (*title).to_owned(), number, by_id })
    }
}

fn scalar<'r>(record: &'r Record, key: &str) -> Option<&'r str> {
    let (_, node) = record.iter().find(|(name, _)| name == key)?;
    match &node.value {
        Value::Scalar(text) => Some(text),
        Value::List(_) | Value::Map(_) => None,
    }
}

/// Adds the tasks of a list, and their parts behind each of them.
fn add(records: &[(usize, Record)], columns: &Columns, whole: Option<(&str, usize)>, items: &mut Vec<Item>) {
    let own: BTreeSet<&str> =
        records.iter().filter_map(|(_, record)| scalar(record, columns.number.as_deref()?)).collect();
    for (line, record) in records {
        let written = scalar(record, &columns.title).unwrap_or_default();
        let (title, parallel) = without_flags(written);
        let bare = columns.number.as_deref().and_then(|key| scalar(record, key));
        let named = crate::outline::headings::named(&title);
        // A text such as `1. Title` has its number itself.
        let is_task = named.is_task();
        let (bare, title) = match (bare, named.number) {
            (None, Some(number)) if (record.len() == 1 || is_task) && !named.title.is_empty() => {
                (Some(number), named.title)
            }
            (bare, _) => (bare.map(str::to_owned), title),
        };
        let number = bare.map(|number| inside(whole.map(|(whole, _)| whole), &number));
        let depth = whole.map_or(0, |(_, depth)| depth + 1);
        let mut item =
            Item { number, title, parallel, depth, line: *line, is_heading: true, ..Item::default() };
        let mut parts = Vec::new();
        for (key, node) in record.iter().filter(|(key, _)| *key != columns.title) {
            if columns.number.as_ref() != Some(key) {
                parts.extend(tell(&mut item, key, node, columns, (&own, whole.map(|(whole, _)| whole))));
            }
        }
        let name = item.number.clone().unwrap_or_default();
        items.push(item);
        if let Some(below) = Columns::of(&parts).filter(|_| depth < data_tree::MAX_DEPTH) {
            add(&parts, &below, Some((&name, depth)), items);
        }
    }
}

/// Returns the number of a part: `1.2` for the second of the first.
fn inside(whole: Option<&str>, number: &str) -> String {
    match whole.filter(|whole| !whole.is_empty() && !number.contains('.')) {
        Some(whole) if number.bytes().all(|byte| byte.is_ascii_digit()) => format!("{whole}.{number}"),
        _ => number.to_owned(),
    }
}

/// Returns the texts of dependencies; of one that is a record, the ids in it, else all of its texts.
fn references(node: &Node, columns: &Columns) -> Vec<String> {
    let Value::List(nodes) = &node.value else { return node.texts() };
    let of_record = |node: &Node| match &node.value {
        Value::Map(pairs) => {
            let all: Vec<(&str, String)> = pairs
                .iter()
                .flat_map(|(key, node)| node.texts().into_iter().map(move |text| (key.as_str(), text)))
                .collect();
            let told = |(key, _): &&(&str, String)| labels::kind(&words(key)) == Some(Kind::Dependencies);
            let known =
                |(_, text): &&(&str, String)| columns.by_id.contains_key(text) || tables::is_number(text);
            let chosen = all.iter().find(told).or_else(|| all.iter().find(known));
            chosen.map_or_else(
                || all.iter().map(|(_, text)| text.clone()).collect(),
                |(_, text)| vec![text.clone()],
            )
        }
        Value::Scalar(text) => vec![text.clone()],
        Value::List(_) => node.texts(),
    };
    nodes.iter().flat_map(of_record).collect()
}

/// Takes in what a value tells about a task; returns its parts.
fn tell(
    item: &mut Item,
    key: &str,
    node: &Node,
    columns: &Columns,
    (own, whole): (&BTreeSet<&str>, Option<&str>),
) -> Vec<(usize, Record)> {
    let name = words(key);
    let kind = labels::kind(&name).or_else(|| labels::is_order(&name).then_some(Kind::Dependencies));
    let texts = if kind == Some(Kind::Dependencies) { references(node, columns) } else { node.texts() };
    match kind {
        Some(Kind::Dependencies) => {
            let told = texts.iter().filter(|text| !labels::is_none(text)).map(|text| Told {
                line: node.line,
                text: match columns.by_id.get(text) {
                    Some(title) => title.clone(),
                    None if own.contains(text.as_str()) => inside(whole, text),
                    None => text.clone(),
                },
            });
            let told: Vec<Told> = told.collect();
            // An empty list says that there is none.
            let nothing = || Told { line: node.line, text: "none".to_owned() };
            item.dependencies.extend(if told.is_empty() { vec![nothing()] } else { told });
        }
        Some(kind) if kind != Kind::Advice => {
            for text in &texts {
                take(item, kind, text, node.line);
            }
        }
        _ if labels::is_status(&name) || labels::is_done(&name) => {
            let text = texts.first().map_or("", String::as_str);
            item.state = if text == "true" { Marker::Completed } else { tables::state(text) };
        }
        _ => {
            if let Some(parts) = records(node, "").filter(|parts| Columns::of(parts).is_some()) {
                return parts;
            }
            let text = texts.join(", ");
            if !text.is_empty() {
                let _ = writeln!(item.description, "{key}: {text}");
            }
        }
    }
    Vec::new()
}
