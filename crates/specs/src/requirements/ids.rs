//! The numbers of requirements: series of ids told apart, and what a reference is to.

use super::document::{Criterion, Requirement, Requirements};
use std::collections::BTreeSet;

/// Leaves out numbered chapters, and gives `NFR-1` beside `FR-1` its letters.
pub(crate) fn disambiguate(found: &mut Requirements, words: Vec<String>) {
    let named = words.iter().any(|word| !word.is_empty());
    let worded: BTreeSet<String> = found
        .items
        .iter()
        .zip(&words)
        .filter(|(_, word)| !word.is_empty())
        .map(|(item, _)| item.number.clone())
        .collect();
    let mut kept: Vec<(Requirement, String)> = std::mem::take(&mut found.items)
        .into_iter()
        .zip(words)
        // Beside `Requirement 1`, a bare `1. Introduction` is a chapter when it asks for nothing or has a number of theirs.
        .filter(|(item, word)| {
            let asks = !item.criteria.is_empty() || item.user_story.is_some();
            !named || !word.is_empty() || asks && !worded.contains(&item.number)
        })
        .collect();
    let bare = kept.iter().map(|(_, word)| word).find(|word| !word.is_empty()).cloned().unwrap_or_default();
    let goes_bare = |word: &String| word.is_empty() || *word == bare;
    let first: BTreeSet<String> =
        kept.iter().filter(|(_, word)| goes_bare(word)).map(|(item, _)| item.number.clone()).collect();
    let clashing: BTreeSet<String> = kept
        .iter()
        .filter(|(item, word)| !goes_bare(word) && first.contains(&item.number))
        .map(|(_, word)| word.clone())
        .collect();
    for (item, word) in &mut kept {
        let letters = letters(word).filter(|_| !goes_bare(word) && (is_id(word) || clashing.contains(word)));
        if let Some(letters) = letters {
            for criterion in
                item.criteria.iter_mut().filter(|one| one.number.starts_with(|c: char| c.is_ascii_digit()))
            {
                criterion.number = format!("{letters}-{}", criterion.number);
            }
            item.number = format!("{letters}-{}", item.number);
        }
    }
    found.bare = letters(&bare);
    found.items = kept.into_iter().map(|(item, _)| item).collect();
}

