//! The stages that the same binary runs in processes of their own: probing, admitting, forwarding,
//! terminals, reaching ports, and confining itself.

use crate::confinement::Confinement;
use crate::system_calls::{self, Sockets};
use crate::{Admission, Level, Network, TerminalSize, file_access, forwarder, level, reach, terminal};
use landlock::RulesetStatus;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use rustix::thread::{self, CapabilitySet, CapabilitySets};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, ExitCode};

/// The exit code of a stage that fails before the program is there.
const FAILED: u8 = 126;

/// Runs a stage when the arguments name one; none when they do not. The main function of a program calls this before it
/// starts threads, with the arguments behind those that begin a stage.
pub fn run_stage(arguments: &[OsString]) -> Option<ExitCode> {
    let text = |index: usize| arguments.get(index).and_then(|argument| argument.to_str()).unwrap_or_default();
    let done: Result<(), String> = match text(0) {
        "--probe" => parse::<Confinement>(text(1)).and_then(|confinement| level::probe(&confinement)),
        "--admit" => parse::<Admission>(text(2)).and_then(|admission| {
            let watcher = text(1).parse().map_err(|_| "no process is named".to_owned())?;
            admission
                .make(watcher)
                .map_err(|error| format!("a folder cannot be admitted to the sandbox: {error}"))
        }),
        "--forward" => {
            let target = Some(text(2)).filter(|target| !target.is_empty());
            forwarder::run(Path::new(text(1)), target).map_err(|error| error.to_string())
        }
        "--reach" => match (text(1).parse(), text(2).parse()) {
            (Ok(process), Ok(address)) => {
                reach::run(process, address).map_err(|error| format!("{address} cannot be reached: {error}"))
            }
            _ => Err("a process and an address must be named".to_owned()),
        },
        "--terminal" => match (text(1).parse(), text(2).parse(), arguments.get(3..)) {
            (Ok(columns), Ok(rows), Some([program, rest @ ..])) => {
                match terminal::run(TerminalSize { columns, rows }, program, rest) {
                    Ok(code) => return Some(code),
                    Err(error) => Err(format!("the terminal ended: {error}")),
                }
            }
            _ => Err("a terminal needs its size and a program".to_owned()),
        },
        "--own-terminal" => match arguments.get(1..) {
            Some([program, rest @ ..]) => Err(terminal::own(program, rest)),
            _ => Err("no program is named".to_owned()),
        },
        "--confine" => parse::<Confinement>(text(1)).and_then(|confinement| {
            let [program, rest @ ..] = arguments.get(3..).unwrap_or_default() else {
                return Err("no program is named".to_owned());
            };
            Err(confine(&confinement, program, rest))
        }),
        _ => return None,
    };
    Some(match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("spectask: sandbox: {reason}");
            ExitCode::from(FAILED)
        }
    })
}

fn parse<T: serde::de::DeserializeOwned>(order: &str) -> Result<T, String> {
    serde_json::from_str(order).map_err(|error| format!("the order cannot be read: {error}"))
}

/// Restricts this process and becomes the program; returns why not.
fn confine(confinement: &Confinement, program: &OsString, arguments: &[OsString]) -> String {
    let policy = &confinement.policy;
    if let Err(error) = close_inherited() {
        return format!("inherited descriptors cannot be closed: {error}");
    }
    let mut command = Command::new(program);
    command.args(arguments);
    let ports = match open_ports(confinement) {
        Ok(ports) => ports,
        Err(error) => return format!("the way to the network proxy cannot be opened: {error}"),
    };
    if let Some(port) = ports.first() {
        command.envs(proxy_variables(*port));
    }
    if let Err(error) = limit_resources(policy.limits.file_bytes) {
        return format!("limits cannot be set: {error}");
    }
    match file_access::restrict(confinement.level, policy, &ports) {
        Ok(status)
            if confinement.level == Level::Landlock && status.ruleset == RulesetStatus::NotEnforced =>
        {
            return "the kernel does not enforce Landlock".to_owned();
        }
        Ok(_) => {}
        Err(error) => return format!("file access cannot be restricted: {error}"),
    }
    if let Err(error) = drop_capabilities() {
        return format!("capabilities cannot be given up: {error}");
    }
    // Under bubblewrap the network is one of the process tree's own, in which every socket is harmless.
    let sockets = match (confinement.level, &policy.network) {
        (Level::Landlock, Network::Proxy { .. }) => Sockets::Streams,
        (Level::Landlock, Network::None) => Sockets::Local,
        (Level::Off | Level::Bubblewrap, _) | (_, Network::Open) => Sockets::All,
    };
    if let Err(error) = system_calls::restrict(sockets) {
        return format!("{error}");
    }
    let error = command.exec();
    format!("{} does not start: {error}", command.get_program().to_string_lossy())
}

