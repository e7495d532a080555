//! What a tool call shows: its diffs, its output, its end.

use super::markup::{fenced, folded, inline, shortened};
use serde_json::Value;
use similar::TextDiff;
use std::time::Duration;

/// How much of one text is shown, in bytes; the marker has all of it.
const SHOWN: usize = 8 * 1024;
/// How long one diff may be looked for.
const PATIENCE: Duration = Duration::from_millis(200);

/// A tool call as people read it; empty for an update that shows nothing.
pub(super) fn render(entry: &Value, title: Option<&str>) -> String {
    let status = entry["status"].as_str().unwrap_or_default();
    let title = title.or_else(|| entry["title"].as_str()).unwrap_or("A tool call");
    let parts = parts(entry);
    if !parts.is_empty() {
        let title = if status.is_empty() { title.to_owned() } else { format!("{title} ({status})") };
        return folded(&title, &parts.join("\n\n"));
    }
    match status {
        "completed" | "failed" => format!("{} ({}).\n\n", inline(title), inline(status)),
        _ if entry["title"].is_string() => format!("{} …\n\n", inline(title)),
        _ => String::new(),
    }
}

fn parts(entry: &Value) -> Vec<String> {
    let mut parts = Vec::new();
    for item in entry["content"].as_array().into_iter().flatten() {
        match item["type"].as_str() {
            Some("diff") => parts.push(diff(item)),
            Some("content") => {
                if let Some(text) = item.pointer("/content/text").and_then(Value::as_str) {
                    parts.push(fenced("", &shortened(text, SHOWN)));
                }
            }
            Some(_) | None => {}
        }
    }
    if parts.is_empty() {
        for (name, field) in [("Input", "raw_input"), ("Output", "raw_output")] {
            let value = &entry[field];
            let text = match value {
                Value::Null => continue,
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            parts.push(format!("{name}\n\n{}", fenced("", &shortened(&text, SHOWN))));
        }
    }
    parts
}

fn diff(item: &Value) -> String {
    let text = |field: &str| item[field].as_str().unwrap_or_default();
    let path = text("path").to_owned();
    let lines = TextDiff::configure().timeout(PATIENCE).diff_lines(text("oldText"), text("newText"));
    let unified = lines.unified_diff().context_radius(3).header(&path, &path).to_string();
    fenced("diff", &shortened(&unified, SHOWN))
}
