//! The messages of an agent in a turn, as far as they decide how the turn ended.

use agent::Update;
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use workflow::{Closing, PlanEntry};

/// How many entries of an agent's plan are kept, and how many characters of each.
const MAX_PLAN_ENTRIES: usize = 200;
const MAX_PLAN_TEXT: usize = 300;
/// The number of tool calls of a turn that are distinguished.
const MAX_TOOL_CALLS: usize = 100_000;

/// The messages of an agent in a turn, by which a completed turn is distinguished from one that an error cut off.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TurnSigns {
    pub(crate) has_spoken: bool,
    /// Whether it called a tool after its last message.
    pub(crate) ends_with_tool: bool,
    /// The hashes of the ids of its tool calls.
    tool_calls: HashSet<u64>,
    /// The agent's own plan, as it sent it last.
    pub(crate) plan: Option<Vec<PlanEntry>>,
}

impl TurnSigns {
    /// Handles an update.
    pub(super) fn take(&mut self, kind: &Update) {
        match kind {
            Update::AgentText(text) if !text.trim().is_empty() => {
                self.has_spoken = true;
                self.ends_with_tool = false;
            }
            // Agents report a call's end after their last message, too; only the call itself counts.
            Update::ToolCall { id, .. } => {
                let is_new = if self.tool_calls.len() < MAX_TOOL_CALLS {
                    let mut hasher = DefaultHasher::new();
                    id.hash(&mut hasher);
                    self.tool_calls.insert(hasher.finish())
                } else {
                    true
                };
                self.ends_with_tool |= is_new;
            }
            Update::Plan(entries) => {
                let entry = |entry: &agent::PlanEntry| PlanEntry {
                    content: entry.content.chars().take(MAX_PLAN_TEXT).collect(),
                    status: entry.status.clone(),
                };
                self.plan = Some(entries.iter().take(MAX_PLAN_ENTRIES).map(entry).collect());
            }
            _ => {}
        }
    }

    /// Returns what the agent sent last.
    pub(crate) fn closing(&self) -> Closing {
        match (self.ends_with_tool, self.has_spoken) {
            (true, _) => Closing::ToolCall,
            (false, true) => Closing::Message,
            (false, false) => Closing::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn closing(updates: &[&Value]) -> Closing {
        let mut signs = TurnSigns::default();
        for update in updates {
            signs.take(&Update::read(update));
        }
        signs.closing()
    }

    #[test]
    fn what_an_agent_sent_last_is_known() {
        let text =
            json!({ "sessionUpdate": "agent_message_chunk", "content": { "type": "text", "text": "Done." } });
        let call = json!({ "sessionUpdate": "tool_call", "toolCallId": "1", "status": "pending" });
        let ended = json!({ "sessionUpdate": "tool_call_update", "toolCallId": "1", "status": "completed" });
        let thought =
            json!({ "sessionUpdate": "agent_thought_chunk", "content": { "type": "text", "text": "Hm." } });
        assert_eq!(closing(&[]), Closing::Nothing);
        assert_eq!(closing(&[&thought]), Closing::Nothing);
        assert_eq!(closing(&[&text, &call, &ended]), Closing::ToolCall);
        assert_eq!(closing(&[&call, &text, &ended]), Closing::Message);
    }
}
