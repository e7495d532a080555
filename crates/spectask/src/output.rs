//! How things look in a terminal.

use crate::cli::{Cli, Command, LogFormat};
use crate::config;
use crate::telemetry::Telemetry;
use engine::visible::{visible, visible_json};
use serde_json::Value;
use std::io::{IsTerminal as _, Write as _};
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

/// How many lines of the log wait for a slow reader; further ones are left out.
const WAITING_LINES: usize = 8 * 1024;

/// The log, and the export of traces and metrics. Dropping it sends and writes what waits.
pub(crate) struct Log {
    // Dropped first, since it may have something to log.
    _telemetry: Option<Telemetry>,
    _lines: WorkerGuard,
}

/// Starts the log on stderr: information for servers, warnings for everything else. A reader that stalls does not block the
/// program. The spans and metrics of servers are exported where an endpoint is configured.
pub(crate) fn start_log(cli: &Cli) -> Log {
    let serves = matches!(cli.command, Some(Command::Serve(_) | Command::Demo(_)));
    let usual = if serves { "info" } else { "warn" };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(usual));
    let (lines, guard) = NonBlockingBuilder::default()
        .buffered_lines_limit(WAITING_LINES)
        .thread_name("log")
        .finish(std::io::stderr());
    let log = tracing_subscriber::fmt::layer().with_writer(lines);
    let log = match cli.log_format {
        LogFormat::Text => log.with_ansi(std::io::stderr().is_terminal()).boxed(),
        LogFormat::Json => log.json().boxed(),
    };
    let endpoint = if serves { config::otlp_endpoint(cli) } else { None };
    let (telemetry, error) = match endpoint.map(|endpoint| Telemetry::new(&endpoint)).transpose() {
        Ok(Some((telemetry, recorder))) => {
            engine::metrics::export_to(recorder);
            (Some(telemetry), None)
        }
        Ok(None) => (None, None),
        Err(error) => (None, Some(error)),
    };
    let traces = telemetry.as_ref().map(Telemetry::layer);
    tracing_subscriber::registry().with(log.with_filter(filter)).with(traces).init();
    if let Some(error) = error {
        tracing::warn!(%error, "traces and metrics are not exported; check telemetry.otlp_endpoint");
    }
    Log { _telemetry: telemetry, _lines: guard }
}

/// Prints a line on stderr. A closed pipe or a full disk there is ignored.
pub(crate) fn tell(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Prints JSON for programs.
pub(crate) fn json(value: &Value) {
    println!("{}", visible_json(&format!("{value:#}")));
}

/// Prints rows as columns, as wide as they need.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) {
    let mut widths: Vec<usize> = head.iter().map(|cell| cell.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let has_color = has_color();
    let line = |cells: &[String], is_head: bool| {
        let padded: Vec<String> = cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| {
                let room = " ".repeat(width - cell.chars().count());
                let color = if is_head { Some(BOLD) } else { color_of(cell) };
                match color {
                    Some(color) if has_color => format!("{color}{cell}{RESET}{room}"),
                    _ => format!("{cell}{room}"),
                }
            })
            .collect();
        println!("{}", padded.join("  ").trim_end());
    };
    line(&head.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>(), true);
    for row in rows {
        line(row, false);
    }
}

const BOLD: &str = "\u{1b}[1m";
const RESET: &str = "\u{1b}[0m";

/// Whether the terminal shows colors and `NO_COLOR` is not set.
pub(crate) fn has_color() -> bool {
    let is_wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    is_wanted
        && (std::io::stdout().is_terminal() || crate::pager::is_running())
        && std::env::var_os("TERM").is_some_and(|term| term != "dumb")
}

/// A color of text.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Color {
    Red,
    Green,
    Yellow,
}

/// Returns a text in bold and a color, where the terminal shows these.
pub(crate) fn paint(text: &str, color: Color) -> String {
    if !has_color() {
        return text.to_owned();
    }
    let code = match color {
        Color::Red => 31,
        Color::Green => 32,
        Color::Yellow => 33,
    };
    format!("{BOLD}\u{1b}[{code}m{text}{RESET}")
}

/// Returns the color of a state: yellow waits for a person, blue is at work, green is done, red failed.
fn color_of(cell: &str) -> Option<&'static str> {
    match cell {
        "spec_review" | "implementation_review" | "waits for you" => Some("\u{1b}[33m"),
        "spec_generation" | "spec_revision" | "spec_approved" | "implementation" | "active" => {
            Some("\u{1b}[34m")
        }
        "done" | "completed" | "ready" => Some("\u{1b}[32m"),
        "spec_failed" | "implementation_failed" | "failed" => Some("\u{1b}[31m"),
        _ => None,
    }
}

/// Returns a text field of JSON; absent is empty.
pub(crate) fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value[field].as_str().unwrap_or_default()
}

/// Returns a text on one line, whose control and invisible characters are shown: names and messages come from agents.
pub(crate) fn plain(text: &str) -> String {
    visible(text).replace(['\n', '\t'], " ")
}

/// Returns a text of several lines, whose control and invisible characters are shown.
pub(crate) fn lines(text: &str) -> String {
    visible(text).into_owned()
}

/// Returns a text on one line, cut to a width.
pub(crate) fn short(text: &str, width: usize) -> String {
    let line = plain(text.lines().next().unwrap_or_default());
    if line.chars().count() <= width {
        return line;
    }
    let cut: String = line.chars().take(width.saturating_sub(1)).collect();
    format!("{cut}…")
}

/// Returns a number of bytes with its unit.
pub(crate) fn size(bytes: u64) -> String {
    let units = [("GiB", 30), ("MiB", 20), ("KiB", 10)];
    let Some((unit, shift)) = units.into_iter().find(|(_, shift)| bytes >> shift > 0) else {
        return format!("{bytes} B");
    };
    let tenths = (u128::from(bytes) * 10) >> shift;
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        let shown = [0_u64, 1023, 1536, 5 << 20, u64::MAX].map(size);
        assert_eq!(shown, ["0 B", "1023 B", "1.5 KiB", "5.0 MiB", "17179869183.9 GiB"]);
    }

    #[test]
    fn texts_of_strangers_do_not_move_the_cursor() {
        assert_eq!(short("a\u{1b}[2Jb\nc", 10), "a␛[2Jb");
        assert_eq!(short("abcdef", 4), "abc…");
    }
}
