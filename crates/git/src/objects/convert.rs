//! Converts files between what commits have and what worktrees have: line ends, encodings, `ident`.
//!
//! Filters and other programs that attributes name are not part of it.

use crate::error::Context as _;
use crate::{Error, objects};
use gix::ObjectId;
use gix::bstr::{BStr, ByteSlice as _};
use gix::filter::plumbing::pipeline::convert::to_worktree::Options;
use gix::worktree::stack::state::attributes::Source;
use std::io::Read as _;

/// The attribute of files that have another encoding in worktrees.
const ENCODING: &str = "working-tree-encoding";

/// The conversions in force in a worktree.
pub(crate) struct Converter<'a>(Option<Conversions<'a>>);

struct Conversions<'a> {
    pipeline: gix::filter::Pipeline<'a>,
    attributes: gix::AttributeStack<'a>,
}

impl<'a> Converter<'a> {
    /// Returns the conversions that the attributes of an index and the repository's configuration ask for.
    pub(crate) fn of(repository: &'a gix::Repository, index: &gix::index::File) -> Result<Self, Error> {
        if !may_convert(repository, index) {
            return Ok(Self(None));
        }
        let read = || {
            repository
                .attributes_only(index, Source::IdMapping)
                .context("read the attributes of", repository.path().display())
        };
        let pipeline = gix::filter::Pipeline::new(repository, read()?.detach())
            .context("prepare the conversions of", repository.path().display())?;
        let attributes = read()?;
        Ok(Self(Some(Conversions { pipeline, attributes })))
    }

    /// Returns a blob as a worktree has it at a path; `None` for another encoding than UTF-8, which git alone writes.
    pub(crate) fn content(
        &mut self,
        repository: &gix::Repository,
        path: &BStr,
        id: ObjectId,
    ) -> Result<Option<Vec<u8>>, Error> {
        let content = objects::blob(repository, id)?;
        let Some(Conversions { pipeline, attributes }) = &mut self.0 else { return Ok(Some(content)) };
        let mut matches = attributes.selected_attribute_matches([ENCODING]);
        let entry = attributes.at_entry(path, None).context("read the attributes of", path)?;
        entry.matching_attributes(&mut matches);
        if matches.iter_selected().any(|found| found.assignment.state.as_bstr().is_some()) {
            return Ok(None);
        }
        let mut converted = Vec::new();
        let done = pipeline.convert_to_worktree(&content, path, Options::default());
        done.context("convert", path)?.read_to_end(&mut converted).context("convert", path)?;
        Ok(Some(converted))
    }
}

/// Returns whether the attributes of an index ask for encodings, which git alone writes.
pub(crate) fn has_encodings(repository: &gix::Repository, index: &gix::index::File) -> bool {
    let asks = |text: &[u8]| text.find(ENCODING).is_some();
    std::fs::read(repository.common_dir().join("info/attributes")).is_ok_and(|text| asks(&text))
        || index
            .entries()
            .iter()
            .filter(|entry| is_attributes(index, entry))
            .any(|entry| repository.find_blob(entry.id).is_ok_and(|blob| asks(&blob.data)))
}

/// Returns whether anything asks for conversions at all.
fn may_convert(repository: &gix::Repository, index: &gix::index::File) -> bool {
    let config = repository.config_snapshot();
    let has_setting = ["core.autocrlf", "core.eol"].into_iter().any(|key| config.string(key).is_some());
    has_setting
        || repository.common_dir().join("info/attributes").is_file()
        || index.entries().iter().any(|entry| is_attributes(index, entry))
}

fn is_attributes(index: &gix::index::File, entry: &gix::index::Entry) -> bool {
    let path: &[u8] = entry.path(index).as_ref();
    path == b".gitattributes" || path.ends_with(b"/.gitattributes")
}
