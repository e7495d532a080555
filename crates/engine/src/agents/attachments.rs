//! The files of a task: those that people attached, on their way to an agent, and the content of all.

use crate::App;
use crate::failure::{failure, store_failure};
use crate::projects::repositories::{ProjectRepo, RepositoryError};
use crate::settings::redaction;
use crate::visible::is_hidden;
use agent::PromptFile;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use encoding_rs::{Encoding, UTF_16BE, UTF_16LE, WINDOWS_1252};
use protocol::Attachment;
use secrets::Redactor;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use store::StoreError;
use thiserror::Error;
use workflow::records::paths;
use workflow::{Ask, Failure, FailureClass, Task, TaskId, Turn};

/// The folder beside the worktrees of a task's sessions that has the attached files. Agents read there and do not write.
const FOLDER: &str = "attachments";
/// How long the name of a file may be, in bytes.
const MAX_NAME: usize = 200;

/// Returns the files that go with a turn's prompt: those of its messages, and those of the task's prompt where it is carried out.
pub(crate) async fn of_turn(app: &App, task: &Task, turn: &Turn) -> Result<Vec<Attachment>, Failure> {
    let mut all = match turn.ask {
        Ask::Plan | Ask::Implement => {
            app.store.attachments(&task.id, true).await.map_err(|error| store_failure(&error))?
        }
        _ => Vec::new(),
    };
    for attachment in turn.messages.iter().flat_map(|message| &message.attachments) {
        if !all.contains(attachment) {
            all.push(attachment.clone());
        }
    }
    Ok(all)
}

/// Returns attached files with their content, and writes each where agents can read it.
pub(crate) async fn load(app: &App, task: &Task, wanted: &[Attachment]) -> Result<Vec<PromptFile>, Failure> {
    let folder = app.config.data_dir.join("worktrees").join(task.id.as_str()).join(FOLDER);
    let mut files = Vec::new();
    for attachment in wanted {
        let Some((attachment, content)) = read(app, task, &attachment.id).await.map_err(not_read)? else {
            tracing::warn!(task = %task.id, attachment = attachment.id, "an attached file is not stored any more");
            continue;
        };
        let path = folder.join(&attachment.id).join(&attachment.name);
        let file = PromptFile {
            is_image: attachment.is_image(),
            text: as_text(&attachment.media_type, &content).map(str::to_owned),
            name: attachment.name,
            media_type: attachment.media_type,
            base64: STANDARD.encode(&content),
            path: path.clone(),
        };
        let written = crate::spawn_blocking(move || write(&path, &content)).await;
        let written = written.unwrap_or_else(|error| Err(io::Error::other(error)));
        written.map_err(|error| not_written(&file.path, &error))?;
        files.push(file);
    }
    Ok(files)
}

/// Why the content of a file cannot be read.
#[derive(Debug, Error)]
pub enum ReadError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0}")]
    Damaged(String),
    #[error("the file is archived in git, and the repository cannot be read")]
    Repository(#[source] RepositoryError),
    #[error(
        "the file is archived in git as {path}, which the branch {branch} does not have as it was; restore it there"
    )]
    Gone { path: String, branch: String },
}

/// Returns a file of a task with its content, from the database or from the record in git.
pub async fn read(app: &App, task: &Task, id: &str) -> Result<Option<(Attachment, Vec<u8>)>, ReadError> {
    let Some((attachment, base64)) = app.store.attachment(&task.id, id).await? else { return Ok(None) };
    if !base64.is_empty() {
        let content = content(&base64).map_err(ReadError::Damaged)?;
        return Ok(Some((attachment, content)));
    }
    let project = app.repositories.project_repo(&task.project).await.map_err(ReadError::Repository)?;
    match recorded(&project, &task.id, &attachment).await {
        Some(content) => Ok(Some((attachment, content))),
        None => Err(ReadError::Gone {
            path: paths::attachment(&task.id, id, &attachment.name),
            branch: project.settings.design_docs_branch,
        }),
    }
}

/// Returns the content of a file as the record in git has it now.
pub(crate) async fn recorded(
    project: &ProjectRepo,
    task: &TaskId,
    attachment: &Attachment,
) -> Option<Vec<u8>> {
    let path = paths::attachment(task, &attachment.id, &attachment.name);
    let (repository, branch) = (project.repository.clone(), project.settings.design_docs_branch.clone());
    let reading = crate::spawn_blocking(move || {
        let tip = repository.resolve(&branch).ok()??;
        repository.read(&tip.to_string(), &path).ok()?
    });
    let content = reading.await.ok()??;
    (id_of(&attachment.name, &attachment.media_type, &content) == attachment.id).then_some(content)
}

