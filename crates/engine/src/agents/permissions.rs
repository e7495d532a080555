//! Permission requests of agents: answered by the project's policy or by a person, withdrawn when the turn ends.

use crate::agents::instances::LiveSession;
use crate::clock::now;
use crate::notifications::inbox::OpenQuestion;
use crate::notifications::inbox::PermissionChange;
use crate::settings::permission_policy::Policy;
use agent::{PermissionAnswer, PermissionOption, Process};
use protocol::Optional;
use protocol::log::{PermissionChoice, PermissionRequested, PermissionResolved};
use protocol::words::InboxEvent;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;
use store::{PermissionGrant, Store, StoreError};
use workflow::timeline::permission_waits;
use workflow::{Millis, SessionId, TurnId};

/// How long a person has to answer; after that the answer is no.
const DEADLINE: Duration = Duration::from_secs(900);

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

/// Returns the log entry of an answer.
fn resolved(id: &str, by_person: bool, answer: PermissionResolved) -> PermissionResolved {
    PermissionResolved { request_id: id.to_owned(), for_person: Optional::Value(by_person), ..answer }
}

/// Returns the answer to a request that is withdrawn.
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

/// The request of an agent, and whose policy answers it.
pub(crate) struct Question {
    pub(crate) turn: Option<TurnId>,
    pub(crate) process: Process,
    /// The request's number in its process.
    pub(crate) number: u64,
    pub(crate) tool_call: Value,
    pub(crate) options: Vec<PermissionOption>,
    pub(crate) policy: Policy,
    /// The permission of a person that answers it.
    pub(crate) grant: Option<PermissionGrant>,
}

/// A person's answer to a permission request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// An option of the request, by its id.
    Option(String),
    /// The first option that allows it, for this once where the agent offers that.
    Allow,
    /// The first option that rejects it, for this once where the agent offers that.
    Deny,
}

impl Answer {
    fn option<'o>(&self, options: &'o [PermissionOption]) -> Option<&'o PermissionOption> {
        match self {
            Self::Option(id) => options.iter().find(|option| option.id == *id),
            Self::Allow => option_of_kind(options, "allow"),
            Self::Deny => option_of_kind(options, "reject"),
        }
    }
}

/// Returns the first option of a kind (`allow…` or `reject…`; option ids are the agent's own). Once is enough: what an agent
/// is to do always it writes into its settings, which may be in the worktree.
fn option_of_kind<'o>(options: &'o [PermissionOption], kind: &str) -> Option<&'o PermissionOption> {
    let once = format!("{kind}_once");
    let exact = options.iter().find(|option| option.kind == once);
    exact.or_else(|| options.iter().find(|option| option.kind.starts_with(kind)))
}

/// Returns a key that equal requests share: the same tool with the same input, to the letter. Only a description of the input,
/// which changes nothing, is left out.
pub fn request_key(tool_call: &Value) -> String {
    let subject = match &tool_call["rawInput"] {
        Value::Null => json!([tool_call["title"], tool_call["locations"], tool_call["content"]]),
        input => {
            let mut input = sorted(input);
            if let Some(fields) = input.as_object_mut() {
                fields.shift_remove("description");
            }
            json!([input, tool_call["locations"]])
        }
    };
    hex::encode(Sha256::digest(json!([tool_call["kind"], subject]).to_string()))
}

/// Returns JSON whose members are in one order, whatever the order was in which the agent sent them.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let ordered: BTreeMap<&String, Value> =
                fields.iter().map(|(name, value)| (name, sorted(value))).collect();
            json!(ordered)
        }
        Value::Array(values) => values.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

/// Why an answer was not taken.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    #[error("the question is not open: it was answered, or its turn has ended")]
    NotOpen,
    #[error("the question has no option {0:?}; it has {1}")]
    NoSuchOption(String, String),
    #[error("the permission could not be kept")]
    Store(#[from] StoreError),
}

