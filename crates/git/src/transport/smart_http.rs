//! Git's smart HTTP protocol, by the programs that git itself serves it with.
//!
//! See gitprotocol-http(5). Hooks and drivers of the repository are turned off as for every other call.

use crate::process::command::Command;
use crate::refs::branches::tip_of;
use crate::shared::lock;
use crate::{Error, Repository, names};
use std::fs::File;
use std::time::Duration;

/// The longest time that a branch is locked for a push to it.
const HELD: Duration = Duration::from_secs(30);

/// The service that a client requests of a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Clone and fetch.
    UploadPack,
    /// Push.
    ReceivePack,
}

impl Service {
    /// Returns the service by the name it has in requests.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "git-upload-pack" => Some(Self::UploadPack),
            "git-receive-pack" => Some(Self::ReceivePack),
            _ => None,
        }
    }

    /// Its name in requests and media types.
    pub fn name(self) -> &'static str {
        match self {
            Self::UploadPack => "git-upload-pack",
            Self::ReceivePack => "git-receive-pack",
        }
    }

    fn command(self) -> &'static str {
        match self {
            Self::UploadPack => "upload-pack",
            Self::ReceivePack => "receive-pack",
        }
    }
}

impl Repository {
    /// Returns the call that lists a repository's refs to a client.
    pub fn advertise(&self, service: Service, protocol: Option<&str>) -> std::process::Command {
        let call = smart(self.command(service.command()), protocol);
        call.args(["--stateless-rpc", "--advertise-refs"]).args([self.place().common_dir]).into_std()
    }

    /// Returns the call that serves a fetch: the request to its standard input, the answer from its standard output.
    pub fn upload_pack(&self, protocol: Option<&str>) -> std::process::Command {
        let call = smart(self.command(Service::UploadPack.command()), protocol);
        call.args(["--stateless-rpc"]).args([self.place().common_dir]).into_std()
    }

    /// Returns the call that serves a push, in the same way. Branches may be made, moved and deleted, other than those
    /// that are checked out somewhere.
    pub fn receive_pack(&self, protocol: Option<&str>) -> Result<std::process::Command, Error> {
        Ok(self.receive(protocol, &[])?.into_std())
    }

    /// Serves a push, from a request that is there whole, in which branches only move forward. A checkout of the given
    /// one is locked meanwhile and follows it, so that commits of others happen wholly before or wholly after.
    pub fn receive_forward(
        &self,
        branch: &str,
        protocol: Option<&str>,
        request: File,
    ) -> Result<Vec<u8>, Error> {
        let name = names::branch(branch)?;
        let full = name.as_bstr().to_string();
        let rules = [
            "receive.denyNonFastForwards=true",
            "receive.denyDeletes=true",
            "receive.denyCurrentBranch=ignore",
        ];
        let call = self.receive(protocol, &rules)?.input(request).limit(HELD);
        let queue = self.queue(&full);
        let _turn = lock(&queue);
        let repository = self.local();
        let held = self.hold(&repository, self.movable(&full)?)?;
        let before = tip_of(&repository, &name)?;
        let answer = call.run_unchecked()?;
        match (before, tip_of(&repository, &name)?) {
            (Some(before), Some(after)) if before != after => {
                held.note(&full, before, after)?;
                held.follow(&repository, before, after);
            }
            _ => held.release()?,
        }
        Ok(answer.stdout)
    }

    fn receive(&self, protocol: Option<&str>, rules: &[&str]) -> Result<Command, Error> {
        // A lock that a dead git left would refuse the push.
        self.remove_dead_locks()?;
        let mut call = self.0.git.command_on_files(Service::ReceivePack.command(), &self.place())?;
        for rule in rules {
            call.option(rule);
        }
        let call = smart(call, protocol);
        Ok(call.args(["--stateless-rpc"]).args([self.place().common_dir]))
    }
}

fn smart(mut call: Command, protocol: Option<&str>) -> Command {
    // The refs kept there are no branches of users.
    call.option("transfer.hideRefs=refs/spectask");
    // Replacement refs of other repositories replace nothing here.
    call.option("transfer.hideRefs=refs/replace");
    call.option("receive.autogc=false");
    match protocol {
        Some(protocol) => call.env("GIT_PROTOCOL", protocol),
        None => call,
    }
}

/// Returns whether a push may move a ref: not those that git reads other content by, nor those that are kept here.
pub fn may_be_pushed(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let is_in = |folder: &str| lower == folder || lower.starts_with(&format!("{folder}/"));
    lower.starts_with("refs/") && !["refs/replace", "refs/spectask"].into_iter().any(is_in)
}

/// The longest packet line that git reads, with its length in front, in bytes.
const MAX_PACKET: usize = 65_520;

/// The reason why a push is rejected before git reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedPush {
    /// Its commands are in a certificate, which git reads in another way than packet lines.
    #[error("signed pushes are not accepted; push with --no-signed")]
    Signed,
    #[error("the request is not a push that git sends")]
    Line,
}

/// Reads which refs a push updates, from its request as it arrives.
///
/// It accepts nothing that git could read in another way: a ref that git updates and this does not see would pass every
/// check of names. So a line is an update or a shallow commit, to the byte, and everything else refuses the push.
#[derive(Debug, Default)]
pub struct PushCommands {
    /// How much of the request is read, in bytes.
    read: usize,
    refs: Vec<String>,
}

