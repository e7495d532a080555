//! Prompts that a repository overrides: `.spectask/prompts/NAME.md` on the base branch.
//!
//! Agents follow prompts, so each text is in force only after a person trusted it, as the settings file is.

use super::read::hash;
use git::Repository;
use secrets::Redactor;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use store::Project;
use utoipa::ToSchema;
use workflow::prompts;

/// The folder with the overrides.
pub const PROMPTS_FOLDER: &str = ".spectask/prompts";
/// The setting with the hash of each prompt's text that a person trusted, by the prompt's name.
pub const TRUSTED_PROMPTS: &str = "trusted_prompts";
/// How large an override may be, in bytes.
const MAX_BYTES: u64 = 64 * 1024;
/// How many files of the folder are looked at.
const MAX_FILES: usize = 100;

/// Whether an override is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PromptState {
    /// Its text waits for a person to trust it.
    Untrusted,
    /// A person trusted its text, and it is in force.
    Trusted,
    /// It cannot be used.
    Invalid,
}

/// A file that overrides a prompt, as the base branch has it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct PromptOverride {
    /// The prompt's name.
    #[schema(example = "implement")]
    pub name: String,
    /// The file's path in the repository.
    #[schema(example = ".spectask/prompts/implement.md")]
    pub path: String,
    /// The hash of its text, which is what is trusted; null where it cannot be read.
    #[schema(required)]
    pub hash: Option<String>,
    /// Whether it is in force.
    pub state: PromptState,
    /// Why it is not used, and what to do.
    #[schema(required)]
    pub error: Option<String>,
    /// Its text, without secrets.
    #[schema(required)]
    pub text: Option<String>,
}

/// A file of the folder as a commit has it.
#[derive(Clone, Debug)]
pub(crate) struct PromptFile {
    name: String,
    /// The text, or a clause that says what is wrong.
    text: Result<String, String>,
}

/// Reads the overrides of a commit.
pub(super) fn read(repository: &Repository, commit: &str) -> Result<Vec<PromptFile>, git::Error> {
    let mut files = Vec::new();
    for entry in repository.list(commit, PROMPTS_FOLDER)?.into_iter().take(MAX_FILES) {
        let file = entry.rsplit('/').next().unwrap_or(&entry);
        let Some(name) = file.strip_suffix(".md") else { continue };
        let path = format!("{PROMPTS_FOLDER}/{file}");
        let text = match repository.size(commit, &path)? {
            None => continue,
            Some(size) if size > MAX_BYTES => Err(format!("it has {size} bytes; it may have {MAX_BYTES}")),
            Some(_) => match repository.read(commit, &path)? {
                None => continue,
                Some(bytes) => checked(name, bytes),
            },
        };
        files.push(PromptFile { name: name.to_owned(), text });
    }
    Ok(files)
}

fn checked(name: &str, bytes: Vec<u8>) -> Result<String, String> {
    let template = prompts::find(name).ok_or("there is no prompt of this name; see `spectask prompts`")?;
    if !template.can_override {
        return Err("the server depends on this prompt, which cannot be overridden".to_owned());
    }
    let text = String::from_utf8(bytes).map_err(|_| "it is not text in UTF-8")?;
    if text.trim().is_empty() {
        return Err("it is empty; write a prompt, or remove the file".to_owned());
    }
    prompts::check(template, &text)?;
    Ok(text)
}

/// Returns the state of each override, given what a person trusted.
pub(super) fn judge(
    project: &Project,
    files: &[PromptFile],
    trusted: &Value,
    redactor: &Redactor,
) -> Vec<PromptOverride> {
    let branch = &project.default_branch;
    let judge = |file: &PromptFile| {
        let path = format!("{PROMPTS_FOLDER}/{}.md", file.name);
        let mut found = PromptOverride {
            name: file.name.clone(),
            path: path.clone(),
            hash: None,
            state: PromptState::Invalid,
            error: None,
            text: None,
        };
        match &file.text {
            Err(error) => {
                let error = redactor.redact(error);
                found.error = Some(format!(
                    "{path} on {branch} cannot be used: {error}. The built-in prompt is used. Correct the file there."
                ));
            }
            Ok(text) => {
                let hash = hash(text.as_bytes());
                found.state = if trusted[&file.name] == *hash {
                    PromptState::Trusted
                } else {
                    found.error = Some(format!(
                        "{path} on {branch} is not used before a person trusts it; the built-in prompt is used. Read it with \
                         `spectask prompts show {name} --project {project}`, then run `spectask prompts trust {name} --project \
                         {project} --at {short}`.",
                        name = file.name,
                        project = project.id,
                        short = &hash[..hash.len().min(12)],
                    ));
                    PromptState::Untrusted
                };
                found.hash = Some(hash);
                found.text = Some(redactor.redact(text).into_owned());
            }
        }
        found
    };
    files.iter().map(judge).collect()
}

/// Returns the texts that are in force, by name.
pub(super) fn texts_in_force(files: &[PromptFile], judged: &[PromptOverride]) -> BTreeMap<String, String> {
    let in_force = files.iter().zip(judged).filter(|(_, judged)| judged.state == PromptState::Trusted);
    in_force.filter_map(|(file, _)| Some((file.name.clone(), file.text.as_ref().ok()?.clone()))).collect()
}
