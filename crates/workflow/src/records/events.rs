//! The task's own events, one line of JSON each: what its state is folded from.

use super::Unreadable;
use crate::{Event, Millis, Task};
use serde::{Deserialize, Serialize};

/// An event in its place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    pub seq: u64,
    pub at: Millis,
    /// The task's version after the step that the event is part of.
    pub version: u64,
    pub event: Event,
}

/// Lines to be added to the file.
pub fn render(lines: &[Line]) -> String {
    // Events are plain data types, whose serialization cannot fail.
    lines.iter().map(|line| serde_json::to_string(line).unwrap_or_default() + "\n").collect()
}

/// Returns the lines of a file; they are numbered without gaps, from 1.
pub fn parse(text: &str) -> Result<Vec<Line>, Unreadable> {
    match parse_prefix(text) {
        (lines, None) => Ok(lines),
        (_, Some(error)) => Err(error),
    }
}

/// Returns the lines of a file up to the first that cannot be read, and what is wrong with that one.
pub fn parse_prefix(text: &str) -> (Vec<Line>, Option<Unreadable>) {
    let mut lines: Vec<Line> = Vec::new();
    for (at, json) in text.lines().enumerate() {
        let wrong = |reason: String| Some(Unreadable { line: at + 1, reason });
        let line: Line = match serde_json::from_str(json) {
            Ok(line) => line,
            Err(error) => return (lines, wrong(error.to_string())),
        };
        let next = lines.last().map_or(1, |last| last.seq + 1);
        if line.seq != next {
            return (lines, wrong(format!("the event has number {}, and {next} comes next", line.seq)));
        }
        lines.push(line);
    }
    (lines, None)
}

/// Returns the number of the last event in a file; 0 when it has none.
pub fn last_seq(text: &str) -> Result<u64, Unreadable> {
    let Some(json) = text.lines().next_back() else { return Ok(0) };
    let line: Line = serde_json::from_str(json)
        .map_err(|error| Unreadable { line: text.lines().count(), reason: error.to_string() })?;
    Ok(line.seq)
}

/// Returns the task as its events leave it; `None` when they do not begin with its creation.
pub fn fold(lines: &[Line]) -> Option<Task> {
    let first = lines.first()?;
    let Event::TaskCreated { task: new } = &first.event else { return None };
    let mut task = Task::created(new, first.at);
    for line in lines {
        task.apply(&line.event, line.at);
        task.version = line.version;
        task.updated_at = line.at;
    }
    Some(task)
}
