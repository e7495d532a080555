//! The OpenAPI document of every route.

use super::caller::Caller;
use super::problem::Problem;
use axum::Json;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    Content, ObjectBuilder, PathItem, Ref, RefOr, Required, Response, ResponseBuilder, Type,
};
use utoipa::{OpenApi, PartialSchema as _, ToSchema as _};
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
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            complete(path, method, operation);
        }
    }
    let components = document.components.get_or_insert_default();
    components.schemas.insert(Problem::name().into_owned(), Problem::schema());
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    let cookie = ApiKey::Cookie(ApiKeyValue::new(super::caller::COOKIE));
    components.add_security_scheme("cookie", SecurityScheme::ApiKey(cookie));
    document
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    [
        ("get", item.get.as_mut()),
        ("post", item.post.as_mut()),
        ("put", item.put.as_mut()),
        ("delete", item.delete.as_mut()),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation?)))
}

/// Adds what the rules for every route say and no route says for itself: its name, its key, and how it may fail.
fn complete(path: &str, method: &str, operation: &mut Operation) {
    let words: Vec<&str> = path
        .trim_start_matches("/api/v1")
        .split(['/', '-', '.'])
        .map(|word| word.trim_matches(['{', '}']))
        .filter(|word| !word.is_empty())
        .collect();
    operation.operation_id = Some(format!("{method}_{}", words.join("_")));
    if !path.starts_with("/api/v1") {
        return;
    }
    let is_open = path.ends_with("/login") || path.ends_with("/logout");
    let has_body = operation.request_body.is_some();
    let has_query = operation.parameters.iter().flatten().any(|parameter| match parameter {
        RefOr::T(parameter) => parameter.parameter_in == ParameterIn::Query,
        RefOr::Ref(_) => false,
    });
    if method == "post" && !is_open {
        operation.parameters.get_or_insert_default().push(RefOr::T(idempotency_key()));
    }
    let changes = method != "get";
    for (status, may_be) in [
        ("400", true),
        ("401", !is_open),
        ("403", true),
        ("404", path.contains('{') || has_body || has_query),
        ("409", changes && !is_open),
        ("413", has_body),
        ("415", has_body),
        ("422", has_body || has_query || changes),
        ("503", true),
    ] {
        if may_be {
            let unsaid = || RefOr::T(Response::new(""));
            operation.responses.responses.entry(status.to_owned()).or_insert_with(unsaid);
        }
    }
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else { continue };
        if let Some(title) = problem_title(status) {
            let headers = std::mem::take(&mut response.headers);
            *response = ResponseBuilder::new()
                .description(title)
                .content(
                    "application/problem+json",
                    Content::new(Some(Ref::from_schema_name(Problem::name()))),
                )
                .build();
            response.headers = headers;
        } else if response.description.is_empty() {
            "Done".clone_into(&mut response.description);
        }
    }
}

/// What a status says, when it tells of a problem.
fn problem_title(status: &str) -> Option<&'static str> {
    let status = axum::http::StatusCode::from_bytes(status.as_bytes()).ok()?;
    (status.is_client_error() || status.is_server_error())
        .then(|| status.canonical_reason().unwrap_or("Error"))
}

fn idempotency_key() -> Parameter {
    let schema = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(255));
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some("The same key with the same body gets the first answer and does nothing again."))
        .schema(Some(schema))
        .build()
}

/// Reads the OpenAPI document.
#[utoipa::path(get, path = "/openapi.json", tag = "about", responses((status = 200, description = "This document")))]
pub(crate) async fn read(_caller: Caller) -> Json<utoipa::openapi::OpenApi> {
    Json(document())
}
