//! References to other tasks, in any words: numbers, ranges and titles that stand in a text.

use crate::markdown::fold::fold;
use crate::markdown::ids::written_out;
use crate::markdown::labels;
use crate::markdown::numerals;
use crate::markdown::pattern::pattern;
use regex::Regex;
use std::sync::LazyLock;

/// A text that says what a task waits for, or what waits for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// From 1.
    pub line: usize,
    /// As written.
    pub text: String,
}

/// A part of such a text that names no task of the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unresolved {
    /// From 1.
    pub line: usize,
    pub text: String,
    /// Whether it is a number that a task could have, and none has.
    pub is_number: bool,
}

/// The targets of a text's references.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Resolved<T> {
    pub(crate) found: Vec<T>,
    /// Whether everything before is meant.
    pub(crate) all: bool,
    /// Whether a whole phase is named.
    pub(crate) has_phase: bool,
    /// Numbers that nothing has, and words that name nothing.
    pub(crate) numbers: Vec<String>,
    pub(crate) words: Vec<String>,
    /// Words that seem to say that there is nothing.
    pub(crate) nothing: Vec<String>,
}

static TOKEN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?:[A-Z][A-Z0-9]*-)+\d+(?:\.\d+)*[a-z]?|[A-Z]{1,4}\.?\d+(?:\.[A-Z]{0,2}\d+)*[a-z]?|\d+(?:\.\d+)*[a-z]?",
    )
});
static QUOTED: LazyLock<Regex> = LazyLock::new(|| {
    pattern("\"([^\"]+)\"|“([^”]+)”|„([^“”]+)[“”]|«([^»]+)»|「([^」]+)」|『([^』]+)』|‘([^’]+)’|《([^》]+)》")
});
static ASIDE: LazyLock<Regex> = LazyLock::new(|| pattern(r"\([^()]*\)"));

/// How long a text with references may be.
const MAX_TEXT_BYTES: usize = 8 * 1024;

/// How numbers and titles are looked up.
pub(crate) trait Names {
    type Target;
    fn by_number(&self, number: &str) -> Option<Self::Target>;
    /// Returns whether a task or a part of one has exactly this number.
    fn has_number(&self, number: &str) -> bool;
    /// Looks a title up word by word.
    fn by_whole_title(&self, title: &str) -> Option<Self::Target>;
    /// Looks up what may be most of a title.
    fn by_title(&self, title: &str) -> Option<Self::Target>;
    /// Returns whether a word of a text stands in a title.
    fn shares_word(&self, text: &str) -> bool;
    /// Returns the tasks of the phase with a number; the text before the number ends with the word for a phase.
    fn by_phase(&self, before: &str, number: &str) -> Vec<Self::Target>;
    /// Returns the tasks of the phase with a title.
    fn by_phase_title(&self, title: &str) -> Vec<Self::Target>;
}

