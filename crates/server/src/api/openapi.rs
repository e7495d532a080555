//! The OpenAPI document of every route.

use super::caller::Caller;
use axum::Json;
use utoipa::OpenApi;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "SpecTask",
        description = "Turns a prompt into reviewed, merged work done by a crew of coding agents.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    security(("bearer" = []), ("cookie" = []))
)]
struct Head;

/// The document, made from the routes themselves.
pub fn document() -> utoipa::openapi::OpenApi {
    let (_, mut document) = OpenApiRouter::with_openapi(Head::openapi())
        .nest("/api/v1", super::routes())
        .merge(super::upkeep())
        .split_for_parts();
    let components = document.components.get_or_insert_default();
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    let cookie = ApiKey::Cookie(ApiKeyValue::new(super::caller::COOKIE));
    components.add_security_scheme("cookie", SecurityScheme::ApiKey(cookie));
    document
}

/// Reads the OpenAPI document.
#[utoipa::path(get, path = "/openapi.json", tag = "about", responses((status = 200, description = "This document")))]
pub(crate) async fn read(_caller: Caller) -> Json<utoipa::openapi::OpenApi> {
    Json(document())
}
