//! The HTTP API: its routes, one file per family, the live stream, git over HTTP, and the dashboard in the binary.
//!
//! It asks the engine and shows its answers. It knows no SQL, and starts neither git nor agents.

mod access;
mod agents_socket;
mod analytics;
mod assign_agent;
mod attempts;
mod audit;
mod caller;
mod catalog;
mod change_review;
mod collisions;
mod comments;
mod coordination;
mod create;
mod crew;
mod crew_tools;
mod dashboard;
mod documents;
mod edit_document;
mod editors;
mod extract;
mod findings;
mod fleet;
mod generate;
mod git_http;
mod guard;
mod held;
mod history;
mod http;
mod idempotency;
mod implementation;
mod inbox;
mod lint;
mod live;
mod login;
mod maintenance;
mod mcp_json;
mod messages;
pub mod metrics;
mod openapi;
mod ops;
mod page;
mod peer_process;
mod pending_review;
mod permission_grants;
mod permissions;
mod plain;
mod problem;
mod project_settings;
mod projects;
mod questions;
mod registered;
mod report;
mod request;
mod resumption;
mod revert;
mod reviews;
mod search;
mod server;
mod session_diff;
mod sessions;
mod settings;
mod specs;
mod subscriber;
mod tasks;
mod templates;
#[cfg(test)]
mod testing;
mod threads;
mod timeline;
mod tokens;
mod traceability;
mod vocabulary;
mod webhooks;
mod zed;

pub use dashboard::is_embedded as has_dashboard;
pub use openapi::document;
pub use server::run;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Extension, Router, middleware};
use engine::App;
use problem::Problem;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate as _};
use tower_http::decompression::RequestDecompressionLayer;
use tower_http::map_request_body::MapRequestBodyLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Every route of the API, with its documentation.
fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(tasks::from_prompt))
        .routes(routes!(tasks::from_demo))
        .routes(routes!(tasks::list))
        .routes(routes!(tasks::read, tasks::edit))
        .routes(routes!(tasks::start))
        .routes(routes!(tasks::cancel))
        .routes(routes!(tasks::retry))
        .routes(routes!(tasks::reopen))
        .routes(routes!(revert::revert))
        .routes(routes!(pending_review::read, pending_review::write))
        .routes(routes!(assign_agent::assign))
        .routes(routes!(held::list))
        .routes(routes!(held::decide))
        .routes(routes!(plain::list, plain::create))
        .routes(routes!(plain::read, plain::edit, plain::remove))
        .routes(routes!(plain::set_status))
        .routes(routes!(plain::sessions, plain::add_session))
        .routes(routes!(templates::list))
        .routes(routes!(specs::read))
        .routes(routes!(specs::approve))
        .routes(routes!(specs::approve_with_handoff))
        .routes(routes!(lint::list))
        .routes(routes!(reviews::list))
        .routes(routes!(reviews::read))
        .routes(routes!(comments::create))
        .routes(routes!(comments::reply))
        .routes(routes!(comments::resolve))
        .routes(routes!(implementation::progress))
        .routes(routes!(change_review::approve))
        .routes(routes!(implementation::diff))
        .routes(routes!(collisions::read))
        .routes(routes!(findings::list))
        .routes(routes!(traceability::read))
        .routes(routes!(report::read))
        .routes(routes!(search::search))
        .routes(routes!(analytics::read))
        .routes(routes!(implementation::start_sessions))
        .routes(routes!(implementation::overview))
        .routes(routes!(implementation::implementation_tasks))
        .routes(routes!(sessions::of_task))
        .routes(routes!(sessions::read))
        .routes(routes!(sessions::set_status))
        .routes(routes!(messages::say))
        .routes(routes!(messages::edit, messages::withdraw))
        .routes(routes!(crew::spawn))
        .routes(routes!(crew::spawn_of_task))
        .routes(routes!(crew::branch))
        .routes(routes!(crew::choose))
        .routes(routes!(coordination::add))
        .routes(routes!(coordination::log))
        .routes(routes!(timeline::read))
        .routes(routes!(editors::list))
        .routes(routes!(editors::open))
        .routes(routes!(editors::hand_off))
        .routes(routes!(sessions::stop_turn))
        .routes(routes!(sessions::cancel))
        .routes(routes!(sessions::retry))
        .routes(routes!(sessions::skip))
        .routes(routes!(sessions::events))
        .routes(routes!(session_diff::read))
        .routes(routes!(history::read))
        .routes(routes!(history::record))
        .routes(routes!(history::commit_progress))
        .routes(routes!(sessions::helix))
        .routes(routes!(sessions::messages))
        .routes(routes!(zed::instance, zed::stop))
        .routes(routes!(zed::pause))
        .routes(routes!(zed::resume))
        .routes(routes!(zed::threads))
        .routes(routes!(zed::thread, threads::open, threads::change, threads::close))
        .routes(routes!(threads::create_session))
        .routes(routes!(threads::event))
        .routes(routes!(documents::design_docs))
        .routes(routes!(documents::read, edit_document::write))
        .routes(routes!(generate::documents))
        .routes(routes!(documents::metadata_schema))
        .routes(routes!(documents::download))
        .routes(routes!(documents::status))
        .routes(routes!(fleet::live))
        .routes(routes!(catalog::agents))
        .routes(routes!(catalog::demo_repos))
        .routes(routes!(projects::list, projects::create))
        .routes(routes!(projects::read, projects::edit, projects::remove))
        .routes(routes!(project_settings::detect_repository))
        .routes(routes!(project_settings::trust))
        .routes(routes!(mcp_json::read, mcp_json::decide))
        .routes(routes!(crew_tools::task::read))
        .routes(routes!(crew_tools::sessions::list, crew_tools::sessions::spawn))
        .routes(routes!(crew_tools::changes::read))
        .routes(routes!(crew_tools::messages::send))
        .routes(routes!(crew_tools::messages::read))
        .routes(routes!(crew_tools::requests::ask))
        .routes(routes!(crew_tools::requests::wait))
        .routes(routes!(crew_tools::evidence::report))
        .routes(routes!(questions::list))
        .routes(routes!(questions::answer))
        .routes(routes!(permissions::list))
        .routes(routes!(permissions::answer))
        .routes(routes!(permission_grants::list))
        .routes(routes!(permission_grants::revoke))
        .routes(routes!(inbox::list))
        .routes(routes!(webhooks::list))
        .routes(routes!(webhooks::deliveries))
        .routes(routes!(webhooks::redeliver))
        .routes(routes!(webhooks::test))
        .routes(routes!(login::login))
        .routes(routes!(login::logout))
        .routes(routes!(login::me))
        .routes(routes!(tokens::list, tokens::create))
        .routes(routes!(tokens::revoke))
        .routes(routes!(audit::list))
        .routes(routes!(audit::values))
        .routes(routes!(settings::read))
        .routes(routes!(maintenance::read, maintenance::run))
        .routes(routes!(live::socket))
        .routes(routes!(live::events))
        .routes(routes!(openapi::read))
        .merge(git())
}

