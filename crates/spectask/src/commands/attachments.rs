//! The images and files of a task: listed, and saved.

use super::client;
use crate::cli::{Attachments, Cli};
use crate::client::encode;
use crate::output::{self, plain};
use anyhow::Context as _;
use protocol::{AttachmentPurpose, TaskAttachment};
use std::io::Write as _;
use std::path::{Path, PathBuf};

pub(crate) async fn run(cli: &Cli, command: &Attachments) -> anyhow::Result<()> {
    let client = client(cli)?;
    let task = client.task_id(&command.task).await?;
    let path = format!("/spec-tasks/{task}/attachments");
    let body = client.get(&path, &[]).await?.body;
    let Some(wanted) = &command.file else {
        if cli.json {
            output::json(&body);
        } else {
            list(&serde_json::from_value::<Vec<TaskAttachment>>(body)?);
        }
        return Ok(());
    };
    let files: Vec<TaskAttachment> = serde_json::from_value(body)?;
    let found = find(&files, wanted)?;
    let content = client.bytes(&format!("{path}/{}", encode(&found.attachment.id)), &[]).await?;
    let target = command.output.clone().unwrap_or_else(|| PathBuf::from(&found.attachment.name));
    if target == Path::new("-") {
        return std::io::stdout().write_all(&content).context("cannot write to standard output");
    }
    let mut file = std::fs::File::create_new(&target)
        .with_context(|| format!("cannot save to {}; name another place with --output", target.display()))?;
    file.write_all(&content).with_context(|| format!("cannot write {}", target.display()))?;
    println!("{}", plain(&target.to_string_lossy()));
    Ok(())
}

fn list(files: &[TaskAttachment]) {
    if files.is_empty() {
        println!(
            "No files: people attach them with --attach, and agents send them in messages and tool calls."
        );
        return;
    }
    let row = |file: &TaskAttachment| {
        let from = match (file.purpose, &file.session_id) {
            (AttachmentPurpose::Prompt, _) => "prompt".to_owned(),
            (AttachmentPurpose::Agent, Some(session)) => format!("agent of {session}"),
            (AttachmentPurpose::Message | AttachmentPurpose::Agent, _) => "message".to_owned(),
        };
        let attachment = &file.attachment;
        vec![
            attachment.id.clone(),
            plain(&attachment.name),
            attachment.media_type.clone(),
            output::size(attachment.size),
            from,
        ]
    };
    output::table(&["ID", "NAME", "TYPE", "SIZE", "FROM"], &files.iter().map(row).collect::<Vec<_>>());
}

/// Returns the file that is meant: by its id or the end of it, or by a name that only one has.
fn find<'f>(files: &'f [TaskAttachment], wanted: &str) -> anyhow::Result<&'f TaskAttachment> {
    if let Some(file) = files.iter().find(|file| file.attachment.id == wanted) {
        return Ok(file);
    }
    let named: Vec<&TaskAttachment> = files
        .iter()
        .filter(|file| {
            file.attachment.name == wanted || (wanted.len() >= 4 && file.attachment.id.ends_with(wanted))
        })
        .collect();
    match named.as_slice() {
        [one] => Ok(one),
        [] => anyhow::bail!(
            "the task has no file {:?}; `spectask attachments` without it lists them",
            plain(wanted)
        ),
        several => anyhow::bail!("{} files are called that; name one by its id", several.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::Attachment;

    #[test]
    fn a_file_is_found_by_its_id_and_by_a_name_of_its_own() {
        let file = |id: &str, name: &str| TaskAttachment {
            attachment: Attachment { id: id.to_owned(), name: name.to_owned(), ..Attachment::default() },
            purpose: AttachmentPurpose::Agent,
            session_id: None,
            created_at: String::new(),
        };
        let files =
            [file("att_00aa", "image.png"), file("att_00bb", "image.png"), file("att_00cc", "log.txt")];
        let found = |wanted: &str| {
            find(&files, wanted).map(|file| file.attachment.id.clone()).map_err(|error| error.to_string())
        };
        assert_eq!(found("att_00aa").as_deref(), Ok("att_00aa"));
        assert_eq!(found("00bb").as_deref(), Ok("att_00bb"));
        assert_eq!(found("log.txt").as_deref(), Ok("att_00cc"));
        assert!(found("image.png").expect_err("two").contains("2 files"));
        assert!(found("other").expect_err("none").contains("no file"));
    }
}
