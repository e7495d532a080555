//! Words of text and code: `parse_plan`, `parsePlan` and `parse/plan` all have the words `parse` and `plan`.

/// Longer words are cut: hashes and encoded bytes are found by their beginning.
const LONGEST: usize = 64;

/// A word in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    /// In lower case.
    pub(crate) text: String,
    /// Where it stands, in bytes.
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// Its place among the words, from 0.
    pub(crate) place: usize,
    /// Whether it is a name made of several words, such as `GitHub`; it has the place of the first of them.
    pub(crate) is_compound: bool,
}

/// Returns the words of a text, in their order.
pub(crate) fn words(text: &str) -> Vec<Word> {
    let mut found = Vec::new();
    let mut place = 0;
    let mut run: Option<usize> = None;
    for (at, c) in text.char_indices() {
        if c.is_alphanumeric() && !is_single_char_token(c) {
            run.get_or_insert(at);
            continue;
        }
        if let Some(start) = run.take() {
            take_run(text, start, at, &mut place, &mut found);
        }
        if is_single_char_token(c) {
            push(text, at, at + c.len_utf8(), place, false, &mut found);
            place += 1;
        }
    }
    if let Some(start) = run {
        take_run(text, start, text.len(), &mut place, &mut found);
    }
    found
}

/// Returns whether a character is a word of its own: scripts that put no spaces between words.
fn is_single_char_token(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3134f}')
}

/// Letters and digits without anything between them: one word, or several in camel case.
fn take_run(text: &str, start: usize, end: usize, place: &mut usize, found: &mut Vec<Word>) {
    let run = &text[start..end];
    let cuts = if run.len() > LONGEST { Vec::new() } else { split_camel_case(run) };
    if !cuts.is_empty() {
        push(text, start, end, *place, true, found);
    }
    let mut from = start;
    for cut in cuts.into_iter().map(|cut| start + cut).chain([end]) {
        push(text, from, cut, *place, false, found);
        *place += 1;
        from = cut;
    }
}

/// Returns where the further words of a camel-case name begin.
fn split_camel_case(run: &str) -> Vec<usize> {
    let letters: Vec<(usize, char)> = run.char_indices().collect();
    let mut cuts = Vec::new();
    for at in 1..letters.len() {
        let (before, (offset, this)) = (letters[at - 1].1, letters[at]);
        let begins_word = letters.get(at + 1).is_some_and(|(_, next)| next.is_lowercase());
        if this.is_uppercase() && (!before.is_uppercase() || begins_word) {
            cuts.push(offset);
        }
    }
    cuts
}

fn push(text: &str, start: usize, end: usize, place: usize, is_compound: bool, found: &mut Vec<Word>) {
    let word = text[start..end].chars().flat_map(char::to_lowercase).take(LONGEST).collect();
    found.push(Word { text: word, start, end, place, is_compound });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> Vec<String> {
        words(text).into_iter().filter(|word| !word.is_compound).map(|word| word.text).collect()
    }

    fn compounds(text: &str) -> Vec<(String, usize)> {
        let found = words(text).into_iter().filter(|word| word.is_compound);
        found.map(|word| (word.text, word.place)).collect()
    }

    #[test]
    fn code_is_split_at_the_words_of_its_names() {
        for text in
            ["parse_plan_items", "parsePlanItems", "parse/plan/items", "PARSE-PLAN.items", "ParsePlan::items"]
        {
            assert_eq!(plain(text), ["parse", "plan", "items"], "{text}");
        }
        assert_eq!(plain("HTTPServer2 sha256 v1.2"), ["http", "server2", "sha256", "v1", "2"]);
        assert_eq!(
            compounds("see GitHub, parsePlan"),
            [("github".to_owned(), 1), ("parseplan".to_owned(), 3)]
        );
        assert_eq!(plain("naïve ÉTÉ 东京 tower"), ["naïve", "été", "东", "京", "tower"]);
        assert_eq!(plain(" ., \u{0}"), [""; 0]);
    }

    #[test]
    fn encoded_bytes_are_one_short_word() {
        let found = words(&"aB3".repeat(500));
        assert_eq!((found.len(), found[0].text.len()), (1, LONGEST));
    }
}
