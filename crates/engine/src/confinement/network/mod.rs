//! The network of agents, setup commands and checks.
//!
//! A project is open, reaches an allowlist of hosts, or none. A restricted process tree has a separate network in the
//! sandbox; its only way out is a proxy of this server, which knows the hosts that the tree may reach.

pub(crate) mod address;
mod gate;
mod idle;
mod proxy;
mod upstream;

use crate::confinement::confine::Purpose;
use crate::settings::config::Config;
use crate::settings::hosts::{Host, HostPattern, Target};
use crate::settings::owner;
use gate::{Gate, Obstacle, Refusals};
use parking_lot::RwLock;
use protocol::words::NetworkMode;
use sandbox::{Forward, Network, Sandbox};
use serde::Deserialize as _;
use serde_json::Value;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use tokio::net::UnixListener;
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};
use upstream::Upstream;

/// The network of a project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetworkRules {
    pub(crate) mode: NetworkMode,
    pub(crate) allow: Vec<HostPattern>,
}

impl NetworkRules {
    /// Returns the rules where there is no project.
    pub(crate) fn of_server(config: &Config) -> Self {
        Self { mode: config.sandbox.network, allow: config.sandbox.network_allow.clone() }
    }

    /// Returns the rules of a project with these settings, which are kept as JSON. What cannot be read is never looser
    /// for it.
    pub(crate) fn of_project(config: &Config, settings: &Value) -> Self {
        let Self { mode, mut allow } = Self::of_server(config);
        let mode = match &settings["network"] {
            Value::Null => mode,
            named => NetworkMode::deserialize(named).unwrap_or(NetworkMode::None),
        };
        let own = settings["network_allow"].as_array().into_iter().flatten();
        allow.extend(own.filter_map(|pattern| pattern.as_str()?.parse().ok()));
        Self { mode, allow }
    }
}

/// A connection that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    target: Target,
    mode: NetworkMode,
    obstacle: Option<Obstacle>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (target, mode) = (&self.target, self.mode.as_str());
        write!(formatter, "`{target}` was refused: ")?;
        match (self.obstacle, self.mode) {
            (Some(Obstacle::Server), _) => formatter.write_str("it is SpecTask itself."),
            (Some(Obstacle::Address(address)), _) => {
                let address = Target { host: Host::Address(address), port: target.port };
                write!(
                    formatter,
                    "its address `{address}` is not one of the internet. Add `{address}` to `network_allow` to allow it."
                )
            }
            (None, NetworkMode::None) => write!(
                formatter,
                "the project's network is `{mode}`. Set `network` to `allowlist` and add it to `network_allow` to allow it."
            ),
            (None, NetworkMode::Open | NetworkMode::Allowlist) => {
                write!(formatter, "the project's network is `{mode}`. Add it to `network_allow` to allow it.")
            }
        }
    }
}

impl Refusal {
    /// By which a refusal is shown once.
    pub(crate) fn key(&self) -> String {
        self.target.to_string()
    }
}

/// Opens the network of process trees.
pub(crate) struct Networks {
    folder: PathBuf,
    bind: SocketAddr,
    /// Where the server listens, once it does.
    listening: OnceLock<SocketAddr>,
    server_names: Vec<String>,
    upstream: Arc<Upstream>,
}

/// The network of one process tree. Its connections end when this is dropped.
pub(crate) struct TreeNetwork {
    pub(crate) network: Network,
    /// The rules in force.
    pub(crate) mode: NetworkMode,
    purpose: Purpose<'static>,
    models: Vec<HostPattern>,
    /// The hosts that the tree reaches, as its proxy has them.
    hosts: Arc<RwLock<Vec<HostPattern>>>,
    refusals: Option<mpsc::Receiver<Refusal>>,
    _proxy: Option<ProxyGuard>,
}

struct ProxyGuard {
    socket: PathBuf,
    _stop: DropGuard,
}

impl Drop for ProxyGuard {
    fn drop(&mut self) {
        // It is gone already when the data directory is.
        let _ = std::fs::remove_file(&self.socket);
    }
}

impl TreeNetwork {
    /// Returns the refusals of the tree, to be shown as they come. They end with the tree's network.
    pub(crate) fn take_refusals(&mut self) -> Option<mpsc::Receiver<Refusal>> {
        self.refusals.take()
    }

    /// Returns the refusals so far, each host once.
    pub(crate) fn drain_refusals(&mut self) -> Vec<Refusal> {
        let mut found: Vec<Refusal> = Vec::new();
        while let Some(refusal) = self.refusals.as_mut().and_then(|receiver| receiver.try_recv().ok()) {
            if !found.contains(&refusal) {
                found.push(refusal);
            }
        }
        found
    }

