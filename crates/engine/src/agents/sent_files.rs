//! Images and files that agents send in messages and tool calls: taken out of the entries of a log and kept as files of the task.

use crate::agents::attachments::{id_of, name_problem, without_secrets};
use crate::clock::now;
use crate::settings::redaction;
use base64::Engine as _;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use percent_encoding::percent_decode_str;
use protocol::{Attachment, LogEntry, Optional};
use secrets::Redactor;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::HashSet;
use store::AttachmentRow;
use workflow::{SessionId, TaskId};

/// How many files the agents of a task may send.
pub(crate) const MAX_FILES: u64 = 2_000;
/// The member by which an entry names a file in place of its content.
const REFERENCE: &str = "attachment";
/// The shortest content in a data URL that is taken out, in characters: a shorter one is an icon in a text.
const MIN_DATA_URL: usize = 512;
/// Base64 as agents write it: with or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Takes the files out of one session's entries.
pub(crate) struct SentFiles {
    session: SessionId,
    redactor: Redactor,
    limits: FileLimits,
    /// What the task's agents sent so far; none until the first file comes.
    sent: Option<Sent>,
    /// The files that this session sent, which are not stored again.
    known: HashSet<String>,
    new: Vec<AttachmentRow>,
}

/// How much agents may send.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FileLimits {
    /// The size of one file, in MiB.
    pub(crate) file_mb: u64,
    /// The size of all files of a task, in MiB.
    pub(crate) task_mb: u64,
}

/// What the agents of a task sent so far.
pub(crate) struct Sent {
    pub(crate) task: TaskId,
    pub(crate) files: u64,
    pub(crate) bytes: u64,
}

impl SentFiles {
    pub(crate) fn new(session: SessionId, redactor: Redactor, limits: FileLimits) -> Self {
        Self { session, redactor, limits, sent: None, known: HashSet::new(), new: Vec::new() }
    }

    /// Returns whether an entry may have files, and what the task's agents sent so far is not known.
    pub(crate) fn asks_for_sent(&self, entry: &LogEntry) -> bool {
        self.sent.is_none() && parts(entry).into_iter().any(has_file)
    }

    pub(crate) fn set_sent(&mut self, sent: Sent) {
        self.sent = Some(sent);
    }

    /// Takes the files out of an entry, which names them instead. Without [`Self::set_sent`], an entry stays as it is.
    pub(crate) fn take(&mut self, entry: &mut LogEntry) {
        match entry {
            LogEntry::AgentMessage(piece) if !piece.content.is_absent() => {
                let Found { files, left_out } = self.take_out([&mut piece.content]);
                for reason in left_out {
                    piece.text.push_str(&format!(" ({reason})"));
                }
                if !files.is_empty() {
                    piece.attachments = Optional::Value(files);
                }
            }
            LogEntry::ToolCall(call) => {
                let values = [&mut call.content, &mut call.raw_input, &mut call.raw_output];
                let Found { files, .. } = self.take_out(values);
                if !files.is_empty() {
                    call.attachments = Optional::Value(files);
                }
            }
            LogEntry::PermissionRequested(request) => {
                // The call has its files; the request for it does not show them.
                self.take_out([&mut request.tool_call]);
            }
            LogEntry::Update(update) => {
                self.take_out([&mut update.raw]);
            }
            _ => {}
        }
    }

    /// Returns the files that are to be stored before the entries that name them.
    pub(crate) fn take_new(&mut self) -> Vec<AttachmentRow> {
        std::mem::take(&mut self.new)
    }

