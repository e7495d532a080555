//! The conversation with the model, and how much of the model's context it fills.

use genai::chat::{Binary, ChatMessage, ChatRole, ContentPart, MessageContent, ToolCall, ToolResponse};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// How many bytes of text make a token at least; that code has a few more than prose is on the safe side.
const BYTES_PER_TOKEN: usize = 3;

/// How much of a call or a result is part of the text for a summary, in bytes.
const MAX_PART: usize = 2000;

/// How many tokens an image takes: about as many as services count for one of usual size.
const IMAGE_TOKENS: usize = 1600;

/// What stands for an image that the model's server refused.
const NO_IMAGE: &str = "[An image was here. The model's server does not take images.]";

/// What stands for the result of a tool that was dropped.
const DROPPED: &str = "[The result was dropped to save room. Call the tool again if you need it.]";

/// What the user says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Prompt {
    pub(crate) text: String,
    pub(crate) images: Vec<Binary>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct History {
    messages: Vec<ChatMessage>,
    /// How many tokens the model's server counted, and for how many of the messages.
    #[serde(default)]
    counted: Option<(usize, u64)>,
}

impl History {
    pub(crate) fn messages(&self) -> &[ChatMessage] {
        &self.messages
    }

    pub(crate) fn push_user(&mut self, text: &str) {
        self.messages.push(ChatMessage::user(text));
    }

    pub(crate) fn push_prompt(&mut self, prompt: &Prompt) {
        let images = prompt.images.iter().cloned().map(ContentPart::Binary);
        let parts = std::iter::once(ContentPart::Text(prompt.text.clone())).chain(images);
        self.messages.push(ChatMessage::user(MessageContent::from_parts(parts.collect::<Vec<_>>())));
    }

    /// Takes all images out; returns whether there were any.
    pub(crate) fn drop_images(&mut self) -> bool {
        let mut has_dropped = false;
        for part in self.messages.iter_mut().flat_map(|message| &mut message.content) {
            if matches!(part, ContentPart::Binary(_)) {
                *part = ContentPart::Text(NO_IMAGE.to_owned());
                has_dropped = true;
            }
        }
        has_dropped
    }

    /// Adds what the model said. Arguments that are no object are not sent back: services refuse them.
    pub(crate) fn push_assistant(&mut self, content: MessageContent) {
        let parts = content.into_parts().into_iter().map(|part| match part {
            ContentPart::ToolCall(mut call) if !call.fn_arguments.is_object() => {
                call.fn_arguments = json!({});
                ContentPart::ToolCall(call)
            }
            part => part,
        });
        self.messages.push(ChatMessage::assistant(MessageContent::from_parts(parts.collect::<Vec<_>>())));
    }

    pub(crate) fn push_results(&mut self, results: Vec<ToolResponse>) {
        self.messages.push(ChatMessage::tool(MessageContent::from_tool_responses(results)));
    }

    /// Keeps how many tokens the server counted for the whole conversation.
    pub(crate) fn count(&mut self, tokens: u64) {
        self.counted = Some((self.messages.len(), tokens));
    }

    /// How many tokens the conversation has, as counted or else as estimated, whichever is more.
    pub(crate) fn tokens(&self) -> u64 {
        let estimate = |messages: &[ChatMessage]| {
            let bytes: usize = messages.iter().map(text_size).sum();
            (bytes / BYTES_PER_TOKEN) as u64
        };
        let counted = self
            .counted
            .and_then(|(count, tokens)| Some(tokens + estimate(self.messages.get(count..)?)))
            .unwrap_or(0);
        counted.max(estimate(&self.messages))
    }

    /// Takes the results of tools out, but for the newest; returns whether there were any.
    pub(crate) fn drop_old_results(&mut self, keep: usize) -> bool {
        let mut left = keep;
        let mut has_dropped = false;
        for message in self.messages.iter_mut().rev().filter(|message| message.role == ChatRole::Tool) {
            if left > 0 {
                left -= 1;
                continue;
            }
            for part in &mut message.content {
                if let ContentPart::ToolResponse(response) = part
                    && response.content.len() > DROPPED.len()
                {
                    DROPPED.clone_into(&mut response.content);
                    has_dropped = true;
                }
            }
        }
        if has_dropped {
            self.counted = None;
        }
        has_dropped
    }

    /// Replaces the conversation by what the user said last and a summary.
    pub(crate) fn replace(&mut self, prompt: &str, summary: &str) {
        let text = format!(
            "{prompt}\n\n---\nThe conversation before this point was too long and was cut. This is your summary of it; continue \
             from there:\n\n{summary}"
        );
        *self = History::default();
        self.push_user(&text);
    }

    /// Answers the calls of the last message that have no answer, as after a crash in mid-turn.
    pub(crate) fn close_open_calls(&mut self, answer: &str) {
        let Some(last) = self.messages.last().filter(|message| message.role == ChatRole::Assistant) else {
            return;
        };
        let calls: Vec<ToolCall> = last.content.tool_calls().into_iter().cloned().collect();
        if !calls.is_empty() {
            self.push_results(calls.iter().map(|call| ToolResponse::from_tool_call(call, answer)).collect());
        }
    }

