//! Bodies and queries, with errors that name the field.

use crate::request::caller::Caller;
use crate::request::http::BodyTimeout;
use crate::request::problem::{FieldError, Problem};
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, header};
use engine::App;
use engine::settings::redaction;
use futures::StreamExt as _;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// How large a JSON body may be, in bytes.
pub(crate) const BODY_LIMIT: usize = 2 * 1024 * 1024;

/// A JSON body, without the secrets that are in its texts. What the path names comes first: of what is unknown, no body is
/// wrong.
pub(crate) struct JsonBody<T>(pub(crate) T);

/// A JSON body as it was sent, for what needs a secret to work.
pub(crate) struct WholeBody<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<App> for WholeBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request<Body>, app: &App) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let problem = match json(Request::from_parts(parts.clone(), body)).await.and_then(from_json) {
            Ok(body) => return Ok(Self(body)),
            Err(problem) => problem,
        };
        Err(unless_unknown(&mut parts, app, problem).await)
    }
}

impl<T: DeserializeOwned> FromRequest<App> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request<Body>, app: &App) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let problem = match Self::of(Request::from_parts(parts.clone(), body), app).await {
            Ok(body) => return Ok(body),
            Err(problem) => problem,
        };
        Err(unless_unknown(&mut parts, app, problem).await)
    }
}

/// Returns what is wrong with a request, unless its path names what the caller does not have.
async fn unless_unknown(parts: &mut Parts, app: &App, problem: Problem) -> Problem {
    let Ok(caller) = Caller::from_request_parts(parts, app).await else { return problem };
    match caller.named(app, parts.uri.path()).await {
        Ok(()) => problem,
        Err(unknown) => unknown,
    }
}

impl<T: DeserializeOwned> JsonBody<T> {
    async fn of(request: Request<Body>, app: &App) -> Result<Self, Problem> {
        let mut body = json(request).await?;
        redaction::redact_json(&app.redactor, &mut body);
        from_json(body).map(Self)
    }
}

/// Returns the body of a request that is JSON.
async fn json(request: Request<Body>) -> Result<Value, Problem> {
    let kind =
        request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_json =
        media == "application/json" || (media.starts_with("application/") && media.ends_with("+json"));
    let is_put = request.method() == Method::PUT;
    let bytes = read(request).await?;
    if is_put && bytes.is_empty() {
        let detail = "The request has no body; send a JSON object with what is to change.";
        return Err(Problem::new(StatusCode::BAD_REQUEST, "missing_body", detail));
    }
    if !is_json && !bytes.is_empty() {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "Send the body as JSON, with the header `Content-Type: application/json`.",
        ));
    }
    value(&bytes)
}

/// Reads a body within the limit.
pub(crate) async fn read(request: Request<Body>) -> Result<Bytes, Problem> {
    let mut stream = request.into_body().into_data_stream();
    let mut body = Vec::new();
    while let Some(part) = stream.next().await {
        let part = part.map_err(|error| {
            if BodyTimeout::caused(&error) {
                let detail = "The body of the request came too slowly; send it again.";
                return Problem::new(StatusCode::REQUEST_TIMEOUT, "body_timeout", detail);
            }
            let detail = "The body of the request broke off; send it again.";
            Problem::new(StatusCode::BAD_REQUEST, "incomplete_body", detail)
        })?;
        if body.len() + part.len() > BODY_LIMIT {
            let most = BODY_LIMIT / 1024 / 1024;
            let detail = format!("The body is larger than {most} MiB, the most a request may carry.");
            return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail));
        }
        body.extend_from_slice(&part);
    }
    Ok(Bytes::from(body))
}

/// Parses a JSON object.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    value(bytes).and_then(from_json)
}

/// Parses JSON; malformed is 400.
fn value(bytes: &[u8]) -> Result<Value, Problem> {
    // An absent body is an empty object: everything in it may be optional.
    let bytes: &[u8] = if bytes.is_empty() { b"{}" } else { bytes };
    serde_json::from_slice(bytes).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        let detail = if error.is_eof() {
            format!("The body is not JSON: it ends too early, at {place}.")
        } else {
            format!("The body is not JSON: the mistake is at {place}.")
        };
        Problem::new(StatusCode::BAD_REQUEST, "malformed_json", detail)
    })
}

/// Reads a JSON object: a field of a wrong type or value is 422 and named. A field that is `null` is as good as absent.
fn from_json<T: DeserializeOwned>(body: Value) -> Result<T, Problem> {
    let Value::Object(mut fields) = body else {
        return Err(Problem::invalid("body", "is not a JSON object"));
    };
    fields.retain(|_, value| !value.is_null());
    if let Some((field, _)) = fields.iter().find(|(_, value)| has_nul(value)) {
        return Err(Problem::invalid(field, "has a NUL character, which no text may have"));
    }
    serde_path_to_error::deserialize(Value::Object(fields)).map_err(|error| {
        let path = error.path().to_string();
        bad_field(&path, &error.into_inner().to_string())
    })
}

