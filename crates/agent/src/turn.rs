//! The progress of a turn while it runs, and whether it ended well: many agents report the failure of their model as
//! the turn's usual end, with a message or without a word.

use crate::failure::{FailureClass, by_code, by_status, by_text, reports_failure};
use crate::readable::readable;
use crate::{AgentError, Update};
use parking_lot::{Mutex, MutexGuard};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;

/// How much of an agent's last message is kept, in bytes.
const MAX_MESSAGE: usize = 4 * 1024;

/// The turns under way in one process, by session. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Turns(Arc<Mutex<HashMap<String, TurnProgress>>>);

/// The updates of one turn, as far as its end depends on them.
#[derive(Clone, Debug, Default)]
pub(crate) struct TurnProgress {
    /// The agent's words since it last did something.
    last_message: String,
    /// The id of the message that they belong to, where the agent numbers its messages.
    message_id: Option<String>,
    tool_calls: usize,
    has_thought_or_plan: bool,
    /// The state that the agent reported last for the session.
    is_broken: bool,
    /// The reason that the agent reported beside the conversation.
    reason: Option<Reason>,
}

/// Why a turn failed, as an agent reports it beside the conversation.
#[derive(Clone, Debug, Default)]
struct Reason {
    text: String,
    /// The class that its codes name.
    class: Option<FailureClass>,
}

impl Turns {
    pub(crate) fn begin(&self, session: &str) {
        self.turns().insert(session.to_owned(), TurnProgress::default());
    }

    pub(crate) fn end(&self, session: &str) -> TurnProgress {
        self.turns().remove(session).unwrap_or_default()
    }

    /// Takes in an update of a session whose turn runs.
    pub(crate) fn on_update(&self, session: &str, kind: &Update, raw: &Value) {
        if let Some(turn) = self.turns().get_mut(session) {
            turn.on_update(kind, raw);
        }
    }

    fn turns(&self) -> MutexGuard<'_, HashMap<String, TurnProgress>> {
        self.0.lock()
    }
}

