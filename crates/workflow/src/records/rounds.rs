//! The rounds of a task's documents, one line of JSON each; their texts are in the branch's history.

use super::Unreadable;
use crate::{Commit, Millis, ReviewId};
use serde::{Deserialize, Serialize};

/// A version of the documents that was put under review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Round {
    pub id: ReviewId,
    pub round: u32,
    /// Where the branch holds the documents of this round.
    pub commit: Commit,
    /// The hash of their content without checkbox state.
    pub hash: String,
    pub created_at: Millis,
    /// The person who edited the documents into this content, if it was not the planner who wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_by: Option<String>,
}

/// Lines to be added to the file.
pub fn render(rounds: &[Round]) -> String {
    // Rounds are plain data, whose serialization cannot fail.
    rounds.iter().map(|round| serde_json::to_string(round).unwrap_or_default() + "\n").collect()
}

pub fn parse(text: &str) -> Result<Vec<Round>, Unreadable> {
    text.lines()
        .enumerate()
        .map(|(at, json)| {
            serde_json::from_str(json).map_err(|error| Unreadable { line: at + 1, reason: error.to_string() })
        })
        .collect()
}
