//! What is around a line of Markdown: code, a comment, or neither.

use super::item;
use super::item::Line;
use std::ops::Range;

/// The context of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Text,
    /// Inside a fence, or the fence itself.
    Code,
    Comment,
    /// Data about the document, before its text.
    FrontMatter,
}

/// Follows fences and comments from line to line.
///
/// A fence or comment that nothing closes is taken for text: it would hide all that follows.
#[expect(clippy::struct_excessive_bools, reason = "each says where in a document the reader is")]
pub(crate) struct MarkdownContext<'t> {
    text: &'t str,
    /// Where the front matter ends.
    front: usize,
    /// The lines of a fence around the whole of the text.
    wrapper: Option<Range<usize>>,
    fence: Option<(char, usize)>,
    /// Whether the open fence has a language behind its signs.
    is_labelled: bool,
    /// Whether a fence with a language stood inside an open one: from there on fences open and close at the wrong places.
    is_misnested: bool,
    in_comment: bool,
    /// The sign and length of an open fence whose content is text.
    task_list: Option<(char, usize)>,
    /// The length from which no fence of backticks, or of tildes, has an end in the rest of the text.
    endless: [usize; 2],
    endless_comment: bool,
}

impl<'t> MarkdownContext<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self {
            text,
            front: front_matter(text),
            wrapper: wrapper(text),
            fence: None,
            is_labelled: false,
            is_misnested: false,
            in_comment: false,
            task_list: None,
            endless: [usize::MAX; 2],
            endless_comment: false,
        }
    }

    /// Returns what the next line belongs to; lines come in their order.
    pub(crate) fn place(&mut self, line: Line<'t>) -> Place {
        if line.start < self.front {
            return Place::FrontMatter;
        }
        if self.wrapper.as_ref().is_some_and(|lines| lines.start == line.start || lines.end == line.start) {
            return Place::Comment;
        }
        if self.in_comment {
            self.in_comment = !line.text.contains("-->");
            return Place::Comment;
        }
        if let Some((sign, long)) = self.task_list
            && closes(line.text, sign, long)
        {
            self.task_list = None;
            return Place::Comment;
        }
        if let Some((sign, long)) = self.fence {
            if closes(line.text, sign, long) {
                self.fence = None;
            } else if opening(line.text).is_some_and(|(other, _)| other == sign) && is_labelled(line.text) {
                self.is_misnested = true;
            }
            return Place::Code;
        }
        if let Some((sign, long)) = opening(line.text)
            && self.has_end(line, sign, long)
        {
            // GitHub's list of tasks, as in ```[tasklist].
            if line.text.trim_start_matches([sign, ' ']).starts_with("[tasklist]") {
                self.task_list = Some((sign, long));
                return Place::Comment;
            }
            self.fence = Some((sign, long));
            self.is_labelled = is_labelled(line.text);
            return Place::Code;
        }
        let text = line.text.trim_start_matches([' ', '\t', '\u{a0}', '\u{feff}']);
        if text.starts_with("<!--") {
            if text.contains("-->") {
                return Place::Comment;
            }
            if !self.endless_comment && self.after(line).contains("-->") {
                self.in_comment = true;
                return Place::Comment;
            }
            self.endless_comment = true;
        }
        Place::Text
    }

    /// Returns whether the fence around the last line is likely text between two fences of which one was not closed.
    pub(crate) fn is_between_fences(&self) -> bool {
        self.is_misnested && !self.is_labelled
    }

    /// Returns whether no fence is open behind the last line.
    pub(crate) fn is_outside_fences(&self) -> bool {
        self.fence.is_none()
    }

    fn after(&self, line: Line<'t>) -> &'t str {
        let start = line.start + line.text.len();
        let end = self.wrapper.as_ref().map_or(self.text.len(), |lines| lines.end);
        self.text.get(start..end).unwrap_or(&self.text[start..])
    }

    fn has_end(&mut self, line: Line<'t>, sign: char, long: usize) -> bool {
        let kind = usize::from(sign == '~');
        if long >= self.endless[kind] {
            return false;
        }
        let found = self.after(line).lines().any(|line| closes(line, sign, long));
        if !found {
            self.endless[kind] = long;
        }
        found
    }
}

