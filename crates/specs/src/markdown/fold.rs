//! Full-width forms, digits of other scripts and invisible marks as the ASCII characters that they stand for.

use std::borrow::Cow;

/// A text beside its folded form, in which every character stands at the place of the one it was made from.
#[derive(Clone, Debug)]
pub(crate) struct Folded<'t> {
    original: &'t str,
    folded: Cow<'t, str>,
}

impl<'t> Folded<'t> {
    pub(crate) fn new(original: &'t str) -> Self {
        let folded = if original.is_ascii() {
            Cow::Borrowed(original)
        } else {
            Cow::Owned(original.chars().map(fold_char).collect())
        };
        Self { original, folded }
    }

    pub(crate) fn text(&self) -> &str {
        &self.folded
    }

    /// Returns the place in the original of a place in the folded text.
    pub(crate) fn offset(&self, at: usize) -> usize {
        if matches!(self.folded, Cow::Borrowed(_)) {
            return at;
        }
        let count = self.folded[..at].chars().count();
        self.original.char_indices().nth(count).map_or(self.original.len(), |(at, _)| at)
    }

    /// Returns what stands in the original from a place in the folded text.
    pub(crate) fn original_from(&self, at: usize) -> &'t str {
        &self.original[self.offset(at)..]
    }
}

/// Folds a text of which only the content counts.
pub(crate) fn fold(text: &str) -> String {
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
        '\u{a66}'..='\u{a6f}' => digit(0xa66),
        '\u{ae6}'..='\u{aef}' => digit(0xae6),
        '\u{b66}'..='\u{b6f}' => digit(0xb66),
        '\u{be6}'..='\u{bef}' => digit(0xbe6),
        '\u{c66}'..='\u{c6f}' => digit(0xc66),
        '\u{ce6}'..='\u{cef}' => digit(0xce6),
        '\u{d66}'..='\u{d6f}' => digit(0xd66),
        '\u{ed0}'..='\u{ed9}' => digit(0xed0),
        '\u{f20}'..='\u{f29}' => digit(0xf20),
        '\u{1040}'..='\u{1049}' => digit(0x1040),
        '\u{17e0}'..='\u{17e9}' => digit(0x17e0),
        '।' | '။' | '។' => '.',
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
