//! The options of a session's agent, such as its model, mode and effort: set for one session, also while it runs.

use crate::people::audit;
use crate::request::caller::Caller;
use crate::request::extract::JsonBody;
use crate::request::problem::{Problem, sentence};
use crate::sessions::session::found;
use axum::Json;
use axum::extract::{Path, State};
use engine::App;
use engine::agents::{ChooseError, choose_options};
use engine::insight::views;
use protocol::{OptionValue, OptionValues, WorkSession};
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Options for a session's agent.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct AgentOptionsBody {
    /// The values by the id or the category of the option, such as `{"model": "opus"}`; null takes a choice back. Options that
    /// are not named stay as they are.
    #[schema(value_type = BTreeMap<String, serde_json::Value>)]
    options: BTreeMap<String, Option<OptionValue>>,
}

/// Sets options of a session's agent: at once where it runs, and whenever its session is opened. They overrule the options of
/// the task, the project and the server.
#[utoipa::path(put, path = "/work-sessions/{id}/agent-options", tag = "work-sessions", params(("id" = String, Path)),
    request_body = AgentOptionsBody, responses((status = 200, body = WorkSession), (status = 404, body = Problem),
    (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn set(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<AgentOptionsBody>,
) -> Result<Json<WorkSession>, Problem> {
    let task = caller.task_of(&app, &id).await?;
    let session = found(&task, &id)?;
    let values: OptionValues =
        body.options.iter().filter_map(|(id, value)| Some((id.clone(), value.clone()?))).collect();
    protocol::check_values(&values).map_err(|message| Problem::invalid("options", message))?;
    let data = json!({ "work_session_id": id, "options": body.options });
    choose_options(&app, &task, session, body.options, &caller.user.name).await?;
    audit::record(&app, &caller, "agent_options", task.id.as_str(), &data).await?;
    Ok(Json(views::session(&app, &task, session).await?))
}

impl From<ChooseError> for Problem {
    fn from(error: ChooseError) -> Self {
        let code = match error {
            ChooseError::Unoffered(why) => return Self::invalid("options", why),
            ChooseError::Repository(error) => return error.into(),
            ChooseError::Store(error) => return error.into(),
            ChooseError::Ended => "wrong_state",
            ChooseError::NotPermitted(_) => "mode_not_permitted",
            ChooseError::Refused(_) => "agent_refused",
        };
        Self::conflict(code, sentence(&error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::Api;
    use axum::http::Method;
    use serde_json::{Value, json};

    #[tokio::test]
    async fn options_of_tasks_and_projects_are_checked_and_shown() {
        let api = Api::open().await;
        let project = api.project().await;
        let rule =
            |agent: &str| json!([{ "phase": "planning", "agent": agent, "options": { "model": "large" } }]);
        let body = |rules: &Value| json!({ "prompt": "Add it", "project_id": project, "agent_options": rules, "start": false });
        let task = api.post("/spec-tasks/from-prompt", &body(&rule("scripted"))).await;
        assert_eq!(task["agent_options"], rule("scripted"), "{task:#}");
        let path = format!("/spec-tasks/{}", crate::testing::id(&task));
        let other = json!([{ "options": { "thought_level": "high" } }]);
        assert_eq!(api.put(&path, &json!({ "agent_options": other })).await["agent_options"], other);
        for bad in [
            rule("nobody"),
            json!([{ "stage": "planning", "options": {} }]),
            json!([{ "options": { "": "x" } }]),
        ] {
            let answer = api.try_post("/spec-tasks/from-prompt", &body(&bad)).await;
            assert_eq!(answer.status, 422, "{bad}: {:#}", answer.body);
        }
        let path = format!("/projects/{project}");
        let set = api.put(&path, &json!({ "settings": { "agent_options": rule("scripted") } })).await;
        assert_eq!(set["effective_settings"]["agent_options"]["value"], rule("scripted"), "{set:#}");
        let bad = json!({ "settings": { "agent_options": [{ "phase": "later" }] } });
        let (status, _) = api.send(api.request(Method::PUT, &path), &bad).await.problem();
        assert_eq!(status, 422);
    }
}