/// Repositories for git, at the addresses of the API and without them in front.
fn git() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(git_http::refs))
        .routes(routes!(git_http::upload_pack))
        .routes(routes!(git_http::receive_pack))
        // Long requests of git are compressed.
        .layer((RequestDecompressionLayer::new(), MapRequestBodyLayer::new(Body::new)))
        // Outside of that, where what a request came as is still known.
        .layer(middleware::from_fn(git_http::mark_compressed))
}

/// The routes outside the API, for those who look after the server.
fn upkeep() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(ops::healthz))
        .routes(routes!(ops::readyz))
        .routes(routes!(ops::metrics))
}

/// Everything the server answers.
pub fn router(app: App) -> Router {
    let under_way = idempotency::InFlightKeys::default();
    let (api, _) = OpenApiRouter::new().nest("/api/v1", routes()).split_for_parts();
    let checked = middleware::from_fn_with_state(app.clone(), access::check);
    let api =
        api.layer(middleware::from_fn_with_state((app.clone(), under_way), idempotency::remember))
            .layer(checked.clone())
            .layer(SetResponseHeaderLayer::if_not_present(
                header::CACHE_CONTROL,
                HeaderValue::from_static("no-store"),
            ))
            // Packs are compressed already, and so is the dashboard.
            .layer(CompressionLayer::new().compress_when(
                DefaultPredicate::new().and(NotForContentType::const_new("application/x-git-")),
            ))
            .method_not_allowed_fallback(wrong_method);
    let header = |name: HeaderName, value| {
        SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
    };
    Router::new()
        .merge(api)
        .merge(upkeep().split_for_parts().0.layer(checked.clone()))
        .merge(git().split_for_parts().0.layer(checked))
        .fallback(get(dashboard::serve).fallback(no_route))
        .layer(middleware::from_fn_with_state(app.clone(), guard::check))
        .layer(Extension(attempts::FailedAttempts::default()))
        .layer(Extension(access::Refusals::default()))
        .layer(Extension(resumption::Resumptions::default()))
        .layer(header(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(header(header::REFERRER_POLICY, "same-origin"))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn(request::observe))
        .with_state(app)
}

async fn wrong_method() -> Problem {
    let detail = "The route does not take this method; see /api/v1/openapi.json.";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
}

async fn no_route() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "no_such_route", "There is no such route; see /api/v1/openapi.json.")
}

/// A panic is a bug of one request, not the end of the server.
fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    tracing::error!("a request panicked");
    Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal",
        "The server could not do it; its log says why.",
    )
    .into_response()
}
