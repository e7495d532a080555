//! Hosts: what a request asks for, and the patterns of the hosts that are allowed.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// The ports that a pattern without a port allows.
const DEFAULT_PORTS: [u16; 2] = [443, 80];
/// How long a host name may be, in bytes, and how long each of its labels.
const MAX_NAME: usize = 253;
const MAX_LABEL: usize = 63;

/// A host as a request or a setting names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Host {
    /// In lower case and without a dot at its end.
    Name(String),
    Address(IpAddr),
}

/// The target of a request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Target {
    pub(crate) host: Host,
    pub(crate) port: u16,
}

/// Hosts that are allowed: `name`, `*.name` for its subdomains, or an address; each with a port or for 443 and 80.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostPattern {
    host: Host,
    /// Whether the subdomains are meant and not the host itself.
    is_subdomains: bool,
    port: Option<u16>,
}

/// Why text names no host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    #[error("is empty; write a host such as example.org")]
    Empty,
    #[error("{0:?} has more than a host and a port; leave out the scheme, the path and the user")]
    NotAHost(String),
    #[error(
        "{0:?} is not a host name: it has letters, digits, - and _ in labels of 1 to 63 characters, 253 in all"
    )]
    Name(String),
    #[error("{0:?} is not an IP address; write four decimal numbers, as in 192.0.2.1")]
    Number(String),
    #[error("{0:?} is not an IPv6 address; write it in brackets and without a zone, as in [2001:db8::1]")]
    Bracketed(String),
    #[error("{0:?} is not a port; write a number from 1 to 65535")]
    Port(String),
    #[error("{0:?} has a * in another place than in front, as in *.example.org")]
    Star(String),
}

impl Host {
    pub(crate) fn parse(text: &str) -> Result<Self, HostError> {
        if let Some(inner) = text.strip_prefix('[') {
            let inner = inner.strip_suffix(']').and_then(|inner| Ipv6Addr::from_str(inner).ok());
            let address = inner.ok_or_else(|| HostError::Bracketed(text.to_owned()))?;
            return Ok(Self::Address(IpAddr::V6(address).to_canonical()));
        }
        if text.is_empty() {
            return Err(HostError::Empty);
        }
        if text.contains(':') {
            return Err(HostError::Bracketed(text.to_owned()));
        }
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        let is_label = |label: &str| {
            let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
            !label.is_empty()
                && label.len() <= MAX_LABEL
                && label.bytes().all(is_inner)
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        if name.len() > MAX_NAME || !name.split('.').all(is_label) {
            return Err(HostError::Name(text.chars().take(MAX_NAME).collect()));
        }
        // Resolvers read names that end like a number as addresses: 2130706433, 0x7f000001, 127.1, 0177.0.0.1.
        let last = name.rsplit('.').next().unwrap_or_default();
        let is_number = last.bytes().all(|byte| byte.is_ascii_digit())
            || last.strip_prefix("0x").is_some_and(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
        if is_number {
            let address = Ipv4Addr::from_str(&name).map_err(|_| HostError::Number(text.to_owned()))?;
            return Ok(Self::Address(IpAddr::V4(address)));
        }
        Ok(Self::Name(name))
    }

    /// Returns whether this is `localhost` or a name beneath it, which is never another machine.
    pub(crate) fn is_localhost(&self) -> bool {
        matches!(self, Self::Name(name) if name == "localhost" || name.ends_with(".localhost"))
    }
}

impl fmt::Display for Host {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => formatter.write_str(name),
            Self::Address(IpAddr::V4(address)) => write!(formatter, "{address}"),
            Self::Address(IpAddr::V6(address)) => write!(formatter, "[{address}]"),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.host, self.port)
    }
}

impl Target {
    /// Reads a host and a port; `default_port` is that of a text which has none.
    pub(crate) fn parse(text: &str, default_port: Option<u16>) -> Result<Self, HostError> {
        let (host, port) = split(text)?;
        let host = Host::parse(host)?;
        let port = port.or(default_port).ok_or_else(|| HostError::Port(String::new()))?;
        Ok(Self { host, port })
    }
}

