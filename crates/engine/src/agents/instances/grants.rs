//! Permissions that a person gives for the rest of a task: the server answers equal requests with them.

use super::Instances;
use crate::agents::permissions::{Answer, AnswerError, request_key};
use crate::clock::now;
use crate::notifications::inbox::OpenQuestion;
use serde_json::{Value, json};
use store::{AuditEntry, PermissionGrant, StoreError};
use workflow::{SessionId, Task};

/// The value of `way` in audit log entries that the server made because of an earlier decision of a person.
const WAY: &str = "server";

impl Instances {
    /// Allows a request, and equal requests of the task from here on. Those that are open now are answered, too.
    pub async fn allow_for_task(
        &self,
        task: &Task,
        question: &OpenQuestion,
        by: &str,
    ) -> Result<String, AnswerError> {
        let request_key = request_key(&question.tool_call);
        let grant = PermissionGrant {
            id: format!("grant_{}", ulid::Ulid::generate()),
            task: task.id.clone(),
            request_key: request_key.clone(),
            title: title(&question.tool_call),
            by: by.to_owned(),
            at: now(),
            uses: 0,
        };
        self.0.store.put_permission_grant(grant).await?;
        let option = self.answer_permission(&question.session, &question.id, &Answer::Allow, by).await?;
        let equal = self.open_questions().into_iter().filter(|open| {
            task.session(&open.session).is_some() && self::request_key(&open.tool_call) == request_key
        });
        for open in equal {
            match self.answer_permission(&open.session, &open.id, &Answer::Allow, by).await {
                Ok(_) => self.note_use(task, &open.session, &open.tool_call).await?,
                // It was answered meanwhile.
                Err(AnswerError::NotOpen | AnswerError::NoSuchOption(..)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(option)
    }

    /// Returns the permission that answers a request, and notes in the audit log that it does.
    pub(super) async fn grant_for(&self, session: &SessionId, tool_call: &Value) -> Option<PermissionGrant> {
        match self.find_grant(session, tool_call).await {
            Ok(grant) => grant,
            Err(error) => {
                tracing::error!(%error, %session, "could not look for a permission; a person is asked");
                None
            }
        }
    }

    async fn find_grant(
        &self,
        session: &SessionId,
        tool_call: &Value,
    ) -> Result<Option<PermissionGrant>, StoreError> {
        let Some(id) = self.0.store.task_of_session(session).await? else { return Ok(None) };
        let Some(grant) = self.0.store.permission_grant(&id, &request_key(tool_call)).await? else {
            return Ok(None);
        };
        let Some(task) = self.0.store.task(&id).await? else { return Ok(None) };
        self.note_use(&task, session, tool_call).await?;
        Ok(Some(grant))
    }

    async fn note_use(&self, task: &Task, session: &SessionId, tool_call: &Value) -> Result<(), StoreError> {
        let Some(grant) = self.0.store.permission_grant(&task.id, &request_key(tool_call)).await? else {
            return Ok(());
        };
        self.0.store.count_grant_use(&grant.id).await?;
        let data = json!({
            "work_session_id": session, "permission_grant": grant.id, "request": grant.title, "allowed_by": grant.by,
        });
        let entry = AuditEntry {
            at: now(),
            user: task.owner.clone(),
            way: WAY.to_owned(),
            credential: String::new(),
            peer: String::new(),
            action: "answer_permission".to_owned(),
            subject: task.id.to_string(),
            subject_name: task.name.clone(),
            data,
        };
        self.0.store.audit(entry).await
    }
}

/// Returns what a request is about: its command, or else its title.
fn title(tool_call: &Value) -> String {
    let command = tool_call["rawInput"]["command"].as_str();
    let text = command.or(tool_call["title"].as_str()).unwrap_or("A request without a title");
    text.chars().take(MAX_TITLE).collect()
}

/// The longest title that is kept of a request, in characters.
const MAX_TITLE: usize = 500;
