//! Names of refs and paths of files, checked where they come in.

use crate::Error;
use gix::refs::FullName;

/// Returns whether a branch can have this name.
pub fn is_branch_name(name: &str) -> bool {
    branch(name).is_ok()
}

/// Returns the full name of a branch, from its short or full name.
pub(crate) fn branch(name: &str) -> Result<FullName, Error> {
    let short = name.strip_prefix("refs/heads/").unwrap_or(name);
    let wrong = || Error::Name { what: "branch", name: name.to_owned() };
    if short.starts_with('-') || short == "HEAD" {
        return Err(wrong());
    }
    FullName::try_from(format!("refs/heads/{short}")).map_err(|_| wrong())
}

/// Returns the full name of a ref, which must begin with `refs/`.
pub(crate) fn full_ref(name: &str) -> Result<FullName, Error> {
    let wrong = || Error::Name { what: "ref", name: name.to_owned() };
    if !name.starts_with("refs/") {
        return Err(wrong());
    }
    FullName::try_from(name.to_owned()).map_err(|_| wrong())
}

/// Returns the full name of a ref that is neither a branch nor a tag.
pub(crate) fn hidden_ref(name: &str) -> Result<FullName, Error> {
    if name.starts_with("refs/heads/") || name.starts_with("refs/tags/") {
        return Err(Error::Name { what: "hidden ref", name: name.to_owned() });
    }
    full_ref(name)
}

/// Returns the short name of a branch.
pub(crate) fn short(full: &FullName) -> String {
    full.shorten().to_string()
}

/// Checks the path of a file in a tree: relative, without `.` or `..`, outside of `.git`.
pub(crate) fn path(path: &str) -> Result<&str, Error> {
    let bad = |part: &str| {
        part.is_empty()
            || part == "."
            || part == ".."
            || part.eq_ignore_ascii_case(".git")
            || part.contains(['\0', '\\'])
    };
    if path.split('/').any(bad) {
        return Err(Error::Name { what: "file", name: path.to_owned() });
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::{branch, full_ref, path};

    #[test]
    fn names_that_could_be_options_or_escape_are_refused() {
        for name in ["-x", "", "a..b", "a b", "refs/heads/-x", "HEAD", "a.lock", "a/", "@{u}", "a\nb"] {
            assert!(branch(name).is_err(), "{name:?}");
        }
        for name in ["main", "-x", "refs/../x", "refs/spectask/"] {
            assert!(full_ref(name).is_err(), "{name:?}");
        }
        for name in ["", "/etc/passwd", "a/../b", "./a", "a//b", ".git/config", "a/.GIT/x", "a\0b", "a/"] {
            assert!(path(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn ordinary_names_are_accepted() {
        assert_eq!(
            branch("task/1-x").map(|name| name.to_string()).ok().as_deref(),
            Some("refs/heads/task/1-x")
        );
        assert_eq!(
            branch("refs/heads/main").map(|name| name.to_string()).ok().as_deref(),
            Some("refs/heads/main")
        );
        assert!(full_ref("refs/spectask/saved/1").is_ok());
        assert!(path("specs/1/.gitignore").is_ok());
    }
}