/// Closes what the program is not meant to have: everything beyond its standard streams.
fn close_inherited() -> io::Result<()> {
    let open: Vec<i32> = fs::read_dir("/proc/self/fd")?
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|number| *number > 2)
        .collect();
    for number in open {
        // The descriptor of the listing itself is closed already.
        let _ = nix::unistd::close(number);
    }
    Ok(())
}

/// Gives up every capability for good, so that a program which runs as root has no more rights than its files give it.
fn drop_capabilities() -> rustix::io::Result<()> {
    thread::set_no_new_privs(true)?;
    if !thread::capabilities(None)?.permitted.is_empty() {
        // The kernel knows fewer than there are bits.
        let all = (0..u64::BITS).map(|bit| CapabilitySet::from_bits_retain(1 << bit));
        for capability in all.take_while(|one| thread::capability_is_in_bounding_set(*one).is_ok()) {
            thread::remove_capability_from_bounding_set(capability)?;
        }
    }
    let none = CapabilitySet::empty();
    thread::set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })
}

fn limit_resources(file_bytes: Option<u64>) -> nix::Result<()> {
    setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
    if let Some(bytes) = file_bytes {
        let (_, most) = getrlimit(Resource::RLIMIT_FSIZE)?;
        setrlimit(Resource::RLIMIT_FSIZE, bytes.min(most), bytes.min(most))?;
    }
    Ok(())
}

/// Opens what leads to the network, and returns the ports that processes connect to; the first is the proxy's.
fn open_ports(confinement: &Confinement) -> io::Result<Vec<u16>> {
    let Network::Proxy { socket, forwards } = &confinement.policy.network else { return Ok(Vec::new()) };
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let mut ports = vec![listener.local_addr()?.port()];
    start_forwarder(confinement, socket, listener, None)?;
    for forward in forwards {
        ports.push(forward.port);
        // Without namespaces the port is the machine's own.
        if confinement.level != Level::Bubblewrap {
            continue;
        }
        for address in ["127.0.0.1", "::1"] {
            // What is missing is IPv6 or the right to a low port; the proxy leads there as well.
            if let Ok(listener) = TcpListener::bind((address, forward.port)) {
                start_forwarder(confinement, socket, listener, Some(&forward.target))?;
            }
        }
    }
    Ok(ports)
}

/// Returns the variables that lead programs to the proxy.
fn proxy_variables(port: u16) -> Vec<(&'static str, String)> {
    let proxy = format!("http://127.0.0.1:{port}");
    let loopback = "localhost,127.0.0.1,::1".to_owned();
    let names = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"];
    let mut variables: Vec<_> = names.map(|name| (name, proxy.clone())).into();
    variables.extend([("NO_PROXY", loopback.clone()), ("no_proxy", loopback)]);
    // Node reads the others only with this one.
    variables.push(("NODE_USE_ENV_PROXY", "1".to_owned()));
    variables
}

/// Starts the process that hands connections of a listener on to the proxy: as they are, or to a target.
fn start_forwarder(
    confinement: &Confinement,
    socket: &Path,
    listener: TcpListener,
    target: Option<&str>,
) -> io::Result<()> {
    let (own, first) = confinement.own_command.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let mut command = Command::new(own);
    command.args(first).arg("--forward").arg(socket).args(target).env_clear();
    command.stdin(std::os::fd::OwnedFd::from(listener));
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    // It ends with the process tree, so its end is not awaited.
    command.spawn()?;
    Ok(())
}
