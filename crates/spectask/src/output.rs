//! How things look in a terminal.

use crate::cli::{Cli, Command, LogFormat};
use serde_json::Value;
use std::io::IsTerminal as _;
use tracing_subscriber::EnvFilter;

/// Starts the log on stderr: what happens for servers, warnings for everything else.
pub(crate) fn start_log(cli: &Cli) {
    let usual = if matches!(cli.command, Command::Serve(_) | Command::Demo(_)) { "info" } else { "warn" };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(usual));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match cli.log_format {
        LogFormat::Text => log.with_ansi(std::io::stderr().is_terminal()).init(),
        LogFormat::Json => log.json().init(),
    }
}

/// Prints JSON for programs.
pub(crate) fn json(value: &Value) {
    println!("{value:#}");
}

/// Prints rows as columns, as wide as they need.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) {
    let mut widths: Vec<usize> = head.iter().map(|cell| cell.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: &[String]| {
        let padded: Vec<String> = cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell}{}", " ".repeat(width - cell.chars().count())))
            .collect();
        println!("{}", padded.join("  ").trim_end());
    };
    line(&head.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>());
    for row in rows {
        line(row);
    }
}

/// A text field of JSON; absent is empty.
pub(crate) fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value[field].as_str().unwrap_or_default()
}

/// A text without what would move the cursor or change colours: names and messages come from agents.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A text of several lines without what would move the cursor or change colours.
pub(crate) fn lines(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && !matches!(c, '\n' | '\t') { ' ' } else { c }).collect()
}

/// A text on one line, cut to a width.
pub(crate) fn short(text: &str, width: usize) -> String {
    let line = plain(text.lines().next().unwrap_or_default());
    if line.chars().count() <= width {
        return line;
    }
    let cut: String = line.chars().take(width.saturating_sub(1)).collect();
    format!("{cut}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_strangers_do_not_move_the_cursor() {
        assert_eq!(short("a\u{1b}[2Jb\nc", 10), "a [2Jb");
        assert_eq!(short("abcdef", 4), "abc…");
    }
}