impl LiveSession {
    /// Answers by the project's policy, or leaves the question to a person until a deadline.
    pub(crate) async fn ask_permission(self: &Arc<Self>, question: Question) {
        let Question { turn, process, number, tool_call, options, policy, grant } = question;
        let id = request_id(&process, number);
        let asked_at = now();
        let by_person = policy == Policy::Ask && grant.is_none();
        self.recorder
            .record(PermissionRequested {
                request_id: id.clone(),
                turn_id: turn.map(|turn| turn.to_string()).into(),
                title: tool_call["title"].as_str().map(str::to_owned).into(),
                tool_call: Optional::Value(tool_call.clone()),
                options: Optional::Value(options.iter().map(choice).collect()),
                deadline: crate::clock::rfc3339(deadline(asked_at)).into(),
                for_person: Optional::Value(by_person),
                ..PermissionRequested::default()
            })
            .await;
        let open = OpenRequest { process, number, options, tool_call, asked_at, by_person };
        if by_person {
            self.announce(open.question(&id, &self.id), InboxEvent::Added).await;
        }
        self.requests(|requests| requests.insert(id.clone(), open));
        if let Some(grant) = grant {
            let why = format!("{} allowed it for the task", grant.by);
            self.settle(&id, "allow", &why).await;
            return;
        }
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

    /// Returns the questions that wait for a person.
    pub(crate) fn open_questions(&self) -> Vec<OpenQuestion> {
        let question = |(id, open): (&String, &OpenRequest)| open.question(id, &self.id);
        self.requests(|requests| requests.iter().filter(|(_, open)| open.by_person).map(question).collect())
    }

    /// Takes a person's answer.
    pub(crate) async fn answer_permission(
        &self,
        id: &str,
        answer: &Answer,
        by: &str,
    ) -> Result<String, AnswerError> {
        let (open, option) = self.requests(|requests| {
            let open = requests.get(id).ok_or(AnswerError::NotOpen)?;
            let Some(option) = answer.option(&open.options) else {
                let known: Vec<&str> = open.options.iter().map(|known| known.id.as_str()).collect();
                let asked = match answer {
                    Answer::Option(id) => id,
                    Answer::Allow => "allow",
                    Answer::Deny => "deny",
                };
                return Err(AnswerError::NoSuchOption(asked.to_owned(), known.join(", ")));
            };
            let option = option.id.clone();
            Ok((requests.remove(id).ok_or(AnswerError::NotOpen)?, option))
        })?;
        open.process.answer_permission(open.number, &PermissionAnswer::Selected(option.clone()));
        let answer = PermissionResolved {
            outcome: "selected".into(),
            option_id: option.as_str().into(),
            by: by.into(),
            ..PermissionResolved::default()
        };
        self.record_answer(id, &open, answer).await;
        // Watchers that are notified of the answer look it up in the log.
        self.recorder.flush().await;
        Ok(option)
    }

    /// Withdraws every request.
    pub(crate) async fn withdraw_permissions(&self) {
        for (id, open) in self.requests(std::mem::take) {
            open.process.answer_permission(open.number, &PermissionAnswer::Cancelled);
            self.record_answer(&id, &open, cancelled()).await;
        }
    }

    /// Ends a request that the agent withdrew.
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
                let lost = OpenQuestion {
                    id: wait.request,
                    session: self.id.clone(),
                    tool_call: Value::Null,
                    options: Vec::new(),
                    asked_at: wait.from,
                    deadline: deadline(wait.from),
                };
                self.announce(lost, InboxEvent::Resolved).await;
            }
        }
        Ok(())
    }

    /// Returns whether the agent waits for a person's answer.
    pub(crate) fn asks_person(&self) -> bool {
        self.requests(|requests| requests.values().any(|open| open.by_person))
    }

    /// Returns whether the agent waits for an answer.
    pub(crate) fn asks(&self) -> bool {
        self.requests(|requests| !requests.is_empty())
    }

    /// Answers with the first option of a kind.
    async fn settle(&self, id: &str, kind: &str, why: &str) {
        let Some(open) = self.requests(|requests| requests.remove(id)) else { return };
        let option = option_of_kind(&open.options, kind).map(|option| option.id.clone());
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
        if open.by_person {
            self.announce(open.question(id, &self.id), InboxEvent::Resolved).await;
        }
    }

    /// Announces a request or its answer to the inbox, if the server follows the announcements.
    async fn announce(&self, question: OpenQuestion, event: InboxEvent) {
        let _ = self.permission_changes.send(PermissionChange { question, event }).await;
    }
}

impl OpenRequest {
    fn question(&self, id: &str, session: &SessionId) -> OpenQuestion {
        OpenQuestion {
            id: id.to_owned(),
            session: session.clone(),
            tool_call: self.tool_call.clone(),
            options: self.options.clone(),
            asked_at: self.asked_at,
            deadline: deadline(self.asked_at),
        }
    }
}

/// Returns the id under which a request is shown and answered.
fn request_id(process: &Process, number: u64) -> String {
    format!("{}-{number}", process.identity().pid)
}

#[cfg(test)]
mod tests {
    use super::request_key;
    use serde_json::json;

    #[test]
    fn only_equal_requests_share_a_permission() {
        let key = |command: &str| {
            request_key(
                &json!({ "toolCallId": "1", "kind": "execute", "title": command, "rawInput": { "command": command } }),
            )
        };
        assert_eq!(key("npm test"), key("npm test"));
        assert_ne!(key("npm test"), key("npm test; rm -rf ."));
        let described = json!({
            "toolCallId": "2", "kind": "execute", "rawInput": { "description": "Runs the tests", "command": "npm test" },
        });
        assert_eq!(request_key(&described), key("npm test"), "a description changes nothing");
        let unconfined =
            json!({ "kind": "execute", "rawInput": { "command": "npm test", "sandbox": false } });
        assert_ne!(request_key(&unconfined), key("npm test"), "how it is run counts, too");
        let edit = |path: &str, text: &str| {
            request_key(&json!({ "kind": "edit", "rawInput": { "path": path, "text": text } }))
        };
        assert_eq!(
            edit("a", "b"),
            request_key(&json!({ "kind": "edit", "rawInput": { "text": "b", "path": "a" } }))
        );
        assert_ne!(edit("a", "b"), edit("b", "b"));
        let untold = |title: &str| request_key(&json!({ "kind": "fetch", "title": title }));
        assert_ne!(untold("https://example.org"), untold("https://example.com"));
    }
}
