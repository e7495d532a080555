//! Bodies and queries, with errors that name the field.

use super::problem::{FieldError, Problem};
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use serde::de::DeserializeOwned;

/// How large a JSON body may be, in bytes.
pub(crate) const BODY_LIMIT: usize = 2 * 1024 * 1024;

/// A JSON body.
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request<Body>, _state: &S) -> Result<Self, Problem> {
        let kind = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let media = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let is_json =
            media == "application/json" || (media.starts_with("application/") && media.ends_with("+json"));
        let bytes = read(request).await?;
        if !is_json && !bytes.is_empty() {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "Send the body as JSON, with the header `Content-Type: application/json`.",
            ));
        }
        parse(&bytes).map(Self)
    }
}

/// Reads a body within the limit.
pub(crate) async fn read(request: Request<Body>) -> Result<Bytes, Problem> {
    to_bytes(request.into_body(), BODY_LIMIT).await.map_err(|_| {
        Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_large",
            format!(
                "The body is larger than {} MiB, the most a request may carry.",
                BODY_LIMIT / 1024 / 1024
            ),
        )
    })
}

/// Parses JSON: malformed is 400, a field of a wrong type or value is 422 and named.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // An absent body is an empty object: everything in it may be optional.
    let bytes: &[u8] = if bytes.is_empty() { b"{}" } else { bytes };
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let malformed = |error: &serde_json::Error| {
        Problem::new(StatusCode::BAD_REQUEST, "malformed_json", format!("The body is not JSON: {error}."))
    };
    let parsed = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        if inner.is_data() { bad_field(&path, &inner.to_string()) } else { malformed(&inner) }
    })?;
    json.end().map_err(|error| malformed(&error))?;
    Ok(parsed)
}

/// A query string.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        let pairs = serde_html_form::Deserializer::from_bytes(query.as_bytes());
        serde_path_to_error::deserialize(pairs).map(Self).map_err(|error| {
            let path = error.path().to_string();
            bad_field(&path, &error.into_inner().to_string())
        })
    }
}

fn bad_field(path: &str, message: &str) -> Problem {
    // serde names a missing field in the message only.
    let missing = message.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
    let message = message.split(" at line ").next().unwrap_or(message);
    let (field, message) = match missing {
        Some(field) if path == "." => (field.to_owned(), "is required".to_owned()),
        Some(field) => (format!("{path}.{field}"), "is required".to_owned()),
        None if path == "." => ("body".to_owned(), message.to_owned()),
        None => (path.to_owned(), message.to_owned()),
    };
    let mut problem = Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "invalid",
        format!("The field {field} is wrong: {message}."),
    );
    problem.errors.push(FieldError { field, message });
    problem
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use workflow::Priority;

    #[derive(Debug, Deserialize)]
    struct Body {
        #[expect(dead_code, reason = "only its absence matters")]
        prompt: String,
        #[serde(default)]
        #[expect(dead_code, reason = "only its type matters")]
        priority: Option<Priority>,
    }

    #[test]
    fn what_is_wrong_is_named() {
        let problem = |text: &str| parse::<Body>(text.as_bytes()).expect_err("it is wrong");
        assert_eq!(problem("{").code, "malformed_json");
        assert_eq!(problem("").errors[0].field, "prompt");
        assert_eq!(problem(r#"{"prompt": 3}"#).errors[0].field, "prompt");
        let priority = problem(r#"{"prompt": "x", "priority": "urgent"}"#);
        assert_eq!(priority.status, 422);
        assert_eq!(priority.errors[0].field, "priority");
        assert!(priority.errors[0].message.contains("`critical`"), "{}", priority.errors[0].message);
        assert_eq!(problem(r#"{"prompt": "x"} trailing"#).code, "malformed_json");
    }
}
