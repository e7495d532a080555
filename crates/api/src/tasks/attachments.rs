//! Images and files of a task: uploaded, listed and downloaded. A message names those that go with it; those of the prompt go with
//! the first turn of every session that plans or implements. Agents send files in their messages and tool calls.

use crate::request::caller::Caller;
use crate::request::extract::Query;
use crate::request::path::Path;
use crate::request::problem::Problem;
use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine::App;
use engine::agents::attachments::{self, as_text, id_of, name_problem, without_secrets};
use engine::agents::sent_files::{image_type, is_media_type};
use engine::clock::{now, rfc3339};
use engine::settings::redaction;
use futures::StreamExt as _;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use protocol::{Attachment, AttachmentPurpose, TaskAttachment};
use serde::Deserialize;
use store::AttachmentRow;
use utoipa::{IntoParams, ToSchema};
use workflow::{TaskId, TaskStatus};

/// How many files people may attach to a task, of its prompt and all messages.
const MAX_OF_TASK: i64 = 200;
/// How many files go with one message, and with a prompt.
const MAX_OF_MESSAGE: usize = 10;
/// What a browser may do with a file that someone uploaded: show it, and run nothing.
const POLICY: &str = "default-src 'none'; style-src 'none'; script-src 'none'; sandbox";

/// What an uploaded file is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Purpose {
    /// Messages that name it.
    #[default]
    Message,
    /// The task's prompt: every session that plans or implements gets it.
    Prompt,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct UploadQuery {
    /// The name of the file, without a folder.
    #[param(example = "mock-up.png")]
    name: String,
    /// The media type of the file; without it, it follows from the name.
    #[param(example = "image/png")]
    media_type: Option<String>,
    /// What the file is for: `message` or `prompt`. Files of the prompt are taken while the task is in the backlog.
    #[serde(default)]
    #[param(inline)]
    purpose: Purpose,
}

/// Lists the files of a task: those of its prompt, of messages, and of its agents. The oldest is first.
#[utoipa::path(get, path = "/spec-tasks/{id}/attachments", tag = "spec-tasks", params(("id" = String, Path)),
    responses((status = 200, body = Vec<TaskAttachment>), (status = 404, body = Problem)))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Vec<TaskAttachment>>, Problem> {
    let task = caller.task(&app, &id).await?;
    let found = app.store.attachment_records(&task.id).await?;
    let files = found.into_iter().map(|record| TaskAttachment {
        purpose: match &record.session {
            _ if record.of_prompt => AttachmentPurpose::Prompt,
            None => AttachmentPurpose::Message,
            Some(_) => AttachmentPurpose::Agent,
        },
        session_id: record.session.map(|session| session.to_string()),
        created_at: rfc3339(record.at),
        attachment: record.attachment,
    });
    Ok(Json(files.collect()))
}