/// Finds what a text refers to.
pub(crate) fn resolve<N: Names>(text: &str, names: &N) -> Resolved<N::Target> {
    let mut resolved = Resolved {
        found: Vec::new(),
        all: false,
        has_phase: false,
        numbers: Vec::new(),
        words: Vec::new(),
        nothing: Vec::new(),
    };
    if text.len() > MAX_TEXT_BYTES {
        resolved.words.push(format!("{}…", text.chars().take(40).collect::<String>()));
        return resolved;
    }
    // Titles may have numbers and commas in them.
    if let Some(target) = names.by_whole_title(text.trim()) {
        resolved.found.push(target);
        return resolved;
    }
    let mut rest = text.to_owned();
    for quoted in QUOTED.captures_iter(text) {
        let inner = quoted.iter().skip(1).flatten().next().map_or("", |inner| inner.as_str());
        if let Some(target) = names.by_title(inner) {
            resolved.found.push(target);
            rest = rest.replace(&quoted[0], " , ");
        }
    }
    let had_title = !resolved.found.is_empty();
    let folded = fold(&numerals::spelled(&rest)).replace(['*', '_', '`'], " ");
    let mut phase_word = String::new();
    for piece in folded.split([',', ';', '\n']).map(str::trim).filter(|piece| !piece.is_empty()) {
        if let Some(target) = names.by_number(piece).filter(|_| names.has_number(piece)) {
            resolved.found.push(target);
            continue;
        }
        if let Some(target) =
            numerals::reference(piece).and_then(|number| names.by_number(&number.to_string()))
        {
            resolved.found.push(target);
            continue;
        }
        if let Some(target) = lettered(piece).and_then(|letter| names.by_number(letter)) {
            resolved.found.push(target);
            continue;
        }
        let before = resolved.found.len() + resolved.numbers.len();
        let doubtful = resolved.words.len();
        read_numbers(piece, names, &mut phase_word, &mut resolved);
        if resolved.found.len() + resolved.numbers.len() > before || resolved.words.len() > doubtful {
            continue;
        }
        let bare = ASIDE.replace_all(piece, "");
        let bare = bare.trim().trim_matches(['.', ':', '。', '(', ')', '[', ']', '-']).trim();
        if bare.is_empty()
            || labels::is_none(piece)
            || had_title && !bare.contains(|c: char| c.is_ascii_digit())
        {
            continue;
        }
        let lower = bare.to_lowercase();
        // `(depends on 1; optional)` says two things.
        if labels::is_and_word(&lower) && lower == bare || matches!(lower.as_str(), "optional" | "parallel") {
            continue;
        }
        let phase = names.by_phase_title(bare);
        if !phase.is_empty() {
            resolved.found.extend(phase);
            resolved.has_phase = true;
            continue;
        }
        match names.by_title(bare).or_else(|| by_parts(bare, names, &mut resolved)) {
            Some(target) => resolved.found.push(target),
            None if resolved.found.len() + resolved.numbers.len() > before => {}
            // `All previous tasks`, and not `All stakeholders have agreed to it`.
            None if labels::is_all(bare) && bare.split_whitespace().count() < 4 => resolved.all = true,
            None if labels::denies_dependency(bare) && !names.shares_word(bare) => {
                resolved.nothing.push(bare.to_owned());
            }
            None => resolved.words.push(bare.to_owned()),
        }
    }
    resolved
}

static PAIR: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(\d{1,3}(?:\.\d+)*)\s*(,|&|\+|[^\d\s,.]{1,5}\s|[^\d\s,.]{1,2})\s*([\p{L}\p{M}]+\s+)?#?(\d{1,3}(?:\.\d+)*)",
    )
});

/// Two numbers with an *and* or a comma between, as in `once 1 and 2 are done`, and the words around them.
pub(crate) fn pair(text: &str) -> Option<(String, String, String)> {
    let folded = fold(text);
    let found = PAIR.captures_iter(&folded).take(8).find(|found| {
        let sign = found[2].trim();
        let joins = matches!(sign, "," | "&" | "+") || labels::is_and_word(&sign.to_lowercase());
        joins && found.get(3).is_none_or(|word| labels::is_task_word(word.as_str()))
    })?;
    let whole = found.get(0)?;
    let from = folded[..whole.start()].char_indices().rev().nth(15).map_or(0, |(at, _)| at);
    let to = folded[whole.end()..].char_indices().nth(16).map_or(folded.len(), |(at, _)| whole.end() + at);
    Some((found[1].to_owned(), found[4].to_owned(), folded[from..to].trim().to_owned()))
}

/// Returns the letter of a task that has no number: `B` of `Task B`.
fn lettered(piece: &str) -> Option<&str> {
    let piece = piece.trim_matches(['.', ' ', '(', ')']);
    let (before, letter) = piece.rsplit_once(' ').unwrap_or(("", piece));
    let is_letter = letter.len() == 1 && letter.bytes().all(|byte| byte.is_ascii_uppercase());
    let word = before.rsplit(' ').next().unwrap_or_default();
    (is_letter && (before.is_empty() || labels::is_task_word(word))).then_some(letter)
}