/// Returns whether a text in it has the one character that databases and file systems do not keep.
fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(fields) => fields.values().any(has_nul),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// A query string. As with bodies, of what is unknown no query is wrong.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<App> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let problem = match Self::of(parts) {
            Ok(query) => return Ok(query),
            Err(problem) => problem,
        };
        Err(unless_unknown(parts, app, problem).await)
    }
}

impl<T: DeserializeOwned> Query<T> {
    fn of(parts: &Parts) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        if query.contains("%00") {
            return Err(Problem::invalid("query", "has a NUL character, which no text may have"));
        }
        let pairs = serde_html_form::Deserializer::from_bytes(query.as_bytes());
        serde_path_to_error::deserialize(pairs).map(Self).map_err(|error| {
            let path = error.path().to_string();
            bad_field(&path, &error.into_inner().to_string())
        })
    }
}

fn bad_field(path: &str, message: &str) -> Problem {
    // serde names a missing field in the message only.
    let named = |start| message.strip_prefix(start).and_then(|rest| rest.split('`').next());
    let missing = named("missing field `");
    if let Some(field) = named("duplicate field `").filter(|_| path == ".") {
        return Problem::invalid(field, "is there more than once, by different names");
    }
    let (field, item) = list_item(path);
    let message = in_words(message);
    let message = match item {
        Some(item) => format!("item {item} {message}"),
        None => message,
    };
    let (field, message) = match missing {
        Some(missing) if path == "." => (missing.to_owned(), "is required".to_owned()),
        Some(missing) => (format!("{path}.{missing}"), "is required".to_owned()),
        None if path == "." => ("body".to_owned(), message),
        None => (field.to_owned(), message),
    };
    let mut problem = Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "invalid",
        format!("The field {field} is wrong: {message}."),
    );
    problem.errors.push(FieldError { field, message });
    problem
}

/// Returns what the parser says of a value, in the words of JSON instead of its own.
fn in_words(message: &str) -> String {
    if let Some((_, known)) =
        message.strip_prefix("unknown variant ").and_then(|rest| rest.rsplit_once(", expected "))
    {
        let known: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
        return format!("is not one of {}", known.join(", "));
    }
    let Some((found, expected)) = message.split_once(", expected ") else {
        return match message {
            "invalid digit found in string" | "cannot parse integer from empty string" => {
                "is no whole number from 0".to_owned()
            }
            message if message.starts_with("number too ") => "is out of range".to_owned(),
            message if message.starts_with("provided string was not `true`") => {
                "is neither true nor false".to_owned()
            }
            message if message.starts_with("invalid float") => "is no number".to_owned(),
            message if message.starts_with("duplicate field") => "is there more than once".to_owned(),
            message if message.starts_with("unknown field") => "has a member that is not known".to_owned(),
            message if PARSER_WORDS.iter().any(|word| message.contains(word)) => {
                "has a form that is not expected".to_owned()
            }
            other => other.to_owned(),
        };
    };
    let expected = match expected {
        "a string" | "string" | "str" => "a text",
        "a boolean" | "bool" => "true or false",
        "a sequence" => "a list",
        "a map" | "map" => "a JSON object",
        "f32" | "f64" => "a number",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number from 0",
        other if other.starts_with("struct ") || other.contains("internally tagged") => "a JSON object",
        other if other.starts_with("a nonzero ") => "a whole number from 1",
        other if PARSER_WORDS.iter().any(|word| other.contains(word)) => "another value",
        other => other,
    };
    if found.starts_with("invalid type") {
        format!("has the wrong type; {expected} is expected")
    } else if let Some(value) = found.strip_prefix("invalid value: string ") {
        format!("is {value}; {expected} is expected")
    } else if found.starts_with("invalid value") {
        format!("is out of range; {expected} is expected")
    } else if found.starts_with("invalid length") {
        "has the wrong number of items".to_owned()
    } else {
        format!("is not what is expected: {expected}")
    }
}

/// Words of the parser's own, which say nothing about JSON.
const PARSER_WORDS: [&str; 9] =
    ["variant", "enum ", "tuple", "newtype", "deserialize", "untagged", "unit", "identifier", "struct"];

