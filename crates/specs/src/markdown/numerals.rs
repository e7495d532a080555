//! Numbers that are no digits: Roman and Chinese numerals, and the letters of an outline.

use super::labels;
use super::pattern::pattern;
use regex::Regex;
use std::borrow::Cow;
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
/// `第1章 Title`, `제2장 Title`.
static ORDINAL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^[^\p{L}\p{N}]*([第제])\s?(\d{1,3}|[一二三四五六七八九十]{1,3})\p{L}{0,2}[*_]*(?:\s*[.:),][*_]*\s*|\s+-?\s*)(\S.*)$",
    )
});
static REFERENCE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"^(?:(.*?)[ (#]*)?([IVX]{1,5}|[一二三四五六七八九十]{1,3}|\p{Lo}|[а-яα-ω])[).:]*$")
});

/// Letters in the order in which lists count with them.
const ALPHABETS: &[&str] = &[
    "가나다라마바사아자차카타파하",
    "アイウエオカキクケコサシスセソ",
    "甲乙丙丁戊己庚辛壬癸",
    "абвгдежзиклмнопрст",
    "αβγδεζηθικλμ",
    "אבגדהוזחטיכלמנ",
    "أبجدهوزحطيكلمن",
    "कखगघङचछजझञ",
    "กขคงจฉชซฌญ",
];
/// The first of a row of characters for a number with a sign around it, how many there are, and its value.
const ENCLOSED: &[(char, u32, u32)] = &[
    ('\u{2460}', 20, 1),
    ('\u{2474}', 20, 1),
    ('\u{2488}', 20, 1),
    ('\u{24f5}', 10, 1),
    ('\u{2776}', 10, 1),
    ('\u{2780}', 10, 1),
    ('\u{278a}', 10, 1),
    ('\u{24eb}', 10, 11),
    ('\u{2160}', 12, 1),
    ('\u{2170}', 12, 1),
    ('\u{3220}', 10, 1),
    ('\u{3280}', 10, 1),
    ('\u{320e}', 14, 1),
    ('\u{326e}', 14, 1),
    ('\u{3251}', 15, 21),
];

/// The start of a heading with a numeral.
pub(crate) struct Numbered {
    /// The word before it.
    pub(crate) word: String,
    /// In digits; a letter stays one.
    pub(crate) number: String,
    /// Where the text behind it begins.
    pub(crate) rest: usize,
}

/// Reads the start of a heading: `Phase II: Title`, `任务一：标题`, `A. Title`.
pub(crate) fn heading(text: &str) -> Option<Numbered> {
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
    if let Some(found) = ORDINAL.captures(text)
        && let (Some(number), Some(rest)) = (digits(&found[2]), found.get(3))
    {
        return Some(Numbered { word: found[1].to_owned(), number: number.to_string(), rest: rest.start() });
    }
    let bare = text.trim_start_matches(['*', '_', ' ']);
    if let Some((end, value)) = start(bare).filter(|_| !bare.starts_with(|c: char| c.is_ascii())) {
        let rest = bare[end..].trim_start_matches(['.', ')', ':', ',', '*', '_']).trim_start();
        let is_apart = !rest.is_empty();
        return is_apart.then(|| Numbered {
            word: String::new(),
            number: value.to_string(),
            rest: text.len() - rest.len(),
        });
    }
    let found = LETTER.captures(text).filter(|found| is_known(found[1].trim()))?;
    Some(Numbered {
        word: found[1].trim().to_owned(),
        number: found[2].to_owned(),
        rest: found.get(3)?.start(),
    })
}

/// Returns the length and the value of the numeral that a text begins with; a sign must stand around or behind it.
pub(crate) fn start(text: &str) -> Option<(usize, u32)> {
    let first = text.chars().next()?;
    if let Some(value) = enclosed(first) {
        return Some((first.len_utf8(), value));
    }
    if let Some(value) = letter(first) {
        let mut behind = text[first.len_utf8()..].chars();
        let is_closed = matches!(behind.next(), Some('.' | ')' | ','));
        // What continues without a blank is an abbreviation, but in scripts without blanks.
        let is_apart = behind.next().is_none_or(|c| c.is_whitespace() || !first.is_lowercase());
        return (is_closed && is_apart).then_some((first.len_utf8(), value));
    }
    let end = text.find(|c: char| !is_numeral(c)).unwrap_or(text.len());
    let is_closed = text[end..].starts_with(['.', ')', ',', ':']);
    value(&text[..end]).filter(|_| is_closed).map(|value| (end, value))
}

/// Returns the number that a reference such as `II`, `Task IV`, `任务一` or `(三)` names.
pub(crate) fn reference(text: &str) -> Option<u32> {
    let found = REFERENCE.captures(text.trim())?;
    let before = found.get(1).map_or("", |before| before.as_str()).trim().to_lowercase();
    let last = before.rsplit(' ').next().unwrap_or_default();
    let is_told = before.is_empty() || labels::is_task_word(last) || labels::tells_dependency(&before);
    let is_letter = |text: &str| text.chars().next().filter(|_| before.is_empty()).and_then(letter);
    value(&found[2]).or_else(|| is_letter(&found[2])).filter(|_| is_told)
}

/// Returns whether a text begins with a number that has its sign around it, as in `①`.
pub(crate) fn is_enclosed(text: &str) -> bool {
    text.chars().next().and_then(enclosed).is_some()
}

fn enclosed(c: char) -> Option<u32> {
    let row = ENCLOSED
        .iter()
        .find(|(first, count, _)| (0..*count).contains(&u32::from(c).wrapping_sub(u32::from(*first))));
    row.map(|(first, _, value)| u32::from(c) - u32::from(*first) + value)
}

/// Returns the place of a letter that is not Latin among those that lists count with.
fn letter(c: char) -> Option<u32> {
    if c.is_ascii() {
        return None;
    }
    let place = |letters: &&str| letters.chars().zip(1..).find(|(letter, _)| *letter == c);
    ALPHABETS.iter().find_map(place).map(|(_, value)| value)
}

/// Returns a text with digits for characters such as `①`.
pub(crate) fn spelled(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || !text.contains(|c: char| enclosed(c).is_some()) {
        return Cow::Borrowed(text);
    }
    let mut spelled = String::with_capacity(text.len());
    for c in text.chars() {
        match enclosed(c) {
            Some(value) => {
                // Two of them in a row are two numbers.
                let is_first = spelled.chars().next_back().is_none_or(|c| !c.is_ascii_digit());
                spelled.push_str(if is_first { "" } else { ", " });
                spelled.push_str(&value.to_string());
            }
            None => spelled.push(c),
        }
    }
    Cow::Owned(spelled)
}

fn digits(text: &str) -> Option<u32> {
    text.parse().ok().or_else(|| chinese(text))
}

fn is_numeral(c: char) -> bool {
    "IVX一二三四五六七八九十".contains(c)
}

/// Returns the value of a Roman or Chinese numeral below 100.
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
            ("第3章 建表", Some(("第", "3", "建表"))),
            ("제2장: 화면", Some(("제", "2", "화면"))),
            ("나. 화면", Some(("", "2", "화면"))),
            ("⑫上线", Some(("", "12", "上线"))),
            ("㈢ 页面", Some(("", "3", "页面"))),
            ("в) Страница", Some(("", "3", "Страница"))),
            ("г.Москва", None),
            ("第三方登录", None),
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
