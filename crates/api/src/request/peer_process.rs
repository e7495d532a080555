//! Finds the local process at the other end of a connection.
//!
//! Agents, checks and setup commands run what strangers wrote, as descendants of the server. A request that comes from one
//! of them is not a person's, whatever token it shows.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};

/// How often processes are looked through before a connection that none of them holds is given up.
const ATTEMPTS: usize = 3;

/// Where a connection comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Another machine, or a process that the server did not start.
    Outside,
    /// A process that the server started, or a descendant of one.
    Descendant(Descendant),
    /// A process of this machine that cannot be told from the server's descendants.
    Unknown,
}

/// A descendant of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Descendant {
    pub(crate) pid: u32,
    /// The name of its program.
    pub(crate) program: String,
    /// Its ancestors up to the server's own child.
    pub(crate) ancestors: Vec<u32>,
}

/// Finds the process at the other end of a connection. It reads `/proc` and blocks meanwhile.
pub(crate) fn origin(peer: SocketAddr, local: SocketAddr) -> Origin {
    if !is_local(peer.ip()) {
        return Origin::Outside;
    }
    let server = std::process::id();
    if descendants(server).is_empty() {
        return Origin::Outside;
    }
    for _ in 0..ATTEMPTS {
        // The end of a client that has gone belongs to no process.
        let Some(client) = socket(peer, local) else { continue };
        let parents = descendants(server);
        let mut has_opaque = false;
        for pid in parents.keys() {
            match holds(*pid, client.inode) {
                Some(true) => return Origin::Descendant(describe(*pid, server, &parents)),
                Some(false) => {}
                None => has_opaque = true,
            }
        }
        // That none of them holds it proves nothing: it may be on its way from one of them to another.
        if is_held_outside(client, server, has_opaque) {
            return Origin::Outside;
        }
    }
    Origin::Unknown
}

/// Returns whether a process that is no descendant holds a socket.
fn is_held_outside(client: Client, server: u32, has_opaque_descendant: bool) -> bool {
    let table = process_table();
    let ours = descendants_in(&table, server);
    let mut may_be_ssh = false;
    for pid in table.keys().filter(|pid| !ours.contains_key(pid)) {
        match holds(*pid, client.inode) {
            Some(true) => return true,
            Some(false) => {}
            // It keeps others of its user from looking into it, and forwards what a person's browser sends.
            None => may_be_ssh |= program(*pid).starts_with("sshd"),
        }
    }
    // What other users run cannot be looked into; descendants are of the server's user.
    let is_of_another_user = client.uid != rustix::process::geteuid().as_raw();
    !has_opaque_descendant && (is_of_another_user || may_be_ssh)
}

fn describe(pid: u32, server: u32, parents: &HashMap<u32, u32>) -> Descendant {
    let mut ancestors = Vec::new();
    let mut at = pid;
    while let Some(parent) = parents.get(&at).filter(|parent| **parent != server) {
        ancestors.push(*parent);
        at = *parent;
    }
    Descendant { pid, program: program(pid), ancestors }
}

/// Returns the name of a process's program.
fn program(pid: u32) -> String {
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    name.trim().to_owned()
}

/// Returns whether an address is this machine's.
fn is_local(address: IpAddr) -> bool {
    address.to_canonical().is_loopback() || UdpSocket::bind((address, 0)).is_ok()
}

/// The client's socket of a connection.
#[derive(Clone, Copy)]
struct Client {
    inode: u64,
    /// The user that opened it.
    uid: u32,
}

/// Finds the client's socket of a connection.
fn socket(client: SocketAddr, server: SocketAddr) -> Option<Client> {
    let (client, server) = (canonical(client), canonical(server));
    ["/proc/net/tcp", "/proc/net/tcp6"].iter().find_map(|file| {
        let table = fs::read_to_string(file).ok()?;
        table.lines().skip(1).find_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let (from, to) = (endpoint(fields.get(1)?)?, endpoint(fields.get(2)?)?);
            let (uid, inode) = (fields.get(7)?.parse().ok()?, fields.get(9)?.parse().ok()?);
            ((from, to) == (client, server) && inode != 0).then_some(Client { inode, uid })
        })
    })
}

fn canonical(address: SocketAddr) -> (IpAddr, u16) {
    (address.ip().to_canonical(), address.port())
}

/// Reads an address as the kernel prints it: words of 32 bits in the machine's order, in hexadecimal.
fn endpoint(text: &str) -> Option<(IpAddr, u16)> {
    let (address, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let bytes: Vec<u8> = (0..address.len() / 8)
        .map(|word| u32::from_str_radix(address.get(word * 8..word * 8 + 8)?, 16).ok())
        .collect::<Option<Vec<u32>>>()?
        .into_iter()
        .flat_map(u32::to_ne_bytes)
        .collect();
    let address = match bytes.len() {
        4 => IpAddr::from(<[u8; 4]>::try_from(bytes).ok()?),
        16 => IpAddr::from(<[u8; 16]>::try_from(bytes).ok()?),
        _ => return None,
    };
    Some((address.to_canonical(), port))
}

/// Returns whether a process has a socket open; none when it does not let itself be looked into.
fn holds(pid: u32, inode: u64) -> Option<bool> {
    let wanted = format!("socket:[{inode}]");
    match fs::read_dir(format!("/proc/{pid}/fd")) {
        Ok(files) => Some(files.flatten().any(|file| {
            fs::read_link(file.path()).is_ok_and(|target| target.as_os_str() == wanted.as_str())
        })),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            // One that has ended holds nothing.
            let is_gone = stat(pid).is_none_or(|(_, state)| matches!(state, 'Z' | 'X'));
            is_gone.then_some(false)
        }
        Err(_) => Some(false),
    }
}

