//! The permission requests an agent waits for.

use crate::{AgentEvent, PermissionAnswer, PermissionOption};
use agent_client_protocol::Responder;
use parking_lot::{Mutex, MutexGuard};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

/// The open requests of one process. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Permissions {
    events: mpsc::Sender<AgentEvent>,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    last_id: u64,
    open: HashMap<u64, Open>,
}

struct Open {
    session: String,
    responder: Responder<Value>,
    watcher: Option<AbortHandle>,
}

impl Permissions {
    pub(crate) fn new(events: mpsc::Sender<AgentEvent>) -> Permissions {
        Permissions { events, state: Arc::default() }
    }

    /// Takes a request in and passes it on. It does not wait: it is called in the protocol's dispatch loop.
    pub(crate) fn open(&self, params: &Value, responder: Responder<Value>) {
        let session = params["sessionId"].as_str().unwrap_or_default().to_owned();
        let options: Vec<_> = params["options"].as_array().into_iter().flatten().filter_map(option).collect();
        let tool_call = params["toolCall"].clone();
        let cancellation = responder.cancellation();
        let mut state = self.lock();
        state.last_id += 1;
        let request_id = state.last_id;
        state.open.insert(request_id, Open { session: session.clone(), responder, watcher: None });
        let this = self.clone();
        let watcher = tokio::spawn(async move {
            let event = AgentEvent::Permission { session, request_id, tool_call, options };
            let _ = this.events.send(event).await;
            cancellation.cancelled().await;
            this.withdraw_where(|id, _| id == request_id);
        });
        if let Some(open) = state.open.get_mut(&request_id) {
            open.watcher = Some(watcher.abort_handle());
        }
    }

    /// Answers a request; one that is not open any more is left alone.
    pub(crate) fn answer(&self, request_id: u64, answer: &PermissionAnswer) {
        let open = self.lock().open.remove(&request_id);
        if let Some(open) = open {
            open.answer(answer);
        }
    }

    /// Answers what a session has open with "cancelled", and says so.
    pub(crate) fn withdraw(&self, session: &str) {
        self.withdraw_where(|_, open| open.session == session);
    }

    /// Forgets everything, at the end of the process.
    pub(crate) async fn withdraw_all(&self) {
        for event in self.take(|_, _| true) {
            let _ = self.events.send(event).await;
        }
    }

    fn withdraw_where(&self, is_void: impl Fn(u64, &Open) -> bool) {
        for event in self.take(is_void) {
            // A task of its own: the caller may be the one who has to make room in the channel.
            let events = self.events.clone();
            tokio::spawn(async move { events.send(event).await });
        }
    }

    fn take(&self, is_void: impl Fn(u64, &Open) -> bool) -> Vec<AgentEvent> {
        let void: Vec<_> = self.lock().open.extract_if(|id, open| is_void(*id, open)).collect();
        void.into_iter()
            .map(|(request_id, open)| {
                let session = open.session.clone();
                open.answer(&PermissionAnswer::Cancelled);
                AgentEvent::PermissionWithdrawn { session, request_id }
            })
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }
}

impl Open {
    fn answer(self, answer: &PermissionAnswer) {
        let outcome = match answer {
            PermissionAnswer::Selected(option) => json!({"outcome": "selected", "optionId": option}),
            PermissionAnswer::Cancelled => json!({"outcome": "cancelled"}),
        };
        // An agent that is gone needs no answer.
        let _ = self.responder.respond(json!({"outcome": outcome}));
        if let Some(watcher) = self.watcher {
            watcher.abort();
        }
    }
}

fn option(option: &Value) -> Option<PermissionOption> {
    let id = option["optionId"].as_str()?.to_owned();
    let name = option["name"].as_str().unwrap_or(&id).to_owned();
    let kind = option["kind"].as_str().unwrap_or_default().to_owned();
    Some(PermissionOption { id, name, kind })
}
