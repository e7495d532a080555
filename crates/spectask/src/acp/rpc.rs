//! Errors of JSON-RPC, as editors show them.

use crate::failure::Failure;
use serde_json::{Value, json};

/// An error that answers a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RpcError {
    pub(super) code: i64,
    /// The error and its remedy, as a sentence.
    pub(super) message: String,
}

impl RpcError {
    pub(super) const PARSE: i64 = -32700;
    pub(super) const INVALID_REQUEST: i64 = -32600;
    pub(super) const NO_METHOD: i64 = -32601;
    pub(super) const INVALID_PARAMS: i64 = -32602;
    pub(super) const INTERNAL: i64 = -32603;
    pub(super) const NOT_FOUND: i64 = -32002;

    pub(super) fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(Self::INVALID_PARAMS, message)
    }

    /// Returns the member `error` of an answer. Some editors show its message, others the details.
    pub(super) fn to_json(&self) -> Value {
        json!({ "code": self.code, "message": self.message, "data": { "details": self.message } })
    }
}

impl From<anyhow::Error> for RpcError {
    fn from(error: anyhow::Error) -> Self {
        let code = match error.downcast_ref::<Failure>() {
            Some(Failure::Refused { status: 404, .. } | Failure::NotFound(_)) => Self::NOT_FOUND,
            Some(Failure::Refused { status: 400..=499, .. }) => Self::INVALID_PARAMS,
            _ => Self::INTERNAL,
        };
        Self::new(code, sentence(&format!("{error:#}")))
    }
}

/// Returns a text that begins with a capital letter and ends with a period.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let mut sentence: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    sentence.push_str(letters.as_str());
    if !sentence.ends_with(['.', '!', '?']) {
        sentence.push('.');
    }
    sentence
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_of_the_server_are_sentences_with_a_code() {
        let refused = |status| Failure::Refused { status, detail: "it is over".to_owned() };
        assert_eq!(RpcError::from(anyhow::Error::from(refused(404))).code, RpcError::NOT_FOUND);
        assert_eq!(RpcError::from(anyhow::Error::from(refused(409))).code, RpcError::INVALID_PARAMS);
        let away = RpcError::from(anyhow::Error::from(Failure::NoServer("no server answers".to_owned())));
        assert_eq!((away.code, away.message.as_str()), (RpcError::INTERNAL, "No server answers."));
        assert_eq!(away.to_json()["data"]["details"], "No server answers.");
    }
}