/// Returns the descendants of a process, each with its parent.
fn descendants(root: u32) -> HashMap<u32, u32> {
    let mut found = HashMap::new();
    let mut open = vec![root];
    while let Some(parent) = open.pop() {
        let Some(children) = children(parent) else {
            if parent == root {
                // Kernels may be built without the list of children.
                return descendants_in(&process_table(), root);
            }
            continue;
        };
        for child in children {
            if found.insert(child, parent).is_none() {
                open.push(child);
            }
        }
    }
    found
}

/// Returns the children of a process, or none when the kernel does not list them or the process is gone.
fn children(pid: u32) -> Option<Vec<u32>> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    let mut all = Vec::new();
    for thread in threads.flatten() {
        match fs::read_to_string(thread.path().join("children")) {
            Ok(list) => all.extend(list.split_whitespace().filter_map(|pid| pid.parse::<u32>().ok())),
            // The thread ended meanwhile.
            Err(_) if !thread.path().exists() => {}
            Err(_) => return None,
        }
    }
    Some(all)
}

/// Returns every process with its parent.
fn process_table() -> HashMap<u32, u32> {
    let Ok(folder) = fs::read_dir("/proc") else { return HashMap::new() };
    let pids = folder.flatten().filter_map(|file| file.file_name().to_str()?.parse::<u32>().ok());
    pids.filter_map(|pid| Some((pid, stat(pid)?.0))).collect()
}

fn descendants_in(table: &HashMap<u32, u32>, root: u32) -> HashMap<u32, u32> {
    let mut found: HashMap<u32, u32> = HashMap::new();
    loop {
        let before = found.len();
        for (pid, parent) in table {
            if *parent == root || found.contains_key(parent) {
                found.insert(*pid, *parent);
            }
        }
        if found.len() == before {
            return found;
        }
    }
}

/// Returns the parent and the state of a process.
fn stat(pid: u32) -> Option<(u32, char)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in parentheses and may hold anything, parentheses and spaces too.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    let state = fields.next()?.chars().next()?;
    Some((fields.next()?.parse().ok()?, state))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};
    use std::process::{Command, Stdio};

    #[test]
    fn a_connection_of_our_own_is_no_descendants() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let client = TcpStream::connect(listener.local_addr().expect("an address")).expect("connected");
        let (accepted, peer) = listener.accept().expect("accepted");
        let mut child = Command::new("sleep").arg("60").spawn().expect("a child");
        assert_eq!(origin(peer, accepted.local_addr().expect("an address")), Origin::Outside);
        child.kill().expect("killed");
        child.wait().expect("ended");
        drop(client);
    }

    #[test]
    fn a_descendant_is_found_by_its_connection() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(address) else { continue };
            let address = listener.local_addr().expect("an address");
            // The shell waits for its own child, which holds the connection.
            let script = format!("(exec 3<>/dev/tcp/{}/{}; cat <&3); true", address.ip(), address.port());
            let mut child = Command::new("bash")
                .args(["-c", &script])
                .stdout(Stdio::null())
                .spawn()
                .expect("bash starts");
            let (accepted, peer) = listener.accept().expect("accepted");
            let found = origin(peer, accepted.local_addr().expect("an address"));
            let Origin::Descendant(found) = found else { panic!("{found:?}") };
            assert!(
                found.pid == child.id() || found.ancestors.contains(&child.id()),
                "{found:?} is not below {}",
                child.id()
            );
            drop(accepted);
            child.wait().expect("ended");
        }
    }

    #[test]
    fn a_connection_on_its_way_between_processes_is_nobodys() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        // A descriptor that was sent and not received yet belongs to no process.
        let script = format!(
            "import socket, time\nc = socket.create_connection(('127.0.0.1', {port}))\na, b = socket.socketpair()\n\
             socket.send_fds(a, [b'x'], [c.fileno()])\nc.close()\nprint(flush=True)\ntime.sleep(60)"
        );
        let mut child =
            Command::new("python3").args(["-c", &script]).stdout(Stdio::piped()).spawn().expect("it starts");
        let (accepted, peer) = listener.accept().expect("accepted");
        let mut said = [0];
        let mut stdout = child.stdout.take().expect("a pipe");
        std::io::Read::read_exact(&mut stdout, &mut said).expect("it is sent");
        assert_eq!(origin(peer, accepted.local_addr().expect("an address")), Origin::Unknown);
        child.kill().expect("killed");
        child.wait().expect("ended");
    }

    #[test]
    fn addresses_are_read_as_the_kernel_prints_them() {
        let loopback = format!("{:08X}:1F90", u32::from_ne_bytes([127, 0, 0, 1]));
        assert_eq!(endpoint(&loopback), Some((IpAddr::from([127, 0, 0, 1]), 8080)));
        let mapped = format!(
            "0000000000000000{:08X}{:08X}:0050",
            u32::from_ne_bytes([0, 0, 0xff, 0xff]),
            u32::from_ne_bytes([10, 0, 0, 7])
        );
        assert_eq!(endpoint(&mapped), Some((IpAddr::from([10, 0, 0, 7]), 80)));
        assert_eq!(endpoint("nonsense"), None);
    }
}
