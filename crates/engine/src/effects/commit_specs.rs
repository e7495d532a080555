//! Validates the documents of the planner and commits them to the design-docs branch.

use super::{Done, Job, blocking, git_failure, store_failure};
use crate::clock::now;
use crate::documents::metadata;
use crate::documents::{self, Documents};
use crate::held;
use crate::projects::repositories::document;
use git::{Change, Commit, Dir, Entry};
use secrets::Redactor;
use std::borrow::Cow;
use std::string::FromUtf8Error;
use workflow::{Failure, Input, SessionId, Specs, TaskStatus, TurnId};

/// How large a document may be.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

pub(super) async fn perform(
    job: &Job<'_>,
    session: &SessionId,
    turn: &TurnId,
    round: u32,
) -> Result<Done, Failure> {
    let app = job.app;
    let folder =
        app.repositories.docs_worktree(&job.task.project).await.map_err(|error| git_failure(&error))?;
    let (folder, documents) = (Dir::at(folder), format!("specs/{}", job.task.id));
    let redactor = app.redactor.clone();
    let (data_dir, task) = (app.repositories.data_dir().to_owned(), job.task.id.clone());
    let found = blocking(move || {
        let mut unusable = Vec::new();
        let mut text = |name: &str| {
            let path = format!("{documents}/{name}");
            match written(&folder, &path)? {
                Ok(text) => {
                    // What is taken out is held for the reviewer before its only copy is overwritten.
                    held::add(&data_dir, &task, held::found(&redactor, name.trim_end_matches(".md"), &text))?;
                    clean(&redactor, &folder, &path, &text)
                }
                Err(why) => {
                    unusable.push(format!("{name} {why}"));
                    Ok(String::new())
                }
            }
        };
        let (mut requirements, design, tasks) =
            (text("requirements.md")?, text("design.md")?, text("tasks.md")?);
        // A bug's requirements may stand in a document of their own.
        if requirements.trim().is_empty() {
            requirements = text("bugfix.md")?;
        }
        Ok::<_, std::io::Error>((Documents { requirements, design, tasks }, unusable))
    })
    .await?;
    let (found, mut problems) = found;
    if problems.is_empty() {
        problems = found.problems();
    }
    if !problems.is_empty() {
        return Ok(Done::Report(Input::SpecsInvalid {
            session: session.clone(),
            turn: turn.clone(),
            problems,
        }));
    }
    let kept = commit(job, round, &found).await?;
    let (session, turn) = (session.clone(), turn.clone());
    Ok(Done::Report(match kept {
        Ok(specs) => Input::SpecsCommitted { session, turn, specs },
        Err(problems) => Input::SpecsInvalid { session, turn, problems },
    }))
}

/// Commits a round of documents and stores them, or returns their problems.
pub(super) async fn commit(
    job: &Job<'_>,
    round: u32,
    documents: &Documents,
) -> Result<Result<Specs, Vec<String>>, Failure> {
    let app = job.app;
    let project_repo =
        app.repositories.project_repo(&job.task.project).await.map_err(|error| git_failure(&error))?;
    let specs = Specs {
        round,
        commit: workflow::Commit(String::new()),
        hash: documents.hash(),
        title: specs::requirements::title(&documents.requirements),
        units: documents::units(&job.task.id, &documents.tasks),
    };
    let metadata = metadata::of(app, job.task, &specs, TaskStatus::SpecReview, serde_json::Map::new()).await;
    let metadata = metadata.map_err(|error| store_failure(&error))?;
    let change = |name: &str, text: &str| Change {
        path: document(&job.task.id, name),
        content: Some(text.as_bytes().to_vec()),
    };
    let commit = Commit {
        branch: project_repo.settings.design_docs_branch.clone(),
        changes: vec![
            change("requirements.md", &documents.requirements),
            change("design.md", &documents.design),
            change("tasks.md", &documents.tasks),
            change("spec-metadata.json", &metadata),
        ],
        message: format!(
            "{} {}: documents, round {round}\n\nSpecTask-Task: {}\n",
            job.task.shown_id(),
            job.task.name,
            job.task.id
        ),
        author: crate::App::identity(),
        time_ms: now().0,
        effect: Some(job.trailer("specs")),
    };
    let committed = blocking(move || {
        let committed = project_repo.repository.commit(&commit)?;
        // A deletion of the branch from here on does not lose the documents.
        project_repo.repository.restore_rewound(&commit.branch)?;
        Ok::<_, git::Error>(committed)
    });
    let committed = committed.await?;
    let kept = documents::keep(app, job.task, round, &committed.id.to_string(), documents, None).await;
    kept.map_err(|error| store_failure(&error))
}