    fn take_out<'v>(&mut self, values: impl IntoIterator<Item = &'v mut Optional<Value>>) -> Found {
        let mut found = Found::default();
        for value in values {
            if self.sent.is_some()
                && let Optional::Value(value) = value
            {
                visit(value, &mut |file| self.keep(file, &mut found));
            }
        }
        found
    }

    /// Keeps a file, and returns what stands in its place: its id, or why it is left out.
    fn keep(&mut self, file: SentFile<'_>, found: &mut Found) -> Result<String, String> {
        let kept = self.try_keep(file);
        match &kept {
            Ok(attachment) if !found.files.contains(attachment) => found.files.push(attachment.clone()),
            Ok(_) => {}
            Err(reason) => found.left_out.push(reason.clone()),
        }
        kept.map(|attachment| attachment.id)
    }

    fn try_keep(&mut self, file: SentFile<'_>) -> Result<Attachment, String> {
        let limit = usize::try_from(self.limits.file_mb << 20).unwrap_or(usize::MAX);
        if file.content.len() > limit {
            let size = file.content.len() >> 20;
            let limit = self.limits.file_mb;
            return Err(format!("left out: {size} MiB; limits.attachment_mb is {limit}"));
        }
        let media_type = checked_type(&file.media_type, &file.content);
        let content = without_secrets(&self.redactor, &media_type, file.content);
        let name = file.name.map(|name| redaction::redact(&self.redactor, name).into_owned());
        let name = name.and_then(|name| name_of(&name)).unwrap_or_else(|| default_name(&media_type));
        let id = id_of(&name, &media_type, &content);
        let size = u64::try_from(content.len()).unwrap_or(u64::MAX);
        let attachment = Attachment { id, name, media_type, size };
        if self.known.contains(&attachment.id) {
            return Ok(attachment);
        }
        let Some(sent) = &mut self.sent else { return Err("left out".to_owned()) };
        let task_limit = self.limits.task_mb << 20;
        if sent.files >= MAX_FILES || sent.bytes.saturating_add(size) > task_limit {
            let limit = self.limits.task_mb;
            return Err(format!(
                "left out: the agents of this task sent {} files of {} MiB; at most {MAX_FILES} of {limit} MiB are kept \
                 (limits.agent_files_mb)",
                sent.files,
                sent.bytes >> 20
            ));
        }
        sent.files += 1;
        sent.bytes += size;
        self.known.insert(attachment.id.clone());
        self.new.push(AttachmentRow {
            task: sent.task.clone(),
            attachment: attachment.clone(),
            session: Some(self.session.clone()),
            of_prompt: false,
            content: STANDARD.encode(&content),
            at: now(),
        });
        Ok(attachment)
    }
}

/// What was found in one entry.
#[derive(Default)]
struct Found {
    files: Vec<Attachment>,
    /// Why files are left out.
    left_out: Vec<String>,
}

/// A file as an agent sent it.
struct SentFile<'v> {
    /// Its name, path or URI.
    name: Option<&'v str>,
    media_type: Cow<'v, str>,
    content: Vec<u8>,
}

/// Returns the parts of an entry that can have files.
fn parts(entry: &LogEntry) -> Vec<&Value> {
    let values = match entry {
        LogEntry::AgentMessage(piece) => vec![&piece.content],
        LogEntry::ToolCall(call) => vec![&call.content, &call.raw_input, &call.raw_output],
        LogEntry::PermissionRequested(request) => vec![&request.tool_call],
        LogEntry::Update(update) => vec![&update.raw],
        _ => Vec::new(),
    };
    values.into_iter().filter_map(Optional::as_ref).collect()
}

/// Returns whether JSON has a member or a text that may be a file.
pub(crate) fn has_file(value: &Value) -> bool {
    match value {
        Value::Object(members) => inline_member(members).is_some() || members.values().any(has_file),
        Value::Array(items) => items.iter().any(has_file),
        Value::String(text) => data_url(text).is_some(),
        _ => false,
    }
}

