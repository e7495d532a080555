//! Projects' repositories by git's smart HTTP protocol, for clone, fetch and push.
//!
//! See gitprotocol-http(5). The documents' branch only goes forward; pushes do not affect approvals, since the
//! documents that run are compared with the approved content.

use crate::people::audit;
use crate::request::caller::{Caller, Level};
use crate::request::extract::Query;
use crate::request::problem::Problem;
use axum::body::{Body, BodyDataStream, Bytes};
use axum::extract::{FromRequestParts, Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use engine::App;
use engine::projects::repositories::ProjectRepo;
use futures::{Stream, StreamExt as _, stream};
use git::{MalformedPush, PushCommands, Service};
use serde::Deserialize;
use serde_json::json;
use std::io;
use std::pin::Pin;
use std::process::Stdio;
use tokio::io::{AsyncSeekExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdout};
use tokio_util::io::ReaderStream;
use utoipa::IntoParams;

/// How much of a push is read to learn which branches it is about, in bytes.
const COMMANDS: usize = 4 * 1024 * 1024;

/// How large a request may become that came compressed, and the requests of fetches; git itself compresses no pushes.
const MAX_INFLATED: u64 = 32 * 1024 * 1024;
/// How large a push may be.
const MAX_PUSH: u64 = 4 * 1024 * 1024 * 1024;

/// Whether a request's body came compressed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Compressed;

/// Marks requests that come compressed, before they are decompressed.
pub(crate) async fn mark_compressed(mut request: Request, next: Next) -> Response {
    if request.headers().contains_key(header::CONTENT_ENCODING) {
        request.extensions_mut().insert(Compressed);
    }
    next.run(request).await
}

/// The service that a client requests.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ServiceQuery {
    /// `git-upload-pack` to clone and fetch, `git-receive-pack` to push.
    service: Option<String>,
}

/// Lists the refs of a repository to git; the first request of each clone, fetch and push.
///
/// `owner` is the user's id or name, `repo` the project's id or name with `.git` behind it. The token is the password of
/// basic authentication.
#[utoipa::path(get, path = "/git/{owner}/{repo}/info/refs", tag = "git",
    params(("owner" = String, Path), ("repo" = String, Path), ServiceQuery),
    responses((status = 200, description = "The refs, as packet lines")))]
pub(crate) async fn refs(
    State(app): State<App>,
    asked: Asked,
    Query(query): Query<ServiceQuery>,
) -> Result<Response, Problem> {
    let Some(service) = query.service.as_deref().and_then(Service::named) else {
        let detail = "Only git's smart protocol is spoken here; `git clone` with this address uses it.";
        return Err(Problem::new(StatusCode::FORBIDDEN, "dumb_protocol", detail));
    };
    let protocol = asked.protocol.as_deref();
    let command = asked.project_repo.repository.advertise(service, protocol);
    let media = format!("application/x-{}-advertisement", service.name());
    // Version 2 begins with what the server can do and needs no heading.
    let is_second = protocol.is_some_and(|protocol| protocol.split(':').any(|word| word == "version=2"));
    let heading = if is_second && service == Service::UploadPack {
        String::new()
    } else {
        let line = format!("# service={}\n", service.name());
        format!("{:04x}{line}0000", line.len() + 4)
    };
    run(&app, command, stream::empty(), Bytes::from(heading), &media)
}

/// Serves a fetch.
#[utoipa::path(post, path = "/git/{owner}/{repo}/git-upload-pack", tag = "git",
    params(("owner" = String, Path), ("repo" = String, Path)),
    request_body(content = String, content_type = "application/x-git-upload-pack-request"),
    responses((status = 200, description = "The objects, as a pack")))]
pub(crate) async fn upload_pack(
    State(app): State<App>,
    asked: Asked,
    body: Body,
) -> Result<Response, Problem> {
    let command = asked.project_repo.repository.upload_pack(asked.protocol.as_deref());
    // What a fetch says is a list of commits, compressed or not.
    run(
        &app,
        command,
        bounded(body.into_data_stream(), MAX_INFLATED),
        Bytes::new(),
        "application/x-git-upload-pack-result",
    )
}

