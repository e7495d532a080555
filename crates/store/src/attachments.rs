//! Images and files that people attached to tasks and messages, and that agents sent, with their content.

use crate::connection::Row;
use crate::sql::{self, execute, number, row, rows, text, unsigned};
use crate::{Store, StoreError};
use protocol::Attachment;
use workflow::records::attachments::AttachmentRecord;
use workflow::{Millis, SessionId, TaskId};

/// A file of a task, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachmentRow {
    pub task: TaskId,
    pub attachment: Attachment,
    /// The session whose agent sent it; none where a person attached it.
    pub session: Option<SessionId>,
    /// Whether it belongs to the task's prompt, and not to a message.
    pub of_prompt: bool,
    /// The content in Base64: the same in every database.
    pub content: String,
    pub at: Millis,
}

/// What the attachments of a task are without their content.
const SELECT: &str = "SELECT id, name, media_type, size FROM attachments";

impl Store {
    /// Stores an attachment. One with the same id is there already, with the same content.
    pub async fn put_attachment(&self, attached: AttachmentRow) -> Result<(), StoreError> {
        self.write(move |on| {
            Box::pin(async move {
                let table = "attachments (task, id, name, media_type, size, session, of_prompt, content, created_at)";
                let AttachmentRow { task, attachment, session, of_prompt, content, at } = attached;
                let Attachment { id, name, media_type, size } = attachment;
                let values = vec![
                    task.as_str().into(),
                    id.as_str().into(),
                    name.into(),
                    media_type.into(),
                    sql::signed(size),
                    session.map(|session| session.to_string()).into(),
                    i64::from(of_prompt).into(),
                    content.into(),
                    at.0.into(),
                ];
                sql::insert(on, table, vec![values], "ON CONFLICT (task, id) DO NOTHING").await?;
                if of_prompt {
                    let sql = "UPDATE attachments SET of_prompt = 1, recorded = 0 WHERE task = ? AND id = ? AND of_prompt = 0";
                    execute(on, sql, vec![task.as_str().into(), id.into()]).await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// Returns the attachments of a task, the oldest first; those of its prompt only, if asked.
    pub async fn attachments(&self, task: &TaskId, of_prompt: bool) -> Result<Vec<Attachment>, StoreError> {
        let only = if of_prompt { " AND of_prompt = 1" } else { "" };
        let sql = format!("{SELECT} WHERE task = ?{only} ORDER BY created_at, id");
        rows(&self.readers, &sql, vec![task.as_str().into()]).await?.iter().map(attachment).collect()
    }

    /// Returns an attachment of a task with its content in Base64; the content is empty where only the record in git has it.
    pub async fn attachment(
        &self,
        task: &TaskId,
        id: &str,
    ) -> Result<Option<(Attachment, String)>, StoreError> {
        let sql = "SELECT id, name, media_type, size, content FROM attachments WHERE task = ? AND id = ?";
        let found = row(&self.readers, sql, vec![task.as_str().into(), id.into()]).await?;
        found.as_ref().map(|found| Ok((attachment(found)?, text(found, "content")?))).transpose()
    }

    /// Returns the attachments of a task whose contents are in the database.
    pub async fn attachments_with_content(&self, task: &TaskId) -> Result<Vec<Attachment>, StoreError> {
        let sql = format!("{SELECT} WHERE task = ? AND content <> '' ORDER BY created_at, id");
        rows(&self.readers, &sql, vec![task.as_str().into()]).await?.iter().map(attachment).collect()
    }

    /// Removes the content of an attachment, which the record in git has.
    pub async fn remove_attachment_content(&self, task: &TaskId, id: &str) -> Result<(), StoreError> {
        let values = vec![task.as_str().into(), id.into()];
        self.write(move |on| {
            Box::pin(async move {
                let sql = "UPDATE attachments SET content = '' WHERE task = ? AND id = ? AND recorded = 1";
                execute(on, sql, values).await.map(|_| ())
            })
        })
        .await
    }

    /// Returns what the record has of a task's attachments, the oldest first.
    pub async fn attachment_records(&self, task: &TaskId) -> Result<Vec<AttachmentRecord>, StoreError> {
        let sql = "SELECT id, name, media_type, size, session, of_prompt, created_at FROM attachments WHERE task = ? \
                   ORDER BY created_at, id";
        let found = rows(&self.readers, sql, vec![task.as_str().into()]).await?;
        found
            .iter()
            .map(|row| {
                Ok(AttachmentRecord {
                    attachment: attachment(row)?,
                    session: row.get::<Option<String>>("session")?.map(SessionId::from),
                    of_prompt: number(row, "of_prompt")? != 0,
                    at: Millis(number(row, "created_at")?),
                })
            })
            .collect()
    }

    /// Returns how many files the agents of a task sent, and their size in bytes.
    pub async fn sent_files(&self, task: &TaskId) -> Result<(u64, u64), StoreError> {
        let sql = "SELECT COUNT(*) AS files, CAST(COALESCE(SUM(size), 0) AS BIGINT) AS bytes FROM attachments \
                   WHERE task = ? AND session IS NOT NULL";
        let found = row(&self.readers, sql, vec![task.as_str().into()]).await?;
        found.as_ref().map_or(Ok((0, 0)), |found| Ok((unsigned(found, "files")?, unsigned(found, "bytes")?)))
    }

    /// Returns how many files people attached to a task.
    pub async fn count_attachments(&self, task: &TaskId) -> Result<i64, StoreError> {
        let sql = "SELECT COUNT(*) AS found FROM attachments WHERE task = ? AND session IS NULL";
        let found = row(&self.readers, sql, vec![task.as_str().into()]).await?;
        found.as_ref().map_or(Ok(0), |found| number(found, "found"))
    }
}

fn attachment(row: &Row) -> Result<Attachment, StoreError> {
    Ok(Attachment {
        id: text(row, "id")?,
        name: text(row, "name")?,
        media_type: text(row, "media_type")?,
        size: unsigned(row, "size")?,
    })
}
