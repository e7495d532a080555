//! The endpoints that the configuration names.

use super::messages::EVENTS;
use crate::settings::config::{Config, WebhookEntry};
use crate::settings::expand::expand;
use anyhow::{Context as _, ensure};
use standardwebhooks::Webhook;
use std::sync::{Arc, OnceLock};
use tokio::sync::Notify;
use workflow::Task;

/// The prefix of webhook secrets.
const SECRET_PREFIX: &str = "whsec_";
/// The fewest bytes that a secret has, as the specification recommends.
const MIN_SECRET_BYTES: usize = 24;

/// An endpoint that is sent messages.
pub struct Endpoint {
    pub id: String,
    pub url: String,
    /// The events that it is sent.
    pub events: Vec<String>,
    /// The projects whose events it is sent; empty is all.
    pub projects: Vec<String>,
    pub(super) signer: Webhook,
    /// Wakes its sender.
    pub(super) wake: Notify,
}

impl Endpoint {
    /// Returns whether it is sent an event of a task.
    pub(super) fn wants(&self, event: &str, task: &Task) -> bool {
        let is_of_project =
            self.projects.is_empty() || self.projects.iter().any(|project| project == task.project.as_str());
        is_of_project && self.events.iter().any(|known| known == event)
    }
}

/// The endpoints of a server.
#[derive(Clone)]
pub struct Webhooks(Arc<Inner>);

struct Inner {
    endpoints: Vec<Arc<Endpoint>>,
    /// The address at which people reach the dashboard, as configured.
    public_url: Option<String>,
    /// The address at which the server listens, once it does.
    own_url: OnceLock<String>,
    /// The configured address of the server.
    bind_url: String,
    /// Wakes the sender of push messages, which are queued with those of webhooks.
    push: Arc<Notify>,
}

impl Webhooks {
    /// Reads the endpoints of a configuration. The error names the endpoint and says what to change.
    pub(crate) fn new(config: &Config) -> anyhow::Result<Self> {
        let mut endpoints: Vec<Arc<Endpoint>> = Vec::new();
        for entry in &config.webhooks {
            let name = if entry.id.is_empty() { "a webhook without an id" } else { &entry.id };
            let endpoint = endpoint(entry).with_context(|| format!("cannot use the webhook {name:?}"))?;
            let is_new = endpoints.iter().all(|known| known.id != endpoint.id);
            ensure!(is_new, "two webhooks have the id {:?}; give each a different id", endpoint.id);
            endpoints.push(Arc::new(endpoint));
        }
        let public_url = config.public_url.as_deref().map(|url| url.trim_end_matches('/').to_owned());
        if let Some(url) = &public_url {
            check_url(url).context("public_url cannot be used")?;
        }
        let bind_url = format!("http://{}", config.bind);
        Ok(Self(Arc::new(Inner {
            endpoints,
            public_url,
            own_url: OnceLock::new(),
            bind_url,
            push: Arc::default(),
        })))
    }

    /// Sets the address at which the server listens.
    pub(crate) fn listen_at(&self, url: &str) {
        // It listens once.
        let _ = self.0.own_url.set(url.to_owned());
    }

    /// Returns every endpoint, as configured.
    pub fn endpoints(&self) -> &[Arc<Endpoint>] {
        &self.0.endpoints
    }

    /// Returns the endpoint of an id.
    pub fn endpoint(&self, id: &str) -> Option<&Arc<Endpoint>> {
        self.0.endpoints.iter().find(|endpoint| endpoint.id == id)
    }

    /// Returns the address of a page of the dashboard.
    pub(super) fn link(&self, path: &str) -> String {
        let base = self.0.public_url.as_ref().or_else(|| self.0.own_url.get());
        format!("{}{path}", base.unwrap_or(&self.0.bind_url))
    }

    /// Returns what wakes the sender of push messages.
    pub(crate) fn push_wake(&self) -> Arc<Notify> {
        Arc::clone(&self.0.push)
    }

    /// Wakes the senders, that of push messages too.
    pub fn wake(&self) {
        self.0.push.notify_one();
        for endpoint in &self.0.endpoints {
            endpoint.wake.notify_one();
        }
    }
}

fn endpoint(entry: &WebhookEntry) -> anyhow::Result<Endpoint> {
    let WebhookEntry { id, url, secret, events, projects } = entry;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    ensure!(
        !id.is_empty() && id.len() <= 64 && id.chars().all(is_plain),
        "its id is not 1 to 64 letters, digits, - and _"
    );
    let url = expand(url);
    check_url(&url)?;
    let secret = expand(secret);
    let key = secret.strip_prefix(SECRET_PREFIX).unwrap_or_default();
    let bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, key).unwrap_or_default();
    ensure!(
        bytes.len() >= MIN_SECRET_BYTES,
        "its secret is not whsec_ followed by at least {MIN_SECRET_BYTES} bytes in base64; \
         make one with: echo \"whsec_$(openssl rand -base64 32)\""
    );
    let signer = Webhook::new(&secret).context("its secret cannot be used")?;
    for event in events {
        ensure!(
            EVENTS.contains(&event.as_str()),
            "it names the event {event:?}; the events are {}",
            EVENTS.join(", ")
        );
    }
    let every = || EVENTS.iter().map(|event| (*event).to_owned()).collect();
    let events = if events.is_empty() { every() } else { events.clone() };
    Ok(Endpoint { id: id.clone(), url, events, projects: projects.clone(), signer, wake: Notify::new() })
}

/// Checks that a URL is one of HTTP and shows no credentials.
fn check_url(url: &str) -> anyhow::Result<()> {
    let parsed =
        reqwest::Url::parse(url).context("its url is not a URL such as https://example.org/hooks")?;
    ensure!(matches!(parsed.scheme(), "http" | "https"), "its url does not begin with https:// or http://");
    ensure!(
        parsed.username().is_empty() && parsed.password().is_none(),
        "its url has a user name or a password; receivers check the signature, so leave them out"
    );
    ensure!(parsed.has_host(), "its url names no host");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(url: &str, secret: &str, events: &[&str]) -> WebhookEntry {
        WebhookEntry {
            id: "ops".to_owned(),
            url: url.to_owned(),
            secret: secret.to_owned(),
            events: events.iter().map(|event| (*event).to_owned()).collect(),
            projects: Vec::new(),
        }
    }

    #[test]
    fn an_endpoint_that_cannot_be_used_is_refused_with_what_to_change() {
        // In one piece it would look like a real secret.
        let secret = concat!("whsec_", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=");
        let url = "https://example.org/hooks";
        let refusal = |entry: &WebhookEntry| endpoint(entry).err().map(|error| format!("{error:#}"));
        assert_eq!(refusal(&entry(url, secret, &["task.done"])), None);
        for (entry, reason) in [
            (entry("ftp://example.org", secret, &[]), "https://"),
            (entry("https://ada:secret@example.org", secret, &[]), "password"),
            (entry("example.org", secret, &[]), "not a URL"),
            (entry(url, "whsec_c2hvcnQ=", &[]), "at least 24 bytes"),
            (entry(url, "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", &[]), "whsec_"),
            (entry(url, secret, &["task.lost"]), "the events are"),
            (WebhookEntry { id: "a b".to_owned(), ..entry(url, secret, &[]) }, "letters"),
        ] {
            let refused = refusal(&entry).expect("it is refused");
            assert!(refused.contains(reason), "{refused}");
            assert!(!refused.contains("MDEy"), "{refused}");
        }
    }
}
