//! Hands connections to a loopback port on to the proxy's unix socket.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many connections are open at once; further ones are refused.
const MAX_CONNECTIONS: usize = 256;
/// How long the head of the proxy's answer may be, in bytes.
const MAX_HEAD: usize = 8 * 1024;

/// Serves the listener that is this process's standard input, for as long as the process lives: connections go to the proxy
/// as they are, or through it to a target.
pub(crate) fn run(socket: &Path, target: Option<&str>) -> io::Result<()> {
    let listener = TcpListener::from(io::stdin().as_fd().try_clone_to_owned()?);
    // The path of a socket has some hundred characters at most, and its folder may be further away.
    if let (Some(folder), Some(_)) = (socket.parent(), socket.file_name()) {
        std::env::set_current_dir(folder)?;
    }
    let name = Arc::new(socket.file_name().map_or_else(|| socket.to_owned(), PathBuf::from));
    let target: Option<Arc<str>> = target.map(Arc::from);
    let open = Arc::new(AtomicUsize::new(0));
    for connection in listener.incoming() {
        let Ok(connection) = connection else { continue };
        if open.fetch_add(1, Ordering::Relaxed) >= MAX_CONNECTIONS {
            open.fetch_sub(1, Ordering::Relaxed);
            continue;
        }
        let (open, name, target) = (open.clone(), name.clone(), target.clone());
        std::thread::spawn(move || {
            // A connection that breaks is the business of its two ends.
            let _ = forward(&connection, &name, target.as_deref());
            open.fetch_sub(1, Ordering::Relaxed);
        });
    }
    Ok(())
}

fn forward(near: &TcpStream, socket: &Path, target: Option<&str>) -> io::Result<()> {
    let far = UnixStream::connect(socket)?;
    if let Some(target) = target {
        ask_for(&far, target)?;
    }
    let (near_reader, far_writer) = (near.try_clone()?, far.try_clone()?);
    let upload = std::thread::spawn(move || {
        let _ = copy(near_reader, &far_writer);
        let _ = far_writer.shutdown(Shutdown::Write);
    });
    let _ = copy(far, near);
    let _ = near.shutdown(Shutdown::Both);
    let _ = upload.join();
    Ok(())
}

/// Asks the proxy for a connection to a target, and reads the head of its answer and nothing beyond.
fn ask_for(mut proxy: &UnixStream, target: &str) -> io::Result<()> {
    write!(proxy, "CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n")?;
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= MAX_HEAD || proxy.read(&mut byte)? == 0 {
            return Err(io::ErrorKind::InvalidData.into());
        }
        head.extend(byte);
    }
    match head.get(..12) {
        Some(b"HTTP/1.1 200") => Ok(()),
        _ => Err(io::ErrorKind::ConnectionRefused.into()),
    }
}

fn copy(mut from: impl Read, mut to: impl Write) -> io::Result<u64> {
    io::copy(&mut from, &mut to)
}