    /// The conversation as text, for a summary of it; the middle is left out where it is longer than `max` bytes.
    pub(crate) fn as_text(&self, max: usize) -> String {
        let mut text = String::new();
        for message in &self.messages {
            for part in message.content.parts() {
                let (who, said) = match part {
                    ContentPart::Text(said) if message.role == ChatRole::User => ("User", said.clone()),
                    ContentPart::Text(said) => ("You", said.clone()),
                    ContentPart::ToolCall(call) => {
                        ("You called", format!("{} {}", call.fn_name, call.fn_arguments))
                    }
                    ContentPart::ToolResponse(response) => ("Result", response.content.clone()),
                    _ => continue,
                };
                let limit = if who == "User" { said.len() } else { said.floor_char_boundary(MAX_PART) };
                text.push_str(&format!("{who}: {}\n\n", &said[..limit]));
            }
        }
        if text.len() > max {
            let begin = text.floor_char_boundary(max / 2);
            let end = text.ceil_char_boundary(text.len() - max / 2);
            text = format!("{}\n[…]\n{}", &text[..begin], &text[end..]);
        }
        text
    }

    pub(crate) fn size(&self) -> usize {
        self.messages.iter().map(ChatMessage::size).sum()
    }
}

/// The size of a message in bytes, in which an image counts as the text that takes as many tokens.
fn text_size(message: &ChatMessage) -> usize {
    let images = message.content.parts().iter().filter_map(|part| match part {
        ContentPart::Binary(image) => Some(image.size()),
        _ => None,
    });
    images.fold(message.size(), |size, image| size.saturating_sub(image) + IMAGE_TOKENS * BYTES_PER_TOKEN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_counts_as_an_image_and_not_by_its_bytes() {
        let image = Binary::from_base64("image/png", "A".repeat(3_000_000), None);
        let mut history = History::default();
        history.push_prompt(&Prompt { text: "Look.".into(), images: vec![image] });
        assert!((1600..2000).contains(&history.tokens()), "{}", history.tokens());
        assert!(history.drop_images() && !history.drop_images());
        assert!(history.as_text(1000).contains("does not take images"));
    }

    fn call(id: &str, arguments: serde_json::Value) -> ToolCall {
        ToolCall {
            call_id: id.into(),
            fn_name: "read_file".into(),
            fn_arguments: arguments,
            thought_signatures: None,
        }
    }

    fn with_results(count: usize) -> History {
        let mut history = History::default();
        history.push_user("Read.");
        for at in 0..count {
            let call = call(&at.to_string(), json!({"path": "a"}));
            history.push_assistant(MessageContent::from_tool_calls(vec![call.clone()]));
            history.push_results(vec![ToolResponse::from_tool_call(&call, "x".repeat(3000))]);
        }
        history
    }

    fn results(history: &History) -> Vec<&str> {
        let tools = history.messages.iter().filter(|message| message.role == ChatRole::Tool);
        tools
            .flat_map(|message| message.content.tool_responses())
            .map(|response| response.content.as_str())
            .collect()
    }

    #[test]
    fn old_results_are_dropped_first_and_the_newest_stay() {
        let mut history = with_results(4);
        history.count(100_000);
        assert!(history.tokens() >= 100_000);
        assert!(history.drop_old_results(1));
        let left = results(&history);
        assert_eq!(left[..3], [DROPPED; 3]);
        assert_eq!(left[3].len(), 3000);
        assert!(history.tokens() < 2000, "{}", history.tokens());
        assert!(!history.drop_old_results(1), "there is nothing more to drop");
    }

    #[test]
    fn what_was_said_after_the_count_is_estimated() {
        let mut history = with_results(1);
        history.count(5);
        let before = history.tokens();
        history.push_user(&"y".repeat(30_000));
        assert!(history.tokens() >= before + 10_000);
    }

    #[test]
    fn a_summary_takes_the_place_of_everything() {
        let mut history = with_results(3);
        history.replace("Read.", "All of it was read.");
        assert_eq!(history.messages().len(), 1);
        let text = history.messages()[0].content.first_text().unwrap();
        assert!(text.starts_with("Read.") && text.ends_with("All of it was read."));
    }

    #[test]
    fn calls_without_an_answer_are_closed_and_broken_arguments_left_out() {
        let mut history = History::default();
        history.push_user("Read.");
        history.push_assistant(MessageContent::from_tool_calls(vec![call("1", json!("{\"path\": "))]));
        assert_eq!(history.messages()[1].content.tool_calls()[0].fn_arguments, json!({}));
        history.close_open_calls("cancelled");
        history.close_open_calls("cancelled");
        assert_eq!(results(&history), ["cancelled"]);
        let stored: History = serde_json::from_str(&serde_json::to_string(&history).unwrap()).unwrap();
        assert_eq!(results(&stored), ["cancelled"]);
    }
}