/// Titles on both sides of an *and*; the last is returned, the others are taken in.
fn by_parts<N: Names>(text: &str, names: &N, resolved: &mut Resolved<N::Target>) -> Option<N::Target> {
    let words: Vec<&str> = text.split(' ').collect();
    let at = words
        .iter()
        .position(|word| labels::is_and_word(&word.to_lowercase()) || *word == "&" || *word == "+")?;
    let (one, other) = (words[..at].join(" "), words[at + 1..].join(" "));
    let (one, other) = (names.by_title(&one)?, names.by_title(&other)?);
    resolved.found.push(one);
    Some(other)
}

/// Takes in the numbers of a piece, with ranges written out; `Phases 1, 2` names the second phase by the word before the
/// first.
fn read_numbers<N: Names>(
    piece: &str,
    names: &N,
    phase_word: &mut String,
    resolved: &mut Resolved<N::Target>,
) {
    let mut last: Option<(String, usize)> = None;
    let mut said_words = false;
    let mut is_doubtful = false;
    for token in TOKEN.find_iter(piece) {
        let id = token.as_str();
        let before = &piece[last.as_ref().map_or(0, |(_, end)| *end)..token.start()];
        let after = &piece[token.end()..];
        let glued =
            piece[..token.start()].chars().next_back().is_some_and(|c| c.is_ascii_alphanumeric() || c == '.');
        let has_unit = after.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '%');
        if glued || has_unit {
            continue;
        }
        let between = before.trim();
        let is_range = last.is_some() && is_range(between);
        if !is_range && between.split(' ').any(is_word_of_its_own) {
            between.clone_into(phase_word);
        }
        let phase = names.by_phase(phase_word, id);
        if !phase.is_empty() {
            for inner in
                last.iter().filter(|_| is_range).filter_map(|(first, _)| written_out(first, id)).flatten()
            {
                resolved.found.extend(names.by_phase(phase_word, &inner));
            }
            resolved.found.extend(phase);
            resolved.has_phase = true;
            said_words = false;
            last = Some((id.to_owned(), token.end()));
            continue;
        }
        let known = names.by_number(id);
        let is_lettered = id.starts_with(|c: char| c.is_ascii_alphabetic());
        let meant = match is_meant(before, id, known.is_some(), last.is_some() && said_words) {
            _ if is_range => Meant::Yes,
            Meant::Perhaps if id.contains('.') && names.has_number(id) => Meant::Yes,
            Meant::Yes
                if last.is_none() && !is_lettered && is_count(before, after, known.as_ref(), names) =>
            {
                Meant::Perhaps
            }
            meant => meant,
        };
        if meant != Meant::Yes {
            said_words |= before.contains(char::is_alphabetic);
            is_doubtful |= meant == Meant::Perhaps;
            continue;
        }
        if let Some((first, _)) = last.as_ref().filter(|_| is_range) {
            for inner in written_out(first, id).unwrap_or_default() {
                resolved.found.extend(names.by_number(&inner));
            }
        }
        match known {
            Some(target) => resolved.found.push(target),
            None => resolved.numbers.push(id.to_owned()),
        }
        said_words = false;
        last = Some((id.to_owned(), token.end()));
    }
    if is_doubtful {
        resolved.words.push(piece.to_owned());
    }
}

/// Returns whether a word between two numbers does more than join them.
fn is_word_of_its_own(word: &str) -> bool {
    word.contains(char::is_alphabetic) && !labels::is_and_word(&word.to_lowercase())
}

/// Whether a number is that of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meant {
    Yes,
    No,
    /// A task has it, and so may what the word before it names: `express 4`.
    Perhaps,
}

/// Returns whether a number counts what stands behind it: `2 external services`, and not `2 Build the page`.
fn is_count<N: Names>(before: &str, after: &str, known: Option<&N::Target>, names: &N) -> bool {
    let mut words = after.trim_start().split(' ').filter(|word| !word.is_empty());
    let is_plain = |word: &str| word.len() > 3 && word.bytes().all(|byte| byte.is_ascii_lowercase());
    let Some(first) = words.next().filter(|word| is_plain(word)) else { return false };
    let is_known_word =
        labels::is_and_word(first) || labels::is_range_word(first) || labels::is_task_word(first);
    let has_title = names.by_title(after.trim()).is_some();
    known.is_some()
        && !before.contains(char::is_alphabetic)
        && !is_known_word
        && !has_title
        && words.next().is_some_and(is_plain)
}

