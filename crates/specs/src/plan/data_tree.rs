//! Reads YAML, JSON and TOML as far as lists of tasks need it, with the line of each value.
//!
//! A text that has anything else in it is no data: prose is never taken for a list.

use crate::markdown::item::Line;
use crate::markdown::pattern::pattern;
use regex::Regex;
use std::sync::LazyLock;

/// A value with its line.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    /// From 1.
    pub(crate) line: usize,
    pub(crate) value: Value,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Scalar(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

/// How far in a value may stand.
pub(crate) const MAX_DEPTH: usize = 24;

static KEY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r#"^("[^"]{0,80}"|'[^']{0,80}'|<<|[\p{L}_#$@][^:"'`\[\]{}|*]{0,60}?)\s*:(?:\s+(.*))?$"#)
});
static TOML_LIST: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\[\[\s*([\w.\-]{1,60})\s*\]\]$"));
static TOML_TABLE: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\[\s*([\w.\-]{1,60})\s*\]$"));
static TOML_PAIR: LazyLock<Regex> = LazyLock::new(|| pattern(r#"^"?([\w\-]{1,60})"?\s*=\s*(.+)$"#));

impl Node {
    /// Returns the texts of a value: its own, or those of its list.
    pub(crate) fn texts(&self) -> Vec<String> {
        match &self.value {
            Value::Scalar(text) => vec![text.clone()].into_iter().filter(|text| !text.is_empty()).collect(),
            Value::List(nodes) => nodes
                .iter()
                .filter_map(|node| match &node.value {
                    Value::Scalar(text) => Some(text.clone()),
                    Value::List(_) | Value::Map(_) => None,
                })
                .collect(),
            Value::Map(pairs) => pairs
                .iter()
                .filter_map(|(key, node)| match &node.value {
                    Value::Scalar(text) => Some(format!("{key}: {text}")),
                    Value::List(_) | Value::Map(_) => None,
                })
                .collect(),
        }
    }
}

/// Reads lines as data; none where they are something else.
pub(crate) fn read(lines: &[Line<'_>]) -> Option<Node> {
    let rows: Vec<Row<'_>> = lines.iter().filter_map(|line| Row::of(*line)).collect();
    if rows.iter().any(|row| TOML_LIST.is_match(row.text)) {
        return toml(&rows);
    }
    let first = *rows.first()?;
    let mut reader = Reader { rows, at: 0 };
    let mut node = if is_flow(first.text) { reader.flow("", first.line)? } else { reader.block(0)? };
    // A record a line.
    while let Some(row) = reader.row().filter(|row| first.text.starts_with('{') && row.text.starts_with('{'))
    {
        let next = reader.flow("", row.line)?;
        match &mut node.value {
            Value::List(nodes) => nodes.push(next),
            _ => node = Node { line: first.line, value: Value::List(vec![node, next]) },
        }
    }
    (reader.at == reader.rows.len()).then_some(node)
}

/// Returns whether a line begins a value in brackets, as JSON does, and not a box or a link.
fn is_flow(line: &str) -> bool {
    let inner = line.strip_prefix(['{', '[']).map(str::trim_start);
    inner.is_some_and(|inner| inner.is_empty() || inner.starts_with(['"', '\'', '{', '[', ']', '}']))
}

/// A line that is neither empty nor a comment.
#[derive(Clone, Copy, Debug)]
struct Row<'t> {
    line: usize,
    indent: usize,
    text: &'t str,
}

impl<'t> Row<'t> {
    fn of(line: Line<'t>) -> Option<Self> {
        let bare = line.text.trim_start_matches('\u{feff}');
        let text = bare.trim();
        let is_nothing = text.is_empty()
            || text == "---"
            || text == "..."
            || text == "#"
            || text.starts_with("# ")
            || text.starts_with("//");
        let indent = bare.len() - bare.trim_start().len();
        (!is_nothing).then_some(Self { line: line.number, indent, text })
    }
}

struct Reader<'t> {
    rows: Vec<Row<'t>>,
    at: usize,
}

impl<'t> Reader<'t> {
    fn row(&self) -> Option<Row<'t>> {
        self.rows.get(self.at).copied()
    }

    /// Reads the list or the map that begins with the present row.
    fn block(&mut self, depth: usize) -> Option<Node> {
        let first = self.row().filter(|_| depth < MAX_DEPTH)?;
        if entry(first.text).is_some() {
            let mut nodes = Vec::new();
            while let Some(row) = self.row().filter(|row| row.indent == first.indent)
                && let Some(rest) = entry(row.text)
            {
                nodes.push(self.entry(row, rest, depth)?);
            }
            return Some(Node { line: first.line, value: Value::List(nodes) });
        }
        let mut pairs = Vec::new();
        while let Some(row) = self.row().filter(|row| row.indent == first.indent && entry(row.text).is_none())
        {
            let found = KEY.captures(row.text)?;
            let key = unquoted(&found[1]).to_owned();
            let value = found.get(2).map_or("", |value| value.as_str());
            self.at += 1;
            pairs.push((key, self.value(row, value, depth)?));
        }
        (!pairs.is_empty()).then_some(Node { line: first.line, value: Value::Map(pairs) })
    }

    /// Reads an entry of a list, whose text may be the first line of a map.
    fn entry(&mut self, row: Row<'t>, rest: &'t str, depth: usize) -> Option<Node> {
        let is_key = KEY.is_match(rest) && !rest.starts_with(['{', '[']);
        if is_key || entry(rest).is_some() {
            let indent = row.indent + (row.text.len() - rest.len());
            self.rows[self.at] = Row { indent, text: rest, ..row };
            return self.block(depth + 1);
        }
        self.at += 1;
        self.value(row, rest, depth)
    }

    /// Reads a value that begins behind a key or a dash; it may go on in the next rows.
    fn value(&mut self, row: Row<'t>, value: &'t str, depth: usize) -> Option<Node> {
        let value = without_anchor(without_comment(value).trim());
        if value.starts_with(['[', '{']) {
            return self.flow(value, row.line);
        }
        let is_folded = value.starts_with(['|', '>']) && value.len() < 4;
        let below = self.row().filter(|below| {
            below.indent > row.indent
                || below.indent == row.indent && entry(below.text).is_some() && entry(row.text).is_none()
        });
        if value.is_empty()
            && let Some(below) = below
            && (entry(below.text).is_some() || KEY.is_match(below.text))
        {
            return self.block(depth + 1);
        }
        let mut text = if is_folded { String::new() } else { value.to_owned() };
        while let Some(below) = self.row().filter(|below| below.indent > row.indent) {
            // A key below a text is none of its words.
            if !is_folded && (entry(below.text).is_some() || KEY.is_match(below.text)) {
                return None;
            }
            text.push(' ');
            text.push_str(below.text);
            self.at += 1;
        }
        Some(Node { line: row.line, value: Value::Scalar(scalar(text.trim())) })
    }

    /// Reads a value in brackets, with as many of the next rows as it needs.
    fn flow(&mut self, start: &'t str, line: usize) -> Option<Node> {
        let mut tokens = Tokens { text: start, line };
        let node = self.flow_value(&mut tokens, 0)?;
        matches!(tokens.text.trim(), "" | "," | ";").then_some(node)
    }

    fn flow_value(&mut self, tokens: &mut Tokens<'t>, depth: usize) -> Option<Node> {
        if depth > MAX_DEPTH {
            return None;
        }
        self.refill(tokens)?;
        let line = tokens.line;
        let close = match tokens.text.chars().next()? {
            '[' => ']',
            '{' => '}',
            _ => return Some(Node { line, value: Value::Scalar(tokens.scalar()?) }),
        };
        tokens.text = &tokens.text[1..];
        let (mut nodes, mut pairs) = (Vec::new(), Vec::new());
        loop {
            self.refill(tokens)?;
            if let Some(rest) = tokens.text.strip_prefix(close) {
                tokens.text = rest;
                break;
            }
            if let Some(rest) = tokens.text.strip_prefix(',') {
                tokens.text = rest;
            } else if close == ']' {
                nodes.push(self.flow_value(tokens, depth + 1)?);
            } else {
                let key = tokens.scalar()?;
                self.refill(tokens)?;
                tokens.text = tokens.text.strip_prefix(':')?;
                pairs.push((key, self.flow_value(tokens, depth + 1)?));
            }
        }
        let value = if close == ']' { Value::List(nodes) } else { Value::Map(pairs) };
        Some(Node { line, value })
    }

    /// Goes on with the next row where the present one is at its end.
    fn refill(&mut self, tokens: &mut Tokens<'t>) -> Option<()> {
        tokens.text = tokens.text.trim_start();
        while tokens.text.is_empty() {
            let row = self.row()?;
            self.at += 1;
            (tokens.text, tokens.line) = (row.text, row.line);
        }
        Some(())
    }
}

