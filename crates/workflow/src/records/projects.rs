//! A project in its repository: its owner and its settings.

use crate::{Millis, ProjectId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A project; where its repository is differs from machine to machine and is not part of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProjectRecord {
    pub id: ProjectId,
    pub name: String,
    /// What the short ids of its tasks begin with; absent in records of earlier versions.
    #[serde(default)]
    pub key: String,
    pub owner: UserId,
    pub owner_name: String,
    pub clone_url: Option<String>,
    pub default_branch: String,
    pub settings: Value,
    pub created_at: Millis,
    pub updated_at: Millis,
}

/// Returns the whole file; it is replaced when the project changes.
pub fn render(project: &ProjectRecord) -> String {
    // A project is plain data, whose serialization cannot fail.
    serde_json::to_string_pretty(project).unwrap_or_default() + "\n"
}

pub fn parse(text: &str) -> Result<ProjectRecord, super::Unreadable> {
    serde_json::from_str(text)
        .map_err(|error| super::Unreadable { line: error.line(), reason: error.to_string() })
}
