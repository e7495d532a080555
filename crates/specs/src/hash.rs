//! The hash that an approval is bound to.

use crate::markdown::item;
use sha2::{Digest as _, Sha256};

/// Returns the hash of the three documents without checkbox state: ticking a box keeps it, editing a word does not.
pub fn content_hash(requirements: &str, design: &str, tasks: &str) -> String {
    let mut hash = Sha256::new();
    for text in [requirements, design, tasks] {
        let text = normal(text);
        hash.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(text);
    }
    hex::encode(hash.finalize())
}

/// Returns a document with every box open, Unix line ends, and one end of file.
fn normal(text: &str) -> String {
    let mut open = text.to_owned();
    // From the end, so that earlier places stay where they are.
    for item in item::items(text).into_iter().rev() {
        open.replace_range(item.marker_span, " ");
    }
    let mut normal = open.replace("\r\n", "\n");
    normal.truncate(normal.trim_end().len());
    normal
}

#[cfg(test)]
mod tests {
    use super::content_hash;

    #[test]
    fn ticks_and_line_ends_do_not_count_and_words_do() {
        let hash = content_hash("r\n", "d", "- [ ] 1. a\n- [ ]* 2. b\n");
        assert_eq!(hash, content_hash("r\r\n", "d\n", "- [x] 1. a\n- [~]* 2. b"));
        assert_ne!(hash, content_hash("r\n", "d", "- [ ] 1. a\n- [ ]* 2. c\n"));
        let odd = content_hash("", "", "- [ x ] 1. a\n- [X ] 2. b\n");
        assert_eq!(
            odd,
            content_hash("", "", "- [   ] 1. a\n- [  ] 2. b\n"),
            "as marking them open leaves them"
        );
        assert_ne!(content_hash("a", "b", "c"), content_hash("ab", "", "c"));
    }
}
