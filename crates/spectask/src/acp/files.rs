//! Images and files that agents sent, put back into the content blocks of updates: a session's log has their ids only.

use super::server::Server;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Puts the contents of files into the content blocks of an update. A block whose file cannot be read becomes text.
pub(super) async fn fill(server: &Server, session: &str, update: &mut Value) {
    let mut contents = BTreeMap::new();
    for id in
        blocks(update).into_iter().filter_map(|block| Some(place(block)?.0?.to_owned())).collect::<Vec<_>>()
    {
        match server.attachment(session, &id).await {
            Ok(content) => {
                contents.insert(id, content);
            }
            Err(error) => {
                tracing::warn!(session, id, error = error.message, "a file of an agent is not shown");
            }
        }
    }
    put(update, &contents);
}

/// Returns the content blocks of an update.
fn blocks(update: &mut Value) -> Vec<&mut Value> {
    match update.get_mut("content") {
        Some(Value::Array(items)) => items.iter_mut().filter_map(|item| item.get_mut("content")).collect(),
        Some(block) => vec![block],
        None => Vec::new(),
    }
}

/// Returns the id of a block's file, where it names one, and the member that has its content in the Agent Client Protocol.
fn place(block: &Value) -> Option<(Option<&str>, &'static str)> {
    match block["type"].as_str()? {
        "image" | "audio" => Some((block["attachment"].as_str(), "data")),
        "resource" => Some((block["resource"]["attachment"].as_str(), "blob")),
        _ => None,
    }
}

fn put(update: &mut Value, contents: &BTreeMap<String, Vec<u8>>) {
    for block in blocks(update) {
        let Some((id, member)) = place(block) else { continue };
        let content = id.and_then(|id| contents.get(id));
        let is_named = id.is_some();
        let holder = match member {
            "data" => block.as_object_mut(),
            _ => block["resource"].as_object_mut(),
        };
        match (content, holder) {
            (Some(content), Some(holder)) => {
                holder.remove("attachment");
                holder.insert(member.to_owned(), STANDARD.encode(content).into());
            }
            // A text resource has no file; a file that was left out has a sentence in place of its content.
            (None, Some(holder)) if !is_named && is_whole(holder.get(member)) => {}
            _ => {
                let kind = block["type"].as_str().unwrap_or_default();
                *block = json!({ "type": "text", "text": format!("[{kind}]") });
            }
        }
    }
}

fn is_whole(content: Option<&Value>) -> bool {
    content.is_none_or(|content| content.as_str().is_some_and(|text| STANDARD.decode(text).is_ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_are_put_back_where_they_were() {
        let block = |block: Value| json!({ "type": "content", "content": block });
        let mut update = json!({ "sessionUpdate": "tool_call", "content": [
            block(json!({ "type": "image", "mimeType": "image/png", "attachment": "att_1" })),
            block(json!({ "type": "resource", "resource": { "uri": "a:b", "attachment": "att_1" } })),
            block(json!({ "type": "image", "mimeType": "image/png", "attachment": "att_gone" })),
            block(json!({ "type": "image", "mimeType": "image/png", "data": "(left out: 9 MiB)" })),
            block(json!({ "type": "resource", "resource": { "uri": "a:b", "text": "words" } })),
            { "type": "diff", "path": "a" },
        ] });
        let contents = BTreeMap::from([("att_1".to_owned(), b"pixels".to_vec())]);
        put(&mut update, &contents);
        let data = STANDARD.encode(b"pixels");
        let shown: Vec<&Value> = (0..5).map(|at| &update["content"][at]["content"]).collect();
        assert_eq!(*shown[0], json!({ "type": "image", "mimeType": "image/png", "data": data }));
        assert_eq!(*shown[1], json!({ "type": "resource", "resource": { "uri": "a:b", "blob": data } }));
        assert_eq!((&shown[2]["text"], &shown[3]["text"]), (&json!("[image]"), &json!("[image]")));
        assert_eq!(shown[4]["resource"]["text"], "words");
        let mut chunk =
            json!({ "content": { "type": "image", "mimeType": "image/png", "attachment": "att_1" } });
        put(&mut chunk, &contents);
        assert_eq!(chunk["content"]["data"], json!(data));
    }
}
