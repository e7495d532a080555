//! The proxy through which this server itself reaches the network.

use super::gate::{Connected, Use};
use crate::settings::hosts::{Host, Target};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use std::io;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// How long the head of a proxy's answer may be, in bytes.
const MAX_HEAD: usize = 8 * 1024;

/// The proxies that this server's environment names, and what is reached without them.
#[derive(Clone, Debug, Default)]
pub(super) struct Upstream {
    tunnels: Option<Proxy>,
    requests: Option<Proxy>,
    direct: Vec<Direct>,
}

/// A proxy that a variable names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Proxy {
    Http {
        target: Target,
        authorization: Option<String>,
    },
    /// The variable, when its value names no HTTP proxy.
    Unsupported(String),
}

/// Hosts that are reached without a proxy: an entry of `NO_PROXY`.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Direct {
    Everything,
    /// A name and everything beneath it, or an address.
    Host {
        host: Host,
        port: Option<u16>,
    },
}

/// Why a proxy does not lead to a target.
#[derive(Debug, thiserror::Error)]
pub(super) enum UpstreamError {
    #[error("{0} names no proxy that can be used; write it as http://HOST:PORT")]
    Unsupported(String),
    #[error("the proxy cannot be reached: {0}")]
    Io(#[from] io::Error),
    #[error("the proxy answers {0:?}")]
    Answer(String),
}

impl Upstream {
    /// Reads the variables of the environment.
    pub(super) fn read(variable: impl Fn(&str) -> Option<String>) -> Self {
        let value = |name: &str| {
            let found = variable(&name.to_lowercase()).or_else(|| variable(name));
            found.map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
        };
        let proxy = |names: [&str; 2]| names.iter().find_map(|name| Some(Proxy::parse(name, &value(name)?)));
        let direct = value("NO_PROXY").unwrap_or_default();
        Self {
            tunnels: proxy(["HTTPS_PROXY", "ALL_PROXY"]),
            requests: proxy(["HTTP_PROXY", "ALL_PROXY"]),
            direct: direct.split(',').filter_map(Direct::parse).collect(),
        }
    }

    /// Returns the proxy that leads to a target, if one does.
    pub(super) fn proxy_for(&self, target: &Target, purpose: Use) -> Option<&Proxy> {
        let proxy = match purpose {
            Use::Tunnel => &self.tunnels,
            Use::Request => &self.requests,
        };
        proxy.as_ref().filter(|_| !self.direct.iter().any(|direct| direct.matches(target)))
    }

    /// Connects to a proxy, and for a tunnel through it.
    pub(super) async fn connect(
        &self,
        proxy: &Proxy,
        target: &Target,
        purpose: Use,
    ) -> Result<Connected, UpstreamError> {
        let (address, authorization) = match proxy {
            Proxy::Http { target, authorization } => (target, authorization.clone()),
            Proxy::Unsupported(variable) => return Err(UpstreamError::Unsupported(variable.clone())),
        };
        let mut stream = match &address.host {
            Host::Name(name) => TcpStream::connect((name.as_str(), address.port)).await?,
            Host::Address(ip) => TcpStream::connect((*ip, address.port)).await?,
        };
        if purpose == Use::Request {
            return Ok(Connected { stream, proxy_authorization: authorization, is_to_proxy: true });
        }
        let authorization =
            authorization.map(|value| format!("Proxy-Authorization: {value}\r\n")).unwrap_or_default();
        let head = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{authorization}\r\n");
        stream.write_all(head.as_bytes()).await?;
        let answer = read_head(&mut stream).await?;
        let status = answer.lines().next().unwrap_or_default();
        if !status.split(' ').nth(1).is_some_and(|code| code.len() == 3 && code.starts_with('2')) {
            return Err(UpstreamError::Answer(status.chars().take(100).collect()));
        }
        Ok(Connected { stream, proxy_authorization: None, is_to_proxy: false })
    }
}

/// Reads the head of an answer and nothing beyond it, which is the target's.
async fn read_head(stream: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= MAX_HEAD {
            return Err(io::Error::other("its answer is too long"));
        }
        head.push(stream.read_u8().await?);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

impl Proxy {
    pub(super) fn parse(name: &str, value: &str) -> Self {
        let unsupported = || Self::Unsupported(name.to_owned());
        let rest = match value.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => rest,
            Some(_) => return unsupported(),
            None => value,
        };
        let (user, host) = match rest.trim_end_matches('/').rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, rest.trim_end_matches('/')),
        };
        let Ok(target) = Target::parse(host, Some(80)) else { return unsupported() };
        let decoded = user.map(|user| percent_encoding::percent_decode_str(user).collect::<Vec<u8>>());
        let authorization = decoded.map(|user| format!("Basic {}", BASE64_STANDARD.encode(user)));
        Self::Http { target, authorization }
    }
}