/// Splits a host and its port, if it has one.
fn split(text: &str) -> Result<(&str, Option<u16>), HostError> {
    if text.contains(['@', '/', '\\', '?', '#']) || text.chars().any(|c| c.is_whitespace() || c.is_control())
    {
        return Err(HostError::NotAHost(text.chars().take(MAX_NAME).collect()));
    }
    // Colons within brackets are of the address.
    let after = text.rfind(']').map_or(0, |end| end + 1);
    let Some(colon) = text[after..].rfind(':').map(|at| after + at) else { return Ok((text, None)) };
    let (host, port) = (&text[..colon], &text[colon + 1..]);
    let is_decimal = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let number = is_decimal.then(|| port.parse::<u16>().ok()).flatten().filter(|number| *number > 0);
    match number {
        Some(number) => Ok((host, Some(number))),
        None => Err(HostError::Port(port.to_owned())),
    }
}

impl HostPattern {
    /// Returns the pattern of exactly one host and port.
    pub(crate) fn exactly(target: Target) -> Self {
        Self { host: target.host, is_subdomains: false, port: Some(target.port) }
    }

    /// Returns whether a target is allowed.
    pub(crate) fn matches(&self, target: &Target) -> bool {
        let is_port = match self.port {
            Some(port) => port == target.port,
            None => DEFAULT_PORTS.contains(&target.port),
        };
        is_port
            && match (&self.host, &target.host) {
                (Host::Name(name), Host::Name(asked)) if self.is_subdomains => asked
                    .strip_suffix(name.as_str())
                    .is_some_and(|front| front.len() > 1 && front.ends_with('.')),
                (named, asked) => named == asked,
            }
    }

    /// Returns whether this names one host and not the subdomains of one.
    pub(crate) fn is_exact(&self) -> bool {
        !self.is_subdomains
    }

    /// Returns the port of this machine that this names, if it names one.
    pub(crate) fn local_port(&self) -> Option<Target> {
        let is_local = match &self.host {
            Host::Name(name) => name == "localhost",
            Host::Address(address) => address.is_loopback(),
        };
        let port = self.port.filter(|_| is_local && self.is_exact())?;
        Some(Target { host: self.host.clone(), port })
    }
}

impl FromStr for HostPattern {
    type Err = HostError;

    fn from_str(text: &str) -> Result<Self, HostError> {
        let text = text.trim();
        let (host, port) = split(text)?;
        let (host, is_subdomains) = match host.strip_prefix("*.") {
            Some(rest) => (rest, true),
            None => (host, false),
        };
        if host.contains('*') {
            return Err(HostError::Star(text.to_owned()));
        }
        let host = Host::parse(host)?;
        if is_subdomains && matches!(host, Host::Address(_)) {
            return Err(HostError::Star(text.to_owned()));
        }
        Ok(Self { host, is_subdomains, port })
    }
}

impl TryFrom<String> for HostPattern {
    type Error = HostError;

    fn try_from(text: String) -> Result<Self, HostError> {
        text.parse()
    }
}

