//! The HTTP API: its routes, one file per family, the live stream, git over HTTP, and the dashboard in the binary.
//!
//! It asks the engine and shows its answers. It knows no SQL, and starts neither git nor agents.

mod documents;
mod insight;
mod live;
mod people;
mod preview;
mod projects;
mod request;
mod reviews;
mod server;
mod sessions;
mod tasks;
#[cfg(test)]
mod testing;

pub use request::metrics;
pub use server::dashboard::is_embedded as has_dashboard;
pub use server::listen::run;
pub use server::openapi::document;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Extension, Router, middleware};
use engine::App;
use request::problem::Problem;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate as _};
use tower_http::decompression::RequestDecompressionLayer;
use tower_http::map_request_body::MapRequestBodyLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Returns every route of the API, with its documentation.
fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(people::routes())
        .merge(tasks::routes())
        .merge(projects::routes())
        .merge(documents::routes())
        .merge(reviews::routes())
        .merge(sessions::routes())
        .merge(preview::routes())
        .merge(insight::routes())
        .merge(live::routes())
        .merge(server::routes())
        .merge(git())
}

/// Repositories for git, at the addresses of the API and without them in front.
fn git() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(server::git::refs))
        .routes(routes!(server::git::upload_pack))
        .routes(routes!(server::git::receive_pack))
        // Long requests of git are compressed.
        .layer((RequestDecompressionLayer::new(), MapRequestBodyLayer::new(Body::new)))
        // Outside of that, where what a request came as is still known.
        .layer(middleware::from_fn(server::git::mark_compressed))
}

/// Returns the routes outside the API, for those who look after the server.
fn ops_routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(server::ops::healthz))
        .routes(routes!(server::ops::readyz))
        .routes(routes!(server::ops::metrics))
}

/// Returns the router of the server.
pub fn router(app: App) -> Router {
    let under_way = request::idempotency::InFlightKeys::default();
    let previews = preview::Previews::new(app.clone());
    let (api, _) = OpenApiRouter::new().nest("/api/v1", routes()).split_for_parts();
    let checked = middleware::from_fn_with_state(app.clone(), server::access::check);
    let api =
        api.layer(middleware::from_fn_with_state((app.clone(), under_way), request::idempotency::remember))
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
        .merge(ops_routes().split_for_parts().0.layer(checked.clone()))
        .merge(git().split_for_parts().0.layer(checked))
        .fallback(get(server::dashboard::serve).fallback(no_route))
        .layer(middleware::from_fn_with_state(app.clone(), request::guard::check))
        .layer(Extension(request::attempts::FailedAttempts::default()))
        .layer(Extension(server::access::Refusals::default()))
        .layer(Extension(live::resumption::Resumptions::default()))
        .layer(Extension(previews.clone()))
        .layer(header(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(header(header::REFERRER_POLICY, "same-origin"))
        // Hosts of previews have no routes of this server, and none of its header fields.
        .layer(middleware::from_fn_with_state(previews, preview::serve))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn(request::observe::observe))
        .with_state(app)
}

async fn wrong_method() -> Problem {
    let detail = "The route does not take this method; see /api/v1/openapi.json.";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
}

async fn no_route() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "no_such_route", "There is no such route; see /api/v1/openapi.json.")
}

/// Answers a request whose handler panicked; the server continues.
fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    tracing::error!("a request panicked");
    Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal",
        "The server could not do it; its log says why.",
    )
    .into_response()
}