/// Returns whether what stands between two numbers makes a range of them.
fn is_range(between: &str) -> bool {
    let sign = between.replace(' ', "");
    if matches!(sign.as_str(), "-" | "--" | "~" | ".." | "..." | "…" | "->") {
        return sign != "->";
    }
    let words: Vec<String> = between
        .split(' ')
        .map(|word| word.trim_matches(['-', '#', '№']).to_lowercase())
        .filter(|word| !word.is_empty() && !labels::is_task_word(word))
        .collect();
    matches!(words.as_slice(), [word] if labels::is_range_word(word) && !labels::is_and_word(word))
}

/// Returns whether a number behind some words is one of a task: `Task 1`, `tareas 2`, `タスク1`, and not `Postgres 16`.
fn is_meant(before: &str, id: &str, is_known: bool, after_words: bool) -> Meant {
    let sure = |is_meant: bool| if is_meant { Meant::Yes } else { Meant::No };
    let is_lettered = id.starts_with(|c: char| c.is_ascii_alphabetic());
    let word = before.split(|c: char| !(c.is_alphabetic() || c == '\'')).rfind(|word| !word.is_empty());
    let Some(word) = word else { return sure(!(after_words && before.contains('('))) };
    let lower = word.to_lowercase();
    let is_task = labels::is_task_word(&lower) || labels::is_inflected_task_word(&lower);
    // `auth-service#6` is an issue of another repository.
    if before.ends_with('#') && before.trim_end_matches('#').ends_with(char::is_alphanumeric) && !is_task {
        return Meant::No;
    }
    if is_lettered || is_task || labels::is_and_word(&lower) || labels::is_range_word(&lower) {
        return sure(is_known || !is_lettered || before.trim().len() < 24);
    }
    // `Depends: 1`, `after 1`.
    if labels::tells_dependency(&lower) || labels::is_order(&lower) {
        return Meant::Yes;
    }
    let first = word.chars().next().unwrap_or(' ');
    let has_case = first.is_lowercase() || first.is_uppercase();
    if !has_case {
        return sure(is_known || labels::tells_dependency(before) || is_ended_by_task(before));
    }
    if !is_known || !first.is_lowercase() && word.is_ascii() {
        return Meant::No;
    }
    // A short word joins: `depends on 1`, `von 2`. A longer one may be the name of something with a version.
    let joins = word.chars().count() < 4 || !word.is_ascii() && !id.contains('.');
    if joins && !labels::is_structure(&lower) { Meant::Yes } else { Meant::Perhaps }
}