/// How many lines of prose may stand around a fence that holds the whole of a document.
const MAX_LINES_AROUND: usize = 8;

/// Finds a fence of Markdown around all of a document, as language models write it: the starts of its first and its last
/// line. Around it stand a few lines of prose at most.
fn wrapper(text: &str) -> Option<Range<usize>> {
    let is_around = |line: &str| {
        let line = line.trim_start();
        let is_numbered = line.starts_with('#') && line.contains(|c: char| c.is_ascii_digit());
        !is_numbered && !line.starts_with(['-', '*', '+', '|']) || is_rule(line)
    };
    let mut around = 0;
    let mut lines = item::lines(text).filter(|line| !line.text.trim().is_empty());
    let (first, sign, long) = loop {
        let line = lines.next()?;
        let bare = line.text.trim_start_matches('\u{feff}');
        let label = bare.trim_start_matches(['`', '~']).trim().to_lowercase();
        if let Some((sign, long)) = opening(bare).filter(|_| bare.starts_with(['`', '~'])) {
            let is_text = matches!(label.as_str(), "" | "md" | "markdown" | "mdx" | "text" | "txt");
            if !is_text {
                return None;
            }
            break (line.start, sign, long);
        }
        around += 1;
        if around > MAX_LINES_AROUND || !is_around(line.text) {
            return None;
        }
    };
    let mut last = None;
    let mut behind = 0;
    let mut has_text = false;
    for line in lines {
        if closes(line.text, sign, long) && line.text.starts_with(sign) {
            (last, behind) = (Some(line.start), 0);
            continue;
        }
        if last.is_none() {
            let bare = line.text.trim_start();
            has_text |= bare.starts_with("# ") || bare.starts_with("## ") || bare.starts_with("- [");
        }
        behind += if is_around(line.text) && opening(line.text).is_none() { 1 } else { MAX_LINES_AROUND + 1 };
    }
    last.filter(|_| has_text && around + behind <= MAX_LINES_AROUND).map(|last| first..last)
}

fn is_rule(line: &str) -> bool {
    line.len() > 2 && line.bytes().all(|byte| matches!(byte, b'-' | b'*' | b' '))
}

/// Returns the length of the front matter: lines between `---` of which each is one of YAML, the first a key.
fn front_matter(text: &str) -> usize {
    let is_key = |line: &str| {
        line.split_once(':').is_some_and(|(key, value)| {
            let is_word = |c: char| c.is_alphanumeric() || "_-. \"'".contains(c);
            key.starts_with(|c: char| c.is_alphabetic() || "\"'".contains(c))
                && key.chars().all(is_word)
                && (value.is_empty() || value.starts_with([' ', '\r']))
        })
    };
    let mut has_key = false;
    for (at, line) in item::lines(text).enumerate() {
        let bare = line.text.trim_end();
        if at == 0 {
            if bare.trim_start_matches('\u{feff}') != "---" {
                return 0;
            }
        } else if bare == "---" || bare == "..." {
            return if has_key { line.start + line.text.len() } else { 0 };
        } else if is_key(bare) {
            has_key = true;
        } else if !(bare.is_empty()
            || has_key && (bare.starts_with([' ', '\t']) || bare == "-" || bare.starts_with("- "))
            || bare.starts_with("# ") && !has_key)
        {
            return 0;
        }
    }
    0
}

/// Returns the sign and length of the fence that a line opens, also as the first thing of a list item.
fn opening(line: &str) -> Option<(char, usize)> {
    let mut text = line.trim_start_matches([' ', '\t', '>']);
    if let Some(item) = text.strip_prefix(['-', '*', '+']).filter(|item| item.starts_with([' ', '\t'])) {
        text = item.trim_start();
    }
    let sign = text.chars().next().filter(|sign| matches!(sign, '`' | '~'))?;
    let long = text.chars().take_while(|c| *c == sign).count();
    // Backticks further on make it code within a line.
    (long >= 3 && (sign == '~' || !text[long..].contains('`'))).then_some((sign, long))
}

