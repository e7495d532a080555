//! Notifications of the terminal: the bell, and the escape sequence by which many terminals show a desktop notification.
//!
//! They work over SSH too, where a notification service of the desktop is out of reach, and need no further library.

use crate::output::short;
use std::io::{IsTerminal as _, Write as _};

/// The longest text of a notification, in characters.
const MAX_TEXT: usize = 120;

/// Shows a notification where stderr is a terminal.
pub(crate) fn notify(text: &str) {
    let mut terminal = std::io::stderr();
    if terminal.is_terminal() {
        // A terminal that is gone shows nothing.
        let _ = terminal.write_all(sequence(text).as_bytes());
        let _ = terminal.flush();
    }
}

/// Returns the bell and OSC 9. The text comes from agents, so it holds no control characters.
fn sequence(text: &str) -> String {
    format!("\u{7}\u{1b}]9;{}\u{1b}\\", short(text, MAX_TEXT))
}

#[cfg(test)]
mod tests {
    use super::sequence;

    #[test]
    fn a_text_of_an_agent_ends_no_sequence() {
        let shown = sequence("Allow a command: \u{1b}\\\u{7}ls\nrm");
        let inner = shown.strip_prefix("\u{7}\u{1b}]9;").and_then(|rest| rest.strip_suffix("\u{1b}\\"));
        assert!(inner.is_some_and(|inner| !inner.contains(char::is_control)), "{shown:?}");
    }
}
