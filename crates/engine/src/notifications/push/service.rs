//! Which push services the server sends to. Their addresses come from browsers, so that they must not lead into the server's own
//! network, whatever a name resolves to.

use crate::confinement::network::address::Reach;
use anyhow::{Context as _, ensure};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Url, redirect};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// How long a push service may take to answer.
pub(super) const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// The longest address of a browser at its push service, in bytes.
const MAX_ADDRESS: usize = 2048;

/// The push services that the server sends to.
pub(super) struct Services {
    /// The origins that may be in a private network or on this machine.
    private: Vec<String>,
}

/// Why a message is not sent to an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum AddressError {
    #[error("is not a URL such as https://push.example.org/1")]
    NotAUrl,
    #[error("does not begin with https://")]
    NotSecure,
    #[error("has a user name or a password")]
    Credentials,
    #[error("is longer than {MAX_ADDRESS} bytes")]
    TooLong,
    #[error(
        "is not on a public network; the owner can name the push service in the setting push.private_services"
    )]
    Private,
}

impl Services {
    /// Reads the setting. The error names the entry and says what to change.
    pub(super) fn new(private: &[String]) -> anyhow::Result<Self> {
        let private = private.iter().map(|entry| {
            private_origin(entry).with_context(|| format!("push.private_services has {entry:?}"))
        });
        Ok(Self { private: private.collect::<anyhow::Result<_>>()? })
    }

    /// Checks the address of a browser, and returns the origin of its push service.
    pub(super) fn check(&self, address: &str) -> Result<String, AddressError> {
        if address.len() > MAX_ADDRESS {
            return Err(AddressError::TooLong);
        }
        let url = Url::parse(address).map_err(|_| AddressError::NotAUrl)?;
        let host = url.host_str().ok_or(AddressError::NotAUrl)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(AddressError::Credentials);
        }
        let origin = url.origin().ascii_serialization();
        if self.is_private(&origin) {
            return Ok(origin);
        }
        if url.scheme() != "https" {
            return Err(AddressError::NotSecure);
        }
        let is_public = match ip_of(host) {
            Some(ip) => Reach::of(ip) == Reach::Public,
            None => !is_localhost(host),
        };
        if is_public { Ok(origin) } else { Err(AddressError::Private) }
    }

    /// Returns whether a push service may be in a private network.
    pub(super) fn is_private(&self, origin: &str) -> bool {
        self.private.iter().any(|known| known == origin)
    }
}

/// Reads an entry of the setting: an origin, of `http` only on this machine.
fn private_origin(entry: &str) -> anyhow::Result<String> {
    let url = Url::parse(entry).context("it is not a URL such as https://push.intern.example")?;
    let host = url.host_str().context("it names no host")?;
    let is_own = is_localhost(host) || ip_of(host).is_some_and(|ip| ip.is_loopback());
    ensure!(
        url.scheme() == "https" || (url.scheme() == "http" && is_own),
        "it does not begin with https://; http:// is for this machine alone"
    );
    let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    ensure!(
        is_bare && url.username().is_empty() && url.password().is_none(),
        "it has more than a scheme, a host and a port"
    );
    Ok(url.origin().ascii_serialization())
}

fn ip_of(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

fn is_localhost(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    host == "localhost" || host.ends_with(".localhost")
}

/// The HTTP clients: for public services, and for those of the setting.
pub(super) struct Clients {
    public: reqwest::Client,
    private: reqwest::Client,
}

impl Clients {
    pub(super) fn new() -> reqwest::Result<Self> {
        let builder = || {
            reqwest::Client::builder()
                .user_agent(concat!("SpecTask/", env!("CARGO_PKG_VERSION")))
                .redirect(redirect::Policy::none())
                .timeout(ANSWER_WITHIN)
        };
        let public = builder().dns_resolver(Arc::new(PublicAddresses)).build()?;
        Ok(Self { public, private: builder().no_proxy().build()? })
    }

    pub(super) fn of(&self, is_private: bool) -> &reqwest::Client {
        if is_private { &self.private } else { &self.public }
    }
}

/// Resolves names to their public addresses alone.
struct PublicAddresses;

impl Resolve for PublicAddresses {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> =
                found.filter(|address| Reach::of(address.ip()) == Reach::Public).collect();
            if public.is_empty() {
                return Err("the push service has no public address".into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lead_to_public_services_or_to_those_of_the_setting() {
        let services = Services::new(&["http://127.0.0.1:4001".to_owned(), "https://10.0.0.7".to_owned()]);
        let services = services.expect("they can be used");
        for (address, expected) in [
            ("https://push.example.org/send/1", Ok("https://push.example.org")),
            ("https://push.example.org:8443/send/1", Ok("https://push.example.org:8443")),
            ("http://127.0.0.1:4001/send/1", Ok("http://127.0.0.1:4001")),
            ("https://10.0.0.7/send", Ok("https://10.0.0.7")),
            ("http://127.0.0.1:4002/send/1", Err(AddressError::NotSecure)),
            ("https://127.0.0.1:4001/send/1", Err(AddressError::Private)),
            ("https://2130706433/", Err(AddressError::Private)),
            ("https://[::ffff:10.0.0.1]/", Err(AddressError::Private)),
            ("https://169.254.169.254/latest", Err(AddressError::Private)),
            ("https://LOCALHOST./", Err(AddressError::Private)),
            ("https://10.0.0.7:8443/send", Err(AddressError::Private)),
            ("http://push.example.org/", Err(AddressError::NotSecure)),
            ("file:///etc/passwd", Err(AddressError::NotAUrl)),
            ("https://ada:pw@push.example.org/", Err(AddressError::Credentials)),
            ("push.example.org", Err(AddressError::NotAUrl)),
        ] {
            assert_eq!(services.check(address), expected.map(str::to_owned), "{address}");
        }
    }

    #[test]
    fn a_setting_that_cannot_be_used_is_a_sentence() {
        for (entry, reason) in [
            ("push.intern.example", "is not a URL"),
            ("http://10.0.0.7", "http:// is for this machine alone"),
            ("https://10.0.0.7/send", "more than a scheme"),
        ] {
            let error = Services::new(&[entry.to_owned()]).err().map(|error| format!("{error:#}"));
            assert!(
                error.as_ref().is_some_and(|error| error.contains(reason) && error.contains(entry)),
                "{error:?}"
            );
        }
    }

    #[tokio::test]
    async fn names_of_this_machine_resolve_to_nothing() {
        let name: Name = "localhost".parse().expect("a name");
        let error = PublicAddresses.resolve(name).await.err().expect("no address");
        assert!(error.to_string().contains("no public address"), "{error}");
    }
}
