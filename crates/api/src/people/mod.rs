//! Users: sign-in, tokens, stored secrets, the audit log, the inbox, webhooks, push messages.

pub(crate) mod audit;
pub(crate) mod inbox;
pub(crate) mod login;
pub(crate) mod push;
pub(crate) mod secrets;
pub(crate) mod tokens;
pub(crate) mod webhooks;

use engine::App;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Returns the routes of this folder.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(inbox::list))
        .routes(routes!(webhooks::list))
        .routes(routes!(webhooks::deliveries))
        .routes(routes!(webhooks::redeliver))
        .routes(routes!(webhooks::test))
        .routes(routes!(push::key))
        .routes(routes!(push::list, push::subscribe))
        .routes(routes!(push::unsubscribe))
        .routes(routes!(push::test))
        .routes(routes!(push::deliveries))
        .routes(routes!(login::login))
        .routes(routes!(login::logout))
        .routes(routes!(login::me))
        .routes(routes!(tokens::list, tokens::create))
        .routes(routes!(tokens::revoke))
        .routes(routes!(secrets::list))
        .routes(routes!(secrets::set, secrets::remove))
        .routes(routes!(audit::list))
        .routes(routes!(audit::values))
}
