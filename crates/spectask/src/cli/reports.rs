//! Search, reports and analytics.

use super::values::{BUCKETS, KINDS};
use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub(crate) struct Search {
    /// Words that must all be found; `"words in quotes"` follow each other, `begin*` finds longer words, `-word` must not be
    /// there (after `--`), `this OR that` finds either.
    #[arg(required = true)]
    pub(crate) words: Vec<String>,
    /// Only results of this kind.
    #[arg(long, value_parser = PossibleValuesParser::new(KINDS))]
    pub(crate) kind: Option<String>,
    /// Only in this project, by its id.
    #[arg(long, value_name = "ID")]
    pub(crate) project: Option<String>,
    /// Only in this task.
    #[arg(long)]
    pub(crate) task: Option<String>,
    /// In archived tasks as well.
    #[arg(long)]
    pub(crate) archived: bool,
    /// How many, 1 to 500.
    #[arg(long, default_value_t = 20)]
    pub(crate) limit: u32,
}

#[derive(Debug, Args)]
pub(crate) struct Report {
    /// The task's short id, its id, the end of its id, or words of its name that no other task has.
    pub(crate) task: String,
    /// The format (default: Markdown).
    #[arg(long, value_enum)]
    pub(crate) format: Option<ReportFormat>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// Markdown, for people.
    Md,
    Json,
    /// One table, for spreadsheets.
    Csv,
}

#[derive(Debug, Args)]
pub(crate) struct Analytics {
    /// The first day, such as 2026-11-01 (default: twelve weeks ago).
    #[arg(long, value_name = "DAY")]
    pub(crate) from: Option<String>,
    /// The last day (default: today).
    #[arg(long, value_name = "DAY")]
    pub(crate) to: Option<String>,
    /// Only of this project, by its id.
    #[arg(long, value_name = "ID")]
    pub(crate) project: Option<String>,
    /// The time span that figures are summed over.
    #[arg(long, default_value = "week", value_parser = PossibleValuesParser::new(BUCKETS))]
    pub(crate) bucket: String,
    /// Print one table with a figure in each row, for spreadsheets.
    #[arg(long, conflicts_with = "json")]
    pub(crate) csv: bool,
}
