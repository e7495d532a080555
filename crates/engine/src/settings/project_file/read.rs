//! Reads the file at a commit.

use super::changes::SettingsChange;
use super::file::{MAX_BYTES, PATH, ProjectFile};
use super::prompts::{self, PromptFile};
use git::Repository;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

/// The state of a project's settings file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FileState {
    /// The base branch has none.
    Absent,
    /// Its content waits for a person to trust it, and is not used.
    Untrusted,
    /// A person trusted its content, and it is in force.
    Trusted,
    /// It cannot be read, and is not used.
    Invalid,
}

/// A project's settings file, as the base branch has it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct SettingsFile {
    /// Its path in the repository.
    #[schema(example = ".spectask/project.toml")]
    pub path: String,
    /// The commit that it is read from; null where the base branch has none.
    #[schema(required)]
    pub commit: Option<String>,
    /// The hash of its content, which is what is trusted; null where there is no content to trust.
    #[schema(required)]
    pub hash: Option<String>,
    /// Whether its content is in force.
    pub state: FileState,
    /// Why it is not used, and what to do.
    #[schema(required)]
    pub error: Option<String>,
    /// Its text, without secrets, while it waits to be trusted.
    #[schema(required)]
    pub content: Option<String>,
    /// The changes that trusting it would make.
    pub changes: Vec<SettingsChange>,
}

/// The file as a commit has it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Loaded {
    pub(crate) commit: Option<String>,
    pub(crate) content: Content,
    pub(crate) prompts: Vec<PromptFile>,
}

#[derive(Clone, Debug, Default)]
pub(crate) enum Content {
    #[default]
    Absent,
    /// A clause that says what is wrong.
    Unreadable(String),
    Read {
        hash: String,
        text: String,
        file: Box<ProjectFile>,
    },
}

/// Returns the hash of a file's content.
pub fn hash(content: &[u8]) -> String {
    hex::encode(Sha256::digest(content))
}

impl Loaded {
    /// Reads the file at a revision.
    pub(crate) fn read(repository: &Repository, revision: &str) -> Result<Self, git::Error> {
        let Some(commit) = repository.resolve(revision)?.map(|commit| commit.to_string()) else {
            return Ok(Self::default());
        };
        let content = match repository.size(&commit, PATH)? {
            None => Content::Absent,
            Some(size) if size > MAX_BYTES => {
                Content::Unreadable(format!("it has {size} bytes; it may have {MAX_BYTES}"))
            }
            Some(_) => repository.read(&commit, PATH)?.map_or(Content::Absent, |bytes| Content::of(&bytes)),
        };
        let prompts = prompts::read(repository, &commit)?;
        Ok(Self { commit: Some(commit), content, prompts })
    }

    /// Describes a file that could not be looked for.
    pub(crate) fn failed(error: &dyn std::error::Error) -> Self {
        let content = Content::Unreadable(crate::failure::chain(error));
        Self { commit: None, content, prompts: Vec::new() }
    }
}

impl Content {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return Self::Unreadable("it is not text in UTF-8".to_owned());
        };
        match ProjectFile::parse(text) {
            Ok(file) => Self::Read { hash: hash(bytes), text: text.to_owned(), file: Box::new(file) },
            Err(error) => Self::Unreadable(error),
        }
    }
}