    /// Fails when a sandbox cannot keep the tree to its network.
    pub(crate) fn require(&self, sandbox: &Sandbox) -> io::Result<()> {
        let mode = self.mode.as_str();
        let failed = |error| io::Error::other(format!("the project's network is `{mode}`, and {error}"));
        sandbox.require_network(&self.network).map_err(failed)
    }

    /// Returns the hosts that the tree reaches.
    pub(crate) fn hosts(&self) -> Vec<HostPattern> {
        self.hosts.read().clone()
    }

    /// Lets the tree reach what other rules of the same mode allow, and nothing else.
    pub(crate) fn update(&self, rules: &NetworkRules) {
        let hosts = Networks::hosts(rules, self.purpose, &self.models);
        if rules.mode == self.mode {
            *self.hosts.write() = hosts;
        }
    }
}

impl Networks {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            folder: folder(&config.data_dir),
            bind: config.bind,
            listening: OnceLock::new(),
            server_names: config.hosts.clone(),
            upstream: Arc::new(Upstream::read(|name| std::env::var(name).ok())),
        }
    }

    /// Says where the server listens.
    pub(crate) fn listen_at(&self, address: SocketAddr) {
        // It listens once.
        let _ = self.listening.set(address);
    }

    /// Returns the hosts that a process tree reaches under rules. Agents alone reach those of their models, and under
    /// `none` them alone.
    pub(crate) fn hosts(
        rules: &NetworkRules,
        purpose: Purpose<'_>,
        models: &[HostPattern],
    ) -> Vec<HostPattern> {
        let allowed = match rules.mode {
            NetworkMode::Allowlist => rules.allow.as_slice(),
            NetworkMode::Open | NetworkMode::None => &[],
        };
        let models = match (rules.mode, purpose) {
            (NetworkMode::Open, _) | (_, Purpose::Check | Purpose::Setup(_) | Purpose::Terminal(_)) => &[],
            (NetworkMode::Allowlist | NetworkMode::None, Purpose::Agent) => models,
        };
        let mut hosts: Vec<HostPattern> = Vec::new();
        for host in allowed.iter().chain(models) {
            if !hosts.contains(host) {
                hosts.push(host.clone());
            }
        }
        hosts
    }

    /// Opens the network of a process tree.
    pub(crate) fn open(
        &self,
        rules: &NetworkRules,
        purpose: Purpose<'static>,
        models: &[HostPattern],
    ) -> io::Result<TreeNetwork> {
        let hosts = Self::hosts(rules, purpose, models);
        let closed = |network| TreeNetwork {
            network,
            mode: rules.mode,
            purpose,
            models: models.to_vec(),
            hosts: Arc::default(),
            refusals: None,
            _proxy: None,
        };
        match rules.mode {
            NetworkMode::Open => return Ok(closed(Network::Open)),
            NetworkMode::None if hosts.is_empty() => return Ok(closed(Network::None)),
            NetworkMode::Allowlist | NetworkMode::None => {}
        }
        let server = self.listening.get().copied().unwrap_or(self.bind);
        let (refusals, receiver) = Refusals::new();
        let shared = Arc::new(RwLock::new(hosts.clone()));
        let gate = Gate {
            mode: rules.mode,
            patterns: shared.clone(),
            server,
            server_names: self.server_names.clone(),
            upstream: self.upstream.clone(),
            refusals,
        };
        let (socket, listener) = self.bind()?;
        let stop = CancellationToken::new();
        let guard = ProxyGuard { socket: socket.clone(), _stop: stop.clone().drop_guard() };
        tokio::spawn(proxy::serve(listener, Arc::new(gate), stop));
        let ports =
            hosts.iter().filter_map(HostPattern::local_port).filter(|target| target.port != server.port());
        let mut forwards: Vec<Forward> = Vec::new();
        for target in ports {
            if !forwards.iter().any(|forward| forward.port == target.port) {
                forwards.push(Forward { port: target.port, target: target.to_string() });
            }
        }
        Ok(TreeNetwork {
            network: Network::Proxy { socket, forwards },
            mode: rules.mode,
            purpose,
            models: models.to_vec(),
            hosts: shared,
            refusals: Some(receiver),
            _proxy: Some(guard),
        })
    }

    /// Listens at a socket that no other process tree sees.
    fn bind(&self) -> io::Result<(PathBuf, UnixListener)> {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        let name = format!("{}.sock", &owner::hash(&owner::fresh())[..16]);
        // The path of a socket has some hundred characters at most, and the folder may be further away.
        let folder = std::fs::File::open(&self.folder)?;
        let listener = UnixListener::bind(format!("/proc/self/fd/{}/{name}", folder.as_raw_fd()))?;
        Ok((self.folder.join(name), listener))
    }
}

