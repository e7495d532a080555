//! Marks of Markdown, which mean nothing in a few words of a document.

use std::ops::Range;

/// Returns where a text has marks of Markdown, in order and without overlaps: of headings, lists, boxes, quotes, tables,
/// emphasis, links, code and comments. What stands in code keeps its characters.
pub(super) fn marks(text: &str) -> Vec<Range<usize>> {
    let mut marks = Marks::default();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        marks.line(line, start);
        start += line.len();
    }
    marks.found
}

#[derive(Default)]
struct Marks {
    found: Vec<Range<usize>>,
    /// The characters that end the block of code under way.
    fence: Option<String>,
    is_comment: bool,
}

impl Marks {
    fn add(&mut self, from: usize, to: usize) {
        if from < to {
            self.found.push(from..to);
        }
    }

    /// Reads a line that begins at a place of the text.
    fn line(&mut self, line: &str, start: usize) {
        let content = line.trim_end();
        let indent = content.len() - content.trim_start().len();
        let rest = &content[indent..];
        let begin = start + indent;
        if let Some(fence) = &self.fence {
            if rest.starts_with(fence.as_str()) && rest.chars().all(|c| fence.starts_with(c)) {
                self.fence = None;
                self.add(begin, begin + rest.len());
            }
            return;
        }
        if let Some(fence) = ["```", "~~~"].into_iter().find(|fence| rest.starts_with(fence))
            && !rest.trim_start_matches(&fence[..1]).contains(&fence[..1])
        {
            self.fence = Some(fence.to_owned());
            self.add(begin, begin + rest.len());
            return;
        }
        if is_rule(rest) {
            self.add(begin, begin + rest.len());
            return;
        }
        let prefix = if self.is_comment { 0 } else { prefix(rest) };
        self.add(begin, begin + prefix);
        self.inline(&rest[prefix..], begin + prefix);
    }

    /// Reads the words of a line.
    fn inline(&mut self, words: &str, start: usize) {
        let is_row = words.starts_with('|') && words.ends_with('|');
        let mut at = 0;
        // Where the marks end that were opened in this line.
        let mut closing: Vec<Range<usize>> = Vec::new();
        while let Some(c) = words[at..].chars().next() {
            if let Some(close) = closing.iter().position(|close| close.start == at) {
                let close = closing.swap_remove(close);
                self.add(start + close.start, start + close.end);
                at = close.end;
                continue;
            }
            let rest = &words[at..];
            let length = match c {
                _ if self.is_comment => {
                    let end = rest.find("-->").map(|end| end + 3);
                    self.is_comment = end.is_none();
                    end.unwrap_or(rest.len())
                }
                '<' if rest.starts_with("<!--") => {
                    self.is_comment = true;
                    4
                }
                '`' => {
                    let ticks = rest.len() - rest.trim_start_matches('`').len();
                    let Some(end) = end_of_code(rest, ticks) else {
                        at += ticks;
                        continue;
                    };
                    self.add(start + at, start + at + ticks);
                    self.add(start + at + end, start + at + end + ticks);
                    at += end + ticks;
                    continue;
                }
                '!' | '[' => match link(rest) {
                    Some((open, close)) => {
                        closing.push(at + close.start..at + close.end);
                        open
                    }
                    None => 0,
                },
                '*' | '_' | '~' => match emphasis(words, at) {
                    Some((run, end)) => {
                        closing.push(end..end + run);
                        run
                    }
                    None => 0,
                },
                '\\' if rest[1..].starts_with(|next: char| next.is_ascii_punctuation()) => {
                    self.add(start + at, start + at + 1);
                    at += 2;
                    continue;
                }
                '|' if is_row => 1,
                _ => 0,
            };
            self.add(start + at, start + at + length);
            at += if length == 0 { c.len_utf8() } else { length };
        }
    }
}

/// Returns whether a line is a rule, or the line below a table's head.
fn is_rule(line: &str) -> bool {
    let is_head = line.contains("--") && line.chars().all(|c| matches!(c, '|' | '-' | ':' | ' '));
    let is_rule = |c: char| line.len() >= 3 && line.chars().all(|each| each == c);
    is_head || is_rule('*') || is_rule('_')
}

