//! The inbox: everything that waits for the caller.

use crate::request::caller::{Caller, Reach};
use crate::request::extract::Query;
use crate::request::page::{Paged, bad_cursor, limit, page_headers};
use crate::request::problem::Problem;
use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use engine::App;
use protocol::InboxItem;
use serde::Deserialize;
use store::{InboxFilter, InboxPlace};
use utoipa::IntoParams;
use workflow::{ProjectId, TaskId};

/// Which part of the inbox is asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct InboxQuery {
    /// Only items of this project.
    project_id: Option<String>,
    /// Only items of this task, by its id.
    task_id: Option<String>,
    /// 1 to 500; 50 when absent.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u64>,
    /// Where the page before ended, from its `Link` header.
    cursor: Option<String>,
}

/// Lists what waits for the caller: permission requests first, then questions, failures, landings, reviews and conversations;
/// of each kind the oldest first. A token for one project or task sees its items alone.
#[utoipa::path(get, path = "/inbox", tag = "fleet", params(InboxQuery),
    responses((status = 200, body = Vec<InboxItem>, headers(("X-Total-Count" = u64), ("Link" = String))), (status = 422, body = Problem)))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    uri: Uri,
    Query(query): Query<InboxQuery>,
) -> Result<Paged<InboxItem>, Problem> {
    let after = query.cursor.map(|cursor| InboxPlace::parse(&cursor).ok_or_else(bad_cursor)).transpose()?;
    let asked = (query.project_id.map(ProjectId::from), query.task_id.map(TaskId::from));
    let (project, task) = match &caller.rights.reach {
        Reach::All => asked,
        Reach::Project(project) => (Some(project.clone()), asked.1),
        Reach::Task(task) => (asked.0, Some(TaskId::clone(task))),
    };
    let limit = limit(query.limit)?;
    let filter = InboxFilter { owner: caller.id().clone(), project, task, limit, after };
    let page = app.store.inbox(&filter).await?;
    let next = page.next.map(|place| place.to_string());
    Ok((page_headers(&uri, page.total, next.as_deref()), Json(page.items)))
}
