//! The marks of boxes: what they mean, and which sign a text has for each.

/// Where the status block begins.
pub(crate) const BEGIN: &str = "<!-- spectask:status -->";

/// Where an item stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Marker {
    #[default]
    Pending,
    InProgress,
    Completed,
}

impl Marker {
    /// Reads what is between the brackets; `[-]` and `[~]` are being worked on.
    pub(crate) fn of(text: &str) -> Self {
        match text {
            "x" | "X" | "*" | "х" | "Х" | "✓" | "✔" | "√" | "✅" | "☑" | "☒" | "■" | "⬛" | "v" | "V"
            | "✔\u{fe0f}" | "✅\u{fe0f}" => Self::Completed,
            "~" | "-" | "/" | "◐" | "🚧" | "🔄" | "⏳" | "🔄\u{fe0f}" | "⏳\u{fe0f}" => {
                Self::InProgress
            }
            _ => Self::Pending,
        }
    }

    /// Returns whether a marker has a meaning here.
    pub(crate) fn is_known(text: &str) -> bool {
        Self::of(text) != Self::Pending
            || matches!(text.trim(), "" | "☐" | "□" | "▢" | "◻" | "🔲" | "⬜" | "⬜\u{fe0f}")
    }

    /// Returns the word clients know.
    pub fn status(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
        }
    }

    pub(crate) fn sign(self, signs: Signs) -> &'static str {
        match (self, signs) {
            (Self::Pending, Signs::Glyph) => "☐",
            (Self::Completed, Signs::Glyph) => "☑",
            (Self::InProgress, Signs::Glyph) => "◐",
            (Self::Pending, Signs::Keyword) => "TODO",
            (Self::InProgress, Signs::Keyword) => "DOING",
            (Self::Completed, Signs::Keyword) => "DONE",
            // A box of HTML is checked or not.
            (Self::Pending | Self::InProgress, Signs::Html) => "",
            (Self::Completed, Signs::Html) => " checked",
            (Self::Pending, _) => " ",
            (Self::InProgress, Signs::Tilde) => "~",
            (Self::InProgress, Signs::Dash) => "-",
            (Self::InProgress, Signs::Slash) => "/",
            (Self::Completed, _) => "x",
        }
    }
}

/// Which sign a text has for what is being worked on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Signs {
    /// `[~]`, as here.
    #[default]
    Tilde,
    /// `[-]`, as in Kiro and spec-workflow, where `[~]` is queued or blocked.
    Dash,
    /// `[/]`, as in note-taking tools.
    Slash,
    /// Ballot boxes: `☐`, `◐`, `☑`.
    Glyph,
    /// `<input type="checkbox" checked>`.
    Html,
    /// `TODO`, `DOING`, `DONE`, as in Org mode.
    Keyword,
}

impl Signs {
    /// Finds out from a text and the markers in it.
    pub(crate) fn of<'t>(text: &str, markers: impl Iterator<Item = &'t str>) -> Self {
        if text.contains(BEGIN) {
            return Self::Tilde;
        }
        let used: Vec<&str> = markers.filter(|marker| matches!(*marker, "-" | "/" | "~")).collect();
        if is_spec_workflow(text) || used.contains(&"-") {
            Self::Dash
        } else if used.contains(&"/") && !used.contains(&"~") {
            Self::Slash
        } else {
            Self::Tilde
        }
    }

    /// Returns whether the marker stands in brackets.
    pub(crate) fn is_bracketed(self) -> bool {
        !matches!(self, Self::Glyph | Self::Html | Self::Keyword)
    }

    /// Returns whether a marker says that something waits, unlike what it says elsewhere.
    pub(crate) fn waits(self, marker: &str) -> bool {
        self == Self::Dash && marker == "~"
    }
}

/// Returns whether a text is written by spec-workflow.
pub(crate) fn is_spec_workflow(text: &str) -> bool {
    text.contains("_Leverage:") || text.contains("_Prompt:")
}
