//! The reverse proxy of previews. It answers requests to the hosts of previews; no route of the dashboard is at them.

use crate::preview::host::{self, Target};
use crate::preview::sign_ins::{self, Ended, SignIn, SignIns};
use crate::preview::{headers, pages};
use crate::request::caller::is_secure;
use crate::request::guard;
use crate::request::http::Connection;
use crate::request::problem::sentence;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderValue, Method, StatusCode, Uri, Version, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use engine::App;
use engine::worktrees::previews::{self, DevServerStream, PreviewError};
use futures::StreamExt as _;
use futures::future::BoxFuture;
use hyper::rt::ReadBufCursor;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connected, Connection as ClientConnection};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use serde::Deserialize;
use std::error::Error;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

/// The path at which a browser gets its cookie for a ticket.
pub(super) const OPEN_PATH: &str = "/.spectask/open";
/// How long a connection to a dev server is kept without a request.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// How many connections to one dev server are kept without a request.
const MAX_IDLE_CONNECTIONS: usize = 8;

/// The previews of a server.
#[derive(Clone)]
pub(crate) struct Previews(Arc<Inner>);

struct Inner {
    app: App,
    sign_ins: SignIns,
    client: Client<Connector, Body>,
}

/// What a browser shows to get its cookie.
#[derive(Deserialize)]
struct TicketQuery {
    ticket: String,
}

/// Answers a request to the host of a preview, and passes on any other.
pub(crate) async fn serve(State(previews): State<Previews>, request: Request<Body>, next: Next) -> Response {
    let host = guard::host(&request).ok();
    match host.and_then(|host| Some((host::target(&previews.0.app.config, &host)?, host))) {
        Some((target, host)) => previews.answer(target, &host, request).await,
        None => next.run(request).await,
    }
}

impl Previews {
    pub(crate) fn new(app: App) -> Self {
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(MAX_IDLE_CONNECTIONS)
            .set_host(false)
            .build(Connector(app.clone()));
        Self(Arc::new(Inner { app, sign_ins: SignIns::default(), client }))
    }

    /// Makes a ticket for a user's browser.
    pub(super) fn issue_ticket(&self, sign_in: SignIn) -> String {
        self.0.sign_ins.issue_ticket(sign_in)
    }

    async fn answer(&self, target: Target, host: &Authority, request: Request<Body>) -> Response {
        let Inner { app, sign_ins, .. } = &*self.0;
        let is_secure = is_secure(app, request.headers(), request.extensions());
        if request.uri().path() == OPEN_PATH {
            return self.open(&target, is_secure, &request);
        }
        let Some(sign_in) = sign_ins.of_request(request.headers(), &target) else {
            return pages::signed_out();
        };
        if !guard::same_origin(request.headers(), host, is_secure) || is_loaded_elsewhere(&request) {
            return pages::other_site();
        }
        let port = match sign_in.check(app).await {
            Ok(port) => port,
            Err(Ended::SignedOut) => return pages::signed_out(),
            Err(Ended::Closed) => return pages::closed(),
            Err(Ended::Unreachable(error)) => return unreachable(&error),
        };
        if let Some(connection) = request.extensions().get::<Connection>() {
            connection.set_authenticated();
        }
        let scheme = if is_secure { "https" } else { "http" };
        let forwarded = self.forward(&sign_in, &format!("{scheme}://{host}"), port, request).await;
        forwarded.unwrap_or_else(|error| failed(&*error))
    }