impl From<HostPattern> for String {
    fn from(pattern: HostPattern) -> Self {
        pattern.to_string()
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let star = if self.is_subdomains { "*." } else { "" };
        write!(formatter, "{star}{}", self.host)?;
        self.port.map_or(Ok(()), |port| write!(formatter, ":{port}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(pattern: &str, target: &str) -> bool {
        let pattern: HostPattern = pattern.parse().expect("a pattern");
        Target::parse(target, None).is_ok_and(|target| pattern.matches(&target))
    }

    #[test]
    fn a_pattern_allows_its_host_and_no_other() {
        for (pattern, target) in [
            ("example.org", "example.org:443"),
            ("example.org", "example.org:80"),
            ("Example.ORG.", "EXAMPLE.org:443"),
            ("example.org", "example.org.:443"),
            ("example.org:8080", "example.org:8080"),
            ("*.example.org", "a.example.org:443"),
            ("*.example.org", "a.b.example.org:80"),
            ("192.0.2.1:81", "192.0.2.1:81"),
            ("192.0.2.1", "[::ffff:192.0.2.1]:443"),
            ("[2001:DB8::1]", "[2001:db8:0::1]:443"),
        ] {
            assert!(allows(pattern, target), "{pattern} {target}");
        }
        for (pattern, target) in [
            ("example.org", "example.org:22"),
            ("example.org:8080", "example.org:443"),
            ("example.org", "a.example.org:443"),
            ("example.org", "badexample.org:443"),
            ("example.org", "example.org.attacker.net:443"),
            ("*.example.org", "example.org:443"),
            ("*.example.org", "badexample.org:443"),
            ("*.example.org", ".example.org:443"),
            ("127.0.0.1", "localhost:443"),
            ("localhost", "127.0.0.1:443"),
        ] {
            assert!(!allows(pattern, target), "{pattern} {target}");
        }
    }

    #[test]
    fn what_only_looks_like_a_host_is_refused() {
        let long_label = format!("{}.org:443", "a".repeat(64));
        let long_name = format!("{}org:443", "a.".repeat(200));
        for text in [
            "",
            ":443",
            "example.org",
            "example.org:",
            "example.org:0",
            "example.org:65536",
            "example.org:+443",
            "example.org:443:443",
            "user@example.org:443",
            "example.org:443@attacker.net:443",
            "example.org:443/path",
            "http://example.org:443",
            "example.org\\.attacker.net:443",
            "example.org#.attacker.net:443",
            "example.org?.attacker.net:443",
            "example.org\r\nHost: attacker.net:443",
            "example.org\0.attacker.net:443",
            "example.org :443",
            "example..org:443",
            "example.org..:443",
            ".:443",
            "-a.org:443",
            "exämple.org:443",
            "ex\u{430}mple.org:443",
            "example%2eorg:443",
            "2130706433:443",
            "0x7f000001:443",
            "0x:443",
            "127.1:443",
            "0177.0.0.1:443",
            "127.0.0.0x1:443",
            "1.2.3.4.5:443",
            "::1:443",
            "[::1:443",
            "[::1]443",
            "[fe80::1%25eth0]:443",
            "[127.0.0.1]:443",
            "[example.org]:443",
            long_label.as_str(),
            long_name.as_str(),
        ] {
            assert!(Target::parse(text, None).is_err(), "{text:?}");
        }
    }

    #[test]
    fn patterns_are_read_as_they_are_written_and_their_faults_are_named() {
        for text in
            ["example.org", "*.example.org:8443", "192.0.2.1:81", "[2001:db8::1]:443", "localhost:3000"]
        {
            assert_eq!(text.parse::<HostPattern>().expect("a pattern").to_string(), text);
        }
        for (text, part) in [
            ("", "is empty"),
            ("*", "* in another place"),
            ("a.*.org", "* in another place"),
            ("*.192.0.2.1", "* in another place"),
            ("https://example.org", "leave out the scheme"),
            ("example.org/path", "leave out the scheme"),
            ("example.org:https", "is not a port"),
            ("10.0.0.0/8", "leave out the scheme"),
        ] {
            let error = text.parse::<HostPattern>().expect_err("a fault").to_string();
            assert!(error.contains(part), "{text:?}: {error}");
        }
    }

    #[test]
    fn ports_of_this_machine_are_known() {
        let local =
            |text: &str| text.parse::<HostPattern>().ok()?.local_port().map(|target| target.to_string());
        assert_eq!(local("localhost:5432").as_deref(), Some("localhost:5432"));
        assert_eq!(local("[::1]:5432").as_deref(), Some("[::1]:5432"));
        assert_eq!(local("localhost"), None);
        assert_eq!(local("192.0.2.1:5432"), None);
    }
}