impl Direct {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text == "*" {
            return Some(Self::Everything);
        }
        let plain = text.trim_start_matches("*.").trim_start_matches('.');
        let with_port = Target::parse(plain, None).ok().map(|target| (target.host, Some(target.port)));
        let (host, port) =
            with_port.or_else(|| Target::parse(plain, Some(80)).ok().map(|target| (target.host, None)))?;
        Some(Self::Host { host, port })
    }

    fn matches(&self, target: &Target) -> bool {
        let Self::Host { host, port } = self else { return true };
        let is_host = match (host, &target.host) {
            (Host::Name(name), Host::Name(asked)) => asked
                .strip_suffix(name.as_str())
                .is_some_and(|front| front.is_empty() || front.ends_with('.')),
            (named, asked) => named == asked,
        };
        is_host && port.is_none_or(|port| port == target.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upstream(variables: &[(&str, &str)]) -> Upstream {
        let value = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        Upstream::read(value)
    }

    fn is_proxied(upstream: &Upstream, target: &str, purpose: Use) -> bool {
        upstream.proxy_for(&Target::parse(target, None).expect("a target"), purpose).is_some()
    }

    #[test]
    fn the_environment_says_what_goes_through_which_proxy() {
        let found = upstream(&[
            ("https_proxy", "http://ada:p%40ss@proxy.example.org:3128/"),
            ("NO_PROXY", "localhost, .inner.example.org,192.0.2.1,b.example.org:8443"),
        ]);
        assert!(is_proxied(&found, "a.example.org:443", Use::Tunnel));
        assert!(!is_proxied(&found, "a.example.org:443", Use::Request));
        for target in
            ["inner.example.org:443", "a.inner.example.org:443", "192.0.2.1:443", "b.example.org:8443"]
        {
            assert!(!is_proxied(&found, target, Use::Tunnel), "{target}");
        }
        assert!(is_proxied(&found, "winner.example.org:443", Use::Tunnel));
        assert!(is_proxied(&found, "b.example.org:443", Use::Tunnel));
        let authorization = Some(format!("Basic {}", BASE64_STANDARD.encode("ada:p@ss")));
        let target = Target::parse("proxy.example.org:3128", None).expect("a target");
        assert_eq!(found.tunnels, Some(Proxy::Http { target, authorization }));
        assert!(!is_proxied(
            &upstream(&[("ALL_PROXY", "http://p:1"), ("no_proxy", "*")]),
            "a:443",
            Use::Tunnel
        ));
    }

    /// Opens a tunnel through a proxy that gives one answer; returns what the proxy was sent, and the tunnel.
    async fn tunnel(answer: &'static [u8]) -> (String, Result<Connected, UpstreamError>) {
        let proxy = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = proxy.local_addr().expect("an address");
        let asked = tokio::spawn(async move {
            let (mut stream, _) = proxy.accept().await.expect("a connection");
            let head = read_head(&mut stream).await.expect("a head");
            stream.write_all(answer).await.expect("written");
            head
        });
        let found = upstream(&[("HTTPS_PROXY", &format!("http://ada:word@{address}"))]);
        let target = Target::parse("example.org:443", None).expect("a target");
        let proxy = found.proxy_for(&target, Use::Tunnel).expect("a proxy");
        let connected = found.connect(proxy, &target, Use::Tunnel).await;
        (asked.await.expect("asked"), connected)
    }

    #[tokio::test]
    async fn a_tunnel_goes_through_the_proxy_with_its_password() {
        let (asked, connected) = tunnel(b"HTTP/1.1 200 Connection established\r\nX: y\r\n\r\nhello").await;
        assert!(
            asked.starts_with("CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n"),
            "{asked}"
        );
        let authorization =
            format!("\r\nProxy-Authorization: Basic {}\r\n", BASE64_STANDARD.encode("ada:word"));
        assert!(asked.contains(&authorization), "{asked}");
        let mut first = String::new();
        connected.expect("a tunnel").stream.read_to_string(&mut first).await.expect("bytes");
        assert_eq!(first, "hello");
    }

    #[tokio::test]
    async fn what_the_proxy_refuses_is_said_in_its_words() {
        let refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n";
        let (_, connected) = tunnel(refusal).await;
        let error = connected.err().expect("refused").to_string();
        assert!(error.contains("407 Proxy Authentication Required"), "{error}");
    }

    #[test]
    fn a_proxy_that_cannot_be_used_is_not_passed_by() {
        for value in ["https://proxy.example.org", "socks5://proxy.example.org:1080", "http://a b"] {
            let found = upstream(&[("ALL_PROXY", value)]);
            assert_eq!(found.tunnels, Some(Proxy::Unsupported("ALL_PROXY".to_owned())), "{value}");
        }
    }
}
