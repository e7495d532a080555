//! A terminal within a confined process tree: a pseudo terminal whose other end is this process's standard streams.
//!
//! Standard input carries frames, since the size of the terminal changes between keystrokes. Standard output carries what
//! the program prints, as it prints it. A reader that stops reading stops the program with it: nothing is buffered here
//! beyond one chunk.

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags};
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Command, ExitCode};

/// How many bytes of output are passed on at once.
const CHUNK: usize = 16 * 1024;
/// How many bytes of input a frame may carry.
pub const MAX_FRAME: usize = 64 * 1024;
/// How many bytes stand before a frame's content: its kind, and the length of the content.
const HEAD: usize = 5;

/// The size of a terminal in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TerminalSize {
    pub columns: u16,
    pub rows: u16,
}

/// What is sent to a terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TerminalInput {
    /// Keystrokes, at most [`MAX_FRAME`] bytes.
    Bytes(Vec<u8>),
    Resize(TerminalSize),
}

impl TerminalSize {
    fn winsize(self) -> Winsize {
        Winsize { ws_row: self.rows, ws_col: self.columns, ws_xpixel: 0, ws_ypixel: 0 }
    }
}

impl TerminalInput {
    /// Returns the frame as the stage reads it.
    pub fn encode(&self) -> Vec<u8> {
        let (kind, content) = match self {
            Self::Bytes(bytes) => (0, bytes.clone()),
            Self::Resize(TerminalSize { columns, rows }) => {
                (1, [columns.to_be_bytes(), rows.to_be_bytes()].concat())
            }
        };
        let length = u32::try_from(content.len()).unwrap_or(u32::MAX);
        let mut frame = vec![kind];
        frame.extend(length.to_be_bytes());
        frame.extend(content);
        frame
    }

    /// Reads a frame; none at the end of the input.
    fn read(from: impl AsFd) -> io::Result<Option<Self>> {
        let mut head = [0; HEAD];
        if !read_exact(&from, &mut head)? {
            return Ok(None);
        }
        let length = usize::try_from(u32::from_be_bytes([head[1], head[2], head[3], head[4]]));
        let length = length.ok().filter(|length| *length <= MAX_FRAME).ok_or(io::ErrorKind::InvalidData)?;
        let mut content = vec![0; length];
        if !read_exact(&from, &mut content)? {
            return Ok(None);
        }
        match (head[0], content.as_slice()) {
            (0, _) => Ok(Some(Self::Bytes(content))),
            (1, [a, b, c, d]) => {
                let (columns, rows) = (u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d]));
                Ok(Some(Self::Resize(TerminalSize { columns, rows })))
            }
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

/// Runs a program in a terminal to its end.
pub(crate) fn run(size: TerminalSize, program: &OsString, arguments: &[OsString]) -> io::Result<ExitCode> {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let controller = openpt(flags)?;
    grantpt(&controller)?;
    unlockpt(&controller)?;
    tcsetwinsize(&controller, size.winsize())?;
    let mut child = {
        let user = ioctl_tiocgptpeer(&controller, flags)?;
        // The arguments of this process up to the stage's own begin a stage.
        let first = std::env::args_os().skip(1).take_while(|argument| argument != "--terminal");
        let mut command = Command::new(std::env::current_exe()?);
        command.args(first).arg("--own-terminal").arg(program).args(arguments);
        command.stdin(user.try_clone()?).stdout(user.try_clone()?).stderr(user);
        command.spawn()?
    };
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::NotFound)?;
    let ended = rustix::process::pidfd_open(pid, PidfdFlags::empty())?;
    let input = controller.try_clone()?;
    std::thread::spawn(move || {
        if let Err(error) = feed(&input) {
            eprintln!("spectask: terminal: {error}");
        }
        // Its owner left: the end of this process hangs the terminal up.
        std::process::exit(0);
    });
    pass_on(&controller, &ended)?;
    let status = child.wait()?;
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    Ok(ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)))
}

/// Makes the terminal on standard input this process's own and becomes the program; returns why not.
pub(crate) fn own(program: &OsString, arguments: &[OsString]) -> String {
    let owned = rustix::process::setsid().and_then(|_| rustix::process::ioctl_tiocsctty(io::stdin()));
    if let Err(error) = owned {
        return format!("the terminal cannot be taken: {error}");
    }
    let error = Command::new(program).args(arguments).exec();
    format!("{} does not start: {error}", program.to_string_lossy())
}

/// Hands frames of standard input on until it ends.
fn feed(controller: &OwnedFd) -> io::Result<()> {
    while let Some(input) = TerminalInput::read(io::stdin())? {
        match input {
            TerminalInput::Bytes(bytes) => write_all(controller, &bytes)?,
            TerminalInput::Resize(size) => tcsetwinsize(controller, size.winsize())?,
        }
    }
    Ok(())
}

/// Hands output on until the program has ended and all that it printed is passed on.
fn pass_on(controller: &OwnedFd, ended: &OwnedFd) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    loop {
        let mut watched = [PollFd::new(controller, PollFlags::IN), PollFd::new(ended, PollFlags::IN)];
        match poll(&mut watched, None) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        }
        let (output, is_over) = (watched[0].revents(), !watched[1].revents().is_empty());
        if output.contains(PollFlags::IN) {
            match rustix::io::read(controller, &mut chunk) {
                Ok(0) => return Ok(()),
                Ok(count) => write_all(io::stdout(), &chunk[..count])?,
                Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => {}
                // Linux says so when no process has the terminal open any more.
                Err(rustix::io::Errno::IO) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        } else if is_over || !output.is_empty() {
            return Ok(());
        }
    }
}

/// Fills the bytes; false when the input ends before.
fn read_exact(from: impl AsFd, mut bytes: &mut [u8]) -> io::Result<bool> {
    while !bytes.is_empty() {
        match rustix::io::read(&from, &mut *bytes) {
            Ok(0) => return Ok(false),
            Ok(count) => bytes = &mut bytes[count..],
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(true)
}

fn write_all(to: impl AsFd, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match rustix::io::write(&to, bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read_as_they_were_sent() {
        let (receiver, sender) = rustix::pipe::pipe().expect("a pipe");
        let size = TerminalSize { columns: 300, rows: 50 };
        let sent = [TerminalInput::Bytes(vec![0xff, 0, 0xc3]), TerminalInput::Resize(size)];
        for input in &sent {
            write_all(&sender, &input.encode()).expect("it is written");
        }
        drop(sender);
        for input in sent {
            assert_eq!(TerminalInput::read(&receiver).expect("a frame"), Some(input));
        }
        assert_eq!(TerminalInput::read(&receiver).expect("the end"), None);
    }

    #[test]
    fn a_frame_that_is_too_long_is_refused() {
        let (receiver, sender) = rustix::pipe::pipe().expect("a pipe");
        write_all(&sender, &[0, 0xff, 0xff, 0xff, 0xff]).expect("it is written");
        assert!(TerminalInput::read(&receiver).is_err());
    }
}