/// Calls `keep` for each file in JSON, and puts what it returns into the file's place.
fn visit(value: &mut Value, keep: &mut impl FnMut(SentFile<'_>) -> Result<String, String>) {
    match value {
        Value::Object(members) => {
            if let Some((member, media_type)) = inline_member(members) {
                let media_type = media_type.to_owned();
                let content = members[member].as_str().and_then(decode);
                if let Some(content) = content {
                    let name =
                        ["name", "title", "uri", "path"].iter().find_map(|name| members.get(*name)?.as_str());
                    let kept = keep(SentFile { name, media_type: media_type.into(), content });
                    match kept {
                        Ok(id) => {
                            members.remove(member);
                            members.insert(REFERENCE.to_owned(), id.into());
                        }
                        Err(reason) => {
                            members.insert(member.to_owned(), format!("({reason})").into());
                        }
                    }
                }
            }
            members.values_mut().for_each(|member| visit(member, keep));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| visit(item, keep)),
        Value::String(text) => {
            let Some((media_type, base64)) = data_url(text) else { return };
            let Some(content) = decode(base64) else { return };
            let kept = keep(SentFile { name: None, media_type: media_type.into(), content });
            *text = kept.map_or_else(|reason| format!("({reason})"), |id| format!("{REFERENCE}:{id}"));
        }
        _ => {}
    }
}

/// Returns the member of an object that has a file's content in Base64, and the file's media type. The forms are those of content
/// blocks in the Agent Client Protocol and in the Model Context Protocol (`data` of an image or audio, `blob` of a resource), and of
/// messages in Anthropic's API (`data` of a `source`).
fn inline_member(members: &Map<String, Value>) -> Option<(&'static str, &str)> {
    let text = |name: &str| members.get(name)?.as_str();
    let media_type = ["mimeType", "mime_type", "media_type", "mediaType"].iter().find_map(|name| text(name));
    if text("blob").is_some_and(|blob| !blob.is_empty()) {
        return Some(("blob", media_type.unwrap_or("application/octet-stream")));
    }
    text("data").filter(|data| !data.is_empty())?;
    match (text("type"), media_type) {
        (Some("image"), None) => Some(("data", "image/png")),
        (Some("image" | "audio" | "base64"), Some(media_type)) => Some(("data", media_type)),
        (_, Some(media_type)) if !media_type.starts_with("text/") && media_type.contains('/') => {
            Some(("data", media_type))
        }
        _ => None,
    }
}

/// Returns the media type and the Base64 of a data URL.
fn data_url(text: &str) -> Option<(&str, &str)> {
    let (header, base64) = text.strip_prefix("data:")?.split_once(";base64,")?;
    let media_type = header.split(';').next().unwrap_or_default();
    (base64.len() >= MIN_DATA_URL && header.len() < 128 && media_type.contains('/'))
        .then_some((media_type, base64))
}

/// Decodes Base64, in lines or in one piece.
fn decode(base64: &str) -> Option<Vec<u8>> {
    let base64 =
        base64.strip_prefix("data:").and_then(|url| Some(url.split_once(";base64,")?.1)).unwrap_or(base64);
    let content = if base64.contains(|c: char| c.is_ascii_whitespace()) {
        let whole: String = base64.split_ascii_whitespace().collect();
        BASE64.decode(whole)
    } else {
        BASE64.decode(base64)
    };
    content.ok().filter(|content| !content.is_empty())
}

/// Returns the media type of a file. An image is one of what its content begins with, whatever the agent says.
fn checked_type(said: &str, content: &[u8]) -> String {
    let said = said.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match image_type(content) {
        Some(found) => found.to_owned(),
        None if matches!(said.as_str(), "image/png" | "image/jpeg" | "image/gif" | "image/webp") => {
            "application/octet-stream".to_owned()
        }
        None if is_media_type(&said) => said,
        None => "application/octet-stream".to_owned(),
    }
}

/// Returns the media type of an image of a kind that browsers show.
pub fn image_type(content: &[u8]) -> Option<&'static str> {
    if content.starts_with(b"\x89PNG") {
        Some("image/png")
    } else if content.starts_with(b"\xff\xd8\xff") {
        Some("image/jpeg")
    } else if content.starts_with(b"GIF8") {
        Some("image/gif")
    } else if content.starts_with(b"RIFF") && content.get(8..12) == Some(b"WEBP") {
        Some("image/webp")
    } else {
        None
    }
}