struct Tokens<'t> {
    text: &'t str,
    line: usize,
}

impl Tokens<'_> {
    /// Reads a text, quoted or up to the next sign.
    fn scalar(&mut self) -> Option<String> {
        let quote = self.text.chars().next().filter(|c| matches!(c, '"' | '\''));
        let Some(quote) = quote else {
            let end = self.text.find([',', ']', '}', ':']).unwrap_or(self.text.len());
            let (text, rest) = self.text.split_at(end);
            self.text = rest;
            return Some(scalar(text.trim())).filter(|text| !text.is_empty() || end > 0);
        };
        let mut text = String::new();
        let mut chars = self.text[1..].char_indices();
        while let Some((at, c)) = chars.next() {
            if c == quote {
                self.text = &self.text[1 + at + c.len_utf8()..];
                return Some(text);
            }
            match c {
                '\\' if quote == '"' => match chars.next()?.1 {
                    'n' | 't' | 'r' => text.push(' '),
                    'u' => {
                        let digits: String = chars.by_ref().take(4).map(|(_, c)| c).collect();
                        text.extend(u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32));
                    }
                    other => text.push(other),
                },
                _ => text.push(c),
            }
        }
        None
    }
}

/// Returns what stands behind the dash of a list's entry.
fn entry(text: &str) -> Option<&str> {
    if text == "-" {
        return Some("");
    }
    // A box is no data.
    let rest = text.strip_prefix("- ").map(str::trim_start)?;
    let mut signs = rest.chars();
    let is_box = signs.next() == Some('[')
        && signs.next().is_some_and(|sign| !sign.is_ascii_digit())
        && signs.next() == Some(']');
    (!is_box).then_some(rest)
}