/// Serves a push. The documents' branch only goes forward, and its checkout with it.
#[utoipa::path(post, path = "/git/{owner}/{repo}/git-receive-pack", tag = "git",
    params(("owner" = String, Path), ("repo" = String, Path)),
    request_body(content = String, content_type = "application/x-git-receive-pack-request"),
    responses((status = 200, description = "What became of each branch")))]
pub(crate) async fn receive_pack(
    State(app): State<App>,
    asked: Asked,
    body: Body,
) -> Result<Response, Problem> {
    let Asked { caller, name, project_repo, protocol, is_compressed } = asked;
    let mut body = bounded(body.into_data_stream(), if is_compressed { MAX_INFLATED } else { MAX_PUSH });
    let (head, refs) = beginning(&mut body).await?;
    if let Some(refused) = refs.iter().find(|name| !git::may_be_pushed(name)) {
        let detail = format!(
            "{refused} is not taken: refs/replace/ changes what git reads of other objects, and refs/spectask/ is kept by SpecTask."
        );
        return Err(Problem::new(StatusCode::FORBIDDEN, "ref_refused", detail));
    }
    let documents = format!("refs/heads/{}", project_repo.settings.design_docs_branch);
    if caller.rights.level < Level::Decide
        && let Some(name) = refs.iter().find(|name| is_protected(name, &project_repo))
    {
        let detail =
            format!("{name} is protected; push to a branch `task/…`, or with a token that may decide.");
        return Err(Problem::new(StatusCode::FORBIDDEN, "protected_branch", detail));
    }
    if !refs.is_empty() {
        audit::record(&app, &caller, "push", &name, &json!({ "refs": refs })).await?;
    }
    let media = "application/x-git-receive-pack-result";
    if refs.contains(&documents) && refs.iter().any(|name| *name != documents) {
        let detail = format!(
            "Push {} by itself: it and its checkout move together, which other branches do not.",
            project_repo.settings.design_docs_branch
        );
        return Err(Problem::new(StatusCode::FORBIDDEN, "documents_apart", detail));
    }
    if refs.contains(&documents) {
        // The branch is held still while git works, so that is not for as long as the client takes to send.
        let request = whole(&app, stream::iter([Ok(head)]).chain(body)).await?;
        let answer = engine::spawn_blocking(move || {
            let branch = &project_repo.settings.design_docs_branch;
            project_repo.repository.receive_forward(branch, protocol.as_deref(), request)
        });
        let answer = answer.await.map_err(|error| Problem::internal(&error))?;
        let answer = answer.map_err(|error| Problem::internal(&error))?;
        return served(Body::from(answer), media);
    }
    let repository = project_repo.repository.clone();
    let command = engine::spawn_blocking(move || repository.receive_pack(protocol.as_deref()));
    let command = command
        .await
        .map_err(|error| Problem::internal(&error))?
        .map_err(|error| Problem::internal(&error))?;
    let input = stream::iter([Ok(head)]).chain(body);
    run(&app, command, input, Bytes::new(), media)
}

/// Returns a body that ends in an error where it becomes too large.
fn bounded(body: BodyDataStream, most: u64) -> Input {
    let mut left = most;
    Box::pin(body.map(move |bytes| {
        let bytes = bytes?;
        match left.checked_sub(bytes.len() as u64) {
            Some(rest) => {
                left = rest;
                Ok(bytes)
            }
            None => Err(axum::Error::new(TooLarge)),
        }
    }))
}

/// A request's body.
type Input = Pin<Box<dyn Stream<Item = Result<Bytes, axum::Error>> + Send>>;

/// A body that is larger than may be.
#[derive(Debug, thiserror::Error)]
#[error("the request is too large")]
struct TooLarge;

/// Returns what is wrong with a body that could not be read.
fn unreadable(error: &axum::Error) -> Problem {
    let is_too_large = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source())
        .any(<dyn std::error::Error>::is::<TooLarge>);
    if is_too_large {
        let detail = "The request is too large; push fewer commits at once, and uncompressed.";
        return Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "push_too_large", detail);
    }
    Problem::new(StatusCode::BAD_REQUEST, "malformed_push", "The request broke off; push again.")
}

