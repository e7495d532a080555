//! Makes room in a conversation that nears the limit of its model: results of tools go first, then everything becomes a
//! summary.

use crate::history::History;
use crate::instructions::SUMMARIZE;
use crate::model::{Model, ModelError, Spent};
use genai::chat::{ChatMessage, ChatRequest};

/// How many of the newest messages with results of tools stay.
const KEPT_RESULTS: usize = 3;

/// A conversation, and how much of it fits.
pub(crate) struct Compaction<'a> {
    pub(crate) model: &'a Model,
    pub(crate) context_tokens: u64,
    /// Tokens of what is sent besides the conversation.
    pub(crate) overhead: u64,
    /// What the user said last.
    pub(crate) prompt: &'a str,
}

impl Compaction<'_> {
    /// Makes room where there is too little. Returns what that took.
    pub(crate) async fn make_room(&self, history: &mut History) -> Result<Spent, ModelError> {
        if self.fits(history) || (history.drop_old_results(KEPT_RESULTS) && self.fits(history)) {
            return Ok(Spent::default());
        }
        self.summarize(history).await
    }

    /// Makes room although there should be enough: the server found the conversation too long.
    pub(crate) async fn make_more_room(&self, history: &mut History) -> Result<Spent, ModelError> {
        if history.drop_old_results(1) {
            return Ok(Spent::default());
        }
        self.summarize(history).await
    }

    async fn summarize(&self, history: &mut History) -> Result<Spent, ModelError> {
        let room = usize::try_from(self.context_tokens).unwrap_or(usize::MAX);
        // Two bytes for a token leave room for the summary and for other languages than English.
        let text = history.as_text(room.saturating_mul(2));
        let request = ChatRequest::new(vec![ChatMessage::user(format!("{text}\n\n---\n{SUMMARIZE}"))]);
        let reply = self.model.ask(&request, None).await?;
        let summary = reply.content.joined_texts().unwrap_or_default();
        history.replace(self.prompt, &summary);
        if self.fits(history) {
            return Ok(reply.usage);
        }
        Err(ModelError::TooLong(format!(
            "The prompt does not fit the context window of the model, which is {} tokens.",
            self.context_tokens
        )))
    }

    /// A fifth of the context is left for the reply and for what the estimate misses.
    fn fits(&self, history: &History) -> bool {
        history.tokens() + self.overhead <= self.context_tokens / 5 * 4
    }
}
