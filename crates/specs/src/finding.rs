//! What a look at a document finds.

use std::fmt;

/// Which document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Document {
    Requirements,
    Design,
    Tasks,
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Error,
    Warning,
    Info,
}

/// Something a reviewer should know, with where it is and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub document: Document,
    /// From 1.
    pub line: usize,
    /// A stable word for the rule.
    pub rule: &'static str,
    pub severity: Severity,
    pub message: String,
    pub suggestion: Option<String>,
}

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Requirements => "requirements",
            Self::Design => "design",
            Self::Tasks => "tasks",
        })
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        })
    }
}

/// Returns a finding in a plan.
pub(crate) fn warning(line: usize, rule: &'static str, message: String, suggestion: &str) -> Finding {
    Finding {
        document: Document::Tasks,
        line,
        rule,
        severity: Severity::Warning,
        message,
        suggestion: Some(suggestion.to_owned()),
    }
}
