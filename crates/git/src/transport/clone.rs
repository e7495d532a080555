//! Clones repositories.

use crate::error::Context as _;
use crate::files::lock_files::found;
use crate::process::command::Command;
use crate::{CloneError, Error, Git, OpenError, Repository, files::durable, worktrees::worktree};
use std::fs;
use std::path::Path;
use std::time::Duration;

/// The longest run of a clone.
const LIMIT: Duration = Duration::from_hours(1);

impl Git {
    /// Clones a repository into a folder that does not exist or is empty. A clone that fails leaves nothing.
    pub fn clone_from(&self, url: &str, into: &Path) -> Result<Repository, CloneError> {
        if let Some(reason) = refusal(url) {
            return Err(CloneError::Refused { url: without_password(url), reason });
        }
        let failed =
            |source: Error| CloneError::Failed { url: without_password(url), source: Box::new(source) };
        let is_taken = fs::read_dir(into).is_ok_and(|mut entries| entries.next().is_some());
        if is_taken || into.is_file() {
            return Err(failed(Error::Exists { path: into.to_owned() }));
        }
        let folder = into.parent().unwrap_or(Path::new("/"));
        fs::create_dir_all(folder).context("make the folder", folder.display()).map_err(failed)?;
        let partial = worktree::free_name(folder, into, "cloning");
        let cloned = self.clone_whole(url, &partial).and_then(|repository| {
            if repository.is_none() {
                return Ok(false);
            }
            found(fs::remove_dir(into)).context("replace", into.display())?;
            fs::rename(&partial, into).context("name", into.display())?;
            Ok(true)
        });
        if !matches!(cloned, Ok(true)) {
            // The leftovers belong to no one; the earlier error is the one to report.
            let _ = fs::remove_dir_all(&partial);
        }
        let opened = |source| CloneError::Open { url: without_password(url), source };
        if !cloned.map_err(failed)? {
            return Err(opened(OpenError::Empty { path: into.to_owned() }));
        }
        self.open(into).map_err(opened)
    }

    /// Clones and checks out; `None` when there are no commits.
    fn clone_whole(&self, url: &str, into: &Path) -> Result<Option<()>, Error> {
        let folder = into.parent().unwrap_or(Path::new("/"));
        let arguments =
            ["--quiet", "--no-checkout", "--no-recurse-submodules", "--template=", "--origin=origin", "--"];
        let mut command = Command::bare(self.binary(), "clone", folder).limit(LIMIT).args(arguments);
        if let Some(agent) = std::env::var_os("SSH_AUTH_SOCK") {
            command = command.env("SSH_AUTH_SOCK", agent);
        }
        command.args([url.as_ref(), into.as_os_str()]).run()?;
        let repository = self.open_any(into)?;
        if repository.local().head_id().is_err() {
            return Ok(if repository.is_empty()? { None } else { Some(()) });
        }
        repository.check_out_head()?;
        durable::objects(&repository.0.common_dir).context("bring to the disk", into.display())?;
        Ok(Some(()))
    }
}

impl Repository {
    /// Fills an untouched worktree with the files of its branch.
    pub(crate) fn check_out_head(&self) -> Result<(), Error> {
        let Some(root) = &self.0.main_root else { return Ok(()) };
        let place = self.place_of(&self.0.common_dir, root);
        self.0.git.command_on_files("read-tree", &place)?.args(["-m", "-u", "HEAD"]).run().map(|_| ())
    }
}

/// Returns why a URL is not cloned.
fn refusal(url: &str) -> Option<&'static str> {
    if url.trim().is_empty() {
        return Some("it is empty");
    }
    if url.starts_with('-') {
        return Some("it begins with a dash");
    }
    if url.contains(['\n', '\r', '\0']) {
        return Some("it has a line break in it");
    }
    if url.contains("::") && !url.starts_with('/') {
        return Some("only http, https, ssh, file and paths can be cloned from");
    }
    match url.split_once("://") {
        Some(("http" | "https" | "ssh" | "file", rest)) if rest.starts_with('-') => {
            Some("its host begins with a dash")
        }
        Some(("http" | "https" | "ssh" | "file", _)) | None => None,
        Some(_) => Some("only http, https, ssh, file and paths can be cloned from"),
    }
}

/// Returns the URL as it can be shown.
pub(crate) fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let host_end = rest.find('/').unwrap_or(rest.len());
    match rest[..host_end].rfind('@') {
        Some(at) => format!("{scheme}://{}", &rest[at + 1..]),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{refusal, without_password};

    #[test]
    fn only_plain_transports_are_cloned_from() {
        for url in [
            "",
            "-u",
            "--upload-pack=x",
            "ext::sh -c x",
            "ftp://a/b",
            "fd::17",
            "ssh://-oProxyCommand=x/y",
            "a\nb",
        ] {
            assert!(refusal(url).is_some(), "{url:?}");
        }
        for url in
            ["https://a/b.git", "http://a/b", "ssh://git@a/b", "git@a:b/c.git", "file:///a/b", "/a/b", "../b"]
        {
            assert!(refusal(url).is_none(), "{url:?}");
        }
    }

    #[test]
    fn passwords_are_not_shown() {
        assert_eq!(without_password("https://user:secret@host/a@b"), "https://host/a@b");
        assert_eq!(without_password("https://host/a@b"), "https://host/a@b");
    }
}
