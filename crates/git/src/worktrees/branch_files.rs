//! Compares files of a worktree with the branch before and after a move.

use crate::error::Context as _;
use crate::files::safe_path::{self, Standing};
use crate::objects::convert::Converter;
use crate::objects::differences::{Difference, Side};
use crate::worktrees::checkouts::Checkout;
use crate::{Error, objects};
use gix::objs::tree::EntryKind;

/// What should be at a path, before and after, and what is; submodules, whose files are their own, and files in other
/// encodings should be nothing in particular.
struct Seen {
    old: Option<Standing>,
    new: Option<Standing>,
    present: Standing,
}

/// Returns whether the file of a path is as the branch has it.
pub(crate) fn is_as_new(
    repository: &gix::Repository,
    checkout: &Checkout,
    difference: &Difference,
    converter: &mut Converter<'_>,
) -> Result<bool, Error> {
    let seen = look(repository, checkout, difference, converter)?;
    Ok(seen.new.as_ref() == Some(&seen.present))
}

/// Writes or deletes the file of a path if it is as the branch had it; returns whether it is as the branch has it.
pub(crate) fn write(
    repository: &gix::Repository,
    checkout: &Checkout,
    difference: &Difference,
    converter: &mut Converter<'_>,
) -> Result<bool, Error> {
    let path = difference.path.as_slice();
    let shown = || checkout.root.join(safe_path::name(path)).display().to_string();
    let seen = look(repository, checkout, difference, converter)?;
    let Some(new) = seen.new else { return Ok(false) };
    if seen.present == new {
        return Ok(true);
    }
    if seen.old != Some(seen.present) {
        return Ok(false);
    }
    match (difference.new, new) {
        (Some((mode, _)), Standing::File { content, .. } | Standing::Link(content)) => {
            safe_path::put(&checkout.root, path, mode.kind(), &content).context("write", shown())?;
        }
        (Some(_), Standing::Nothing | Standing::Large | Standing::Other) => return Ok(false),
        (None, _) => safe_path::remove(&checkout.root, path).context("delete", shown())?,
    }
    Ok(true)
}

fn look(
    repository: &gix::Repository,
    checkout: &Checkout,
    difference: &Difference,
    converter: &mut Converter<'_>,
) -> Result<Seen, Error> {
    let path = difference.path.as_slice();
    let old = expected(repository, path, difference.old, converter)?;
    let new = expected(repository, path, difference.new, converter)?;
    let size = |standing: &Option<Standing>| match standing {
        Some(Standing::File { content, .. }) => content.len() as u64,
        Some(Standing::Nothing | Standing::Link(_) | Standing::Large | Standing::Other) | None => 0,
    };
    let present = safe_path::look(&checkout.root, path, size(&old).max(size(&new)))
        .context("read", checkout.root.join(safe_path::name(path)).display())?;
    Ok(Seen { old, new, present })
}

/// Returns what stands in a worktree for an entry of a tree.
fn expected(
    repository: &gix::Repository,
    path: &[u8],
    side: Side,
    converter: &mut Converter<'_>,
) -> Result<Option<Standing>, Error> {
    let Some((mode, id)) = side else { return Ok(Some(Standing::Nothing)) };
    Ok(match mode.kind() {
        EntryKind::Commit | EntryKind::Tree => None,
        EntryKind::Link => Some(Standing::Link(objects::blob(repository, id)?)),
        kind @ (EntryKind::Blob | EntryKind::BlobExecutable) => {
            let content = converter.content(repository, path.into(), id)?;
            content
                .map(|content| Standing::File { content, is_executable: kind == EntryKind::BlobExecutable })
        }
    })
}
