//! The checkboxes of progress.md.

use super::step::Mark;

/// Changes exactly one item's marker, or also those below it; `None` when there is no such item.
pub(super) fn mark(text: &str, number: &str, mark: Mark, with_children: bool) -> Option<String> {
    let marker = match mark {
        Mark::Open => ' ',
        Mark::Doing => '~',
        Mark::Done => 'x',
    };
    let below = format!("{number}.");
    let mut is_found = false;
    let mut marked = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        match item(line) {
            Some((at, found)) if found == number || (with_children && found.starts_with(&below)) => {
                is_found = true;
                marked.push_str(&line[..at]);
                marked.push(marker);
                marked.push_str(&line[at + 1..]);
            }
            Some(_) | None => marked.push_str(line),
        }
    }
    is_found.then_some(marked)
}

/// Returns where a line's marker is and the number of its item, as in `- [ ]* 2.1. Title`.
fn item(line: &str) -> Option<(usize, &str)> {
    let bullet = line.trim_start().strip_prefix(['-', '*', '+'])?.trim_start();
    let inside = bullet.strip_prefix('[')?;
    let at = line.len() - inside.len();
    let rest = inside.strip_prefix([' ', 'x', 'X', '~', '-'])?.strip_prefix(']')?;
    let rest = rest.trim_start_matches('\\').trim_start_matches('*').trim_start();
    let number = rest.split_whitespace().next()?.trim_end_matches(['.', ')', ':']);
    Some((at, number))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# P\r\n- [ ] 1. One\r\n- [x] 2. Two\n  - [ ]* 2.1 A\n  - [ ] 2.10 B\n* [-] T003 C";

    #[test]
    fn one_marker_changes_and_nothing_else() {
        let doing = mark(TEXT, "2.1", Mark::Doing, false).unwrap();
        assert_eq!(doing, TEXT.replace("[ ]* 2.1 ", "[~]* 2.1 "));
        assert_eq!(mark(&doing, "2.1", Mark::Open, false).unwrap(), TEXT);
        assert_eq!(mark(TEXT, "2", Mark::Open, false).unwrap(), TEXT.replace("[x]", "[ ]"));
        assert_eq!(mark(TEXT, "T003", Mark::Done, false).unwrap(), TEXT.replace("[-]", "[x]"));
        assert_eq!(mark(TEXT, "3", Mark::Done, false), None);
    }

    #[test]
    fn an_item_with_those_below_it() {
        let done = mark(TEXT, "2", Mark::Done, true).unwrap();
        assert_eq!(done, TEXT.replace("[ ]* 2.1 ", "[x]* 2.1 ").replace("[ ] 2.10", "[x] 2.10"));
    }
}
