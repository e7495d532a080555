//! Questions of agents: answered by the project's policy or by a person, withdrawn when the turn ends.

use crate::clock::now;
use crate::recorder::Recorder;
use agent::{PermissionAnswer, PermissionOption, Process};
use parking_lot::{Mutex, MutexGuard};
use protocol::Optional;
use protocol::log::{PermissionChoice, PermissionRequested, PermissionResolved};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use store::{Store, StoreError};
use workflow::timeline::permission_waits;
use workflow::{Millis, SessionId, TurnId};

/// How long a person has to answer; after that the answer is no.
const DEADLINE: Duration = Duration::from_secs(900);

/// Who answers the questions of a project's agents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// Yes, once, to whatever the agent asks in its own worktree.
    #[default]
    Allow,
    /// A person.
    Ask,
    /// No, to everything.
    ReadOnly,
}

fn deadline(asked_at: Millis) -> Millis {
    asked_at.plus(i64::try_from(DEADLINE.as_millis()).unwrap_or(i64::MAX))
}

/// The open questions of this server.
#[derive(Clone, Default)]
pub(crate) struct Permissions(Arc<Mutex<HashMap<String, Open>>>);

struct Open {
    session: SessionId,
    recorder: Recorder,
    process: Process,
    request: u64,
    options: Vec<PermissionOption>,
    tool_call: Value,
    asked_at: Millis,
    /// Whether a person is to answer.
    by_person: bool,
}

impl Open {
    /// Adds an answer to the session's log.
    async fn record_answer(&self, id: &str, answer: PermissionResolved) {
        self.recorder.record(resolved(id, self.by_person, answer)).await;
    }
}

/// The log entry of an answer.
fn resolved(id: &str, by_person: bool, answer: PermissionResolved) -> PermissionResolved {
    PermissionResolved { request_id: id.to_owned(), for_person: Optional::Value(by_person), ..answer }
}

/// The answer to a request that is withdrawn.
fn cancelled() -> PermissionResolved {
    PermissionResolved { outcome: "cancelled".into(), ..PermissionResolved::default() }
}

fn choice(option: &PermissionOption) -> PermissionChoice {
    PermissionChoice {
        option_id: option.id.clone(),
        name: option.name.clone(),
        kind: option.kind.clone(),
        ..PermissionChoice::default()
    }
}

/// A question that waits for a person.
pub struct OpenQuestion {
    pub id: String,
    pub session: SessionId,
    pub tool_call: Value,
    pub options: Vec<PermissionOption>,
    pub asked_at: Millis,
    pub deadline: Millis,
}

/// What an agent asks, and whose policy answers.
pub(crate) struct Question {
    pub(crate) session: SessionId,
    pub(crate) turn: Option<TurnId>,
    pub(crate) recorder: Recorder,
    pub(crate) process: Process,
    pub(crate) request: u64,
    pub(crate) tool_call: Value,
    pub(crate) options: Vec<PermissionOption>,
    pub(crate) policy: Policy,
}

/// Why an answer was not taken.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    #[error("the question is not open: it was answered, or its turn has ended")]
    NotOpen,
    #[error("the question has no option {0:?}; it has {1}")]
    NoSuchOption(String, String),
}

