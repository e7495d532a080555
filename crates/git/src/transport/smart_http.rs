//! Git's smart HTTP protocol, by the programs that git itself serves it with.
//!
//! See gitprotocol-http(5). Hooks and drivers of the repository are turned off as for every other call.

use crate::process::command::Command;
use crate::refs::branches::tip_of;
use crate::shared::lock;
use crate::{Error, Repository, names};
use std::fs::File;
use std::time::Duration;

/// How long a branch may be held still for a push to it.
const HELD: Duration = Duration::from_secs(30);

/// What a client asks of a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Clone and fetch.
    UploadPack,
    /// Push.
    ReceivePack,
}

impl Service {
    /// The service by the name it has in requests.
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
    /// The call that lists a repository's refs to a client.
    pub fn advertise(&self, service: Service, protocol: Option<&str>) -> std::process::Command {
        let call = smart(self.command(service.command()), protocol);
        call.args(["--stateless-rpc", "--advertise-refs"]).args([self.place().common_dir]).into_std()
    }

    /// The call that serves a fetch: the request to its standard input, the answer from its standard output.
    pub fn upload_pack(&self, protocol: Option<&str>) -> std::process::Command {
        let call = smart(self.command(Service::UploadPack.command()), protocol);
        call.args(["--stateless-rpc"]).args([self.place().common_dir]).into_std()
    }

    /// The call that serves a push, in the same way. Branches may be made, moved and deleted, other than those that are
    /// checked out somewhere.
    pub fn receive_pack(&self, protocol: Option<&str>) -> Result<std::process::Command, Error> {
        Ok(self.receive(protocol, &[])?.into_std())
    }

    /// Serves a push, from a request that is there whole, in which branches only go forward. A checkout of the given one is
    /// held still meanwhile and follows it, so that what others commit there happens wholly before or wholly after.
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
    // What replaces objects elsewhere replaces none here.
    call.option("transfer.hideRefs=refs/replace");
    call.option("receive.autogc=false");
    match protocol {
        Some(protocol) => call.env("GIT_PROTOCOL", protocol),
        None => call,
    }
}

/// Whether a push may move a ref: not those that git reads other content by, nor those that are kept here.
pub fn may_be_pushed(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let is_in = |folder: &str| lower == folder || lower.starts_with(&format!("{folder}/"));
    lower.starts_with("refs/") && !["refs/replace", "refs/spectask"].into_iter().any(is_in)
}

/// The refs that a push names, from the beginning of its request; none before the request has named them all.
pub fn pushed_refs(request: &[u8]) -> Option<Vec<String>> {
    let mut refs = Vec::new();
    let mut rest = request;
    loop {
        let (length, after) = rest.split_at_checked(4)?;
        let length = usize::from_str_radix(std::str::from_utf8(length).ok()?, 16).ok()?;
        if length < 4 {
            return Some(refs);
        }
        let (line, after) = after.split_at_checked(length - 4)?;
        let line = String::from_utf8_lossy(line);
        // `OLD NEW REF`, and on the first line the capabilities behind a NUL.
        let command = line.split('\0').next().unwrap_or_default().trim_end();
        if let [_, _, name] = command.split(' ').collect::<Vec<_>>()[..] {
            refs.push(name.to_owned());
        }
        rest = after;
    }
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

    #[test]
    fn the_refs_of_a_push_are_read_once_they_are_all_there() {
        let line = |text: &str| format!("{:04x}{text}", text.len() + 4);
        let (old, new) = ("0".repeat(40), "1".repeat(40));
        let first = line(&format!("{old} {new} refs/heads/one\0 report-status"));
        let second = line(&format!("{old} {new} refs/heads/two\n"));
        let request = format!("{first}{second}0000PACK");
        assert_eq!(
            pushed_refs(request.as_bytes()),
            Some(vec!["refs/heads/one".into(), "refs/heads/two".into()])
        );
        assert_eq!(pushed_refs(&request.as_bytes()[..first.len() + 10]), None);
        assert_eq!(pushed_refs(b"0000"), Some(Vec::new()));
        assert_eq!(pushed_refs(b"zzzz"), None);
    }
}