/// Uploads an image or a file, whose content is the body of the request. Secrets in a text are redacted.
#[utoipa::path(post, path = "/spec-tasks/{id}/attachments", tag = "spec-tasks", params(("id" = String, Path), UploadQuery),
    request_body(content = String, content_type = "application/octet-stream"),
    responses((status = 201, body = Attachment), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 413, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn add(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<UploadQuery>,
    request: Request,
) -> Result<(StatusCode, Json<Attachment>), Problem> {
    let task = caller.task(&app, &id).await?;
    if let Some(problem) = name_problem(&query.name) {
        return Err(Problem::invalid("name", problem));
    }
    let of_prompt = query.purpose == Purpose::Prompt;
    if of_prompt && task.status() != TaskStatus::Backlog {
        let detail = "The task is not in the backlog any more, and its prompt is set. Attach the file to a message to one of its sessions.";
        return Err(Problem::conflict("already_started", detail));
    }
    let content = read(request, app.config.limits.attachment_mb).await?;
    if content.is_empty() {
        return Err(Problem::invalid("body", "is empty; send the content of the file"));
    }
    let media_type = media_type(query.media_type.as_deref(), &query.name, &content)?;
    let content = without_secrets(&app.redactor, &media_type, content);
    let name = redaction::redact(&app.redactor, &query.name).into_owned();
    let full = |what: &str, most: usize| {
        let detail =
            format!("{what} has {most} files, which is the most. Put further ones into the repository.");
        Problem::conflict("too_many", detail)
    };
    if app.store.count_attachments(&task.id).await? >= MAX_OF_TASK {
        return Err(full("The task", usize::try_from(MAX_OF_TASK).unwrap_or(usize::MAX)));
    }
    if of_prompt && app.store.attachments(&task.id, true).await?.len() >= MAX_OF_MESSAGE {
        return Err(full("The prompt", MAX_OF_MESSAGE));
    }
    let id = id_of(&name, &media_type, &content);
    let size = u64::try_from(content.len()).unwrap_or(u64::MAX);
    let attachment = Attachment { id, name, media_type, size };
    let row = AttachmentRow {
        task: task.id,
        attachment: attachment.clone(),
        session: None,
        of_prompt,
        content: STANDARD.encode(&content),
        at: now(),
    };
    app.store.put_attachment(row).await?;
    Ok((StatusCode::CREATED, Json(attachment)))
}

/// Downloads a file. Browsers show images and save everything else; nothing in it runs.
#[utoipa::path(get, path = "/spec-tasks/{id}/attachments/{attachment}", tag = "spec-tasks",
    params(("id" = String, Path), ("attachment" = String, Path)),
    responses((status = 200, description = "The content", content_type = "application/octet-stream"),
        (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn read_content(
    State(app): State<App>,
    caller: Caller,
    Path((id, attachment)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let task = caller.task(&app, &id).await?;
    let found = attachments::read(&app, &task, &attachment).await?;
    let (attachment, content) = found.ok_or_else(|| Problem::not_found("attachment"))?;
    let (shown, media_type) = if attachment.is_image() {
        ("inline", attachment.media_type.as_str())
    } else {
        ("attachment", "application/octet-stream")
    };
    let disposition =
        format!("{shown}; filename*=UTF-8''{}", utf8_percent_encode(&attachment.name, NON_ALPHANUMERIC));
    let mut response = Body::from(content).into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, media_type),
        (header::CONTENT_DISPOSITION, disposition.as_str()),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        // The id follows from the content.
        (header::CACHE_CONTROL, "private, max-age=31536000, immutable"),
    ] {
        headers.insert(name, HeaderValue::from_str(value).map_err(|error| Problem::internal(&error))?);
    }
    Ok(response)
}

/// Returns the files of a task that a message names.
pub(crate) async fn named(app: &App, task: &TaskId, ids: &[String]) -> Result<Vec<Attachment>, Problem> {
    if ids.len() > MAX_OF_MESSAGE {
        let message = format!("are more than {MAX_OF_MESSAGE}; send the rest with another message");
        return Err(Problem::invalid("attachments", message));
    }
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let all = app.store.attachments(task, false).await?;
    let find = |id: &String| {
        let found = all.iter().find(|attachment| attachment.id == *id).cloned();
        let unknown = || format!("the task has no file {id:?}; upload it to the task first");
        found.ok_or_else(|| Problem::invalid("attachments", unknown()))
    };
    ids.iter().map(find).collect()
}

/// Reads a body within the limit for files.
async fn read(request: Request, limit_mb: u64) -> Result<Vec<u8>, Problem> {
    let limit = usize::try_from(limit_mb.saturating_mul(1024 * 1024)).unwrap_or(usize::MAX);
    let mut parts = request.into_body().into_data_stream();
    let mut content = Vec::new();
    while let Some(part) = parts.next().await {
        let part = part.map_err(|_| {
            let detail = "The file did not arrive whole; send it again.";
            Problem::new(StatusCode::BAD_REQUEST, "incomplete_body", detail)
        })?;
        if content.len() + part.len() > limit {
            let detail = format!(
                "The file is larger than {limit_mb} MiB, the most that is attached (limits.attachment_mb). Put it into \
                 the repository, or attach a part of it."
            );
            return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail));
        }
        content.extend_from_slice(&part);
    }
    Ok(content)
}