/// Returns what a planner wrote into a document, or why that is no document. An agent may leave anything there: only a
/// regular file beneath the folder counts.
fn written(folder: &Dir, path: &str) -> std::io::Result<Result<String, String>> {
    Ok(match folder.read(path, MAX_BYTES)? {
        Entry::File(bytes) => String::from_utf8(bytes).map_err(|error| not_utf8(&error)),
        Entry::Nothing => Ok(String::new()),
        Entry::Link => {
            Err("is a symbolic link; write the document itself there, as a regular file.".to_owned())
        }
        Entry::TooLarge => Err("is larger than 4 MiB; shorten it.".to_owned()),
        Entry::Other => {
            Err("is no regular file; write the document itself there, as a regular file.".to_owned())
        }
    })
}

/// Names the first byte of a document that is no UTF-8: read all the same, it would lose its letters.
fn not_utf8(error: &FromUtf8Error) -> String {
    let at = error.utf8_error().valid_up_to();
    let bytes = error.as_bytes();
    let line = bytes[..at].split(|byte| *byte == b'\n').count();
    format!("is not UTF-8: line {line} has the byte 0x{:02X}. Write it again as UTF-8.", bytes[at])
}

/// Returns a document without secrets. The file gets it too: what an agent commits from there by itself has none
/// either.
fn clean(redactor: &Redactor, folder: &Dir, path: &str, text: &str) -> std::io::Result<String> {
    let clean = crate::settings::redaction::redact(redactor, text);
    if let Cow::Owned(clean) = &clean {
        folder.write(path, clean.as_bytes())?;
    }
    Ok(clean.into_owned())
}

#[cfg(test)]
mod tests {
    use super::{Dir, written};
    use std::os::unix::fs::symlink;

    #[test]
    fn only_a_regular_file_beneath_the_folder_is_a_document() {
        let place = tempfile::tempdir().expect("a folder");
        let (folder, secret) = (place.path().join("docs"), place.path().join("secret"));
        std::fs::create_dir_all(folder.join("specs/1")).expect("a folder");
        std::fs::write(&secret, "secret").expect("a file");
        let path = |name: &str| folder.join("specs/1").join(name);
        std::fs::write(path("design.md"), "# Design\n").expect("a file");
        symlink(&secret, path("tasks.md")).expect("a link");
        symlink(place.path(), folder.join("specs/2")).expect("a link");
        std::fs::create_dir(path("requirements.md")).expect("a folder");
        let large = std::fs::File::create(path("large.md")).expect("a file");
        large.set_len(1 << 40).expect("a sparse file");
        std::fs::write(path("latin.md"), b"# Plan\n\nGr\xf6\xdfe\n").expect("a file");
        let dir = Dir::at(&folder);
        let read = |path: &str| written(&dir, path).expect("readable");
        assert_eq!(read("specs/1/design.md"), Ok("# Design\n".to_owned()));
        assert_eq!(read("specs/1/missing.md"), Ok(String::new()));
        assert!(read("specs/1/tasks.md").is_err_and(|why| why.contains("symbolic link")));
        assert!(read("specs/2/secret").is_err());
        assert!(read("specs/1/requirements.md").is_err());
        assert!(read("specs/1/latin.md").is_err_and(|why| why.contains("line 3 has the byte 0xF6")));
        assert!(read("specs/1/large.md").is_err_and(|why| why.contains("4 MiB")));
    }
}
