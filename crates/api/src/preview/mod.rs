//! Previews: the dev servers of sessions, shown through this server at hosts of their own.
//!
//! A dev server runs code that an agent wrote, so its page is treated as hostile. Each preview has a separate host name, which
//! makes it another origin than the dashboard, and a separate cookie. The dashboard requests a ticket, and the browser exchanges
//! the ticket for that cookie. The proxy forwards no token and no cookie of SpecTask to a dev server.

mod headers;
mod host;
mod pages;
mod proxy;
mod routes;
mod sign_ins;

pub(crate) use proxy::{Previews, serve};

use engine::App;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Returns the routes of this folder.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(routes::list, routes::open))
}
