//! The pages that a preview shows instead of its dev server's.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

/// The page's look; it needs no file and no script.
const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:36rem;margin:15vh auto;padding:0 1rem}h1{font-size:1.25rem}code{font-size:.9em}";
/// How many seconds pass before a page that waits for its dev server is loaded again.
const RELOAD_SECONDS: &str = "3";

/// Returns a page with a title and a sentence that says what to do.
pub(super) fn page(status: StatusCode, title: &str, sentence: &str) -> Response {
    let body = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>{title} · Preview</title><style>{STYLE}</style></head>\
         <body><main><h1>{title}</h1><p>{}</p></main></body></html>",
        escaped(sentence)
    );
    let policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (status, headers, body).into_response()
}

/// Returns a page that is loaded again after a moment.
pub(super) fn waiting(status: StatusCode, title: &str, sentence: &str) -> Response {
    let mut page = page(status, title, sentence);
    page.headers_mut().insert(header::REFRESH, HeaderValue::from_static(RELOAD_SECONDS));
    page
}

pub(super) fn signed_out() -> Response {
    let sentence = "Open the preview from the session's page in the dashboard: this browser is not signed in to it, or was signed out.";
    page(StatusCode::UNAUTHORIZED, "Not signed in to this preview", sentence)
}

pub(super) fn link_used() -> Response {
    let sentence = "A link to a preview works once and for a minute. Open the preview again from the session's page in the dashboard.";
    page(StatusCode::GONE, "This link was used or has expired", sentence)
}

pub(super) fn closed() -> Response {
    let sentence = "The session's task is over, or you cannot see it any more. The dev server ended with the session's worktree.";
    page(StatusCode::GONE, "The session is closed", sentence)
}

pub(super) fn other_site() -> Response {
    let sentence = "Another site asked for this preview. Open the preview by its own address.";
    page(StatusCode::FORBIDDEN, "Request of another site", sentence)
}

fn escaped(text: &str) -> String {
    let plain = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    // Every second part stood between backticks.
    plain.split('`').enumerate().fold(String::new(), |page, (index, part)| match index % 2 {
        1 => page + "<code>" + part + "</code>",
        _ => page + part,
    })
}
