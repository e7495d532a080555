//! What a path names; short ids of tasks are resolved here, once for every route.

use crate::request::caller::Identity;
use crate::request::problem::Problem;
use axum::extract::{FromRequestParts, MatchedPath, RawPathParams};
use axum::http::request::Parts;
use engine::App;
use std::str::FromStr;
use workflow::ShortId;

/// The parameters of a path, in their order. A task may be named by its short id, in any case: the value is its id all the
/// same.
pub(crate) struct Path<T>(pub(crate) T);

/// Values that a path's parameters are read into.
pub(crate) trait FromSegments: Sized {
    fn from_segments(segments: Vec<String>) -> Option<Self>;
}

impl FromSegments for String {
    fn from_segments(segments: Vec<String>) -> Option<Self> {
        let [one] = <[String; 1]>::try_from(segments).ok()?;
        Some(one)
    }
}

impl<T: FromStr> FromSegments for (String, T) {
    fn from_segments(segments: Vec<String>) -> Option<Self> {
        let [first, second] = <[String; 2]>::try_from(segments).ok()?;
        Some((first, second.parse().ok()?))
    }
}

impl<T: FromSegments> FromRequestParts<App> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        // A path that is not text names nothing that there is.
        let found = RawPathParams::from_request_parts(parts, app).await;
        let found = found.map_err(|_| Problem::not_found("resource"))?;
        let mut segments: Vec<String> = found.iter().map(|(_, value)| value.to_owned()).collect();
        let names_task = parts.extensions.get::<MatchedPath>().is_some_and(|path| {
            let path = path.as_str();
            path.contains("/spec-tasks/{") || path.contains("/tasks/{")
        });
        if let Some(first) = segments.first_mut().filter(|_| names_task)
            && let Some(short_id) = ShortId::parse(first)
            && let Some(identity) = parts.extensions.get::<Identity>()
            && let Some(id) = app.store.task_by_short_id(identity.owner(), &short_id).await?
        {
            *first = id.to_string();
        }
        T::from_segments(segments).map(Self).ok_or_else(|| Problem::not_found("resource"))
    }
}
