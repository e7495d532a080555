//! The owner of a repository, and whether the person who runs the server trusts it.
//!
//! Git refuses to serve the repositories of other users, whose configuration could name programs, unless `safe.directory` in
//! the user's or the system's configuration lists them. The same list counts here.

use crate::process::command::Command;
use crate::{Git, OpenError, Repository};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

impl Repository {
    /// Rejects a repository of another user that `safe.directory` does not list.
    pub fn refuse_stranger(&self) -> Result<(), OpenError> {
        let common_dir = &self.0.common_dir;
        let Ok(metadata) = common_dir.metadata() else { return Ok(()) };
        let us = rustix::process::geteuid().as_raw();
        if is_own(metadata.uid(), us, sudo_user()) || is_listed(&self.0.git.safe_directories(), common_dir) {
            return Ok(());
        }
        let path = self.path().to_owned();
        Err(OpenError::OwnedByAnother { path, owner: name_of(metadata.uid()), user: name_of(us) })
    }
}

impl Git {
    /// Returns the places that the user's and the system's configuration trust, in order.
    fn safe_directories(&self) -> Vec<String> {
        let mut listed = Vec::new();
        for scope in ["--system", "--global"] {
            let call = Command::bare(self.binary(), "config", Path::new("/")).with_own_configuration();
            // A configuration that is not there lists nothing.
            let Ok(found) = call.args([scope, "--path", "--get-all", "safe.directory"]).run() else {
                continue;
            };
            listed.extend(found.text().lines().map(str::to_owned));
        }
        listed
    }
}

/// Returns the user who became root by `sudo`, whose repositories root trusts.
fn sudo_user() -> Option<u32> {
    std::env::var("SUDO_UID").ok()?.parse().ok()
}

/// Returns whether a repository's owner is the one who asks.
fn is_own(owner: u32, us: u32, sudo: Option<u32>) -> bool {
    owner == us || (us == 0 && sudo == Some(owner))
}

/// Returns whether a list of `safe.directory` has a repository, by its git folder or its root; an empty value begins
/// the list again.
fn is_listed(listed: &[String], common_dir: &Path) -> bool {
    let from = listed.iter().rposition(String::is_empty).map_or(0, |at| at + 1);
    let root = common_dir.parent().filter(|_| common_dir.file_name().is_some_and(|name| name == ".git"));
    let is_it = |place: &Path, safe: &str| match safe.strip_suffix("/*") {
        Some(above) => place.starts_with(above) && place != Path::new(above),
        None => Path::new(safe) == place,
    };
    listed[from..]
        .iter()
        .any(|safe| safe == "*" || is_it(common_dir, safe) || root.is_some_and(|root| is_it(root, safe)))
}

/// Returns a user as people know them, or the number.
fn name_of(uid: u32) -> String {
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, number) = (fields.next()?, fields.nth(1)?);
        (number == uid.to_string()).then(|| name.to_owned())
    });
    name.unwrap_or_else(|| format!("user {uid}"))
}

#[cfg(test)]
mod tests {
    use super::{is_listed, is_own};
    use std::path::Path;

    #[test]
    fn a_repository_is_trusted_by_its_owner_and_by_root_for_the_one_who_became_it() {
        assert!(is_own(1000, 1000, None));
        assert!(!is_own(1001, 1000, None));
        assert!(is_own(1000, 0, Some(1000)));
        assert!(!is_own(1001, 0, Some(1000)));
        assert!(!is_own(1001, 1000, Some(1001)), "only root may act for another user");
    }

    #[test]
    fn a_list_trusts_what_it_names_behind_its_last_empty_value() {
        let git_dir = Path::new("/srv/code/app/.git");
        let listed = |values: &[&str]| {
            is_listed(&values.iter().map(|&value| value.to_owned()).collect::<Vec<_>>(), git_dir)
        };
        for values in
            [&["/srv/code/app"][..], &["/srv/code/app/.git"], &["*"], &["/srv/code/*"], &["/x", "*"]]
        {
            assert!(listed(values), "{values:?}");
        }
        for values in [&[][..], &["/srv/code"], &["/srv/code/app2"], &["*", ""], &["/srv/co/*"]] {
            assert!(!listed(values), "{values:?}");
        }
    }
}