/// Returns whether a fence has a language behind its signs.
fn is_labelled(line: &str) -> bool {
    line.trim_start_matches([' ', '\t', '>', '-', '*', '+', '`', '~']).starts_with(char::is_alphabetic)
}

fn closes(line: &str, sign: char, long: usize) -> bool {
    let text = line.trim_start_matches([' ', '\t', '>']);
    let rest = text.trim_start_matches(sign);
    text.len() - rest.len() >= long && rest.trim().is_empty()
}

#[cfg(test)]
mod tests {
    use super::super::item;
    use super::*;

    fn places(text: &str) -> String {
        let mut context = MarkdownContext::new(text);
        let sign = |line| match context.place(line) {
            Place::Text => 't',
            Place::Code => 'c',
            Place::Comment => '-',
            Place::FrontMatter => 'f',
        };
        item::lines(text).map(sign).collect()
    }

    #[test]
    fn code_and_comments_are_told_from_text() {
        for (text, expected) in [
            ("a\n```rust\nb\n```\nc\n", "tccct"),
            ("````\n```\n````\na", "ccct"),
            ("- ```sh\n  b\n  ```\na", "ccct"),
            ("```one line```\na", "tt"),
            ("~~~\n```\n~~~\na", "ccct"),
            ("<!--\na\n-->\nb", "---t"),
            ("<!-- a -->\nb", "-t"),
            ("write `<!--` here\nb\n-->", "ttt"),
            ("```\n<!--\n```\na", "ccct"),
            ("<!--\n```\n-->\na", "---t"),
        ] {
            assert_eq!(places(text), expected, "{text:?}");
        }
    }

    #[test]
    fn front_matter_is_told_from_rules() {
        for (text, expected) in [
            ("---\ntitle: a\nchecks:\n  - [ ] b\n- c\n---\nd\n", "fffffft"),
            ("\u{feff}---\r\ntitle: a\r\n---\r\nd\r\n", "ffft"),
            ("---\n\n# Plan\n- [ ] 1. a\n---\n", "ttttt"),
            ("---\n- [ ] 1. a\n---\n", "ttt"),
            ("---\ntitle: a\n\n- [ ] 1. b\n", "tttt"),
            ("---\ntitle: a\nSome words\n---\n", "tttt"),
            ("a\n---\nb: c\n---\n", "tttt"),
        ] {
            assert_eq!(places(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_fence_around_the_whole_document_is_no_code() {
        for (text, expected) in [
            ("```markdown\n# a\n- [ ] b\n```\n", "-tt-"),
            ("Here it is:\n\n```md\n# a\n```json\n{}\n```\nb\n```\n\nEnjoy!\n", "tt-tccct-tt"),
            ("# Plan\n```\n- [ ] b\n```\n", "t-t-"),
            ("# Plan\n- [ ] 1. a\n```\n- [ ] b\n```\n", "ttccc"),
            ("```markdown\n# a\n```\n- [ ] 1. b\n", "ccct"),
            ("```sh\n# a\n```\n", "ccc"),
            ("a\n```[tasklist]\n### b\n- [ ] c\n```\nd\n", "t-tt-t"),
        ] {
            assert_eq!(places(text), expected, "{text:?}");
        }
    }

    #[test]
    fn what_has_no_end_hides_nothing() {
        assert_eq!(places("```\na\nb"), "ttt");
        assert_eq!(places("<!--\na\nb"), "ttt");
        assert_eq!(places("```\na\n```\n```\nb"), "ccctt");
        let many = "```a\n".repeat(20_000);
        assert_eq!(places(&many), "t".repeat(20_000));
    }
}
