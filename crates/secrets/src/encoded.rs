//! Runs of Base64 that are text: what is written in them is looked at too.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use std::ops::Range;

/// Shorter runs hold no secret worth the look.
const SHORTEST: usize = 24;
/// How much of a run is decoded to see whether it is text, in characters.
const TRIED: usize = 32;

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// Calls for every run of Base64, with where it is.
pub(crate) fn runs(text: &str, mut found: impl FnMut(Range<usize>)) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if !IS_BASE64[usize::from(bytes[at])] {
            at += 1;
            continue;
        }
        let start = at;
        while at < bytes.len() && IS_BASE64[usize::from(bytes[at])] {
            at += 1;
        }
        if (SHORTEST..=crate::MAX_MATCH_BYTES).contains(&(at - start)) {
            found(start..at);
        }
    }
}

/// Returns what a run of Base64 says, where that is text, and where it ends with its padding.
pub(crate) fn text_in(text: &str, run: &Range<usize>) -> Option<(String, usize)> {
    let plain = decode(&text[run.clone()])?;
    let padding = text.as_bytes()[run.end..].iter().take(2).take_while(|byte| **byte == b'=').count();
    Some((plain, run.end + padding))
}

fn decode(run: &str) -> Option<String> {
    let engine = if run.contains(['-', '_']) { &URL_SAFE } else { &STANDARD };
    let first = engine.decode(&run[..run.len().min(TRIED) / 4 * 4]).ok()?;
    if !first.iter().all(|byte| byte.is_ascii_graphic() || matches!(byte, b' ' | b'\n' | b'\t' | b'\r')) {
        return None;
    }
    String::from_utf8(engine.decode(run).ok()?).ok()
}

static IS_BASE64: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128_u8 {
        table[byte as usize] = byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_');
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_decoded_and_hashes_are_not() {
        let token = STANDARD.encode("token=abcdefghijklmnopqrstuvwxyz!");
        let text = format!("x {token} 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08");
        let mut found = Vec::new();
        runs(&text, |run| {
            found.extend(text_in(&text, &run).map(|(plain, end)| (text[run.start..end].to_owned(), plain)));
        });
        assert_eq!(found, [(token, "token=abcdefghijklmnopqrstuvwxyz!".to_owned())]);
    }
}