/// Returns whether only a person may push to a ref: everything but the branches of tasks.
fn is_protected(name: &str, project_repo: &ProjectRepo) -> bool {
    let branch = name.strip_prefix("refs/heads/");
    branch.is_none_or(|branch| {
        !branch.starts_with("task/") || branch == project_repo.settings.design_docs_branch
    })
}

/// Returns a request as a file that is gone when it is closed.
async fn whole(
    app: &App,
    body: impl Stream<Item = Result<Bytes, axum::Error>>,
) -> Result<std::fs::File, Problem> {
    let folder = app.config.data_dir.clone();
    let file = engine::spawn_blocking(move || tempfile::tempfile_in(folder));
    let file = file.await.map_err(|error| Problem::internal(&error))?;
    let mut file = tokio::fs::File::from_std(file.map_err(|error| Problem::internal(&error))?);
    let mut body = std::pin::pin!(body);
    while let Some(bytes) = body.next().await {
        let bytes = bytes.map_err(|error| unreadable(&error))?;
        file.write_all(&bytes).await.map_err(|error| Problem::internal(&error))?;
    }
    file.flush().await.map_err(|error| Problem::internal(&error))?;
    file.rewind().await.map_err(|error| Problem::internal(&error))?;
    Ok(file.into_std().await)
}

/// The parameters of every git request: the caller, the repository, and the version of the protocol.
pub(crate) struct Asked {
    caller: Caller,
    name: String,
    project_repo: ProjectRepo,
    protocol: Option<String>,
    is_compressed: bool,
}

impl FromRequestParts<App> for Asked {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let caller = Caller::from_request_parts(parts, app).await.map_err(IntoResponse::into_response)?;
        let Path((owner, name)) = Path::<(String, String)>::from_request_parts(parts, app)
            .await
            .map_err(IntoResponse::into_response)?;
        let project_repo = project_repo(app, &caller, &owner, &name).await.map_err(said_to_git)?;
        let protocol = protocol(&parts.headers).map(str::to_owned);
        let is_compressed = parts.extensions.get::<Compressed>().is_some();
        Ok(Self { caller, name, project_repo, protocol, is_compressed })
    }
}

/// Returns a problem as git shows it to the person who runs it: plain text, which it prints line by line.
fn said_to_git(problem: Problem) -> Response {
    let text = format!("{}\n", problem.detail());
    let mut response = problem.into_response();
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response.headers_mut().remove(header::CONTENT_LENGTH);
    *response.body_mut() = Body::from(text);
    response
}

/// Returns the repository that an address names; another user's is as unknown as one that does not exist.
async fn project_repo(app: &App, caller: &Caller, owner: &str, repo: &str) -> Result<ProjectRepo, Problem> {
    let unknown = || Problem::not_found("repository");
    let name = repo.strip_suffix(".git").ok_or_else(unknown)?;
    if owner != caller.id().as_str() && owner != caller.user.name {
        return Err(unknown());
    }
    let projects = caller.projects(app).await?;
    let project = projects.iter().find(|project| project.id.as_str() == name);
    let project = project.or_else(|| projects.iter().find(|project| project.name == name));
    let project_repo = app.repositories.project_repo(&project.ok_or_else(unknown)?.id).await?;
    let repository = project_repo.repository.clone();
    let refused = engine::spawn_blocking(move || repository.refuse_stranger());
    refused.await.map_err(|error| Problem::internal(&error))?.map_err(|error| {
        Problem::conflict("repository_unusable", crate::request::problem::sentence(&error.to_string()))
    })?;
    Ok(project_repo)
}

/// Returns the version of the protocol that the client speaks.
fn protocol(headers: &HeaderMap) -> Option<&str> {
    let named = headers.get("git-protocol")?.to_str().ok()?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"=:.-_".contains(&byte);
    Some(named).filter(|named| named.bytes().all(is_plain))
}