impl TurnProgress {
    fn on_update(&mut self, kind: &Update, raw: &Value) {
        let update = &raw["update"];
        match kind {
            Update::AgentText(text) if is_notice(update, text) => {}
            Update::AgentText(text) => {
                let id = update["messageId"].as_str().map(str::to_owned);
                if id != self.message_id {
                    self.last_message.clear();
                    self.message_id = id;
                }
                let room = MAX_MESSAGE.saturating_sub(self.last_message.len());
                let end = (0..=room.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
                self.last_message.push_str(&text[..end]);
            }
            Update::ToolCall { .. } => {
                self.tool_calls += 1;
                self.last_message.clear();
            }
            Update::Thought(_) | Update::Plan(_) => self.has_thought_or_plan = true,
            Update::UserText(_) | Update::Usage { .. } => {}
            Update::Other(_) => self.hear_state(&update["_meta"]["codex"]),
        }
    }

    /// Codex reports the state of its thread and the errors of its model beside the conversation.
    fn hear_state(&mut self, codex: &Value) {
        if let Some(status) = codex["threadStatus"]["type"].as_str() {
            self.is_broken = status == "systemError";
        }
        let error = &codex["error"];
        let texts = ["additionalDetails", "message"].iter().filter_map(|field| error[*field].as_str());
        if let Some(text) = texts.into_iter().find(|text| !text.trim().is_empty()) {
            let info = &error["codexErrorInfo"];
            let fields = || info.as_object().into_iter().flatten();
            let status = fields().find_map(|(_, kind)| kind["httpStatusCode"].as_u64());
            let class = info.as_str().and_then(by_code).or_else(|| status.and_then(by_status));
            let class = class.or_else(|| fields().find_map(|(name, _)| by_code(name)));
            self.reason = Some(Reason { text: text.to_owned(), class });
        }
    }

    /// Returns the failure that a turn's end hides, if it does.
    pub(crate) fn failure(&self, stop_reason: &str) -> Option<AgentError> {
        let message = self.last_message.trim();
        if stop_reason == "cancelled" || stop_reason == "refusal" {
            return None;
        }
        if self.is_broken || stop_reason.contains("error") {
            let Reason { text: reason, class } = self.reason.clone().unwrap_or_default();
            let text = if message.is_empty() { reason.as_str() } else { message };
            let text = if text.is_empty() { "the agent reports a system error and no reason" } else { text };
            // The codes of a network's failure say less than the words of the server behind it.
            let class =
                class.filter(|class| *class != FailureClass::Network).or_else(|| by_text(text)).or(class);
            let class = class.unwrap_or(FailureClass::ModelError);
            return Some(AgentError::of_class(class, readable(text), &format!("{text} {reason}")));
        }
        if reports_failure(message) {
            return Some(AgentError::of_text(message, FailureClass::ModelError));
        }
        None
    }

    /// Returns whether the agent ended the turn as usual and sent nothing before.
    pub(crate) fn is_silent(&self, stop_reason: &str) -> bool {
        stop_reason == "end_turn"
            && self.last_message.trim().is_empty()
            && self.tool_calls == 0
            && !self.has_thought_or_plan
    }

    /// Returns the agent's words after the last thing it did; empty when it ended without any.
    pub(crate) fn into_last_message(self) -> String {
        self.last_message.trim().to_owned()
    }
}

/// Returns whether a text is a notice of the agent's program and no word of its model.
fn is_notice(update: &Value, text: &str) -> bool {
    update["_meta"]["claudeCode"]["kind"] == "informational"
        || (update["messageId"].is_null() && text.starts_with("Warning: "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn progress(updates: &[Value]) -> TurnProgress {
        let mut turn = TurnProgress::default();
        for update in updates {
            turn.on_update(&Update::read(update), &json!({ "update": update }));
        }
        turn
    }

    fn says(text: &str) -> Value {
        json!({ "sessionUpdate": "agent_message_chunk", "content": { "type": "text", "text": text } })
    }

    fn status(kind: &str) -> Value {
        json!({ "sessionUpdate": "session_info_update", "_meta": { "codex": { "threadStatus": { "type": kind } } } })
    }

    fn class(updates: &[Value]) -> Option<&'static str> {
        progress(updates).failure("end_turn").map(|error| error.class().as_str())
    }

    const TOOL: &str = r#"{ "sessionUpdate": "tool_call", "toolCallId": "1", "status": "completed" }"#;

    #[test]
    fn an_end_after_a_system_error_is_none() {
        let tool: Value = serde_json::from_str(TOOL).unwrap();
        let limit = says("exceeded retry limit, last status: 429 Too Many Requests\n\n");
        assert_eq!(class(&[says("I begin. "), tool.clone(), status("systemError"), limit]), Some("limit"));
        let busy = says("We’re currently experiencing high demand.");
        assert_eq!(class(&[status("active"), status("systemError"), busy]), Some("limit"));
        assert_eq!(class(&[status("systemError")]), Some("agent_error"));
        assert_eq!(class(&[says("Internal error"), status("systemError")]), Some("agent_error"));
        let told = |info: &Value| json!({ "sessionUpdate": "session_info_update", "_meta": { "codex": { "error": { "message": "it stopped", "codexErrorInfo": info } } } });
        assert_eq!(class(&[told(&json!("usageLimitExceeded")), status("systemError")]), Some("limit"));
        assert_eq!(
            class(&[told(&json!("contextWindowExceeded")), status("systemError")]),
            Some("context_exceeded")
        );
        let error = json!({ "sessionUpdate": "session_info_update", "_meta": { "codex": { "error": {
            "message": "Reconnecting... 1/1", "additionalDetails": "it went wrong",
            "codexErrorInfo": { "responseStreamDisconnected": { "httpStatusCode": 401 } },
        } } } });
        assert_eq!(class(&[error.clone(), status("systemError")]), Some("auth_needed"));
        // It tried again by itself and went on.
        assert_eq!(class(&[error, tool, says("Done."), status("idle")]), None);
    }

    #[test]
    fn an_end_without_a_word_is_told_apart() {
        let is_silent = |updates: &[Value]| progress(updates).is_silent("end_turn");
        assert!(is_silent(&[]) && !progress(&[]).is_silent("max_tokens"));
        let notice = json!({ "sessionUpdate": "agent_message_chunk", "content": { "type": "text", "text": "**Warning:** a" },
            "_meta": { "claudeCode": { "kind": "informational" } } });
        assert!(is_silent(&[notice, says("Warning: Model metadata not found.")]));
        assert!(!is_silent(&[says("Nothing is to be done.")]));
        let tool: Value = serde_json::from_str(TOOL).unwrap();
        let ends_with_tool = progress(&[says("I write."), tool]);
        assert!(!ends_with_tool.is_silent("end_turn") && ends_with_tool.into_last_message().is_empty());
    }

    #[test]
    fn a_message_that_reports_a_failure_is_no_end() {
        assert_eq!(class(&[says("API Error: 500 Internal server error")]), Some("agent_error"));
        assert_eq!(class(&[says("Done: API errors with 500 are retried.")]), None);
        assert!(progress(&[]).failure("cancelled").is_none());
    }
}