fn not_read(error: ReadError) -> Failure {
    match error {
        ReadError::Store(error) => store_failure(&error),
        error => failure(FailureClass::Internal, crate::failure::chain(&error)),
    }
}

/// Returns the id of an attached file, which follows from what it is.
pub fn id_of(name: &str, media_type: &str, content: &[u8]) -> String {
    let mut hash = Sha256::new();
    for part in [name.as_bytes(), media_type.as_bytes(), content] {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    hash.finalize().iter().take(16).fold("att_".to_owned(), |mut id, byte| {
        let _ = write!(id, "{byte:02x}");
        id
    })
}

/// Returns why a file cannot have a name, which is part of a path when an agent reads the file; `None` for a fine one.
pub fn name_problem(name: &str) -> Option<String> {
    if name.trim().is_empty() {
        Some("is empty; say what the file is called".to_owned())
    } else if name.len() > MAX_NAME {
        Some(format!("is longer than {MAX_NAME} bytes; shorten it"))
    } else if name.starts_with('.') || name.contains(['/', '\\']) {
        Some(
            "is the name of the file alone: without a folder, and without a dot as its first character"
                .to_owned(),
        )
    } else if name.contains(|c: char| c.is_control() || is_hidden(c)) {
        Some("has characters that do not show, or that turn the direction of text; leave them out".to_owned())
    } else {
        None
    }
}

/// Returns the content of a file as the database has it, in Base64.
pub(crate) fn content(base64: &str) -> Result<Vec<u8>, String> {
    STANDARD.decode(base64).map_err(|error| format!("An attached file is damaged in the database: {error}."))
}

/// Returns the content of a file that is text.
pub fn as_text<'c>(media_type: &str, content: &'c [u8]) -> Option<&'c str> {
    if is_binary_type(media_type) || content.contains(&0) { None } else { std::str::from_utf8(content).ok() }
}

fn is_binary_type(media_type: &str) -> bool {
    ["image/", "audio/", "video/"].iter().any(|kind| media_type.starts_with(kind))
        && media_type != "image/svg+xml"
}

/// Returns the text of a file in UTF-16, or in an encoding of one byte for a character.
fn in_other_encoding(media_type: &str, content: &[u8]) -> Option<String> {
    if is_binary_type(media_type) {
        return None;
    }
    let zeros = |parity: usize| content.iter().skip(parity).step_by(2).filter(|byte| **byte == 0).count();
    let (first, second, most) = (zeros(0), zeros(1), content.len() / 8);
    let encoding = match Encoding::for_bom(content) {
        Some((encoding, _)) => encoding,
        // Most characters of a text in UTF-16 have a byte that is zero, always on the same side.
        None if second > most && first == 0 => UTF_16LE,
        None if first > most && second == 0 => UTF_16BE,
        None if first + second == 0 => WINDOWS_1252,
        None => return None,
    };
    Some(encoding.decode(content).0.into_owned())
}

/// Returns a file as it is kept: secrets are taken out of text, in whatever encoding, which becomes UTF-8 where one was found.
pub fn without_secrets(redactor: &Redactor, media_type: &str, content: Vec<u8>) -> Vec<u8> {
    if let Some(text) = as_text(media_type, &content) {
        return redaction::redact(redactor, text).into_owned().into_bytes();
    }
    let Some(text) = in_other_encoding(media_type, &content) else { return content };
    let clean = redaction::redact(redactor, &text);
    if clean == text { content } else { clean.into_owned().into_bytes() }
}

fn not_written(path: &Path, error: &io::Error) -> Failure {
    let class = if error.kind() == io::ErrorKind::StorageFull {
        FailureClass::OutOfSpace
    } else {
        FailureClass::Internal
    };
    let message = format!("The attached file could not be written to {}: {error}.", path.display());
    failure(class, message)
}

/// Writes a file unless it is there as it should be.
fn write(path: &PathBuf, content: &[u8]) -> io::Result<()> {
    if std::fs::read(path).is_ok_and(|there| there == content) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_what_reads_as_text() {
        assert_eq!(as_text("text/plain", b"words"), Some("words"));
        assert_eq!(as_text("image/svg+xml", b"<svg/>"), Some("<svg/>"));
        assert_eq!(as_text("image/png", b"words"), None);
        assert_eq!(as_text("application/pdf", b"%PDF\0"), None);
        assert_eq!(as_text("application/octet-stream", &[0xff, 0xfe]), None);
    }
}