/// Removes the sockets that a killed server left.
pub(crate) fn remove_leftovers(data_dir: &Path) {
    for file in std::fs::read_dir(folder(data_dir)).into_iter().flatten().flatten() {
        // Those of a process that runs beside this one answer.
        if UnixStream::connect(file.path())
            .is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
        {
            let _ = std::fs::remove_file(file.path());
        }
    }
}

fn folder(data_dir: &Path) -> PathBuf {
    data_dir.join("network")
}

/// Returns the hosts that variables of an agent name as the addresses of its model: `OPENAI_BASE_URL` and the like.
pub(crate) fn base_urls<'a>(env: impl IntoIterator<Item = &'a (String, String)>) -> Vec<HostPattern> {
    let is_base =
        |name: &str| ["BASE_URL", "API_BASE"].iter().any(|end| name.to_ascii_uppercase().ends_with(end));
    let named = env.into_iter().filter(|(name, _)| is_base(name));
    named.filter_map(|(_, url)| base_url(url)).collect()
}

fn base_url(url: &str) -> Option<HostPattern> {
    let (scheme, rest) = url.trim().split_once("://")?;
    let default_port = match scheme.to_ascii_lowercase().as_str() {
        "https" | "wss" => 443,
        "http" | "ws" => 80,
        _ => return None,
    };
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    Target::parse(host, Some(default_port)).ok().map(HostPattern::exactly)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rules(settings: &Value) -> NetworkRules {
        let mut config = Config::default();
        config.sandbox.network = NetworkMode::Allowlist;
        config.sandbox.network_allow = vec!["a.example.org".parse().expect("a pattern")];
        NetworkRules::of_project(&config, settings)
    }

    fn names(patterns: &[HostPattern]) -> Vec<String> {
        patterns.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_project_says_what_it_reaches_and_the_server_what_others_do() {
        assert_eq!(rules(&json!({})).mode, NetworkMode::Allowlist);
        assert_eq!(rules(&json!({ "network": null })).mode, NetworkMode::Allowlist);
        assert_eq!(rules(&json!({ "network": "open" })).mode, NetworkMode::Open);
        let own = rules(&json!({ "network": "allowlist", "network_allow": ["b.example.org:8443"] }));
        assert_eq!(names(&own.allow), ["a.example.org", "b.example.org:8443"]);
    }

    #[test]
    fn settings_that_cannot_be_read_open_nothing() {
        for broken in [json!("OPEN"), json!(7), json!({ "mode": "open" })] {
            assert_eq!(rules(&json!({ "network": broken })).mode, NetworkMode::None);
        }
        assert_eq!(names(&rules(&json!({ "network_allow": ["*", 7, "b"] })).allow), ["a.example.org", "b"]);
    }

    #[test]
    fn models_are_for_agents_alone() {
        let models = ["model.example.org".parse().expect("a pattern")];
        let hosts = |mode, purpose| {
            let rules = NetworkRules { mode, ..rules(&json!({})) };
            names(&Networks::hosts(&rules, purpose, &models))
        };
        assert_eq!(hosts(NetworkMode::Allowlist, Purpose::Agent), ["a.example.org", "model.example.org"]);
        assert_eq!(hosts(NetworkMode::Allowlist, Purpose::Check), ["a.example.org"]);
        assert_eq!(hosts(NetworkMode::None, Purpose::Agent), ["model.example.org"]);
        assert!(hosts(NetworkMode::None, Purpose::Check).is_empty());
    }

    #[test]
    fn addresses_of_models_are_found_in_variables() {
        let env = [
            ("OPENAI_BASE_URL", "http://127.0.0.1:11434/v1"),
            ("ANTHROPIC_BASE_URL", "https://user:key@Model.example.org/path"),
            ("LLM_API_BASE", "https://other.example.org:8443"),
            ("SPECTASK_INSTANCE_URL", "http://127.0.0.1:8420"),
            ("SOME_BASE_URL", "not a url"),
        ];
        let env = env.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(
            names(&base_urls(&env)),
            ["127.0.0.1:11434", "model.example.org:443", "other.example.org:8443"]
        );
    }

    #[test]
    fn a_refusal_names_the_setting_that_would_allow_it() {
        let target = Target::parse("example.org:443", None).expect("a target");
        let refusal = |mode, obstacle| Refusal { target: target.clone(), mode, obstacle }.to_string();
        assert_eq!(
            refusal(NetworkMode::Allowlist, None),
            "`example.org:443` was refused: the project's network is `allowlist`. Add it to `network_allow` to allow it."
        );
        assert!(refusal(NetworkMode::None, None).contains("Set `network` to `allowlist`"));
        let local = Obstacle::Address("127.0.0.1".parse().expect("an address"));
        assert!(
            refusal(NetworkMode::Allowlist, Some(local)).contains("Add `127.0.0.1:443` to `network_allow`")
        );
        assert!(refusal(NetworkMode::Allowlist, Some(Obstacle::Server)).ends_with("it is SpecTask itself."));
    }
}