/// Returns the beginning of a push, as far as it names what it moves, and what that is.
async fn beginning(
    body: &mut (impl Stream<Item = Result<Bytes, axum::Error>> + Unpin),
) -> Result<(Bytes, Vec<String>), Problem> {
    let malformed = |error: MalformedPush| {
        let detail = crate::request::problem::sentence(&error.to_string());
        Problem::new(StatusCode::BAD_REQUEST, "malformed_push", detail)
    };
    let mut head = Vec::new();
    let mut commands = PushCommands::default();
    while !commands.read(&head).map_err(malformed)? {
        if head.len() > COMMANDS {
            return Err(malformed(MalformedPush::Line));
        }
        let more = body.next().await.ok_or_else(|| malformed(MalformedPush::Line))?;
        head.extend_from_slice(&more.map_err(|error| unreadable(&error))?);
    }
    Ok((Bytes::from(head), commands.into_refs()))
}

/// Runs one of git's programs: the request goes to its input as it comes, its output is the answer.
fn run(
    app: &App,
    command: std::process::Command,
    input: impl Stream<Item = Result<Bytes, axum::Error>> + Send + 'static,
    heading: Bytes,
    media: &str,
) -> Result<Response, Problem> {
    let mut command = tokio::process::Command::from(command);
    // Git's error is in its answer.
    let child = command.stdin(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true).spawn();
    let mut child = child.map_err(|error| Problem::internal(&error))?;
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let Some((mut stdin, stdout)) = stdin.zip(stdout) else {
        return Err(Problem::internal(&io::Error::other("a process without its pipes")));
    };
    let stop = app.stop.clone();
    tokio::spawn(stop.clone().run_until_cancelled_owned(async move {
        let mut input = std::pin::pin!(input);
        while let Some(Ok(bytes)) = input.next().await {
            // A process that stops reading has decided; its answer has the reason.
            if stdin.write_all(&bytes).await.is_err() {
                break;
            }
        }
    }));
    let answer = stream::iter([Ok(heading)]).chain(output(child, stdout)).take_until(stop.cancelled_owned());
    served(Body::from_stream(answer), media)
}

/// Returns an answer for git.
fn served(body: Body, media: &str) -> Result<Response, Problem> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    let media = HeaderValue::from_str(media).map_err(|error| Problem::internal(&error))?;
    headers.insert(header::CONTENT_TYPE, media);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(response)
}

/// Returns the output of a process, which is kept for as long as it is read.
fn output(child: Child, stdout: ChildStdout) -> impl Stream<Item = io::Result<Bytes>> + Send {
    stream::unfold((child, ReaderStream::new(stdout)), async |(mut child, mut stdout)| {
        match stdout.next().await {
            Some(bytes) => Some((bytes, (child, stdout))),
            None => {
                match child.wait().await {
                    Ok(status) if status.success() => {}
                    Ok(status) => tracing::info!(%status, "git could not serve a request"),
                    Err(error) => tracing::warn!(%error, "git could not be waited for"),
                }
                None
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the commands of a push that arrives in pieces of a size.
    fn arriving(request: &[u8], size: usize) -> Result<(Bytes, Vec<String>), Problem> {
        let pieces = request.chunks(size.max(1)).map(|piece| Ok(Bytes::copy_from_slice(piece)));
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(beginning(&mut stream::iter(pieces.collect::<Vec<_>>())))
    }

    #[test]
    fn a_push_is_read_alike_however_it_arrives() {
        fuzz_seeds::run("push", &[], 500, |request| {
            let whole = arriving(request, request.len()).map_err(|problem| problem.detail().to_owned());
            for size in [1, 9] {
                match (arriving(request, size), &whole) {
                    (Ok((head, refs)), Ok((_, expected))) => {
                        assert_eq!(&refs, expected);
                        assert!(request.starts_with(&head));
                    }
                    (read, expected) => {
                        assert_eq!(
                            read.err().map(|problem| problem.detail().to_owned()),
                            expected.clone().err()
                        );
                    }
                }
            }
        });
    }
}
