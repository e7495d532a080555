//! The hosts of previews: one for each session and port, so that no two dev servers share an origin.

use axum::http::uri::Authority;
use engine::Config;
use std::net::IpAddr;
use workflow::SessionId;

/// The host beneath which previews are when none is configured: browsers reach it on their own machine.
const LOCAL_HOST: &str = "preview.localhost";
/// How many characters the part of a session's id behind its prefix has.
const ID_LENGTH: usize = 26;

/// What a preview shows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Target {
    pub(super) session: SessionId,
    /// The number in `SPECTASK_PORT_1` to `SPECTASK_PORT_9`.
    pub(super) number: u8,
}

impl Target {
    /// Returns the first label of the preview's host; none for a session whose id makes no name of a host.
    pub(super) fn label(&self) -> Option<String> {
        let id = self.session.as_str().strip_prefix(SessionId::PREFIX)?.strip_prefix('_')?;
        let is_ulid = id.len() == ID_LENGTH
            && id.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase());
        is_ulid.then(|| format!("{}-{}", id.to_ascii_lowercase(), self.number))
    }

    /// Reads the first label of a preview's host.
    pub(super) fn parse(label: &str) -> Option<Self> {
        let label = label.to_ascii_uppercase();
        let (id, number) = label.split_once('-')?;
        let target = Self {
            session: SessionId(format!("{}_{id}", SessionId::PREFIX)),
            number: number.parse().ok().filter(|number| (1..=9).contains(number))?,
        };
        // A preview has one host: `-01` is none.
        target.label().filter(|own| own.eq_ignore_ascii_case(&label)).map(|_| target)
    }
}

/// Returns what the preview at a host shows; none for any other host.
pub(super) fn target(config: &Config, host: &Authority) -> Option<Target> {
    let name = host.host().to_ascii_lowercase();
    let (label, parent) = name.split_once('.')?;
    let is_parent = parent == LOCAL_HOST || configured(config).is_some_and(|host| host == parent);
    Target::parse(label).filter(|_| is_parent)
}

/// Returns the host with the port at which a browser that reaches the dashboard at `dashboard` reaches a preview; none when it
/// reaches none.
pub(super) fn authority(config: &Config, dashboard: &Authority, label: &str) -> Option<String> {
    let parent = match configured(config) {
        Some(parent) => parent,
        None if is_local(dashboard) => LOCAL_HOST.to_owned(),
        None => return None,
    };
    let port = dashboard.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
    Some(format!("{label}.{parent}{port}"))
}

fn configured(config: &Config) -> Option<String> {
    config.preview_host.as_ref().map(|host| host.trim_start_matches("*.").to_ascii_lowercase())
}

/// Returns whether a browser reaches the dashboard on its own machine.
fn is_local(host: &Authority) -> bool {
    let name = host.host().trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(text: &str) -> Authority {
        text.parse().expect("a host")
    }

    #[test]
    fn a_preview_has_a_host_of_its_own() {
        let target_of = Target { session: SessionId::from("stws_01KAQ3H2V7T9Y4M8N5B6C1D0EF"), number: 3 };
        let label = target_of.label().expect("a label");
        assert_eq!(label, "01kaq3h2v7t9y4m8n5b6c1d0ef-3");
        let mut config = Config::default();
        let local = format!("{label}.preview.localhost:7433");
        assert_eq!(target(&config, &host(&local)), Some(target_of.clone()));
        assert_eq!(authority(&config, &host("127.0.0.1:7433"), &label).as_deref(), Some(local.as_str()));
        assert_eq!(authority(&config, &host("[::1]:7433"), &label).as_deref(), Some(local.as_str()));
        assert_eq!(authority(&config, &host("192.168.1.5:7433"), &label), None);
        config.preview_host = Some("*.preview.example.net".to_owned());
        let public = format!("{label}.preview.example.net");
        assert_eq!(target(&config, &host(&public.to_uppercase())), Some(target_of));
        assert_eq!(authority(&config, &host("spectask.example.org"), &label), Some(public));
    }

    #[test]
    fn other_hosts_are_no_previews() {
        let config = Config::default();
        let id = "01kaq3h2v7t9y4m8n5b6c1d0ef";
        for other in [
            "localhost:7433".to_owned(),
            "preview.localhost".to_owned(),
            format!("{id}-1.localhost"),
            format!("{id}-0.preview.localhost"),
            format!("{id}-10.preview.localhost"),
            format!("{id}.preview.localhost"),
            format!("a.{id}-1.preview.localhost"),
            format!("{id}-1.preview.localhost.example.org"),
            "x-1.preview.localhost".to_owned(),
        ] {
            assert_eq!(target(&config, &host(&other)), None, "{other}");
        }
    }
}
