//! From the content blocks of a prompt to a message: its text, and the files that go with it.

use super::rpc::RpcError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use serde_json::Value;
use std::fmt::Write as _;

/// How many characters of a file's name are kept.
const MAX_NAME: usize = 60;

/// A person's message.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Message {
    /// Names each file where the prompt has it.
    pub(super) text: String,
    pub(super) files: Vec<File>,
}

/// An image or another file that is no text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct File {
    pub(super) name: String,
    /// Empty where the editor does not say.
    pub(super) media_type: String,
    pub(super) content: Vec<u8>,
}

/// Returns the message of a prompt. Text files that the editor embeds become fenced blocks, and links stay links.
pub(super) fn message(blocks: &Value) -> Result<Message, RpcError> {
    let blocks =
        blocks.as_array().ok_or_else(|| RpcError::invalid("The prompt is not a list of content blocks."))?;
    let (mut text, mut files) = (String::new(), Vec::new());
    for block in blocks {
        let word = |member: &str| block[member].as_str().unwrap_or_default();
        match word("type") {
            "text" => text.push_str(word("text")),
            "resource_link" => {
                let name = if word("name").is_empty() { word("uri") } else { word("name") };
                let _ = write!(text, "[{name}]({})", word("uri"));
            }
            "image" => {
                files.push(file(block, "data", "image", files.len() + 1)?);
                name_last(&mut text, &files);
            }
            "resource" => {
                let resource = &block["resource"];
                let word = |member: &str| resource[member].as_str().unwrap_or_default();
                match resource["text"].as_str() {
                    Some(content) => embed(&mut text, word("uri"), content),
                    None => {
                        files.push(file(resource, "blob", "file", files.len() + 1)?);
                        name_last(&mut text, &files);
                    }
                }
            }
            other => {
                return Err(RpcError::invalid(format!(
                    "SpecTask takes no content of the type {other:?}; it takes text, links, images and embedded files."
                )));
            }
        }
    }
    if text.trim().is_empty() {
        return Err(RpcError::invalid("The prompt is empty; write what is to be done."));
    }
    Ok(Message { text, files })
}

/// Returns the file of a content block, whose content is a member in Base64.
fn file(block: &Value, member: &str, kind: &str, number: usize) -> Result<File, RpcError> {
    let word = |member: &str| block[member].as_str().unwrap_or_default();
    let name = file_name(word("uri"), kind, word("mimeType"), number);
    match STANDARD.decode(word(member)) {
        Ok(content) if !content.is_empty() => {
            Ok(File { name, media_type: word("mimeType").to_owned(), content })
        }
        _ => Err(RpcError::invalid(format!("The content of {name} is not Base64."))),
    }
}

/// Names the last file in the text, where the prompt has it.
fn name_last(text: &mut String, files: &[File]) {
    if let Some(file) = files.last() {
        let _ = write!(text, "[{}]", file.name);
    }
}

/// Returns a character as a file's name may have it.
fn plain(character: char) -> char {
    if character.is_control() || matches!(character, '/' | '\\') { '_' } else { character }
}

/// Returns the name in a URI, or one after the kind of the file.
fn file_name(uri: &str, kind: &str, media_type: &str, number: usize) -> String {
    let path = uri.split(['?', '#']).next().unwrap_or_default();
    let name = path.split_once("://").and_then(|(_, path)| path.rsplit_once('/')).map(|(_, name)| name);
    let name = name.map(|name| percent_decode_str(name).decode_utf8_lossy().into_owned()).unwrap_or_default();
    let name: String = name.trim().trim_start_matches('.').chars().map(plain).take(MAX_NAME).collect();
    if !name.is_empty() {
        return name;
    }
    match media_type.rsplit_once('/').map(|(_, subtype)| subtype) {
        Some(subtype) if !subtype.is_empty() && subtype.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            format!("{kind}-{number}.{subtype}")
        }
        _ => format!("{kind}-{number}"),
    }
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
        let found = message(&blocks).expect("a message");
        assert_eq!((found.text.as_str(), found.files.as_slice()), (expected, &[][..]));
    }

    #[test]
    fn images_and_files_go_with_the_text_that_names_them() {
        let blocks = json!([
            { "type": "text", "text": "Make it look like " },
            { "type": "image", "data": "iVBORw==", "mimeType": "image/png" },
            { "type": "text", "text": " and not like " },
            { "type": "image", "data": "R0lG", "mimeType": "image/gif", "uri": "file:///home/me/%2E%2e%2fold%20one.gif" },
            { "type": "resource", "resource": { "uri": "zed:///pasted", "blob": "AA==" } },
            { "type": "resource", "resource": { "uri": "", "blob": "AA==", "mimeType": "application/vnd.x+y" } },
        ]);
        let found = message(&blocks).expect("a message");
        assert_eq!(found.text, "Make it look like [image-1.png] and not like [_old one.gif][pasted][file-4]");
        let sizes: Vec<usize> = found.files.iter().map(|file| file.content.len()).collect();
        assert_eq!(sizes, [4, 3, 1, 1]);
        assert_eq!(found.files[1].name, "_old one.gif");
    }

    #[test]
    fn what_cannot_be_taken_is_refused_with_a_sentence() {
        for blocks in [
            json!([{ "type": "image", "data": "", "mimeType": "image/png" }]),
            json!([{ "type": "image", "mimeType": "image/png" }]),
            json!([{ "type": "image", "data": "<svg>", "mimeType": "image/svg+xml" }]),
            json!([{ "type": "resource", "resource": { "uri": "file:///a.bin" } }]),
            json!([{ "type": "audio", "data": "AAAA", "mimeType": "audio/wav" }]),
            json!([{ "type": "text", "text": "  " }]),
            json!([]),
            json!("hello"),
        ] {
            let error = message(&blocks).expect_err("it is refused");
            assert_eq!(error.code, RpcError::INVALID_PARAMS);
            assert!(error.message.ends_with('.'), "{}", error.message);
        }
    }
}
