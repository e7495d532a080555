//! The files of a task, attached by people or sent by agents, one line of JSON each; their contents are files beside it.

use super::Unreadable;
use crate::{Millis, SessionId};
use protocol::Attachment;
use serde::{Deserialize, Serialize};

/// A file of a task. A later line for the same id takes the place of the one before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachmentRecord {
    #[serde(flatten)]
    pub attachment: Attachment,
    /// The session whose agent sent it; absent where a person attached it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// Whether it belongs to the task's prompt, and not to a message.
    pub of_prompt: bool,
    pub at: Millis,
}

/// Returns lines to be added to the file.
pub fn render(records: &[AttachmentRecord]) -> String {
    // Plain data, whose serialization cannot fail.
    records.iter().map(|record| serde_json::to_string(record).unwrap_or_default() + "\n").collect()
}

/// Returns the lines up to the first that cannot be read, and what is wrong with that one.
pub fn parse_prefix(text: &str) -> (Vec<AttachmentRecord>, Option<Unreadable>) {
    let mut records = Vec::new();
    for (at, json) in text.lines().enumerate() {
        match serde_json::from_str(json) {
            Ok(record) => records.push(record),
            Err(error) => return (records, Some(Unreadable { line: at + 1, reason: error.to_string() })),
        }
    }
    (records, None)
}

/// Returns all lines.
pub fn parse(text: &str) -> Result<Vec<AttachmentRecord>, Unreadable> {
    let (records, wrong) = parse_prefix(text);
    wrong.map_or(Ok(records), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_rendered_is_parsed_up_to_the_damage() {
        let record = |id: &str, name: &str| AttachmentRecord {
            attachment: Attachment {
                id: id.to_owned(),
                name: name.to_owned(),
                media_type: "image/png".to_owned(),
                size: 7,
            },
            session: (id == "att_2").then(|| SessionId::from("wks_1")),
            of_prompt: id == "att_1",
            at: Millis(5),
        };
        let all = [record("att_1", "a \"b\".png"), record("att_2", "zeichnung ä.png")];
        let text = render(&all);
        assert_eq!(parse(&text).as_deref(), Ok(&all[..]));
        let (kept, wrong) = parse_prefix(&format!("{text}{{\"id\":1}}\n"));
        assert_eq!((kept.len(), wrong.map(|wrong| wrong.line)), (2, Some(3)));
    }
}