/// Returns the media type of a file: the given one, else that of its name, else that of text.
fn media_type(given: Option<&str>, name: &str, content: &[u8]) -> Result<String, Problem> {
    let given = given.map(str::trim).filter(|given| !given.is_empty());
    let found = match given {
        Some(given) => given.to_ascii_lowercase(),
        None => match mime_guess::from_path(name).first_raw() {
            Some(known) => known.to_owned(),
            None if as_text("", content).is_some() => "text/plain".to_owned(),
            None => {
                let message = "is not known for this name; say it, such as `application/pdf`";
                return Err(Problem::invalid("media_type", message));
            }
        },
    };
    if !is_media_type(&found) {
        let message = "is no media type; write it as in `image/png`, without parameters";
        return Err(Problem::invalid("media_type", message));
    }
    let is_as_said = match found.as_str() {
        "image/png" | "image/jpeg" | "image/gif" | "image/webp" => image_type(content) == Some(&found),
        _ => true,
    };
    if !is_as_said {
        let message = format!("is {found}, and the content is not; send the image as it is");
        return Err(Problem::invalid("media_type", message));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use crate::testing::{Answer, Api, id};
    use axum::body::Body;
    use axum::http::{Method, header};
    use serde_json::json;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\nrest";

    async fn upload(api: &Api, task: &str, query: &str, content: &[u8]) -> Answer {
        let path = format!("/spec-tasks/{task}/attachments?{query}");
        let request = api
            .request(Method::POST, &path)
            .header(header::CONTENT_TYPE, "application/octet-stream")
            .body(Body::from(content.to_vec()))
            .expect("a request");
        api.send_raw(request).await
    }

    #[tokio::test]
    async fn a_file_is_kept_once_and_downloaded_so_that_nothing_runs() {
        let api = Api::open().await;
        let project = api.project().await;
        let task = api.task(&project, "Draw").await;
        let image = upload(&api, &task, "name=a%20b.png&purpose=prompt", PNG).await;
        assert_eq!(image.status, 201);
        let image = image.body;
        assert_eq!((&image["media_type"], &image["size"]), (&json!("image/png"), &json!(PNG.len())));
        let again = upload(&api, &task, "name=a%20b.png&purpose=prompt", PNG).await.body;
        assert_eq!(id(&again), id(&image));
        let page = upload(&api, &task, "name=x.svg", b"<svg onload='alert(1)'/>").await.body;
        let files = api.get(&format!("/spec-tasks/{task}/attachments")).await;
        assert_eq!(files.as_array().map(Vec::len), Some(2), "{files:#}");

        let shown = api.try_get(&format!("/spec-tasks/{task}/attachments/{}", id(&image))).await;
        assert_eq!((shown.status, shown.body.as_str()), (200, Some(String::from_utf8_lossy(PNG).as_ref())));
        assert_eq!(shown.headers[header::CONTENT_TYPE], "image/png");
        assert_eq!(shown.headers[header::CONTENT_DISPOSITION], "inline; filename*=UTF-8''a%20b%2Epng");
        let saved = api.try_get(&format!("/spec-tasks/{task}/attachments/{}", id(&page))).await;
        assert_eq!(saved.headers[header::CONTENT_TYPE], "application/octet-stream");
        assert_eq!(saved.headers[header::CONTENT_DISPOSITION], "attachment; filename*=UTF-8''x%2Esvg");
        assert_eq!(saved.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        let policy = saved.headers[header::CONTENT_SECURITY_POLICY].to_str().expect("text");
        assert!(policy.contains("sandbox") && policy.contains("default-src 'none'"), "{policy}");
        let gone = api.try_get(&format!("/spec-tasks/{task}/attachments/att_0")).await;
        assert_eq!(gone.problem().0, 404);
    }

    #[tokio::test]
    async fn secrets_in_texts_are_redacted() {
        let api = Api::open().await;
        let project = api.project().await;
        let task = api.task(&project, "Read").await;
        let secret = concat!("ghp_a1B2c3D4e5F6g7H8", "i9J0k1L2m3N4o5P6q7R8");
        let text = upload(&api, &task, "name=log.txt", format!("token {secret}\n").as_bytes()).await.body;
        let read = api.try_get(&format!("/spec-tasks/{task}/attachments/{}", id(&text))).await;
        let read = read.body.as_str().expect("a text");
        assert!(read.starts_with("token ") && !read.contains(secret), "{read}");
    }

    #[tokio::test]
    async fn secrets_are_redacted_in_any_encoding_and_in_names() {
        let api = Api::open().await;
        let project = api.project().await;
        let task = api.task(&project, "Read").await;
        let secret = concat!("ghp_a1B2c3D4e5F6g7H8", "i9J0k1L2m3N4o5P6q7R8");
        let text = format!("caf\u{e9} token {secret}\n");
        let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let with_mark = [&b"\xff\xfe"[..], &utf16].concat();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let latin: Vec<u8> =
            text.chars().map(|character| u8::try_from(character).expect("Latin-1")).collect();
        for (name, content) in [("a.txt", utf16), ("b.txt", with_mark), ("c.txt", big), ("d.txt", latin)] {
            let file = upload(&api, &task, &format!("name={name}"), &content).await.body;
            let read = api.try_get(&format!("/spec-tasks/{task}/attachments/{}", id(&file))).await;
            let read = read.body.as_str().expect("a text").to_owned();
            assert!(read.starts_with("caf\u{e9} token ") && !read.contains(secret), "{name}: {read}");
        }
        let named = upload(&api, &task, &format!("name={secret}.txt"), b"plain").await.body;
        assert!(!named["name"].as_str().expect("a name").contains(secret), "{named}");
    }

    #[tokio::test]
    async fn what_cannot_be_attached_is_refused_with_what_to_do() {
        let api = Api::open().await;
        let project = api.project().await;
        let task = api.task(&project, "Draw").await;
        let large = vec![b'x'; 5 * 1024 * 1024 + 1];
        for (query, content, status, words) in [
            ("name=", PNG, 422, "say what the file is called"),
            ("name=..%2Fa.png", PNG, 422, "without a folder"),
            ("name=a%E2%80%AEgnp.exe", PNG, 422, "turn the direction"),
            ("name=a.png", b"no image" as &[u8], 422, "the content is not"),
            ("name=a&media_type=nonsense", PNG, 422, "no media type"),
            ("name=a.unheard", &[0u8, 1, 2], 422, "is not known for this name"),
            ("name=a.txt", b"", 422, "is empty"),
            ("name=a.txt", &large, 413, "larger than 5 MiB"),
        ] {
            let (found, problem) = upload(&api, &task, query, content).await.problem();
            assert_eq!(found, status, "{query}: {problem:#}");
            assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains(words)), "{problem:#}");
        }
        for number in 0..10 {
            let query = format!("name={number}.txt&purpose=prompt");
            assert_eq!(upload(&api, &task, &query, b"words").await.status, 201);
        }
        let (status, problem) = upload(&api, &task, "name=more.txt&purpose=prompt", b"words").await.problem();
        assert_eq!((status, &problem["code"]), (409, &json!("too_many")));
        api.post(&format!("/spec-tasks/{task}/cancel"), &json!({})).await;
        let (status, problem) = upload(&api, &task, "name=late.txt&purpose=prompt", b"words").await.problem();
        assert_eq!((status, &problem["code"]), (409, &json!("already_started")));
    }
}
