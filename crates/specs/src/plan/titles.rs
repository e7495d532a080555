//! What the titles of tasks tell about their order: `Build the API (after 1)`, `Wire both, depends on 2 and 3`.

use super::lookup::Tasks;
use crate::markdown::fold::fold;
use crate::markdown::labels;
use crate::markdown::numerals;
use crate::markdown::pattern::pattern;
use crate::outline::references;
use crate::outline::references::Names as _;
use regex::Regex;
use std::sync::LazyLock;

/// A text in brackets at the end of a title.
static LAST_ASIDE: LazyLock<Regex> = LazyLock::new(|| pattern(r"[(\[{]([^()\[\]{}]{1,60})[)\]}][\s.*_~`]*$"));
/// A number of a task, with the words before and behind it.
static NUMBER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"([\p{L}\p{M}]*)[\s:#№.]*?((?:[A-Z]{1,6}-?)?\d{1,4}(?:\.[A-Z]{0,2}\d+)*)([^\s\d,.;&+]*)(?:\s+([\p{L}\p{M}]+))?",
    )
});

/// Returns the tasks that a title says that its task waits for; none where it is not sure.
pub(crate) fn told(title: &str, names: &Tasks<'_>) -> Option<Vec<usize>> {
    let text = order(title)?;
    let resolved = references::resolve(text, names);
    let is_whole = resolved.numbers.is_empty() && resolved.words.is_empty() && !resolved.all;
    let tail = text.trim_end_matches(|c: char| !c.is_alphanumeric());
    // `Retry after 5 seconds` counts something.
    let ends_in_number = fold(tail).ends_with(|c: char| c.is_ascii_digit());
    let is_sure = is_whole && !resolved.found.is_empty() && (ends_in_number || !labels::begins_order(text));
    is_sure.then_some(resolved.found)
}

/// Returns the part of a title that begins with a word for an order, up to the end of its brackets.
fn order(title: &str) -> Option<&str> {
    if let Some((_, text)) = title.rsplit_once('←').or_else(|| title.rsplit_once("<-")) {
        return Some(text);
    }
    let text = labels::order_in(title)?;
    let is_inside = title[..title.len() - text.len()].trim_end().ends_with(['(', '[', '（', '{']);
    let end = text.find([')', ']', '）', '}']).filter(|_| is_inside);
    Some(end.map_or(text, |end| &text[..end]))
}

/// Returns the text in brackets at the end of a title that has the number of another task, in words that are not known.
///
/// `(1 이후)` and `(sau 1)` may say what the task waits for; `(2 files)`, `(v2)` and `(Phase 1)` say something else.
pub(crate) fn aside(title: &str, names: &Tasks<'_>) -> Option<(String, Vec<usize>)> {
    let folded = fold(&numerals::spelled(title));
    let text = LAST_ASIDE.captures(&folded)?.get(1)?.as_str();
    let mut found = Vec::new();
    for number in NUMBER.captures_iter(text) {
        let (word, behind) = (&number[1], number.get(4).map_or("", |word| word.as_str()));
        let lower = word.to_lowercase();
        let is_name = word.starts_with(char::is_uppercase) && !labels::is_task_word(&lower)
            || labels::is_structure(&lower) && !labels::is_task_word(&lower)
            || labels::is_requirement_word(&lower)
            || labels::is_criterion_word(word);
        let has_unit = number[3].starts_with(|c: char| c.is_ascii_alphanumeric() || "%/*°$€".contains(c));
        let is_bare = word.is_empty() && number[3].is_empty();
        let is_count = is_bare && behind.is_ascii() && behind.starts_with(|c: char| c.is_ascii_lowercase());
        if is_name || has_unit || is_count {
            return None;
        }
        found.extend(Some(&number[2]).filter(|id| names.has_number(id)).and_then(|id| names.by_number(id)));
    }
    (!found.is_empty()).then(|| (text.trim().to_owned(), found))
}