/// Returns a value without the comment behind it.
fn without_comment(value: &str) -> &str {
    let quoted = value.chars().next().filter(|c| matches!(c, '"' | '\''));
    let start = quoted.and_then(|quote| value[1..].rfind(quote)).map_or(0, |end| end + 1);
    value[start..].find(" #").map_or(value, |at| value[..start + at].trim_end())
}

/// Returns a value without the name that YAML gives it: `&name value`.
fn without_anchor(value: &str) -> &str {
    let named = value.strip_prefix('&');
    named.map_or(value, |named| named.split_once(' ').map_or("", |(_, value)| value.trim_start()))
}

fn unquoted(text: &str) -> &str {
    let inner = |sign: char| text.strip_prefix(sign).and_then(|inner| inner.strip_suffix(sign));
    inner('"').or_else(|| inner('\'')).unwrap_or(text)
}

/// Returns the text of a value; `null` is none.
fn scalar(text: &str) -> String {
    match text {
        "null" | "~" => String::new(),
        _ => unquoted(text).to_owned(),
    }
}

/// A table of TOML: its name, its line and its pairs.
type Table = (String, usize, Vec<(String, Node)>);

/// Reads TOML: the pairs below each `[[list]]`, and those below `[table]`.
fn toml(rows: &[Row<'_>]) -> Option<Node> {
    let mut root: Vec<(String, Node)> = Vec::new();
    let mut pairs: Option<Table> = None;
    let mut reader = Reader { rows: rows.to_vec(), at: 0 };
    let mut end = |pairs: Option<Table>| {
        let Some((name, line, pairs)) = pairs else { return };
        let record = Node { line, value: Value::Map(pairs) };
        match root.last_mut().filter(|(last, _)| *last == name) {
            Some((_, Node { value: Value::List(nodes), .. })) => nodes.push(record),
            _ => root.push((name, Node { line, value: Value::List(vec![record]) })),
        }
    };
    while let Some(row) = reader.row() {
        reader.at += 1;
        if let Some(found) = TOML_LIST.captures(row.text).or_else(|| TOML_TABLE.captures(row.text)) {
            end(pairs.replace((found[1].to_owned(), row.line, Vec::new())));
            continue;
        }
        let found = TOML_PAIR.captures(row.text)?;
        let value = found.get(2)?.as_str();
        let node = if value.starts_with(['[', '{']) {
            reader.flow(value, row.line)?
        } else {
            Node { line: row.line, value: Value::Scalar(scalar(without_comment(value).trim())) }
        };
        if let Some((_, _, pairs)) = &mut pairs {
            pairs.push((found[1].to_owned(), node));
        }
    }
    end(pairs);
    Some(Node { line: rows.first()?.line, value: Value::Map(root) })
}
