//! Finds out whether a repository is a project already, by any path.

use crate::request::caller::Caller;
use crate::request::problem::Problem;
use engine::App;
use percent_encoding::percent_decode_str;
use std::path::{Path, PathBuf};
use store::Project;

/// Returns the projects of the repository that a path leads to: its root, a folder inside it, a link to it, or one of
/// its worktrees.
pub(crate) async fn projects_of(app: &App, path: &Path) -> Result<Vec<Project>, Problem> {
    let mut all = app.store.all_projects().await?;
    let (git, path) = (app.repositories.git().clone(), path.to_owned());
    let found = engine::spawn_blocking(move || {
        let Some(place) = git.common_dir(&path) else { return Vec::new() };
        all.retain(|project| git.common_dir(Path::new(&project.repository_path)).as_ref() == Some(&place));
        all
    });
    found.await.map_err(|error| Problem::internal(&error))
}

/// Rejects a repository of another user: a project's owner reads all that is recorded in its repository.
pub(crate) fn ensure_unowned(known: &[Project], caller: &Caller) -> Result<(), Problem> {
    if known.iter().all(|project| project.owner == *caller.id()) {
        return Ok(());
    }
    let detail = "The repository belongs to another user's project on this server; register one of your own.";
    Err(Problem::conflict("already_registered", detail))
}

/// Rejects a repository that is the caller's own project already.
pub(crate) fn ensure_unregistered(known: &[Project]) -> Result<(), Problem> {
    let Some(known) = known.first() else { return Ok(()) };
    let detail = format!("The repository is registered already, as {:?} ({}).", known.name, known.id);
    Err(Problem::conflict("already_registered", detail))
}

/// Returns the places on this machine that a clone URL may name, seen from a folder; none for what is elsewhere. Git
/// looks for a name with `.git` at its end, too.
pub(crate) fn paths_of(url: &str, from: &Path) -> Vec<PathBuf> {
    let Some(path) = path_of(url, from) else { return Vec::new() };
    let mut bare = path.clone().into_os_string();
    bare.push(".git");
    vec![path, bare.into()]
}

fn path_of(url: &str, from: &Path) -> Option<PathBuf> {
    if let Some(rest) = url.strip_prefix("file://") {
        let path = percent_decode_str(&rest[rest.find('/')?..]).decode_utf8().ok()?.into_owned();
        return Some(PathBuf::from(path));
    }
    // Before the first slash, a colon ends a host's name.
    let is_elsewhere = url.split('/').next().is_some_and(|first| first.contains(':'));
    (!is_elsewhere).then(|| from.join(url))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_told_from_hosts() {
        let path = |url| path_of(url, Path::new("/srv"));
        for (url, found) in [
            ("/a/b", "/a/b"),
            ("../b", "/srv/../b"),
            ("file:///a/%62", "/a/b"),
            ("file://localhost/a", "/a"),
            ("./a:b", "/srv/./a:b"),
        ] {
            assert_eq!(path(url), Some(PathBuf::from(found)), "{url}");
        }
        for url in ["https://a/b.git", "ssh://git@a/b", "git@a:b/c.git", "a:b"] {
            assert_eq!(path(url), None, "{url}");
        }
    }
}
