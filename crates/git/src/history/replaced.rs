//! Objects of a change that git replaces by others, because of refs in `refs/replace/`.
//!
//! They are read as they are here. A person who looks at the change with git sees something else.

use crate::error::Context as _;
use crate::objects::differences::differences;
use crate::{Error, Repository, objects};
use gix::ObjectId;
use std::collections::BTreeSet;

impl Repository {
    /// Returns the commits, trees and files that a change brings and that git shows others for.
    pub fn replaced_objects(&self, base: &str, head: &str) -> Result<Vec<String>, Error> {
        let repository = self.local();
        let shown = self.path().display();
        let references = repository.references().context("list the refs of", &shown)?;
        let prefixed = references.prefixed("refs/replace/").context("list the refs of", &shown)?;
        let replaced: BTreeSet<ObjectId> = prefixed
            .flatten()
            .filter_map(|reference| {
                let name = reference.name().as_bstr().to_string();
                ObjectId::from_hex(name.strip_prefix("refs/replace/")?.as_bytes()).ok()
            })
            .collect();
        if replaced.is_empty() {
            return Ok(Vec::new());
        }
        let (base, head) = (self.need(&repository, base)?, self.need(&repository, head)?);
        let mut brought = BTreeSet::new();
        let walk =
            repository.rev_walk([head]).with_hidden([base]).all().context("walk the commits of", &shown)?;
        for info in walk {
            let id = info.context("walk the commits of", &shown)?.id;
            brought.extend([id, objects::tree_of(&repository, id)?]);
        }
        let (old, new) = (objects::tree_of(&repository, base)?, objects::tree_of(&repository, head)?);
        brought
            .extend(differences(&repository, old, new)?.iter().filter_map(|one| one.new.map(|(_, id)| id)));
        Ok(replaced.intersection(&brought).map(ToString::to_string).collect())
    }
}
