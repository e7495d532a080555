//! Tasks that are elements of XML, as in `<task id="1"><name>Title</name></task>`.

use super::data_tree::{Node, Value};
use crate::markdown::item::Line;
use crate::markdown::labels;
use crate::markdown::pattern::pattern;
use regex::Regex;
use std::sync::LazyLock;

static TAG: LazyLock<Regex> = LazyLock::new(|| pattern(r"<(/?)([\p{L}][\w.\-]{0,40})((?:\s[^<>]*)?)(/?)>"));
static ATTRIBUTE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r#"([\w\-]{1,40})\s*=\s*(?:"([^"]*)"|'([^']*)')"#));

/// An element that is open, with its text so far.
struct Open {
    name: String,
    line: usize,
    text: String,
    pairs: Vec<(String, Node)>,
}

/// Returns the elements that are named as tasks, in their order; those inside another are parts of it.
pub(crate) fn tasks(lines: &[Line<'_>]) -> Option<Node> {
    let mut open: Vec<Open> = Vec::new();
    let mut tasks: Vec<Node> = Vec::new();
    for line in lines {
        let mut at = 0;
        for tag in TAG.captures_iter(line.text) {
            let Some(whole) = tag.get(0) else { continue };
            if let Some(last) = open.last_mut() {
                last.text.push_str(&line.text[at..whole.start()]);
            }
            at = whole.end();
            let name = tag[2].to_lowercase();
            if !tag[1].is_empty() {
                // What has no end of its own ends with the element around it.
                if let Some(place) = open.iter().rposition(|one| one.name == name) {
                    while open.len() > place {
                        close(&mut open, &mut tasks);
                    }
                }
                continue;
            }
            if open.is_empty() && !labels::is_task_word(&name) || open.len() > 8 {
                continue;
            }
            let pairs = ATTRIBUTE.captures_iter(&tag[3]).map(|found| {
                let value = found.get(2).or_else(|| found.get(3)).map_or("", |value| value.as_str());
                (found[1].to_owned(), Node { line: line.number, value: Value::Scalar(value.to_owned()) })
            });
            open.push(Open { line: line.number, text: String::new(), pairs: pairs.collect(), name });
            if tag[3].ends_with('/') || !tag[4].is_empty() {
                close(&mut open, &mut tasks);
            }
        }
        if let Some(last) = open.last_mut() {
            last.text.push_str(&line.text[at..]);
            last.text.push(' ');
        }
    }
    while !open.is_empty() {
        close(&mut open, &mut tasks);
    }
    let line = tasks.first()?.line;
    Some(Node { line, value: Value::List(tasks) })
}

/// Ends the last open element: a value of the element around it, or a task.
fn close(open: &mut Vec<Open>, tasks: &mut Vec<Node>) {
    let Some(Open { name, line, text, mut pairs }) = open.pop() else { return };
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let Some(around) = open.last_mut() else {
        if !text.is_empty() && !pairs.iter().any(|(key, _)| matches!(key.as_str(), "name" | "title")) {
            pairs.push(("title".to_owned(), Node { line, value: Value::Scalar(text) }));
        }
        // Tasks may be held by an element such as `tasks`.
        let inner: Vec<Node> = pairs
            .iter()
            .filter(|(key, _)| labels::is_task_word(key))
            .filter(|(_, node)| matches!(node.value, Value::Map(_)))
            .map(|(_, node)| node.clone())
            .collect();
        if inner.is_empty() {
            tasks.push(Node { line, value: Value::Map(pairs) });
        } else {
            tasks.extend(inner);
        }
        return;
    };
    let value = if pairs.is_empty() {
        Value::Scalar(text)
    } else {
        if !text.is_empty() {
            pairs.push(("text".to_owned(), Node { line, value: Value::Scalar(text) }));
        }
        Value::Map(pairs)
    };
    around.pairs.push((name, Node { line, value }));
}