fn is_id(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// Returns the letters that stand for the words before a number: `NFR` for `Non-Functional Requirement`.
fn letters(word: &str) -> Option<String> {
    if is_id(word) {
        return Some(word.to_owned());
    }
    let words: Vec<&str> = word.split([' ', '-']).filter(|word| !word.is_empty()).collect();
    let initials: Option<String> =
        words.iter().map(|word| word.chars().next().filter(char::is_ascii_alphabetic)).collect();
    initials.filter(|_| words.len() > 1).map(|initials| initials.to_ascii_uppercase())
}

impl Requirements {
    /// Returns the number that a reference such as `1.2`, `REQ-3.2` or `R6` is to; none when there is no such number.
    pub fn find(&self, reference: &str) -> Option<&str> {
        if let Some(number) = self.numbers().find(|number| *number == reference) {
            return Some(number);
        }
        let digits = reference.find(|c: char| c.is_ascii_digit())?;
        let letters = reference[..digits].trim_end_matches('-');
        let bare = &reference[digits..];
        let lettered = format!("{letters}-{bare}");
        let goes_bare = || {
            letters.is_empty()
                || self.bare.as_deref() == Some(letters)
                || ["R", "RQ", "REQ", "REQUIREMENT", "FR", "AC"].contains(&letters)
                || letters == "US" && self.bare.is_none()
        };
        let is_criterion = letters == "AC" && !bare.contains('.');
        if let Some(written) = self
            .numbers()
            .find(|number| *number == reference || *number == lettered)
            .or_else(|| self.written(reference))
        {
            return Some(written);
        }
        // `AC 2` is a criterion of the only requirement; of several it could be that of any.
        if is_criterion {
            let [only] = &self.items[..] else { return None };
            let number = format!("{}.{bare}", only.number);
            return only.criteria.iter().map(|one| one.number.as_str()).find(|one| *one == number);
        }
        if !goes_bare() {
            return None;
        }
        self.numbers().find(|number| *number == bare).or_else(|| self.unpadded(bare))
    }

    /// Returns the number of the one criterion that is written with an id.
    fn written(&self, id: &str) -> Option<&str> {
        // A bare number names a requirement where these have such numbers.
        let is_bare = |number: &str| number.bytes().all(|byte| byte.is_ascii_digit());
        if is_bare(id) && self.items.iter().any(|item| is_bare(&item.number)) {
            return None;
        }
        let is_it = |one: &&Criterion| one.written.as_deref() == Some(id);
        let mut found = self.items.iter().flat_map(|item| &item.criteria).filter(is_it);
        let first = found.next()?;
        found.next().is_none().then_some(first.number.as_str())
    }

    /// Returns the number that differs by zeros in front only: `3` and `003`.
    fn unpadded(&self, bare: &str) -> Option<&str> {
        let plain = |number: &str| number.trim_start_matches('0').to_owned();
        self.numbers()
            .find(|number| number.starts_with('0') != bare.starts_with('0') && plain(number) == plain(bare))
    }

    /// Returns the criteria that citations mean, in full; a cited requirement stands for all of its criteria.
    pub fn cited_in_full(&self, cited: &[String]) -> Vec<String> {
        let is_all = cited.iter().any(|one| one.eq_ignore_ascii_case("all"));
        let cited = self.find_all(cited.iter());
        let mut texts = Vec::new();
        for requirement in &self.items {
            let is_whole = is_all || cited.contains(requirement.number.as_str());
            if is_whole && requirement.criteria.is_empty() {
                texts.push(format!("{} {}", requirement.number, requirement.title));
            }
            let meant = requirement.criteria.iter();
            let meant = meant.filter(|one| is_whole || cited.contains(one.number.as_str()));
            texts.extend(meant.map(Criterion::in_full));
        }
        texts
    }

    /// Returns every number there is: the requirements' and the criteria's.
    fn numbers(&self) -> impl Iterator<Item = &str> {
        self.items.iter().flat_map(|item| {
            std::iter::once(item.number.as_str()).chain(item.criteria.iter().map(|one| one.number.as_str()))
        })
    }

    /// Returns the numbers that references are to.
    pub(crate) fn find_all<'r>(&self, references: impl Iterator<Item = &'r String>) -> BTreeSet<&str> {
        references.filter_map(|reference| self.find(reference)).collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::requirements::parse;

    #[test]
    fn series_of_ids_are_told_apart() {
        let text = "## 1. Introduction\n\n### FR-1: A\n- THE API SHALL a\n### NFR-1: B\n- THE API SHALL b\n## Track 2: C\n";
        let found = parse(text);
        let numbers: Vec<&str> = found.items.iter().map(|item| item.number.as_str()).collect();
        assert_eq!(numbers, ["1", "NFR-1"]);
        for (reference, number) in [
            ("FR-1", Some("1")),
            ("1.1", Some("1.1")),
            ("NFR-1.1", Some("NFR-1.1")),
            ("NFR1", Some("NFR-1")),
            ("R1", Some("1")),
            ("DR1", None),
            ("2", None),
        ] {
            assert_eq!(found.find(reference), number, "{reference}");
        }
    }

    #[test]
    fn a_story_is_found_by_its_flag() {
        let stories = parse(
            "### User Story 1 - A (Priority: P1)\n1. **Given** a, **When** b, **Then** c.\n### User Story 2 - B\n1. **Given** a, **When** b, **Then** d.\n",
        );
        assert_eq!(
            (stories.find("US1"), stories.find("US2"), stories.find("US3")),
            (Some("1"), Some("2"), None)
        );
        let ids = parse("### FR-001: A\n- THE API SHALL a\n### FR-002: B\n- THE API SHALL b\n");
        assert_eq!((ids.find("US1"), ids.find("FR-001")), (None, Some("001")));
    }

    #[test]
    fn a_criterion_is_cited_by_its_number_where_there_is_one_requirement() {
        let one = "### Requirement 1: A\n1. THE API SHALL a\n2. THE API SHALL b\n";
        let several = format!("{one}### Requirement 2: B\n1. THE API SHALL c\n");
        assert_eq!((parse(one).find("AC2"), parse(one).find("AC3")), (Some("1.2"), None));
        assert_eq!((parse(&several).find("AC2"), parse(&several).find("AC2.1")), (None, Some("2.1")));
    }

    #[test]
    fn a_bare_number_is_no_criterion_beside_numbered_requirements() {
        let text = "### Requirement 1: A\n1. THE API SHALL a\n2. THE API SHALL b\n3. THE API SHALL c\n### Requirement 2: B\n1. THE API SHALL d\n";
        let found = parse(text);
        assert_eq!((found.find("2"), found.find("3"), found.find("1.3")), (Some("2"), None, Some("1.3")));
    }

    #[test]
    fn words_before_a_number_tell_clashing_numbers_apart() {
        let text = "### Requirement 1: A\n1. THE API SHALL a\n### Derived Requirement 1: B\n1. THE API SHALL b\n### Other Requirement 2: C\n";
        let found = parse(text);
        let numbers: Vec<&str> = found.items.iter().map(|item| item.number.as_str()).collect();
        assert_eq!(numbers, ["1", "DR-1", "2"]);
        assert_eq!((found.find("DR1"), found.find("R1.1")), (Some("DR-1"), Some("1.1")));
    }
}
