//! Who may see which preview: tickets that are used once, and the cookies that browsers get for them.
//!
//! Both are in memory: dev servers end with the server, and so do their previews.

use crate::preview::host::Target;
use crate::request::caller::Caller;
use axum::http::{HeaderMap, HeaderValue, header};
use engine::App;
use engine::settings::owner;
use engine::worktrees::previews::{self, PreviewError};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use workflow::TaskId;

/// The cookie of a browser that opened a preview over plain HTTP.
pub(super) const COOKIE: &str = "spectask_preview";
/// The same over TLS: browsers take it from its own host only.
pub(super) const SECURE_COOKIE: &str = "__Host-spectask_preview";
/// How long a ticket may be used.
const TICKET_AGE: Duration = Duration::from_secs(60);
/// How long a browser may see a preview before it has to be opened from the dashboard again.
const MAX_AGE: Duration = Duration::from_secs(12 * 3600);
/// How long it is not checked again that a user may see a preview.
const CHECK_INTERVAL: Duration = Duration::from_secs(2);
/// How often it is checked while a connection stays open.
const RECHECK_INTERVAL: Duration = Duration::from_secs(10);
/// How many tickets, and how many cookies, are remembered; beyond it the oldest are forgotten first.
const MAX_REMEMBERED: usize = 1000;

/// The tickets and cookies of all previews, by their hashes.
#[derive(Default)]
pub(super) struct SignIns {
    tickets: Mutex<HashMap<String, (Instant, SignIn)>>,
    open: Mutex<HashMap<String, (Instant, Arc<SignIn>)>>,
}

/// A user who may see one preview.
pub(super) struct SignIn {
    pub(super) target: Target,
    task: TaskId,
    caller: Caller,
    /// The preview's port, and when it was checked that the user may see it.
    checked: Mutex<Option<(Instant, u16)>>,
}

/// Why a user cannot see a preview any more.
#[derive(Debug)]
pub(super) enum Ended {
    SignedOut,
    /// The session's task is over, or is not the user's.
    Closed,
    Unreachable(PreviewError),
}

impl SignIn {
    pub(super) fn new(target: Target, task: TaskId, caller: Caller) -> Self {
        Self { target, task, caller, checked: Mutex::default() }
    }

    /// Checks that the credential with which the preview was opened is valid and that the session's task is not over, and
    /// returns the preview's port.
    pub(super) async fn check(&self, app: &App) -> Result<u16, Ended> {
        let checked = *self.checked.lock();
        if let Some((_, port)) = checked.filter(|(at, _)| at.elapsed() < CHECK_INTERVAL) {
            return Ok(port);
        }
        if !self.caller.is_still_valid(app).await {
            return Err(Ended::SignedOut);
        }
        let task = app.store.task(&self.task).await.map_err(|error| Ended::Unreachable(error.into()))?;
        let task = task.filter(|task| self.caller.covers(task)).ok_or(Ended::Closed)?;
        let session = task.session(&self.target.session).ok_or(Ended::Closed)?;
        let port = previews::port(app, &task, session, self.target.number).await;
        let port = port.map_err(|error| match error {
            PreviewError::NoWorktree | PreviewError::NoPorts => Ended::Closed,
            error => Ended::Unreachable(error),
        })?;
        *self.checked.lock() = Some((Instant::now(), port));
        Ok(port)
    }

    /// Returns when the preview may not be seen any more.
    pub(super) async fn ended(self: Arc<Self>, app: App) {
        let checks = async {
            loop {
                tokio::time::sleep(RECHECK_INTERVAL).await;
                if self.check(&app).await.is_err() {
                    return;
                }
            }
        };
        tokio::select! {
            () = checks => {}
            () = app.stop.cancelled() => {}
        }
    }
}

impl SignIns {
    /// Makes a ticket.
    pub(super) fn issue_ticket(&self, sign_in: SignIn) -> String {
        let ticket = owner::random("sppt");
        insert(&mut self.tickets.lock(), owner::hash(&ticket), sign_in, TICKET_AGE);
        ticket
    }

    /// Takes a ticket for a preview, and returns the id for the browser's cookie; none when it was used or has expired.
    pub(super) fn redeem(&self, ticket: &str, target: &Target) -> Option<String> {
        let (at, sign_in) = self.tickets.lock().remove(&owner::hash(ticket))?;
        if at.elapsed() >= TICKET_AGE || sign_in.target != *target {
            return None;
        }
        let id = owner::random("spps");
        insert(&mut self.open.lock(), owner::hash(&id), Arc::new(sign_in), MAX_AGE);
        Some(id)
    }

    /// Returns who a request's cookie lets see a preview.
    pub(super) fn of_request(&self, headers: &HeaderMap, target: &Target) -> Option<Arc<SignIn>> {
        let open = self.open.lock();
        // Pages of other previews can set a cookie with the same name, so each is tried.
        let ids = cookies(headers).filter(|(name, _)| is_own(name)).map(|(_, id)| owner::hash(id));
        let mut known = ids.filter_map(|hash| open.get(&hash));
        let found = known.find(|(at, sign_in)| at.elapsed() < MAX_AGE && sign_in.target == *target);
        found.map(|(_, sign_in)| sign_in.clone())
    }
}

/// Remembers an entry, and forgets those that are too old or too many.
fn insert<T>(all: &mut HashMap<String, (Instant, T)>, hash: String, entry: T, max_age: Duration) {
    all.retain(|_, (at, _)| at.elapsed() < max_age);
    if all.len() >= MAX_REMEMBERED {
        let oldest = all.iter().min_by_key(|(_, (at, _))| *at).map(|(hash, _)| hash.clone());
        oldest.and_then(|oldest| all.remove(&oldest));
    }
    all.insert(hash, (Instant::now(), entry));
}

/// Returns whether a cookie is that of previews.
pub(super) fn is_own(name: &str) -> bool {
    [COOKIE, SECURE_COOKIE].contains(&name)
}

/// Returns the names and values of a request's cookies.
pub(super) fn cookies(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|cookies| cookies.split(';')).filter_map(|cookie| cookie.trim().split_once('='))
}

/// Returns the cookie of a browser that opened a preview: unreadable to scripts, and not sent with what other sites load.
pub(super) fn cookie(id: &str, is_secure: bool) -> HeaderValue {
    let (name, secure) = if is_secure { (SECURE_COOKIE, "; Secure") } else { (COOKIE, "") };
    let age = MAX_AGE.as_secs();
    let text = format!("{name}={id}; Path=/; HttpOnly; SameSite=Lax{secure}; Max-Age={age}");
    // An id is letters, digits and underscores.
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
}
