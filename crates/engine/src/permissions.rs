//! Permission requests of agents: answered by the project's policy or by a person, withdrawn when the turn ends.

use crate::clock::now;
use crate::instances::LiveSession;
use agent::{PermissionAnswer, PermissionOption, Process};
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
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

/// The permission requests of one session's agent that wait for an answer, by their ids.
pub(crate) type OpenRequests = HashMap<String, OpenRequest>;

/// A permission request that waits for an answer.
pub(crate) struct OpenRequest {
    process: Process,
    /// The request's number in its process.
    number: u64,
    options: Vec<PermissionOption>,
    tool_call: Value,
    asked_at: Millis,
    /// Whether a person is to answer.
    by_person: bool,
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
    pub(crate) turn: Option<TurnId>,
    pub(crate) process: Process,
    /// The request's number in its process.
    pub(crate) number: u64,
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

impl LiveSession {
    /// Answers by the project's policy, or leaves the question to a person until a deadline.
    pub(crate) async fn ask_permission(self: &Arc<Self>, question: Question) {
        let Question { turn, process, number, tool_call, options, policy } = question;
        let id = request_id(&process, number);
        let asked_at = now();
        let by_person = policy == Policy::Ask;
        self.recorder
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
        let open = OpenRequest { process, number, options, tool_call, asked_at, by_person };
        self.requests(|requests| requests.insert(id.clone(), open));
        match policy {
            Policy::Allow => self.settle(&id, "allow", "the project's policy allows it").await,
            Policy::ReadOnly => self.settle(&id, "reject", "the project's policy is read only").await,
            Policy::Ask => {
                let session = Arc::downgrade(self);
                tokio::spawn(async move {
                    tokio::time::sleep(DEADLINE).await;
                    if let Some(session) = session.upgrade() {
                        session.settle(&id, "reject", "no answer within 15 minutes").await;
                    }
                });
            }
        }
    }

    /// The questions that wait for a person.
    pub(crate) fn open_questions(&self) -> Vec<OpenQuestion> {
        let question = |(id, open): (&String, &OpenRequest)| OpenQuestion {
            id: id.clone(),
            session: self.id.clone(),
            tool_call: open.tool_call.clone(),
            options: open.options.clone(),
            asked_at: open.asked_at,
            deadline: deadline(open.asked_at),
        };
        self.requests(|requests| requests.iter().filter(|(_, open)| open.by_person).map(question).collect())
    }

    /// Takes a person's answer.
    pub(crate) async fn answer_permission(
        &self,
        id: &str,
        option: &str,
        by: &str,
    ) -> Result<(), AnswerError> {
        let open = self.requests(|requests| {
            let open = requests.get(id).ok_or(AnswerError::NotOpen)?;
            if !open.options.iter().any(|known| known.id == option) {
                let known: Vec<&str> = open.options.iter().map(|known| known.id.as_str()).collect();
                return Err(AnswerError::NoSuchOption(option.to_owned(), known.join(", ")));
            }
            requests.remove(id).ok_or(AnswerError::NotOpen)
        })?;
        open.process.answer_permission(open.number, &PermissionAnswer::Selected(option.to_owned()));
        let answer = PermissionResolved {
            outcome: "selected".into(),
            option_id: option.into(),
            by: by.into(),
            ..PermissionResolved::default()
        };
        self.record_answer(id, &open, answer).await;
        // Watchers that are notified of the answer look it up in the log.
        self.recorder.flush().await;
        Ok(())
    }

    /// Withdraws every request.
    pub(crate) async fn withdraw_permissions(&self) {
        for (id, open) in self.requests(std::mem::take) {
            open.process.answer_permission(open.number, &PermissionAnswer::Cancelled);
            self.record_answer(&id, &open, cancelled()).await;
        }
    }

    /// The agent took its request back.
    pub(crate) async fn take_back_permission(&self, process: &Process, number: u64) {
        let id = request_id(process, number);
        let Some(open) = self.requests(|requests| requests.remove(&id)) else { return };
        self.record_answer(&id, &open, cancelled()).await;
    }

    /// Ends the requests of the log that no agent waits for: the server that asked for an answer has ended.
    pub(crate) async fn resolve_lost_permissions(&self, store: &Store) -> Result<(), StoreError> {
        let rows = store.read_permission_requests(&self.id).await?;
        let waits = permission_waits(rows.iter().map(|row| (row.at, &row.entry)));
        for wait in waits.into_iter().filter(|wait| wait.until.is_none()) {
            if !self.requests(|requests| requests.contains_key(&wait.request)) {
                self.recorder.record(resolved(&wait.request, true, cancelled())).await;
            }
        }
        Ok(())
    }

    /// Whether the agent waits for a person's answer.
    pub(crate) fn asks_person(&self) -> bool {
        self.requests(|requests| requests.values().any(|open| open.by_person))
    }

    /// Whether the agent waits for an answer.
    pub(crate) fn asks(&self) -> bool {
        self.requests(|requests| !requests.is_empty())
    }

    /// Answers with the first option of a kind (`allow…` or `reject…`; option ids are the agent's own). Once is enough: what an
    /// agent is to do always it writes into its settings, which may be in the worktree.
    async fn settle(&self, id: &str, kind: &str, why: &str) {
        let Some(open) = self.requests(|requests| requests.remove(id)) else { return };
        let once = format!("{kind}_once");
        let fitting = |option: &&PermissionOption| option.kind.starts_with(kind);
        let option = open.options.iter().find(|option| option.kind == once);
        let option = option.or_else(|| open.options.iter().find(fitting)).map(|option| option.id.clone());
        let answer = option.clone().map_or(PermissionAnswer::Cancelled, PermissionAnswer::Selected);
        open.process.answer_permission(open.number, &answer);
        let outcome = if option.is_some() { "selected" } else { "cancelled" };
        let answer = PermissionResolved {
            outcome: outcome.into(),
            option_id: option.into(),
            reason: why.into(),
            ..PermissionResolved::default()
        };
        self.record_answer(id, &open, answer).await;
    }

    async fn record_answer(&self, id: &str, open: &OpenRequest, answer: PermissionResolved) {
        self.recorder.record(resolved(id, open.by_person, answer)).await;
    }
}

/// The id under which a request is shown and answered.
fn request_id(process: &Process, number: u64) -> String {
    format!("{}-{number}", process.identity().pid)
}