/// Returns the length of what stands before a line's words: marks of a heading, a quote, an item or its box.
fn prefix(line: &str) -> usize {
    let mut rest = line;
    while let Some(quoted) = rest.strip_prefix('>') {
        rest = quoted.trim_start();
    }
    let words = rest.trim_start_matches('#');
    if (1..=6).contains(&(rest.len() - words.len())) && words.starts_with(' ') {
        return line.len() - words.trim_start().len();
    }
    let item = ["- ", "* ", "+ "].into_iter().find_map(|bullet| rest.strip_prefix(bullet));
    let item = item.map(str::trim_start);
    let boxed = item.unwrap_or(rest);
    let state =
        boxed.strip_prefix('[').and_then(|inner| inner.get(1..)).and_then(|end| end.strip_prefix("] "));
    let is_box = state.is_some() && boxed[1..].starts_with([' ', 'x', 'X', '~', '-']);
    let words = state.filter(|_| is_box).map(str::trim_start).or(item).unwrap_or(rest);
    line.len() - words.len()
}

/// Returns where the marks are that end code which begins with so many.
fn end_of_code(text: &str, ticks: usize) -> Option<usize> {
    let mut at = ticks;
    while let Some(found) = text[at..].find('`') {
        let end = at + found;
        let run = text[end..].len() - text[end..].trim_start_matches('`').len();
        if run == ticks {
            return Some(end);
        }
        at = end + run;
    }
    None
}

/// Returns the length of the mark that opens a link or an image, and where what follows its words is.
fn link(text: &str) -> Option<(usize, Range<usize>)> {
    let open = if text.starts_with("![") { 2 } else { 1 };
    let words = text.get(open..).filter(|_| text[open - 1..].starts_with('['))?;
    let end = open + words.find(']')?;
    let target = text[end..].strip_prefix("](")?;
    let close = target.find(')')?;
    Some((open, end..end + 2 + close + 1))
}

/// Returns the length of a mark of emphasis at a place, and where the same mark ends it.
fn emphasis(line: &str, at: usize) -> Option<(usize, usize)> {
    let mark = line[at..].chars().next()?;
    let run = |from: usize| line[from..].len() - line[from..].trim_start_matches(mark).len();
    let length = run(at);
    let before = line[..at].chars().next_back();
    let is_open = before.is_none_or(|c| !c.is_alphanumeric() && c != mark)
        && line[at + length..].starts_with(|c: char| !c.is_whitespace());
    if !is_open || length > 3 || (mark == '~' && length != 2) {
        return None;
    }
    let mut from = at + length;
    while let Some(found) = line[from..].find(mark) {
        let end = from + found;
        let many = run(end);
        let after_word = line[..end].chars().next_back().is_some_and(|c| !c.is_whitespace());
        let before_word = line[end + many..].starts_with(char::is_alphanumeric);
        if many == length && after_word && !before_word {
            return Some((length, end));
        }
        from = end + many;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::marks;

    fn plain(text: &str) -> String {
        let mut plain = String::new();
        let mut at = 0;
        for mark in marks(text) {
            assert!(mark.start >= at, "{text:?}: {:?}", marks(text));
            plain.push_str(&text[at..mark.start]);
            at = mark.end;
        }
        plain + &text[at..]
    }

    #[test]
    fn marks_of_markdown_are_found() {
        for (text, words) in [
            ("#### Acceptance Criteria", "Acceptance Criteria"),
            ("- [ ] 1. **Part** of `src/a.js`", "1. Part of src/a.js"),
            ("  - [x] 1.1 Done\n  - _Requirements: 1.1_", "  1.1 Done\n  Requirements: 1.1"),
            ("see [the **guide**](https://x.test/a_b) and ~~this~~", "see the guide and this"),
            ("> > quoted\n* item\n+ [-] begun", "quoted\nitem\nbegun"),
            ("| one | two |\n|---|:--|\n| a_b | `c|d` |", " one  two \n\n a_b  c|d "),
            ("```rust\nlet a = *b; // **no**\n```\nafter", "\nlet a = *b; // **no**\n\nafter"),
            ("seen <!-- not\nhere --> again", "seen \n again"),
            ("a \\* b and ***both***", "a * b and both"),
            ("---", ""),
            ("C# and a_b * 2, issue #12, `` a`b ``", "C# and a_b * 2, issue #12,  a`b "),
            (
                "__init__ of snake_case and src/*.rs, [1] of arr[0]",
                "init of snake_case and src/*.rs, [1] of arr[0]",
            ),
            ("größer **als** ✓ _é_", "größer als ✓ é"),
            ("`open and *open and [open](", "`open and *open and [open]("),
        ] {
            assert_eq!(plain(text), words, "{text:?}");
        }
    }
}