fn is_ended_by_task(before: &str) -> bool {
    let before = before.trim_end();
    (1..=8).any(|count| {
        let tail: String = before.chars().skip(before.chars().count().saturating_sub(count)).collect();
        labels::is_task_word(&tail)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tasks 1 to 16, parts 7.1 to 7.7, and some with letters.
    struct Plan;

    impl Names for Plan {
        type Target = String;
        fn by_number(&self, number: &str) -> Option<String> {
            let is_task = number.parse::<u32>().is_ok_and(|number| (1..=16).contains(&number));
            let is_part = number
                .strip_prefix("7.")
                .and_then(|part| part.parse().ok())
                .is_some_and(|part: u32| part <= 7);
            let is_lettered = ["T009", "T010", "T011", "T012", "CORE-1", "CORE-2", "2.1"].contains(&number);
            (is_task || is_part || is_lettered).then(|| number.to_owned())
        }
        fn has_number(&self, number: &str) -> bool {
            self.by_number(number).is_some()
        }
        fn by_whole_title(&self, title: &str) -> Option<String> {
            self.by_title(title)
        }
        fn by_title(&self, title: &str) -> Option<String> {
            ["Set up the store", "Build the page", "创建数据库"].contains(&title).then(|| title.to_owned())
        }
        fn shares_word(&self, text: &str) -> bool {
            text.contains("store")
        }
        fn by_phase(&self, before: &str, number: &str) -> Vec<String> {
            let is_phase = before.to_lowercase().contains("stage") && ["1", "2", "3"].contains(&number);
            is_phase.then(|| format!("P{number}")).into_iter().collect()
        }
        fn by_phase_title(&self, title: &str) -> Vec<String> {
            (title == "Foundations").then(|| "P2".to_owned()).into_iter().collect()
        }
    }

    #[test]
    fn tasks_are_found_in_any_words() {
        for (text, expected) in [
            ("1, 2.1", &["1", "2.1"][..]),
            ("Stage 1", &["P1"]),
            ("Stages 1, 2 and Task 4", &["P1", "P2", "4"]),
            ("Stages 1-3", &["P1", "P2", "P3"]),
            ("Foundations", &["P2"]),
            ("Task 1", &["1"]),
            ("Task 1 done", &["1"]),
            ("タスク1完了", &["1"]),
            ("任务１、任务２", &["1", "2"]),
            ("depende de las tareas 2-4", &["2", "3", "4"]),
            ("7.1-7.3", &["7.1", "7.2", "7.3"]),
            ("1, 2 und 4", &["1", "2", "4"]),
            ("Aufgaben 1 bis 3", &["1", "2", "3"]),
            ("задачи 1 и 3", &["1", "3"]),
            ("المهمة ٣", &["3"]),
            ("작업 2에 의존", &["2"]),
            ("कार्य 2 और 3", &["2", "3"]),
            ("T009–T011", &["T009", "T010", "T011"]),
            ("CORE-1, CORE-2 (Configuration)", &["CORE-1", "CORE-2"]),
            ("1 (needs Postgres 16)", &["1"]),
            ("2 for HTTP 3", &["2"]),
            ("the end of task 3", &["3"]),
            ("\"Set up the store\"", &["Set up the store"]),
            ("Set up the store and Build the page", &["Set up the store", "Build the page"]),
            ("「创建数据库」", &["创建数据库"]),
            ("`1`, **2**", &["1", "2"]),
            ("Tasks 1-2, 4", &["1", "2", "4"]),
            ("3 → 4", &["3", "4"]),
            ("Depends: 1; optional", &["1"]),
            ("Depends on 1 and 2", &["1", "2"]),
            ("after 1, 2", &["1", "2"]),
            ("Task#6", &["6"]),
            ("blocked by #1 and #2", &["1", "2"]),
            ("tehtävien 1 ja 2 jälkeen", &["1", "2"]),
            ("2 Build the page", &["2"]),
            ("sobald 7.1 fertig ist", &["7.1"]),
        ] {
            let resolved = resolve(text, &Plan);
            let mut found = resolved.found.clone();
            found.dedup();
            let distinct: std::collections::BTreeSet<&String> = found.iter().collect();
            let wanted: std::collections::BTreeSet<String> =
                expected.iter().map(|one| (*one).to_owned()).collect();
            assert_eq!(distinct, wanted.iter().collect(), "{text}");
            assert!(resolved.numbers.is_empty() && resolved.words.is_empty(), "{text}: {resolved:?}");
        }
    }

    #[test]
    fn what_names_nothing_is_told() {
        for none in ["None", "无", "-", "—", "n/a", "なし", "keine", "нет", "لا يوجد", ""] {
            let resolved = resolve(none, &Plan);
            assert_eq!(resolved, Resolved::default(), "{none}");
        }
        for (text, numbers, words) in [
            ("Postgres 16", &[][..], &["Postgres 16"][..]),
            ("99", &["99"], &[]),
            ("Task 1, Task 40", &["40"], &[]),
            ("the review", &[], &["the review"]),
            ("2-40", &["40"], &[]),
            ("express 4.18", &[], &["express 4.18"]),
            ("express 4", &[], &["express 4"]),
            ("1, express 4", &[], &["express 4"]),
            ("phase 2", &[], &["phase 2"]),
            ("auth-service#6", &[], &["auth-service#6"]),
            ("2 external services", &[], &["2 external services"]),
        ] {
            let resolved = resolve(text, &Plan);
            assert_eq!(
                (resolved.numbers.as_slice(), resolved.words.as_slice()),
                (
                    &numbers.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>()[..],
                    &words.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>()[..]
                ),
                "{text}"
            );
        }
    }
}
