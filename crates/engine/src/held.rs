//! Values that were redacted from documents as secrets, held until a person decides about them.
//!
//! A document is stored without its secrets. Whether a value is one is a guess, and the reviewer has the last word: *keep*
//! puts the value back, *remove* forgets it. Until then the value stands in a file that only the server's user can read,
//! and nowhere else; it is forgotten with the decision, and when its task ends.

use anyhow::Context as _;
use secrets::{Confidence, Redactor};
use serde::{Deserialize, Serialize};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use workflow::TaskId;

/// The file with the fingerprints of what people decided to keep.
const KEPT: &str = "kept-values";

/// A value that was taken out of a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The same for the same value in the same document.
    pub id: String,
    /// `requirements`, `design` or `tasks`.
    pub document: String,
    pub kind: String,
    pub is_sure: bool,
    /// The tag that replaces it.
    pub tag: String,
    /// The value, until a person decides; absent where it is known to be secret and cannot be kept.
    pub value: Option<String>,
    /// The decision of a person.
    pub decision: Option<HeldDecision>,
}

/// The decision about a value that was removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HeldDecision {
    /// It is no secret, and is put back.
    Keep,
    /// It is forgotten.
    Remove,
}

/// Returns the values in a document that its stored text is without.
pub(crate) fn found(redactor: &Redactor, document: &str, text: &str) -> Vec<Held> {
    let held = |finding: secrets::Finding| {
        let value = &text[finding.span];
        Held {
            id: redactor.fingerprint(&format!("{document} {value}")),
            document: document.to_owned(),
            kind: finding.kind,
            is_sure: finding.confidence == Confidence::Sure,
            tag: finding.tag,
            value: (!redactor.is_known_secret(value)).then(|| value.to_owned()),
            decision: None,
        }
    };
    redactor.findings(text).into_iter().map(held).collect()
}

/// Adds values to those that are held; decisions stay.
pub(crate) fn add(data_dir: &Path, task: &TaskId, more: Vec<Held>) -> std::io::Result<()> {
    if more.is_empty() {
        return Ok(());
    }
    let mut all = read(data_dir, task);
    for one in more {
        if !all.iter().any(|known| known.id == one.id) {
            all.push(one);
        }
    }
    write(data_dir, task, &all)
}

/// Returns the values that are held for a task.
pub fn read(data_dir: &Path, task: &TaskId) -> Vec<Held> {
    let text = std::fs::read(file(data_dir, task)).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

pub fn write(data_dir: &Path, task: &TaskId, all: &[Held]) -> std::io::Result<()> {
    let path = file(data_dir, task);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(&serde_json::to_vec(all)?)
}

/// Deletes the held values of a task.
pub fn forget(data_dir: &Path, task: &TaskId) {
    if let Err(error) = std::fs::remove_file(file(data_dir, task))
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(%error, %task, "could not delete the values that were redacted from documents");
    }
}

/// Records that a value is kept, here and after a restart.
pub fn keep(data_dir: &Path, redactor: &Redactor, value: &str) -> std::io::Result<()> {
    let fingerprint = redactor.fingerprint(value);
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.append(true).create(true).mode(0o600).open(data_dir.join(KEPT))?;
    writeln!(file, "{fingerprint}")?;
    redactor.keep([fingerprint]);
    Ok(())
}

/// Allows the values that people decided to keep before the server started.
pub(crate) fn restore(data_dir: &Path, redactor: &Redactor) -> anyhow::Result<()> {
    match std::fs::read_to_string(data_dir.join(KEPT)) {
        Ok(text) => redactor.keep(text.lines().map(str::to_owned)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).context(format!("cannot read {KEPT} in {}", data_dir.display())),
    }
    Ok(())
}

fn file(data_dir: &Path, task: &TaskId) -> PathBuf {
    data_dir.join("held").join(format!("{task}.json"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrets::Settings;

    /// Returns a token by its format; it is put together here so that none is written in this repository.
    fn key() -> String {
        ["gh", "p_", "R4nd0mLettersThatN0body", "Types1234567Q"].concat()
    }

    #[test]
    fn a_value_is_held_until_it_is_decided_and_kept_after_a_restart() {
        let folder = tempfile::tempdir().expect("a folder");
        let redactor = || Redactor::new(&Settings::default()).expect("a redactor");
        let (first, task) = (redactor(), TaskId::from("spt_1"));
        let text = format!("Use {} here.", key());
        let held = found(&first, "design", &text);
        assert_eq!(held.len(), 1, "{held:?}");
        add(folder.path(), &task, held.clone()).expect("held");
        add(folder.path(), &task, held.clone()).expect("held once");
        assert_eq!(read(folder.path(), &task), held);
        assert!(!first.redact(&text).contains(&key()));
        keep(folder.path(), &first, &key()).expect("kept");
        assert_eq!(first.redact(&text), text);
        let second = redactor();
        restore(folder.path(), &second).expect("restored");
        assert_eq!(second.redact(&text), text);
    }
}