impl Permissions {
    /// Answers by the project's policy, or leaves the question to a person until a deadline.
    pub(crate) async fn asked(&self, question: Question) {
        let Question { session, turn, recorder, process, request, tool_call, options, policy } = question;
        let id = format!("{}-{request}", process.identity().pid);
        let asked_at = now();
        let by_person = policy == Policy::Ask;
        recorder
            .record(PermissionRequested {
                request_id: id.clone(),
                turn_id: turn.map(|turn| turn.to_string()).into(),
                title: tool_call["title"].as_str().map(str::to_owned).into(),
                tool_call: Optional::Value(tool_call.clone()),
                options: Optional::Value(options.iter().map(choice).collect()),
                deadline: crate::wire::rfc3339(deadline(asked_at)).into(),
                for_person: Optional::Value(by_person),
                ..PermissionRequested::default()
            })
            .await;
        let open = Open { session, recorder, process, request, options, tool_call, asked_at, by_person };
        self.open().insert(id.clone(), open);
        match policy {
            Policy::Allow => self.settle(&id, "allow", "the project's policy allows it").await,
            Policy::ReadOnly => self.settle(&id, "reject", "the project's policy is read only").await,
            Policy::Ask => {
                let this = self.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(DEADLINE).await;
                    this.settle(&id, "reject", "no answer within 15 minutes").await;
                });
            }
        }
    }

    /// The questions that wait for a person, the oldest first.
    pub(crate) fn waiting(&self) -> Vec<OpenQuestion> {
        let mut all: Vec<OpenQuestion> = self
            .open()
            .iter()
            .filter(|(_, open)| open.by_person)
            .map(|(id, open)| OpenQuestion {
                id: id.clone(),
                session: open.session.clone(),
                tool_call: open.tool_call.clone(),
                options: open.options.clone(),
                asked_at: open.asked_at,
                deadline: deadline(open.asked_at),
            })
            .collect();
        all.sort_by_key(|question| question.asked_at);
        all
    }

    /// Takes a person's answer.
    pub(crate) async fn answer(
        &self,
        session: &SessionId,
        id: &str,
        option: &str,
        by: &str,
    ) -> Result<(), AnswerError> {
        let open = {
            let mut all = self.open();
            let Some(open) = all.get(id).filter(|open| open.session == *session) else {
                return Err(AnswerError::NotOpen);
            };
            if !open.options.iter().any(|known| known.id == option) {
                let known: Vec<&str> = open.options.iter().map(|known| known.id.as_str()).collect();
                return Err(AnswerError::NoSuchOption(option.to_owned(), known.join(", ")));
            }
            all.remove(id).ok_or(AnswerError::NotOpen)?
        };
        open.process.answer_permission(open.request, &PermissionAnswer::Selected(option.to_owned()));
        let answer = PermissionResolved {
            outcome: "selected".into(),
            option_id: option.into(),
            by: by.into(),
            ..PermissionResolved::default()
        };
        open.record_answer(id, answer).await;
        // Watchers that are notified of the answer look it up in the log.
        open.recorder.flush().await;
        Ok(())
    }

    /// Withdraws every question of a session.
    pub(crate) async fn withdraw(&self, session: &SessionId) {
        let ids: Vec<String> = self
            .open()
            .iter()
            .filter(|(_, open)| open.session == *session)
            .map(|(id, _)| id.clone())
            .collect();
        for id in ids {
            let Some(open) = self.open().remove(&id) else { continue };
            open.process.answer_permission(open.request, &PermissionAnswer::Cancelled);
            open.record_answer(&id, cancelled()).await;
        }
    }

    /// The agent took its question back.
    pub(crate) async fn taken_back(&self, process: &Process, request: u64) {
        let id = format!("{}-{request}", process.identity().pid);
        let Some(open) = self.open().remove(&id) else { return };
        open.record_answer(&id, cancelled()).await;
    }

    /// Ends the requests of a session's log that no agent waits for: the server that asked for an answer has ended.
    pub(crate) async fn resolve_lost(
        &self,
        store: &Store,
        session: &SessionId,
        recorder: &Recorder,
    ) -> Result<(), StoreError> {
        let rows = store.read_permission_requests(session).await?;
        let waits = permission_waits(rows.iter().map(|row| (row.at, &row.entry)));
        for wait in waits.into_iter().filter(|wait| wait.until.is_none()) {
            if !self.open().contains_key(&wait.request) {
                recorder.record(resolved(&wait.request, true, cancelled())).await;
            }
        }
        Ok(())
    }

    /// Whether a question of a session waits for a person.
    pub(crate) fn asks_person(&self, session: &SessionId) -> bool {
        self.open().values().any(|open| open.by_person && open.session == *session)
    }

    /// Whether a session has an open question.
    pub(crate) fn is_asked(&self, session: &SessionId) -> bool {
        self.open().values().any(|open| open.session == *session)
    }

    /// Answers with the first option of a kind (`allow…` or `reject…`; option ids are the agent's own). Once is enough: what an
    /// agent is to do always it writes into its settings, which may be in the worktree.
    async fn settle(&self, id: &str, kind: &str, why: &str) {
        let Some(open) = self.open().remove(id) else { return };
        let once = format!("{kind}_once");
        let fitting = |option: &&PermissionOption| option.kind.starts_with(kind);
        let option = open.options.iter().find(|option| option.kind == once);
        let option = option.or_else(|| open.options.iter().find(fitting)).map(|option| option.id.clone());
        let answer = option.clone().map_or(PermissionAnswer::Cancelled, PermissionAnswer::Selected);
        open.process.answer_permission(open.request, &answer);
        let outcome = if option.is_some() { "selected" } else { "cancelled" };
        let answer = PermissionResolved {
            outcome: outcome.into(),
            option_id: option.into(),
            reason: why.into(),
            ..PermissionResolved::default()
        };
        open.record_answer(id, answer).await;
    }

    fn open(&self) -> MutexGuard<'_, HashMap<String, Open>> {
        self.0.lock()
    }
}
