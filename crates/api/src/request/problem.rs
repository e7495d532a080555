//! Errors as RFC 9457 problems: a sentence for people, a stable word for programs.

use engine::agents::attachments::ReadError;
use engine::failure::is_out_of_space;
use engine::orchestrator::AskError;
use engine::projects::repositories::RepositoryError;
use engine::projects::samples::SampleError;
use engine::record::log_archive::LogError;
pub(crate) use engine::wire::sentence;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use store::{Fault, StoreError};
use utoipa::ToSchema;
use workflow::Rejected;

/// The system's words for a file system that takes no writes, from this process as well as from git.
const READ_ONLY: &str = "Read-only file system";

/// An error as the client reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct Problem {
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub title: &'static str,
    pub status: u16,
    /// A sentence that says what is wrong and what to do.
    pub detail: String,
    /// A stable word.
    pub code: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

/// A problem of one field of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct FieldError {
    pub field: String,
    pub message: String,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            // The code says which problem it is.
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: detail.into(),
            code,
            errors: Vec::new(),
        }
    }

    /// Returns a problem about a field of a well-formed request.
    pub(crate) fn invalid(field: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        let mut problem =
            Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", format!("{field}: {message}"));
        problem.errors.push(FieldError { field: field.to_owned(), message });
        problem
    }

    /// Returns a problem about a field of a well-formed request, whose reason is a sentence by itself.
    pub(crate) fn refused(field: &str, sentence: impl Into<String>) -> Self {
        let message = sentence.into();
        let mut problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", message.clone());
        problem.errors.push(FieldError { field: field.to_owned(), message });
        problem
    }

    /// Unknown, or another user's.
    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("There is no such {what}."))
    }

    /// Returns what happened, as a sentence.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// Returns the problem of an action that the state does not allow.
    pub(crate) fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    /// Something of the server's own is wrong; the log has the cause. A full disk is named.
    pub(crate) fn internal(error: &(dyn std::error::Error + 'static)) -> Self {
        let cause = engine::failure::chain(error);
        tracing::error!(error = cause, "a request failed");
        if is_out_of_space(error) {
            let detail = sentence(&format!("{cause}. Make room there, then try again"));
            return Self::new(StatusCode::SERVICE_UNAVAILABLE, "out_of_space", detail);
        }
        if cause.contains(READ_ONLY) {
            let detail = sentence(&format!("{cause}. Make the file system writable, then try again"));
            return Self::new(StatusCode::SERVICE_UNAVAILABLE, "read_only", detail);
        }
        if let Some(cause) = engine::failure::git_cause(error) {
            return Self::new(StatusCode::INTERNAL_SERVER_ERROR, "git_failed", sentence(&cause));
        }
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "The server could not do it; its log says why.",
        )
    }

    /// Returns the problem of an unusable database; nothing is saved, unless the detail says otherwise.
    fn unavailable(error: &StoreError) -> Self {
        let cause = engine::failure::chain(error);
        tracing::error!(error = cause, "a request could not use the database");
        let (code, detail) = match (error, error.fault()) {
            (StoreError::Unconfirmed(_), _) => (
                "unconfirmed",
                "The database did not confirm the change, so it may be saved or not; look before you repeat it.".to_owned(),
            ),
            (_, Some(Fault::OutOfSpace)) => ("out_of_space", out_of_space(error.full_place())),
            (_, Some(Fault::FileGone)) => ("database_file_gone", sentence(&cause)),
            (_, Some(Fault::OutOfMemory)) => (
                "out_of_memory",
                "The database is out of memory, so nothing was saved; try again later.".to_owned(),
            ),
            (_, Some(Fault::Io)) => {
                ("database_unavailable", format!("The database's files cannot be read or written ({cause}), so nothing was saved."))
            }
            (_, Some(Fault::Unavailable) | None) => {
                let detail = match error.refusal() {
                    Some(words) => format!("The database refuses to work ({words}), so nothing was saved; try again shortly."),
                    None => "The database does not answer; try again shortly.".to_owned(),
                };
                ("database_unavailable", detail)
            }
        };
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(&self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            let seconds = if self.code == "too_many_attempts" { "60" } else { "5" };
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Database(_)
            | StoreError::NotCommitted(_)
            | StoreError::Unconfirmed(_)
            | StoreError::OutOfSpace { .. }
            | StoreError::FileGone { .. }
            | StoreError::TooSlow { .. }
            | StoreError::Closed => Self::unavailable(&error),
            StoreError::KeyTaken { key } => Self::invalid(
                "key",
                format!("is {key}, which another of your projects has or had; choose another one"),
            ),
            StoreError::Conflict(_) | StoreError::Overtaken => {
                Self::conflict("conflict", "It was changed meanwhile; try again.")
            }
            StoreError::Unreadable { .. } | StoreError::Panicked => Self::internal(&error),
        }
    }
}

