//! Who worked when on a task.

use crate::request::caller::Caller;
use crate::request::path::Path;
use crate::request::problem::Problem;
use axum::Json;
use axum::extract::State;
use engine::App;
use engine::clock::now;
use engine::clock::rfc3339;
use protocol::words::{SpanActivity, TaskStatus};
use serde::Serialize;
use utoipa::ToSchema;
use workflow::records::events::Line;
use workflow::timeline::{Activity, Span, Timeline, permission_waits};
use workflow::{CoordinationKind, SessionPhase, SessionStatus, Task};

/// The past of a task and its work sessions, as stretches of time.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TimelineView {
    spec_task_id: String,
    /// When the task was created.
    started_at: String,
    /// When it ended; null while it lasts.
    #[schema(required)]
    ended_at: Option<String>,
    /// The server's present time, to which open stretches reach.
    now: String,
    /// The spans of the task as a whole.
    spans: Vec<SpanView>,
    /// The work sessions, in the order in which they were added.
    lanes: Vec<LaneView>,
    /// When messages were sent.
    marks: Vec<MarkView>,
}

/// The spans of a work session over time.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LaneView {
    work_session_id: String,
    name: String,
    phase: SessionPhase,
    status: SessionStatus,
    #[schema(required)]
    parent_work_session_id: Option<String>,
    spans: Vec<SpanView>,
}

/// A stretch of time.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SpanView {
    /// The activity: for the task, also its status.
    kind: SpanKind,
    from: String,
    /// Null while it lasts.
    #[schema(required)]
    until: Option<String>,
    /// Of a turn, its number and what it asks for.
    #[schema(required)]
    turn_number: Option<u32>,
    #[schema(required)]
    asked_for: Option<String>,
}

/// The activity over a time span, or the task's status in it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum SpanKind {
    Status(TaskStatus),
    Activity(SpanActivity),
}

fn kind_of(activity: Activity) -> SpanKind {
    SpanKind::Activity(match activity {
        Activity::Task(status) => return SpanKind::Status(status),
        Activity::Checks => SpanActivity::Checks,
        Activity::Landing => SpanActivity::Landing,
        Activity::Blocked => SpanActivity::Blocked,
        Activity::Waiting => SpanActivity::Waiting,
        Activity::Opening => SpanActivity::Opening,
        Activity::Turn { .. } => SpanActivity::Turn,
        Activity::Permission => SpanActivity::Permission,
        Activity::Saving => SpanActivity::Saving,
        Activity::Ready => SpanActivity::Ready,
        Activity::Merging => SpanActivity::Merging,
        Activity::Failed => SpanActivity::Failed,
        Activity::External => SpanActivity::Elsewhere,
    })
}

/// A message.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MarkView {
    event_id: String,
    at: String,
    event_type: CoordinationKind,
    #[schema(required)]
    from_session_id: Option<String>,
    #[schema(required)]
    to_session_id: Option<String>,
}

/// Shows who worked when: turns, waits, reviews, and the messages meanwhile.
#[utoipa::path(get, path = "/spec-tasks/{id}/timeline", tag = "spec-tasks", params(("id" = String, Path)),
    responses((status = 200, body = TimelineView), (status = 404, body = Problem)))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<TimelineView>, Problem> {
    let task = caller.task(&app, &id).await?;
    let lines: Vec<Line> = app
        .store
        .task_events(&task.id, 0, u64::MAX)
        .await?
        .into_iter()
        .map(|logged| Line { seq: logged.seq, at: logged.at, version: logged.version, event: logged.event })
        .collect();
    let mut past = Timeline::of(&lines);
    let mut waits = Vec::new();
    for session in &task.sessions {
        let rows = app.store.read_permission_requests(&session.id).await?;
        waits.push((session.id.clone(), permission_waits(rows.iter().map(|row| (row.at, &row.entry)))));
    }
    past.show_permission_waits(&waits);
    Ok(Json(TimelineView {
        started_at: rfc3339(task.created_at),
        ended_at: task.completed_at.map(rfc3339),
        now: rfc3339(now()),
        spans: past.task.iter().map(SpanView::of).collect(),
        lanes: lanes(&task, &past),
        marks: task
            .coordination
            .iter()
            .map(|event| MarkView {
                event_id: event.id.to_string(),
                at: rfc3339(event.at),
                event_type: event.kind,
                from_session_id: event.from.as_ref().map(ToString::to_string),
                to_session_id: event.to.as_ref().map(ToString::to_string),
            })
            .collect(),
        spec_task_id: id,
    }))
}

fn lanes(task: &Task, past: &Timeline) -> Vec<LaneView> {
    task.sessions
        .iter()
        .map(|session| LaneView {
            work_session_id: session.id.to_string(),
            name: session.display_name().to_owned(),
            phase: session.phase,
            status: task.session_status(session),
            parent_work_session_id: session.parent.as_ref().map(ToString::to_string),
            spans: past
                .sessions
                .get(&session.id)
                .map(|spans| spans.iter().map(SpanView::of).collect())
                .unwrap_or_default(),
        })
        .collect()
}

impl SpanView {
    fn of(span: &Span) -> Self {
        let turn = match span.doing {
            Activity::Turn { number, ask } => Some((number, ask)),
            _ => None,
        };
        Self {
            kind: kind_of(span.doing),
            from: rfc3339(span.from),
            until: span.until.map(rfc3339),
            turn_number: turn.map(|(number, _)| number),
            asked_for: turn.map(|(_, ask)| ask.to_owned()),
        }
    }
}
