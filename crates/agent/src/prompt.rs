//! The content of a prompt: its text, and the files that people attached.

use crate::AgentInfo;
use agent_client_protocol::v1::schema::{
    BlobResourceContents, ContentBlock, EmbeddedResource, EmbeddedResourceResource, ImageContent,
    ResourceLink, TextContent, TextResourceContents,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::path::PathBuf;

/// The size of a file, in bytes of what is sent, up to which its content is part of the prompt; a larger one is named only.
const MAX_EMBEDDED: usize = 256 * 1024;

/// The characters that a path in a URI has encoded.
const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A file that goes to an agent with a prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromptFile {
    pub name: String,
    pub media_type: String,
    pub is_image: bool,
    /// The content in Base64.
    pub base64: String,
    /// The content as text, if it is one.
    pub text: Option<String>,
    /// Where the agent can read it.
    pub path: PathBuf,
}

/// Returns a prompt's blocks of content, in the forms that the agent takes.
pub(crate) fn blocks(text: &str, files: &[PromptFile], info: &AgentInfo) -> Vec<ContentBlock> {
    let mut blocks = vec![ContentBlock::Text(TextContent::new(text))];
    for file in files {
        let uri = format!("file://{}", utf8_percent_encode(&file.path.to_string_lossy(), IN_PATH));
        let media_type = file.media_type.clone();
        let is_small = file.text.as_ref().unwrap_or(&file.base64).len() <= MAX_EMBEDDED;
        if file.is_image && info.images {
            let image = ImageContent::new(file.base64.clone(), media_type);
            blocks.push(ContentBlock::Image(image.uri(uri)));
        } else if info.embedded_context && is_small {
            let resource = match &file.text {
                Some(text) => EmbeddedResourceResource::TextResourceContents(
                    TextResourceContents::new(text.clone(), uri).mime_type(media_type),
                ),
                None => EmbeddedResourceResource::BlobResourceContents(
                    BlobResourceContents::new(file.base64.clone(), uri).mime_type(media_type),
                ),
            };
            blocks.push(ContentBlock::Resource(EmbeddedResource::new(resource)));
        } else {
            // Some agents pass over links, so the path is in words, too.
            let words = format!(
                "\nThe attached file {} ({media_type}) is at `{}`. Read it there.\n",
                file.name,
                file.path.display()
            );
            blocks.push(ContentBlock::Text(TextContent::new(words)));
            blocks.push(ContentBlock::ResourceLink(
                ResourceLink::new(file.name.clone(), uri).mime_type(media_type),
            ));
        }
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn sent(capabilities: &Value, files: &[PromptFile]) -> Value {
        let info = AgentInfo::read(&json!({ "agentCapabilities": { "promptCapabilities": capabilities } }));
        serde_json::to_value(blocks("Look.", files, &info)).expect("blocks are JSON")
    }

    fn file(name: &str, media_type: &str, text: Option<&str>) -> PromptFile {
        PromptFile {
            name: name.to_owned(),
            media_type: media_type.to_owned(),
            is_image: text.is_none(),
            base64: "iVBORw==".to_owned(),
            text: text.map(str::to_owned),
            path: PathBuf::from("/data/at 1").join(name),
        }
    }

    #[test]
    fn files_go_in_the_forms_that_an_agent_takes() {
        let files = [file("a.png", "image/png", None), file("b.txt", "text/plain", Some("words"))];
        let all = sent(&json!({ "image": true, "embeddedContext": true }), &files);
        let image = json!({ "type": "image", "data": "iVBORw==", "mimeType": "image/png", "uri": "file:///data/at%201/a.png" });
        assert_eq!(all[1], image);
        let resource =
            json!({ "text": "words", "uri": "file:///data/at%201/b.txt", "mimeType": "text/plain" });
        assert_eq!(all[2], json!({ "type": "resource", "resource": resource }));
        let embedded = sent(&json!({ "embeddedContext": true }), &files);
        assert_eq!(embedded[1]["resource"]["blob"], "iVBORw==");
        let none = sent(&json!({}), &files);
        assert!(none[1]["text"].as_str().is_some_and(|text| text.contains("`/data/at 1/a.png`")), "{none}");
        assert_eq!((&none[2]["type"], &none[2]["name"]), (&json!("resource_link"), &json!("a.png")));
        assert_eq!(none.as_array().map(Vec::len), Some(5));
    }

    #[test]
    fn a_large_text_is_named_and_not_sent() {
        let long = "x".repeat(MAX_EMBEDDED + 1);
        let blocks = sent(&json!({ "embeddedContext": true }), &[file("b.txt", "text/plain", Some(&long))]);
        assert_eq!(blocks[2]["type"], "resource_link");
    }
}