/// Says which disk is full and how much is free there.
fn out_of_space(place: Option<&str>) -> String {
    let Some(place) = place else {
        return "The disk of the database is full, so nothing was saved. Make room there, then try again."
            .to_owned();
    };
    let folder = std::path::Path::new(place).parent();
    let disk = folder.and_then(|folder| rustix::fs::statvfs(folder).ok());
    let free = disk.map_or_else(String::new, |disk| {
        format!(" ({} MB are free)", disk.f_bavail.saturating_mul(disk.f_frsize) >> 20)
    });
    format!(
        "The disk of the database {place} is full{free}, so nothing was saved. Make room there, then try again."
    )
}

impl From<AskError> for Problem {
    fn from(error: AskError) -> Self {
        match error {
            AskError::Rejected(rejected) => rejected.into(),
            AskError::NotFound => Self::not_found("task"),
            AskError::Store(error) => error.into(),
        }
    }
}

impl From<Rejected> for Problem {
    fn from(rejected: Rejected) -> Self {
        let sentence = sentence(&rejected.to_string());
        match rejected {
            Rejected::WrongState(_) => Self::conflict("wrong_state", sentence),
            Rejected::Stale(_) => Self::conflict("stale", sentence),
            Rejected::AlreadySo(_) => Self::conflict("already_so", sentence),
            Rejected::OtherOwner | Rejected::Unknown(_) => {
                Self::new(StatusCode::NOT_FOUND, "not_found", sentence)
            }
            Rejected::DependencyCycle { .. } => Self::invalid("depends_on", rejected.to_string()),
            Rejected::Conflict { code, .. } => Self::conflict(code, sentence),
            // Waiting makes no room where the crew is too deep.
            Rejected::Limit { code: code @ "spawn_too_deep", .. } => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, sentence)
            }
            Rejected::Limit { code, .. } => Self::new(StatusCode::TOO_MANY_REQUESTS, code, sentence),
            Rejected::Invalid(message) => Self {
                errors: vec![FieldError { field: "body".to_owned(), message }],
                ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", sentence)
            },
        }
    }
}

impl From<RepositoryError> for Problem {
    fn from(error: RepositoryError) -> Self {
        match error {
            RepositoryError::Store(error) => error.into(),
            RepositoryError::NoProject(_)
            | RepositoryError::Open { .. }
            | RepositoryError::Replaced { .. } => {
                Self::conflict("repository_unusable", sentence(&engine::failure::chain(&error)))
            }
            RepositoryError::Git(error) => Self::internal(&error),
            RepositoryError::Join(error) => Self::internal(&error),
        }
    }
}

impl From<LogError> for Problem {
    fn from(error: LogError) -> Self {
        match error {
            LogError::Store(error) => error.into(),
            LogError::Repository { .. } | LogError::Incomplete { .. } => {
                Self::conflict("repository_unusable", sentence(&engine::failure::chain(&error)))
            }
        }
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Store(error) => error.into(),
            ReadError::Repository(_) | ReadError::Gone { .. } => {
                Self::conflict("repository_unusable", sentence(&engine::failure::chain(&error)))
            }
            ReadError::Damaged(_) => Self::internal(&error),
        }
    }
}

impl From<SampleError> for Problem {
    fn from(error: SampleError) -> Self {
        match error {
            SampleError::Unknown { .. } => Self::invalid("demo_repo", error.to_string()),
            SampleError::Store(error) => error.into(),
            SampleError::Git(error) => Self::internal(&error),
            SampleError::Join(error) => Self::internal(&error),
        }
    }
}
