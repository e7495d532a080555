//! Finds the commit that a revision names.

use crate::error::Context as _;
use crate::objects::ancestry::is_ancestor;
use crate::refs::find::find_ref;
use crate::{CommitId, Error, Repository};
use gix::ObjectId;

/// The namespaces in which a plain name is looked up, after a full hash.
const PREFIXES: [&str; 3] = ["refs/heads/", "refs/remotes/", "refs/tags/"];

impl Repository {
    /// Returns the commit that a branch, a full ref, a full hash, or one of these with `^`, `^2` or `~3` behind it
    /// names; `None` when there is none.
    pub fn resolve(&self, rev: &str) -> Result<Option<CommitId>, Error> {
        Ok(find_commit(&self.local(), rev)?.map(CommitId))
    }

    /// Returns whether a revision's history has a commit.
    pub fn contains(&self, rev: &str, commit: &str) -> Result<bool, Error> {
        let repository = self.local();
        let (tip, commit) = (self.need(&repository, rev)?, find_commit(&repository, commit)?);
        Ok(commit.is_some_and(|commit| is_ancestor(&repository, commit, tip)))
    }

    pub(crate) fn need(&self, repository: &gix::Repository, rev: &str) -> Result<ObjectId, Error> {
        find_commit(repository, rev)?.ok_or_else(|| self.unknown(rev))
    }
}

/// Returns the commit that a revision names.
pub(crate) fn find_commit(repository: &gix::Repository, rev: &str) -> Result<Option<ObjectId>, Error> {
    let (base, steps) = rev.find(['^', '~']).map_or((rev, ""), |at| rev.split_at(at));
    let Some(mut id) = find(repository, base)? else { return Ok(None) };
    for step in parse(steps).ok_or_else(|| Error::Name { what: "revision", name: rev.to_owned() })? {
        let commit = repository.find_commit(id).context("read the commit", id)?;
        let Some(parent) = commit.parent_ids().nth(step) else { return Ok(None) };
        id = parent.detach();
    }
    Ok(Some(id))
}

fn find(repository: &gix::Repository, base: &str) -> Result<Option<ObjectId>, Error> {
    if let Ok(id) = ObjectId::from_hex(base.as_bytes()) {
        return commit(repository, id);
    }
    if base == "HEAD" {
        return repository.head_id().ok().map_or(Ok(None), |id| commit(repository, id.detach()));
    }
    let candidates = if base.starts_with("refs/") {
        vec![base.to_owned()]
    } else {
        PREFIXES.iter().map(|prefix| format!("{prefix}{base}")).collect()
    };
    for name in candidates {
        // A text that cannot be a ref's name does not name a commit either.
        let Ok(name) = gix::refs::FullName::try_from(name) else { continue };
        let found = find_ref(repository, name.as_ref())?;
        if let Some(mut found) = found.filter(|found| found.name() == name.as_ref()) {
            let id = found.peel_to_id().context("read the ref", name.as_bstr())?.detach();
            return commit(repository, id);
        }
    }
    Ok(None)
}

/// Returns the commit of an object, through tags; `None` when the object is missing or something else.
fn commit(repository: &gix::Repository, id: ObjectId) -> Result<Option<ObjectId>, Error> {
    let Some(object) = repository.try_find_object(id).context("read the object", id)? else {
        return Ok(None);
    };
    Ok(object.peel_to_kind(gix::object::Kind::Commit).ok().map(|commit| commit.id))
}

/// Returns which parent to take, step by step; `None` when the text is not made of such steps.
fn parse(steps: &str) -> Option<Vec<usize>> {
    let mut parents = Vec::new();
    let mut rest = steps;
    while !rest.is_empty() {
        let (sign, behind) = rest.split_at(1);
        let digits = behind.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(behind.len());
        let (number, further) = behind.split_at(digits);
        let number = if number.is_empty() {
            1
        } else {
            number.parse::<usize>().ok().filter(|number| *number <= 10_000)?
        };
        match sign {
            "^" if number > 0 => parents.push(number - 1),
            "~" => parents.extend(std::iter::repeat_n(0, number)),
            _ => return None,
        }
        rest = further;
    }
    Some(parents)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn steps_name_parents() {
        assert_eq!(parse(""), Some(vec![]));
        assert_eq!(parse("^"), Some(vec![0]));
        assert_eq!(parse("^2~2^"), Some(vec![1, 0, 0, 0]));
        assert_eq!(parse("^{tree}"), None);
        assert_eq!(parse("^0"), None);
    }
}
