//! Numbers that are no digits: Roman and Chinese numerals, and the letters of an outline.

use super::item::pattern;
use super::labels;
use regex::Regex;
use std::sync::LazyLock;

// All patterns read folded text.
static ROMAN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^[^\p{L}\p{N}]*(?:((?:[\p{L}\p{M}]+ ){1,2}?))?([IVX]{1,5})(?:[*_]*\s*[.:)][*_]*\s+|[*_]*\s+-\s+|[*_]*\s*$)(.*)$",
    )
});
static CHINESE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^[^\p{L}\p{N}]*([\p{L}]{0,5}?)([一二三四五六七八九十]{1,3})(?:步|章|節|节|部)?[*_]*(?:\s*[.:),][*_]*\s*|\s+|$)(.*)$",
    )
});
static LETTER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"^[^\p{L}\p{N}]*((?:[\p{L}\p{M}]+ ){0,2}?)([A-Z])(?:[*_]*[.:)][*_]*\s+)(\S.*)$")
});
static REFERENCE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^(?:(.*?)[ (#]*)?([IVX]{1,5}|[一二三四五六七八九十]{1,3})[).:]*$"));

/// The start of a heading with a numeral.
pub(super) struct Numbered {
    /// What stands before it.
    pub(super) word: String,
    /// In digits; a letter stays one.
    pub(super) number: String,
    /// Where the text behind it begins.
    pub(super) rest: usize,
}

/// Reads the start of a heading: `Phase II: Title`, `任务一：标题`, `A. Title`.
pub(super) fn heading(text: &str) -> Option<Numbered> {
    let is_known = |word: &str| {
        word.is_empty()
            || labels::is_task_word(word)
            || labels::is_structure(word)
            || labels::is_requirement_word(&word.to_lowercase())
    };
    for shape in [&ROMAN, &CHINESE] {
        let Some(found) = shape.captures(text) else { continue };
        let word = found.get(1).map_or("", |word| word.as_str()).trim().trim_start_matches('第').to_owned();
        let rest = found.get(3)?;
        if let Some(value) = value(&found[2]).filter(|_| is_known(&word))
            && (!word.is_empty() || !rest.as_str().is_empty())
        {
            return Some(Numbered { word, number: value.to_string(), rest: rest.start() });
        }
    }
    let found = LETTER.captures(text).filter(|found| is_known(found[1].trim()))?;
    Some(Numbered {
        word: found[1].trim().to_owned(),
        number: found[2].to_owned(),
        rest: found.get(3)?.start(),
    })
}

/// The length and the value of the numeral that a text begins with; a sign must stand behind it.
pub(super) fn start(text: &str) -> Option<(usize, u32)> {
    let end = text.find(|c: char| !is_numeral(c)).unwrap_or(text.len());
    let is_closed = text[end..].starts_with(['.', ')', ',', ':']);
    value(&text[..end]).filter(|_| is_closed).map(|value| (end, value))
}

/// The number that a reference such as `II`, `Task IV`, `任务一` or `(三)` names.
pub(super) fn reference(text: &str) -> Option<u32> {
    let found = REFERENCE.captures(text.trim())?;
    let before = found.get(1).map_or("", |before| before.as_str()).trim().to_lowercase();
    let last = before.rsplit(' ').next().unwrap_or_default();
    let is_told = before.is_empty() || labels::is_task_word(last) || labels::tells_dependency(&before);
    value(&found[2]).filter(|_| is_told)
}

fn is_numeral(c: char) -> bool {
    "IVX一二三四五六七八九十".contains(c)
}

/// The value of a Roman or Chinese numeral below 100.
fn value(text: &str) -> Option<u32> {
    if text.starts_with(|c: char| c.is_ascii()) { roman(text) } else { chinese(text) }
}

fn roman(text: &str) -> Option<u32> {
    let digit = |c| match c {
        'I' => Some(1),
        'V' => Some(5),
        'X' => Some(10),
        _ => None,
    };
    let digits: Vec<u32> = text.chars().map(digit).collect::<Option<_>>()?;
    let next = |at: usize| digits.get(at + 1).copied().unwrap_or(0);
    let (mut sum, mut minus) = (0, 0);
    for (at, one) in digits.iter().enumerate() {
        if *one < next(at) {
            minus += one;
        } else {
            sum += one;
        }
    }
    let value = sum.checked_sub(minus).filter(|value| *value > 0)?;
    (written_roman(value) == text).then_some(value)
}

fn written_roman(mut value: u32) -> String {
    let mut text = String::new();
    for (sign, worth) in [("X", 10), ("IX", 9), ("V", 5), ("IV", 4), ("I", 1)] {
        while value >= worth {
            text.push_str(sign);
            value -= worth;
        }
    }
    text
}

fn chinese(text: &str) -> Option<u32> {
    let one =
        |c: char| "一二三四五六七八九".chars().zip(1..).find(|(sign, _)| *sign == c).map(|(_, value)| value);
    let all: Vec<char> = text.chars().collect();
    match all.as_slice() {
        ['十'] => Some(10),
        [c] => one(*c),
        ['十', c] => Some(10 + one(*c)?),
        [c, '十'] => Some(one(*c)? * 10),
        [tens, '十', c] => Some(one(*tens)? * 10 + one(*c)?),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numerals_are_read_in_headings_and_references() {
        for (text, expected) in [
            ("Phase II: Build", Some(("Phase", "2", "Build"))),
            ("IV. Ship it", Some(("", "4", "Ship it"))),
            ("任务一:建表", Some(("任务", "1", "建表"))),
            ("十二,上线", Some(("", "12", "上线"))),
            ("A. Backend", Some(("", "A", "Backend"))),
            ("Task B: Print", Some(("Task", "B", "Print"))),
            ("Plan B: Wait", None),
            ("IIX. No", None),
            ("统一:标准", None),
            ("I think so", None),
            ("VIX", None),
        ] {
            let found = heading(text);
            let found = found.as_ref().map(|one| (one.word.as_str(), one.number.as_str(), &text[one.rest..]));
            assert_eq!(found, expected, "{text}");
        }
        for (text, expected) in [
            ("II", Some(2)),
            ("Task IX", Some(9)),
            ("任务三", Some(3)),
            ("(二十一)", Some(21)),
            ("once I", None),
        ] {
            assert_eq!(reference(text), expected, "{text}");
        }
    }
}
