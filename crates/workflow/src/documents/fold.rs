//! Full-width forms, digits of other scripts and invisible marks as the ASCII characters that they stand for.

use std::borrow::Cow;

/// A text beside its folded form, in which every character stands at the place of the one it was made from.
#[derive(Clone, Debug)]
pub(super) struct Folded<'t> {
    original: &'t str,
    folded: Cow<'t, str>,
}

impl<'t> Folded<'t> {
    pub(super) fn new(original: &'t str) -> Self {
        let folded = if original.is_ascii() {
            Cow::Borrowed(original)
        } else {
            Cow::Owned(original.chars().map(fold_char).collect())
        };
        Self { original, folded }
    }

    pub(super) fn text(&self) -> &str {
        &self.folded
    }

    /// Returns the place in the original of a place in the folded text.
    pub(super) fn offset(&self, at: usize) -> usize {
        if matches!(self.folded, Cow::Borrowed(_)) {
            return at;
        }
        let count = self.folded[..at].chars().count();
        self.original.char_indices().nth(count).map_or(self.original.len(), |(at, _)| at)
    }

    /// Returns what stands in the original from a place in the folded text.
    pub(super) fn original_from(&self, at: usize) -> &'t str {
        &self.original[self.offset(at)..]
    }
}

/// Folds a text of which only the content counts.
pub(super) fn fold(text: &str) -> String {
    text.chars().map(fold_char).collect()
}

fn fold_char(c: char) -> char {
    let digit = |zero: u32| char::from_digit(u32::from(c) - zero, 10).unwrap_or(c);
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        '\u{660}'..='\u{669}' => digit(0x660),
        '\u{6f0}'..='\u{6f9}' => digit(0x6f0),
        '\u{966}'..='\u{96f}' => digit(0x966),
        '\u{9e6}'..='\u{9ef}' => digit(0x9e6),
        '\u{e50}'..='\u{e59}' => digit(0xe50),
        '\u{2460}'..='\u{2468}' => digit(0x245f),
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        '【' | '〔' => '[',
        '】' | '〕' => ']',
        '\u{301c}' | '\u{223c}' => '~',
        '،' | '、' => ',',
        '؛' => ';',
        // Spaces of every width, a byte order mark and marks of direction.
        '\u{a0}'
        | '\u{2000}'..='\u{200f}'
        | '\u{202a}'..='\u{202f}'
        | '\u{205f}'..='\u{2069}'
        | '\u{3000}'
        | '\u{feff}' => ' ',
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_in_the_folded_text_lead_back_to_the_original() {
        let text = "［　］１．１　標題";
        let folded = Folded::new(text);
        assert_eq!(folded.text(), "[ ]1.1 標題");
        assert_eq!(folded.original_from("[ ]1.1 ".len()), "標題");
        assert_eq!(folded.offset(1), "［".len());
        assert_eq!(fold("٣–५（Ｐ）"), "3-5(P)");
        assert_eq!(Folded::new("a b").original_from(2), "b");
    }
}
