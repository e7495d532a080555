//! The parts of a tool call that are shown: its diffs, its output, its end.

use super::markup::{fenced, folded, inline, shortened};
use protocol::log::ToolCall;
use serde_json::Value;
use similar::TextDiff;
use std::time::Duration;

/// How much of one text is shown, in bytes; the marker has all of it.
const SHOWN: usize = 8 * 1024;
/// How long one diff may be looked for.
const DIFF_TIMEOUT: Duration = Duration::from_millis(200);

/// Returns a tool call as people read it; empty for an update that shows nothing.
pub(super) fn render(call: &ToolCall, title: Option<&str>) -> String {
    let status = call.status.text();
    let title = title.or_else(|| call.title.as_deref()).unwrap_or("A tool call");
    let parts = parts(call);
    if !parts.is_empty() {
        let title = if status.is_empty() { title.to_owned() } else { format!("{title} ({status})") };
        return folded(&title, &parts.join("\n\n"));
    }
    match status {
        "completed" | "failed" => format!("{} ({}).\n\n", inline(title), inline(status)),
        _ if call.title.as_deref().is_some() => format!("{} …\n\n", inline(title)),
        _ => String::new(),
    }
}

fn parts(call: &ToolCall) -> Vec<String> {
    let mut parts = Vec::new();
    for item in call.content.as_ref().and_then(Value::as_array).into_iter().flatten() {
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
        for (name, value) in [("Input", &call.raw_input), ("Output", &call.raw_output)] {
            let Some(value) = value.as_ref() else { continue };
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
    let lines = TextDiff::configure().timeout(DIFF_TIMEOUT).diff_lines(text("oldText"), text("newText"));
    let unified = lines.unified_diff().context_radius(3).header(&path, &path).to_string();
    fenced("diff", &shortened(&unified, SHOWN))
}