impl PushCommands {
    /// Reads on in a request that may have grown since the last call. Returns true once every ref is named.
    pub fn read(&mut self, request: &[u8]) -> Result<bool, MalformedPush> {
        loop {
            let rest = request.get(self.read..).unwrap_or_default();
            let Some((digits, rest)) = rest.split_first_chunk::<4>() else { return Ok(false) };
            if !digits.iter().all(u8::is_ascii_hexdigit) {
                return Err(MalformedPush::Line);
            }
            let length = digits.iter().fold(0, |length, digit| length * 16 + hex_value(*digit));
            if length == 0 {
                return Ok(true);
            }
            if !(5..=MAX_PACKET).contains(&length) {
                return Err(MalformedPush::Line);
            }
            let Some(line) = rest.get(..length - 4) else { return Ok(false) };
            self.refs.extend(updated_ref(line)?);
            self.read += length;
        }
    }

    /// Returns the refs, in the order of the request.
    pub fn into_refs(self) -> Vec<String> {
        self.refs
    }
}

/// Returns the value of a hexadecimal digit.
fn hex_value(digit: u8) -> usize {
    (digit as char).to_digit(16).unwrap_or_default() as usize
}

/// Returns the ref in a line `OLD NEW REF`, which may have capabilities behind a NUL; none in `shallow COMMIT`.
fn updated_ref(line: &[u8]) -> Result<Option<String>, MalformedPush> {
    let command = match line.iter().position(|byte| *byte == 0) {
        Some(end) => &line[..end],
        None => line.strip_suffix(b"\n").unwrap_or(line),
    };
    let command = std::str::from_utf8(command).map_err(|_| MalformedPush::Line)?;
    let is_id =
        |word: &str| matches!(word.len(), 40 | 64) && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    match *command.split(' ').collect::<Vec<_>>() {
        ["push-cert"] => Err(MalformedPush::Signed),
        ["shallow", commit] if is_id(commit) => Ok(None),
        [old, new, name] if is_id(old) && is_id(new) && is_plain(name) => Ok(Some(name.to_owned())),
        _ => Err(MalformedPush::Line),
    }
}

/// Returns whether a name is one word; git checks the rest of its form.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && !name.contains(|letter: char| letter.is_control() || letter.is_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refs_that_change_what_git_reads_are_not_pushed() {
        for name in ["refs/replace/0a", "refs/spectask/saved/1", "refs/Replace/0a", "refs/replace", "HEAD"] {
            assert!(!may_be_pushed(name), "{name}");
        }
        for name in ["refs/heads/main", "refs/tags/v1", "refs/notes/commits", "refs/heads/refs/replace/x"] {
            assert!(may_be_pushed(name), "{name}");
        }
    }

    fn packet(line: &str) -> String {
        format!("{:04x}{line}", line.len() + 4)
    }

    fn refs_of(request: &str) -> Result<Option<Vec<String>>, MalformedPush> {
        let mut commands = PushCommands::default();
        let is_complete = commands.read(request.as_bytes())?;
        Ok(is_complete.then(|| commands.into_refs()))
    }

    #[test]
    fn the_refs_of_a_push_are_read_once_they_are_all_there() {
        let (old, new) = ("0".repeat(40), "1".repeat(40));
        let shallow = packet(&format!("shallow {new}\n"));
        let first = packet(&format!("{old} {new} refs/heads/one\0 report-status"));
        let second = packet(&format!("{old} {new} refs/heads/two\n"));
        let request = format!("{shallow}{first}{second}0000PACK");
        let refs = vec!["refs/heads/one".to_owned(), "refs/heads/two".to_owned()];
        assert_eq!(refs_of(&request), Ok(Some(refs.clone())));
        assert_eq!(refs_of(&request[..shallow.len() + first.len() + 10]), Ok(None));
        assert_eq!(refs_of("0000"), Ok(Some(Vec::new())));
        assert_eq!(refs_of(""), Ok(None));
        let mut commands = PushCommands::default();
        let end = request.find("PACK").expect("a pack");
        for length in 0..request.len() {
            assert_eq!(commands.read(&request.as_bytes()[..length]), Ok(length >= end), "{length}");
        }
        assert_eq!(commands.into_refs(), refs);
    }

    #[test]
    fn a_push_that_git_may_read_in_another_way_is_refused() {
        let (old, new) = ("0".repeat(40), "1".repeat(40));
        let command = format!("{old} {new} refs/heads/one");
        for line in [
            "x".to_owned(),
            format!("{old} {new} "),
            format!("{old} {new} refs/heads/one two"),
            format!("{old} {new}  refs/heads/one"),
            format!("{command}\n{command}"),
            format!("\n{command}"),
            format!("{command}\n\n"),
            format!("{command}\t"),
            format!("{} {new} refs/heads/one", "0".repeat(39)),
            "certificate version 0.1\n".to_owned(),
            "shallow 17".to_owned(),
        ] {
            assert_eq!(refs_of(&packet(&line)), Err(MalformedPush::Line), "{line:?}");
        }
        for start in ["zzzz", "+00f", "0001", "0003", "0004", "fff1"] {
            assert_eq!(refs_of(start), Err(MalformedPush::Line), "{start}");
        }
        assert_eq!(refs_of(&packet("push-cert\0 report-status")), Err(MalformedPush::Signed));
        assert_eq!(refs_of(&packet("push-cert\n")), Err(MalformedPush::Signed));
    }
}