    /// Gives a browser its cookie for a ticket. One that has its cookie already, as after a step back, is led on.
    fn open(&self, target: &Target, is_secure: bool, request: &Request<Body>) -> Response {
        let sign_ins = &self.0.sign_ins;
        let query: Option<TicketQuery> =
            request.uri().query().and_then(|query| serde_html_form::from_str(query).ok());
        let start = [
            (header::LOCATION, HeaderValue::from_static("/")),
            (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        ];
        let id = query.filter(|_| request.method() == Method::GET);
        match id.and_then(|query| sign_ins.redeem(&query.ticket, target)) {
            Some(id) => {
                let cookie = [(header::SET_COOKIE, sign_ins::cookie(&id, is_secure))];
                (StatusCode::SEE_OTHER, start, cookie).into_response()
            }
            None if sign_ins.of_request(request.headers(), target).is_some() => {
                (StatusCode::SEE_OTHER, start).into_response()
            }
            None => pages::link_used(),
        }
    }

    /// Passes a request on to its dev server.
    async fn forward(
        &self,
        sign_in: &Arc<SignIn>,
        origin: &str,
        port: u16,
        mut request: Request<Body>,
    ) -> Result<Response, Box<dyn Error + Send + Sync>> {
        let Inner { app, client, .. } = &*self.0;
        let Target { session, number } = &sign_in.target;
        if *request.method() == Method::CONNECT {
            return Ok(StatusCode::METHOD_NOT_ALLOWED.into_response());
        }
        let browser = headers::upgrade(request.headers()).is_some().then(|| hyper::upgrade::on(&mut request));
        headers::for_dev_server(request.headers_mut(), origin, port);
        // What belongs to the browser's connection does not belong to this one.
        request.extensions_mut().clear();
        *request.version_mut() = Version::HTTP_11;
        // Connections are kept by this name, so that those of different sessions and ports are.
        let label = sign_in.target.label().ok_or(PreviewError::NoWorktree)?;
        let path = request.uri().path_and_query().cloned().unwrap_or_else(|| "/".parse().expect("a path"));
        *request.uri_mut() = Uri::builder()
            .scheme("http")
            .authority(format!("{label}:{port}"))
            .path_and_query(path)
            .build()?;
        let mut response = client.request(request).await?;
        headers::for_browser(response.headers_mut(), origin, port);
        let ended = Box::pin(sign_in.clone().ended(app.clone()));
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            let browser = browser.ok_or("the dev server changed to a protocol that was not asked for")?;
            let dev_server = hyper::upgrade::on(&mut response);
            let (session, number) = (session.clone(), *number);
            tokio::spawn(async move {
                let copied = async {
                    let (browser, dev_server) = tokio::try_join!(browser, dev_server)?;
                    let (mut browser, mut dev_server) = (TokioIo::new(browser), TokioIo::new(dev_server));
                    tokio::io::copy_bidirectional(&mut browser, &mut dev_server).await?;
                    Ok::<_, Box<dyn Error + Send + Sync>>(())
                };
                tokio::select! {
                    copied = copied => if let Err(error) = copied {
                        tracing::debug!(error, %session, number, "a connection of a preview broke");
                    },
                    () = ended => {}
                }
            });
            return Ok(response.map(|_| Body::empty()));
        }
        Ok(response.map(|body| {
            let frames = Body::new(body).into_data_stream();
            Body::from_stream(frames.take_until(ended))
        }))
    }
}

/// Returns whether a page of another site loads the request, other than by a link to the preview.
fn is_loaded_elsewhere(request: &Request<Body>) -> bool {
    let field = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let is_link = *request.method() == Method::GET
        && field("sec-fetch-mode") == Some("navigate")
        && field("sec-fetch-dest") == Some("document");
    matches!(field("sec-fetch-site"), Some("cross-site" | "same-site")) && !is_link
}

/// Returns the page of a request that could not be passed on.
fn failed(error: &(dyn Error + 'static)) -> Response {
    let mut cause = Some(error);
    while let Some(found) = cause {
        if let Some(error) = found.downcast_ref::<PreviewError>() {
            return unreachable(error);
        }
        cause = found.source();
    }
    let cause = engine::failure::chain(error);
    let sentence =
        format!("The dev server broke the connection off, or does not speak HTTP: {cause}. Reload the page.");
    pages::page(StatusCode::BAD_GATEWAY, "No answer of the dev server", &sentence)
}

/// Returns the page of a preview whose port cannot be reached.
fn unreachable(error: &PreviewError) -> Response {
    let sentence = sentence(&error.to_string());
    match error {
        PreviewError::NotListening { .. } => {
            pages::waiting(StatusCode::BAD_GATEWAY, "Nothing listens on this port", &sentence)
        }
        PreviewError::NoWorktree | PreviewError::NoPorts | PreviewError::NoSuchPort { .. } => pages::closed(),
        PreviewError::NoNetwork { .. } => {
            pages::page(StatusCode::BAD_GATEWAY, "The session cannot listen on ports", &sentence)
        }
        PreviewError::Failed(_) | PreviewError::Store(_) => {
            tracing::warn!(error = engine::failure::chain(error), "a dev server cannot be reached");
            let sentence = format!("{sentence} The server's log says why.");
            pages::page(StatusCode::BAD_GATEWAY, "The dev server cannot be reached", &sentence)
        }
    }
}

async fn task_of(app: &App, target: &Target) -> Result<workflow::Task, PreviewError> {
    let task = app.store.task_of_session(&target.session).await?.ok_or(PreviewError::NoWorktree)?;
    app.store.task(&task).await?.ok_or(PreviewError::NoWorktree)
}

/// Connects to dev servers, by the names that [`Previews::forward`] gives them.
#[derive(Clone)]
struct Connector(App);

impl tower::Service<Uri> for Connector {
    type Response = DevServerConnection;
    type Error = PreviewError;
    type Future = BoxFuture<'static, Result<DevServerConnection, PreviewError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), PreviewError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let app = self.0.clone();
        Box::pin(async move {
            let target = uri.host().and_then(Target::parse).ok_or(PreviewError::NoWorktree)?;
            let task = task_of(&app, &target).await?;
            let session = task.session(&target.session).ok_or(PreviewError::NoWorktree)?;
            let stream = previews::connect(&app, &task, session, target.number).await?;
            Ok(DevServerConnection(TokioIo::new(stream)))
        })
    }
}

/// A connection to a dev server, as the HTTP client takes it.
struct DevServerConnection(TokioIo<DevServerStream>);

impl ClientConnection for DevServerConnection {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl hyper::rt::Read for DevServerConnection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, into)
    }
}

impl hyper::rt::Write for DevServerConnection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
