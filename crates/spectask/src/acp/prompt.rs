//! From the content blocks of a prompt to the text of a message.

use super::rpc::RpcError;
use serde_json::Value;
use std::fmt::Write as _;

/// Returns the text of a prompt. Files that the editor embeds become fenced blocks, and links stay links.
pub(super) fn text(blocks: &Value) -> Result<String, RpcError> {
    let blocks =
        blocks.as_array().ok_or_else(|| RpcError::invalid("The prompt is not a list of content blocks."))?;
    let mut text = String::new();
    for block in blocks {
        let word = |member: &str| block[member].as_str().unwrap_or_default();
        match word("type") {
            "text" => text.push_str(word("text")),
            "resource_link" => {
                let name = if word("name").is_empty() { word("uri") } else { word("name") };
                let _ = write!(text, "[{name}]({})", word("uri"));
            }
            "resource" => {
                let resource = &block["resource"];
                let uri = resource["uri"].as_str().unwrap_or_default();
                let Some(content) = resource["text"].as_str() else {
                    return Err(RpcError::invalid(format!(
                        "{uri} is not text. SpecTask takes text; put the file into the repository and name it."
                    )));
                };
                embed(&mut text, uri, content);
            }
            other => {
                return Err(RpcError::invalid(format!(
                    "SpecTask takes no content of the type {other:?}; it takes text, links and embedded text files."
                )));
            }
        }
    }
    if text.trim().is_empty() {
        return Err(RpcError::invalid("The prompt is empty; write what is to be done."));
    }
    Ok(text)
}

/// Appends a file between fences that are longer than any in it.
fn embed(text: &mut String, uri: &str, content: &str) {
    let longest =
        content.lines().map(|line| line.trim_start().chars().take_while(|c| *c == '`').count()).max();
    let fence = "`".repeat(longest.unwrap_or(0).max(2) + 1);
    let end = if content.ends_with('\n') { "" } else { "\n" };
    let _ = write!(text, "\n\n{uri}:\n\n{fence}\n{content}{end}{fence}\n\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn blocks_become_one_text() {
        let blocks = json!([
            { "type": "text", "text": "Look at " },
            { "type": "resource_link", "name": "a.rs", "uri": "file:///a.rs" },
            { "type": "resource", "resource": { "uri": "file:///b.md", "text": "```\nb\n```" } },
        ]);
        let expected = "Look at [a.rs](file:///a.rs)\n\nfile:///b.md:\n\n````\n```\nb\n```\n````\n\n";
        assert_eq!(text(&blocks).expect("text"), expected);
    }

    #[test]
    fn what_is_not_text_is_refused_with_a_sentence() {
        for blocks in [
            json!([{ "type": "image", "data": "", "mimeType": "image/png" }]),
            json!([{ "type": "resource", "resource": { "uri": "file:///a.bin", "blob": "AA==" } }]),
            json!([{ "type": "text", "text": "  " }]),
            json!([]),
            json!("hello"),
        ] {
            let error = text(&blocks).expect_err("it is no text");
            assert_eq!(error.code, RpcError::INVALID_PARAMS);
            assert!(error.message.ends_with('.'), "{}", error.message);
        }
    }
}
