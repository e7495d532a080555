//! Permission requests, which go to the editor as well as to the page: the first answer counts.

use super::server::Server;
use super::translate::tool_content;
use super::wire::Wire;
use parking_lot::Mutex;
use protocol::log::{PermissionChoice, PermissionResolved};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;

/// The permission requests of a session that the editor is asked. Cheap to clone.
#[derive(Clone)]
pub(super) struct Permissions(Arc<Inner>);

struct Inner {
    session: String,
    server: Server,
    wire: Wire,
    open: Mutex<HashMap<String, Asked>>,
}

/// A request that waits for the editor's answer.
#[derive(Clone, Debug, Default)]
struct Asked {
    /// The number of the request to the editor, once it is sent.
    number: Option<u64>,
    tool_call: String,
}

impl Permissions {
    pub(super) fn new(session: &str, server: Server, wire: Wire) -> Self {
        Self(Arc::new(Inner { session: session.to_owned(), server, wire, open: Mutex::default() }))
    }

    /// Asks the editor, and hands its answer to the server.
    pub(super) fn ask(&self, id: &str, tool_call: Option<&Value>, options: &[PermissionChoice]) {
        let mut call = tool_call.filter(|call| call.is_object()).cloned().unwrap_or_else(|| json!({}));
        if !call["toolCallId"].is_string() {
            call["toolCallId"] = format!("permission-{id}").into();
        }
        if let Some(content) = call["content"].as_array() {
            call["content"] = tool_content(content, None).into();
        }
        let asked =
            Asked { number: None, tool_call: call["toolCallId"].as_str().unwrap_or_default().to_owned() };
        let mut open = self.0.open.lock();
        if open.contains_key(id) {
            return;
        }
        open.insert(id.to_owned(), asked);
        drop(open);
        let options: Vec<Value> = options
            .iter()
            .map(|option| json!({ "optionId": option.option_id, "name": option.name, "kind": option.kind }))
            .collect();
        let params = json!({ "sessionId": self.0.session, "toolCall": call, "options": options });
        let (this, id) = (self.clone(), id.to_owned());
        tokio::spawn(async move { this.wait_for_answer(&id, params).await });
    }

    async fn wait_for_answer(&self, id: &str, params: Value) {
        let (number, answer) = self.0.wire.request("session/request_permission", params).await;
        match self.0.open.lock().get_mut(id) {
            Some(asked) => asked.number = Some(number),
            // It was answered before the editor was asked.
            None => return self.withdraw_later(number),
        }
        let Ok(answer) = answer.await else { return };
        if self.0.open.lock().remove(id).is_none() {
            return;
        }
        // A dialog that was closed leaves the request to the page.
        let Some(option) = answer["outcome"]["optionId"].as_str() else { return };
        let path = format!("/permissions/{id}");
        if let Err(error) = self.0.server.post(&path, &json!({ "option_id": option })).await {
            tracing::info!(error = error.message, "an answer of the editor was not taken");
        }
    }

    fn withdraw_later(&self, number: u64) {
        let wire = self.0.wire.clone();
        tokio::spawn(async move { wire.withdraw(number).await });
    }

    /// Takes the request back from the editor: it was answered on the page, or its turn has ended.
    pub(super) async fn resolve(&self, answer: &PermissionResolved) {
        let Some(asked) = self.0.open.lock().remove(&answer.request_id) else { return };
        let Some(number) = asked.number else { return };
        self.0.wire.withdraw(number).await;
        // Editors that do not know the withdrawal close the dialog with the call's next status.
        let status = if answer.outcome.text() == "selected" { "in_progress" } else { "failed" };
        let update = json!({
            "sessionUpdate": "tool_call_update", "toolCallId": asked.tool_call, "status": status,
        });
        self.0.wire.update(&self.0.session, update).await;
    }

    /// Asks the editor what waits for an answer already.
    pub(super) async fn ask_open(&self) {
        let query = [("limit", "500".to_owned())];
        let Ok(found) = self.0.server.get("/permissions", &query).await else { return };
        let all = found.body.as_array().cloned().unwrap_or_default();
        for request in all.iter().filter(|request| request["work_session_id"] == self.0.session.as_str()) {
            let options = serde_json::from_value::<Vec<PermissionChoice>>(request["options"].clone());
            let id = request["id"].as_str().unwrap_or_default();
            self.ask(id, Some(&request["tool_call"]), &options.unwrap_or_default());
        }
    }
}