/// Returns the list that an item's path names, and which item it is, from 1.
fn list_item(path: &str) -> (&str, Option<usize>) {
    let item = path.strip_suffix(']').and_then(|path| path.rsplit_once('['));
    match item.and_then(|(list, index)| Some((list, index.parse::<usize>().ok()?))) {
        Some((list, index)) if !list.is_empty() => (list, Some(index + 1)),
        _ => (path, None),
    }
}

/// Refuses a field that is there and no JSON object.
pub(crate) fn object(field: &str, value: Option<&serde_json::Value>) -> Result<(), Problem> {
    match value {
        Some(value) if !value.is_object() && !value.is_null() => {
            Err(Problem::invalid(field, "has the wrong type; a JSON object is expected"))
        }
        Some(_) | None => Ok(()),
    }
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
        #[serde(default)]
        #[expect(dead_code, reason = "only its type matters")]
        labels: Vec<String>,
    }

    #[test]
    fn a_parsers_own_words_are_not_for_people() {
        for (message, words) in [
            ("unknown variant `x`, expected `a` or `b`", "is not one of a, b"),
            ("unknown variant `x, y`, expected one of `a`, `b`, `c`", "is not one of a, b, c"),
            (
                "invalid type: string \"x\", expected usize",
                "has the wrong type; a whole number from 0 is expected",
            ),
            (
                "invalid type: map, expected variant identifier",
                "has the wrong type; another value is expected",
            ),
            ("data did not match any variant of untagged enum Side", "has a form that is not expected"),
            ("invalid length 1, expected a tuple of size 2", "has the wrong number of items"),
            ("must be one of our own words", "must be one of our own words"),
        ] {
            assert_eq!(in_words(message), words);
        }
    }

    #[derive(Debug, Deserialize)]
    struct Reply {
        #[serde(alias = "text")]
        #[expect(dead_code, reason = "only its presence matters")]
        comment: String,
    }

    #[test]
    fn a_field_that_has_several_names_is_named() {
        for (body, message) in [
            (r#"{"body": "x"}"#, "is required"),
            (r#"{"comment": {"text": "x"}}"#, "has the wrong type; a text is expected"),
            (r#"{"comment": "x", "text": "y"}"#, "is there more than once, by different names"),
        ] {
            let problem = parse::<Reply>(body.as_bytes()).expect_err("it is wrong");
            assert_eq!((problem.status, problem.errors[0].field.as_str()), (422, "comment"), "{body}");
            assert_eq!(problem.errors[0].message, message, "{body}");
        }
        assert!(parse::<Reply>(br#"{"text": "x"}"#).is_ok());
    }

    #[test]
    fn what_is_wrong_is_named() {
        let problem = |text: &str| parse::<Body>(text.as_bytes()).expect_err("it is wrong");
        assert_eq!(problem("{").code, "malformed_json");
        assert_eq!(problem("").errors[0].field, "prompt");
        assert_eq!(problem(r#"{"prompt": 3}"#).errors[0].field, "prompt");
        for malformed in ["{1: 2}", "{\"a\": tru}", "{\"a\" 1}", "[1,]", "\u{1}"] {
            let detail = problem(malformed).detail;
            assert!(detail.starts_with("The body is not JSON: "), "{malformed}: {detail}");
            assert!(!detail.contains("key must") && !detail.contains("expected"), "{malformed}: {detail}");
        }
        for asked in [r#""urgent""#, "3", "[]"] {
            let priority = problem(&format!(r#"{{"prompt": "x", "priority": {asked}}}"#));
            assert_eq!((priority.status, priority.errors[0].field.as_str()), (422, "priority"), "{asked}");
            let message = &priority.errors[0].message;
            assert!(message.contains("one of low, medium, high, critical"), "{asked}: {message}");
        }
        let labels = problem(r#"{"prompt": "x", "labels": ["a", 3]}"#);
        assert_eq!(labels.errors[0].field, "labels");
        assert!(labels.errors[0].message.starts_with("item 2 "), "{}", labels.errors[0].message);
        assert_eq!(problem(r#"{"prompt": "x"} trailing"#).code, "malformed_json");
        for no_object in [r#"["x"]"#, "3", "null", r#""x""#] {
            assert_eq!(problem(no_object).errors[0].field, "body", "{no_object}");
        }
        assert_eq!(problem(r#"{"prompt": "a\u0000b"}"#).errors[0].field, "prompt");
        let prompt = problem(r#"{"prompt": {"a": 1}}"#);
        assert_eq!(prompt.errors[0].message, "has the wrong type; a text is expected");
        assert_eq!(problem(r#"{"prompt": null}"#).errors[0].message, "is required");
        assert!(parse::<Body>(br#"{"prompt": "x", "labels": null, "unknown": [1]}"#).is_ok());
    }
}
