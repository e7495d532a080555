//! Task runners: make and just, by the targets that they have.

use super::detection::Stack;
use super::listing::Place;
use super::tools::stack;

/// The tool of a stack that runs the commands of others.
pub(super) const RUNNERS: [&str; 2] = ["make", "just"];

pub(super) fn runner(place: Place<'_>) -> Option<Stack> {
    let files =
        [("make", ["GNUmakefile", "makefile", "Makefile"]), ("just", ["justfile", "Justfile", ".justfile"])];
    let found = files.iter().find_map(|(tool, names)| Some((*tool, place.first_of(names)?)))?;
    let (tool, file) = found;
    let has = |target: &str| has_target(place.text(file), target);
    let command = |target: &str| format!("{tool} {target}");
    let test = ["test", "check"].into_iter().find(|target| has(target)).map(command);
    let lint = has("lint").then(|| command("lint"));
    (test.is_some() || lint.is_some()).then(|| Stack {
        test,
        checks: lint.into_iter().collect(),
        ..stack(place, tool, "", file)
    })
}

/// Returns whether a file of rules has a target: a line that begins with it, with a colon behind. In a makefile `:=`
/// assigns.
fn has_target(text: &str, target: &str) -> bool {
    text.lines().any(|line| {
        let Some((names, rest)) = line.split_once(':') else { return false };
        !line.starts_with(['\t', ' ', '#', '.'])
            && !rest.starts_with('=')
            && names.split_whitespace().next().is_some_and(|name| name.trim_start_matches('@') == target)
    })
}
