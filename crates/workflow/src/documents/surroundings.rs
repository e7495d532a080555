//! What is around a line of Markdown: code, a comment, or neither.

use super::item::Line;

/// What a line belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Text,
    /// Inside a fence, or the fence itself.
    Code,
    Comment,
}

/// Follows fences and comments from line to line.
///
/// A fence or comment that nothing closes is taken for text: it would hide all that follows.
#[expect(clippy::struct_excessive_bools, reason = "each says where in a document the reader is")]
pub(super) struct Surroundings<'t> {
    text: &'t str,
    fence: Option<(char, usize)>,
    /// Whether the open fence has a language behind its signs.
    is_labelled: bool,
    /// Whether a fence with a language stood inside an open one: from there on fences open and close at the wrong places.
    is_misnested: bool,
    in_comment: bool,
    /// The length from which no fence of backticks, or of tildes, has an end in the rest of the text.
    endless: [usize; 2],
    endless_comment: bool,
}

impl<'t> Surroundings<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text,
            fence: None,
            is_labelled: false,
            is_misnested: false,
            in_comment: false,
            endless: [usize::MAX; 2],
            endless_comment: false,
        }
    }

    /// What the next line belongs to; lines are told in their order.
    pub(super) fn place(&mut self, line: Line<'t>) -> Place {
        if self.in_comment {
            self.in_comment = !line.text.contains("-->");
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

    /// Whether the fence around the last line is likely text between two fences of which one was not closed.
    pub(super) fn is_between_fences(&self) -> bool {
        self.is_misnested && !self.is_labelled
    }

    fn after(&self, line: Line<'t>) -> &'t str {
        &self.text[line.start + line.text.len()..]
    }

    fn has_end(&mut self, line: Line<'t>, sign: char, long: usize) -> bool {
        let known = &mut self.endless[usize::from(sign == '~')];
        if long >= *known {
            return false;
        }
        let found = self.text[line.start + line.text.len()..].lines().any(|line| closes(line, sign, long));
        if !found {
            *known = long;
        }
        found
    }
}

/// The sign and length of the fence that a line opens, also as the first thing of a list item.
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

/// Whether a fence has a language behind its signs.
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
        let mut surroundings = Surroundings::new(text);
        let sign = |line| match surroundings.place(line) {
            Place::Text => 't',
            Place::Code => 'c',
            Place::Comment => '-',
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
    fn what_has_no_end_hides_nothing() {
        assert_eq!(places("```\na\nb"), "ttt");
        assert_eq!(places("<!--\na\nb"), "ttt");
        assert_eq!(places("```\na\n```\n```\nb"), "ccctt");
        let many = "```a\n".repeat(20_000);
        assert_eq!(places(&many), "t".repeat(20_000));
    }
}
