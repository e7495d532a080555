//! The files that a revision adds to another, and where two revisions differ.

use crate::objects::differences::{Difference, differences};
use crate::refs::resolve::find_commit;
use crate::{Error, Repository, objects};

impl Repository {
    /// Returns the files that a revision has and another has not, sorted. A revision that does not exist has none.
    pub fn added_files(&self, base: &str, head: &str) -> Result<Vec<String>, Error> {
        let added =
            self.different(base, head)?.unwrap_or_default().into_iter().filter(|one| one.old.is_none());
        let mut paths: Vec<String> = added.map(|one| one.path.to_string()).collect();
        paths.sort();
        Ok(paths)
    }

    /// Returns whether what a revision has since it left another is in one folder alone; `false` when one of them is not there.
    pub fn differs_only_in(&self, base: &str, head: &str, folder: &str) -> Result<bool, Error> {
        let repository = self.local();
        let (Some(of), Some(at)) = (find_commit(&repository, base)?, find_commit(&repository, head)?) else {
            return Ok(false);
        };
        let Some(left) = repository.merge_base(of, at).ok().flatten() else { return Ok(false) };
        let within = format!("{folder}/");
        let different = self.different(&left.to_string(), head)?;
        Ok(different.is_some_and(|all| all.iter().all(|one| one.path.starts_with(within.as_bytes()))))
    }

    fn different(&self, base: &str, head: &str) -> Result<Option<Vec<Difference>>, Error> {
        let repository = self.local();
        let (Some(base), Some(head)) = (find_commit(&repository, base)?, find_commit(&repository, head)?)
        else {
            return Ok(None);
        };
        let (old, new) = (objects::tree_of(&repository, base)?, objects::tree_of(&repository, head)?);
        differences(&repository, old, new).map(Some)
    }
}