/// Returns whether a text is a media type without parameters.
pub fn is_media_type(text: &str) -> bool {
    let is_part = |part: &str| {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&byte);
        !part.is_empty() && part.len() <= 64 && part.bytes().all(is_plain)
    };
    text.split_once('/').is_some_and(|(kind, rest)| is_part(kind) && is_part(rest))
}

/// Returns the last part of a name, path or URI, where a file can be called that.
fn name_of(said: &str) -> Option<String> {
    if said.starts_with("data:") {
        return None;
    }
    let path =
        said.split_once("://").map_or(said, |(_, rest)| rest.split(['?', '#']).next().unwrap_or_default());
    let last = path.trim_end_matches(['/', '\\']).rsplit(['/', '\\']).next()?;
    let name = percent_decode_str(last).decode_utf8().ok()?.into_owned();
    let has_extension =
        name.rsplit_once('.').is_some_and(|(stem, extension)| !stem.is_empty() && !extension.is_empty());
    (has_extension && name_problem(&name).is_none()).then_some(name)
}

fn default_name(media_type: &str) -> String {
    let (kind, rest) = media_type.split_once('/').unwrap_or(("file", "bin"));
    let known = mime_guess::get_mime_extensions_str(media_type).and_then(|all| {
        // The list is sorted, and begins with rare names for some types.
        all.iter().find(|extension| **extension == rest).or(all.first())
    });
    let extension = match media_type {
        "image/jpeg" => "jpg",
        _ => known.copied().unwrap_or("bin"),
    };
    let stem = if matches!(kind, "image" | "audio" | "video") { kind } else { "file" };
    format!("{stem}.{extension}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrets::Settings;
    use serde_json::json;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\nrest";

    fn files(limits: FileLimits) -> SentFiles {
        let redactor = Redactor::new(&Settings::default()).expect("the rules compile");
        SentFiles::new(SessionId::from("wks_1"), redactor, limits)
    }

    fn take(files: &mut SentFiles, entry: Value) -> Value {
        let mut entry = LogEntry::from(entry);
        if files.asks_for_sent(&entry) {
            files.set_sent(Sent { task: TaskId::from("spt_1"), files: 0, bytes: 0 });
        }
        files.take(&mut entry);
        entry.into()
    }

    const LIMITS: FileLimits = FileLimits { file_mb: 1, task_mb: 2 };

    #[test]
    fn a_file_is_taken_out_of_every_form_and_stored_once() {
        let data = STANDARD.encode(PNG);
        let long = STANDARD.encode([PNG, &[7; 600]].concat());
        let lines = format!("{}\n{}", &data[..8], &data[8..]);
        for (block, place) in [
            (json!({ "type": "image", "mimeType": "image/png", "data": data }), ""),
            (json!({ "type": "image", "data": lines }), ""),
            (json!({ "type": "image", "mimeType": "image/png", "data": data.trim_end_matches('=') }), ""),
            (
                json!({ "type": "image", "source": { "type": "base64", "media_type": "image/png", "data": data } }),
                "/source",
            ),
            (json!({ "type": "resource", "resource": { "uri": "mcp://a", "blob": data } }), "/resource"),
        ] {
            let mut files = files(LIMITS);
            let call = json!({ "kind": "tool_call", "content": [{ "type": "content", "content": block }], "raw_output": block });
            assert!(files.asks_for_sent(&call.clone().into()), "{call}");
            let taken = take(&mut files, call);
            let stored = files.take_new();
            assert_eq!(stored.len(), 1, "{taken:#}");
            let Attachment { id, name, media_type, size } = &stored[0].attachment;
            assert_eq!(
                (name.as_str(), media_type.as_str(), *size),
                ("image.png", "image/png", PNG.len() as u64)
            );
            assert_eq!(STANDARD.decode(&stored[0].content).expect("Base64"), PNG);
            assert_eq!(taken["attachments"][0]["id"], json!(id));
            for at in [format!("/content/0/content{place}"), format!("/raw_output{place}")] {
                let block = taken.pointer(&at).expect("the block");
                assert_eq!(block["attachment"], json!(id), "{block}");
                assert!(block.get("data").or(block.get("blob")).is_none(), "{block}");
            }
        }
        let mut files = files(LIMITS);
        let url = format!("data:image/png;base64,{long}");
        let taken =
            take(&mut files, json!({ "kind": "tool_call", "raw_output": { "image_url": { "url": url } } }));
        let id = &files.take_new()[0].attachment.id;
        assert_eq!(taken["raw_output"]["image_url"]["url"], json!(format!("attachment:{id}")));
    }

    #[test]
    fn what_is_no_file_stays() {
        let mut files = files(LIMITS);
        for call in [
            json!({ "kind": "tool_call", "raw_output": { "data": "aGVsbG8=" } }),
            json!({ "kind": "tool_call", "raw_output": { "data": "not Base64!", "mimeType": "image/png" } }),
            json!({ "kind": "tool_call", "raw_output": { "type": "text", "data": "word", "mimeType": "text/plain" } }),
            json!({ "kind": "tool_call", "raw_output": "data:image/png;base64,AAAA" }),
        ] {
            assert_eq!(take(&mut files, call.clone()), call);
        }
        assert!(files.take_new().is_empty());
    }

    #[test]
    fn a_message_names_its_image() {
        let mut files = files(LIMITS);
        let content = json!({ "type": "image", "mimeType": "IMAGE/PNG; x=1", "data": STANDARD.encode(PNG), "uri": "file:///tmp/a%20b.png" });
        let taken =
            take(&mut files, json!({ "kind": "agent_message", "text": "[image]", "content": content }));
        assert_eq!(taken["attachments"][0]["name"], "a b.png");
        assert_eq!(taken["text"], "[image]");
    }

    #[test]
    fn names_that_cannot_be_are_not_taken_and_false_images_are_bytes() {
        for (said, name) in [
            ("file:///x/.ssh", None),
            ("https://a.example/shot.png?token=1", Some("shot.png")),
            ("..\\..\\evil.png", Some("evil.png")),
            ("..%2f..%2fevil.png", None),
            ("a\u{202e}gnp.exe", None),
            ("noext", None),
        ] {
            assert_eq!(name_of(said).as_deref(), name, "{said}");
        }
        assert_eq!(checked_type("image/png", b"<script>"), "application/octet-stream");
        assert_eq!(checked_type("text/html", PNG), "image/png");
        assert_eq!(checked_type("nonsense", b"x"), "application/octet-stream");
        assert_eq!(default_name("image/jpeg"), "image.jpg");
        assert_eq!(default_name("application/pdf"), "file.pdf");
        assert_eq!(default_name("application/x-unheard"), "file.bin");
    }

    #[test]
    fn what_is_over_a_limit_is_left_out_and_said() {
        let image = |size: usize, last: u8| {
            let mut content = PNG.to_vec();
            content.resize(size, last);
            json!({ "kind": "agent_message", "text": "[image]",
                "content": { "type": "image", "mimeType": "image/png", "data": STANDARD.encode(content) } })
        };
        let mut files = files(LIMITS);
        let large = take(&mut files, image((1 << 20) + 1, 0));
        assert!(large["text"].as_str().expect("text").contains("limits.attachment_mb"), "{}", large["text"]);
        assert!(large["content"]["data"].as_str().expect("text").len() < 100);
        for last in 0..2 {
            let kept = take(&mut files, image(1 << 20, last));
            assert_eq!(kept["attachments"].as_array().map(Vec::len), Some(1));
        }
        let again = take(&mut files, image(1 << 20, 1));
        assert_eq!(again["attachments"].as_array().map(Vec::len), Some(1), "it is stored already");
        let over = take(&mut files, image(100, 9));
        assert!(over["text"].as_str().expect("text").contains("limits.agent_files_mb"), "{over:#}");
        assert_eq!(files.take_new().len(), 2);
    }
}
